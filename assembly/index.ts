// The whole ABI of `core.wasm`, one line an export. Numbers in, numbers out; the module has no imports and owns its memory.
// Order of use: reserve each table, seal once, fill configuration rows, compile, then send, offer, read.
// See `layout` for the records and codes.

import { address6Count, address6Reset, address6Room, intern6 } from "./address6";
import { base, capacity, expect, extend, inherit, place, stretch, TABLE_ALIGN } from "./arena";
import { buildFibs } from "./compile/fib";
import { indexSpaceReset } from "./compile/indexspace";
import { spaceUsed } from "./compile/space";
import { fdbReset } from "./fdb";
import { fibLookup, sourceFor } from "./fib";
import { fib6Lookup } from "./fib6";
import { flowCount, flowsReset } from "./flow";
import { journeysReset } from "./journey";
import { megaflowHits, megaflows, megaflowsReset } from "./megaflow";
import { run } from "./forward";
import { neighboursReset } from "./neighbour";
import { conntrackDelete, conntrackFlush, conntrackInit } from "./netfilter/conntrack";
import { conntrackExpire } from "./netfilter/expiry";
import { indexSwitch } from "./netfilter/chainindex";
import { walk } from "./netfilter/iptables";
import { pathsReset } from "./netfilter/path";
import { recentFlush } from "./netfilter/recent";
import { Packet } from "./packet";
import { enqueue, nextDue, packetIn, queueReset, TO_DEVICE, TO_OUTPUT, wake } from "./queue";
import { cacheHits, cacheMisses, changed, changedAll, newEpoch, pathCache, settleAll, uncacheAll } from "./pathcache";
import { peersReset } from "./peer";
import { reseed } from "./random";
import { replayMode } from "./outcome";
import { flowsOverflow, offer, repliesUnanswerable, replayReset, tick } from "./replay";
import { closeSocket, openSocket } from "./socket";
import { eventCount, eventsLost, eventsReset, Silent, Traced } from "./trace";
import { strideOf } from "./stride";
import * as L from "./layout";

const ROWS: StaticArray<u32> = new StaticArray<u32>(L.TABLE_COUNT);

/** Version of this ABI and of the record layout. */
export function abi(): i32 {
	return L.ABI;
}
/** Rows that a table will hold; hash tables take a power of two. Before seal. */
export function reserve(table: i32, rows: u32): void {
	ROWS[table] = rows;
}
/** Lays the tables out. False: memory is at its maximum. */
export function seal(): bool {
	let bytes: u64 = <u64>ROWS[L.TABLE_CT] * <u64>L.CTWINDOW_STRIDE;
	for (let t = 0; t < L.TABLE_COUNT; t++) bytes += <u64>ROWS[t] * <u64>strideOf(t) + TABLE_ALIGN;
	if (!expect(bytes)) return false;
	for (let t = 0; t < L.TABLE_COUNT; t++) {
		if (place(t, ROWS[t], strideOf(t)) == 0) return false;
	}
	address6Reset();
	fdbReset();
	neighboursReset();
	peersReset();
	queueReset();
	eventsReset();
	flowsReset();
	journeysReset();
	megaflowsReset();
	replayReset();
	conntrackInit();
	indexSpaceReset();

	return true;
}
/** Byte address of a table. */
export function table(id: i32): usize {
	return base(id);
}
/** Rows that a table holds. */
export { capacity };
/** Makes a configuration table hold `rows` rows, more than it has; it may move. False: memory is at its maximum. */
export function grow(table: i32, rows: u32): bool {
	return extend(table, rows, strideOf(table));
}
/** Makes the memory so many bytes long; it never shrinks. False: it is at its maximum. */
export { stretch };
/** What lies behind the tables that are laid out is not zero: it was another recording's. */
export { inherit };
/** Writes what the engine keeps outside of its memory to `at`; its bytes. The body is made by `scripts/globals.mjs`: without that, 0. */
export function saveGlobals(at: usize): u32 {
	return at == 0 ? <u32>at : 0;
}
/** Takes it from there, in an engine whose memory is a copy of the one that wrote it. Its body is made there, too. */
export function loadGlobals(at: usize): void {
	assert(at);
}
/** Which of its memory is not zero before the first packet; what is written over is zero again. */
export { nextKept, scrub } from "./origin";
/** Starts the random sequence of this run. */
export function seed(value: u64): void {
	reseed(value);
}
/** Builds the FIBs of the first `netnsCount` netns. False: a table is too small, or memory is at its maximum. */
export function compile(netnsCount: i32): bool {
	if (!buildFibs(netnsCount)) return false;
	changedAll();
	return true;
}
/** Of one netns of the first so many: its FIBs built anew, or given up. False as of `compile`. */
export { dropFibs, rebuildFibs } from "./compile/fib";
/** Indexes a set whose entries have changed. */
export { compileSet } from "./compile/sets";
/** Begins a generation of the network; its number. */
export { nextGenid } from "./genid";
/** What goes with a netns, a device or an address; room for what is learned of devices that came. */
export { addressGone, deviceGone, netnsGone, roomToLearn } from "./gone";
/** A chain has new rules: its index, and where jumps lead. */
export { compileChain, dropIndex } from "./compile/chains";
/** Rule rows that are copied, led elsewhere, or no more. */
export { copyRules, redirectJump, unlinkJumps } from "./compile/jumps";
/** Whether walks use the indexes of chains; nothing but speed depends on it. */
export { indexSwitch };

/** The number of an IPv6 address, given as its first and last 64 bits, as every u32 address field takes it; -1: full. */
export { intern6 };
/** Numbers given out so far, 0 (`::`) among them. */
export { address6Count };
/** Makes room for so many, a power of two. False: memory is at its maximum. */
export { address6Room };

/** Opens a socket (rport 0: a listener) of a family, 4, 6 or 0 for both; its row, or -1: full. */
export function listen(netns: i32, proto: i32, laddr: u32, lport: i32, raddr: u32, rport: i32, family: i32): i32 {
	return openSocket(netns, <u8>proto, laddr, <u16>lport, raddr, <u16>rport, <u8>family);
}
/** Sockets that are open. */
export { socketCount } from "./socket";
/** Makes room for so many sockets, a power of two: they get other rows. False: memory is at its maximum. */
export { socketRoom } from "./socket";
/** Closes a socket. */
export function close(socket: i32): void {
	closeSocket(socket);
}
/** What the FIB of a netns says of `dst`: a row of TABLE_ROUTE; -1: no route; -2 - n: local, row n of TABLE_ADDRESS; ROUTE_BROADCAST. */
export function route(netns: i32, dst: u32): i32 {
	return fibLookup(netns, dst);
}
/** As route, for an IPv6 address given as its first and last 64 bits; ROUTE_BROADCAST stands for an anycast address. */
export { fib6Lookup as route6 };
/** Bytes that the compiled FIBs take. */
export { spaceUsed as fibBytes };
/** The source address that a socket of a netns gets towards `dst`, of its family; 0: no route. */
export function source(netns: i32, dst: u32): u32 {
	return sourceFor(netns, dst);
}

/** Sends row `index` of TABLE_PACKETIN from its netns and carries it, and all that it causes, to the end, recording events. False: no slot free. */
export function send(index: i32): bool {
	const p = packetIn(index);
	if (p === null) return false;
	enqueue(p, TO_OUTPUT, -1);
	run<Traced>();
	return true;
}
/** As send, but the packet comes in by a device as a frame for it. */
export function receive(index: i32, device: i32): bool {
	const p = packetIn(index);
	if (p === null) return false;
	p.dmac = device;
	enqueue(p, TO_DEVICE, device);
	run<Traced>();
	return true;
}
/** Earliest time (ns) at which something waits to happen; i64.MAX: nothing. */
export function due(): i64 {
	return nextDue();
}
/** Moves the clock of traced packets to `now` (ns): what waited happens, entries run out. */
export function advance(now: i64): void {
	while (nextDue() <= now) {
		wake(nextDue());
		run<Traced>();
	}
	conntrackExpire(now);
}
/** Events in TABLE_EVENT since the last eventsReset. */
export { eventCount, eventsLost, eventsReset };

/** Offers the first `count` rows of TABLE_BATCH to a replay; returns how many were carried. */
export { offer, replayMode, tick, flowCount, flowsReset, replayReset, repliesUnanswerable, flowsOverflow };
/** The path cache: on or off; packets repeated and carried; a netns was configured anew; all that is owed to the tables is paid. */
export { pathCache, cacheHits, cacheMisses, changed, newEpoch, settleAll };
/** Connections opened by what another one did, since the engine started. */
export { openings } from "./opening";
/** Packets behind the first of a connection that followed what another connection's did. */
export { sequels } from "./sequel";
/** Megaflows: on or off; stacks that packets passed by one. */
export { megaflows, megaflowHits };
/** Packets that passed all stacks from sender to receiver by one row. */
export { passages } from "./passing";
/** Empties a list of `recent`, a row of TABLE_STATE. */
export { recentFlush };
/** Forgets all that rules have counted; nothing is repeated until it was carried again. */
export function countersReset(): void {
	settleAll();
	uncacheAll();
	changedAll();
	journeysReset();
	megaflowsReset();
	pathsReset();
}
/** Forgets every conntrack entry of a netns. */
export { conntrackFlush, conntrackDelete };
/** Removes every expired entry: the counts of each netns (NETNS_CT_COUNT) are exact at `now`. */
export { conntrackSweep } from "./netfilter/expiry";
/** Makes room for so many entries, with so many slots of tuples and heads of sources. False: memory is at its maximum. */
export { conntrackRoom } from "./netfilter/room";
/** Makes a row of TABLE_CT whole (deadline, counters) before the host reads it. */
export { conntrackSettle } from "./netfilter/conntrack";
/** The silent twin of send, for benchmarks of single packets. */
export function sendSilent(index: i32): bool {
	const p = packetIn(index);
	if (p === null) return false;
	enqueue(p, TO_OUTPUT, -1);
	run<Silent>();
	return true;
}

/** Walks the rules of (hook, table) with row `index` of TABLE_PACKETIN, in place; an NF_ verdict. For tests of rules alone. */
export function judge(index: i32, hook: i32, table: i32): i32 {
	const p = changetype<Packet>(base(L.TABLE_PACKETIN) + <usize>(index * L.PACKET_STRIDE));
	return walk<Traced>(p, hook, table);
}

/** A capture file, opened, fed and read. */
export { captureOpen, captureRoom, captureFilled, captureRead, captureInterface, captureEnd } from "./capture/index";
/** Columns of rows: made, emptied, copied, in time order. */
export { addColumns, emptyColumns, copyRows, firstAfter, isSorted } from "./capture/columns";
/** Two batches of columns as one in time order. */
export { sortRows } from "./capture/order";
/** IPv6 addresses of a recording by their numbers. */
export { addressLimit, addressCount, addressRows, internWords, internFailed, isOfLink } from "./capture/addresses";
/** Who owns what in a recording, as far as the host has said. */
export { setInterface, setNetns, hasOffered } from "./capture/owners";
/** Rows told apart: what is offered again, what is an answer, what is a copy. */
export { offersReset, classify, ownerAsked, ownerAskedFamily, answerOwner, offersCounted } from "./capture/offer";
/** What a first reading finds out. */
export { surveyRows, surveyPackets, answererRows, answererTotal, hasAnswered6 } from "./capture/survey";
/** Flows with recorded replies: found by a first reading, told to a second. */
export { repliedRows, repliedSize, repliedRoom } from "./capture/survey";
/** What owners and IPv6 addresses are called in the engine that carries. */
export { setOwnerRow, addAddressNumber } from "./capture/batch";
/** Rows as drafts of batch records, and room for those; in room that stays, and how many were the last time. */
export { draftRows, draftRoom, keepRows, keptRows } from "./capture/draft";
/** Batch records made of rows, or of drafts. */
export { batchReset, fillBatch, fillDrafts } from "./capture/batch";
/** The records, how many, and how many are recorded echo replies; they have been copied. */
export { batchRecords, batchCount, batchEchoReplies, batchTaken } from "./capture/batch";
/** Packets by what became of them on the way into a batch. */
export { batchPackets, batchIpv6, batchUnowned } from "./capture/batch";
