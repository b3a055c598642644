// Packets handed over together: their lines are found, then what carrying them will read is touched, a kind of row at a time,
// and only then are they worked on one by one. Each of these loops has loads that do not depend on one another, so that the
// CPU waits for many cache misses at once; Wasm has no prefetch. Nothing here decides anything.

import { row } from "./arena";
import { crossedEntry, flow, flowOf } from "./flow";
import { ASK, find, isPlain, Lane, LANE_STRIDE, laneGeneration, macsOf, setKey, touchHome } from "./lane";
import { findLine, lineHome, lineKey } from "./line";
import { areMegaflowsOn } from "./megaflow";
import { conn } from "./netfilter/conn";
import { tupleHash } from "./netfilter/tuple";
import { slotAt } from "./netfilter/tuplehash";
import { NO_HOME, openingHome } from "./opening";
import { Window } from "./netfilter/windowrow";
import { defaultTtl } from "./netns";
import { isBound, touchEntries } from "./passing";
import { isCached, isCaching } from "./pathcache";
import {
	listAnswer,
	listFollowing,
	listNothing,
	listOpened,
	listOpening,
	listWay,
	isWorthPrefetching,
	prefetch,
} from "./prefetch";
import * as L from "./layout";

/** Packets of a burst, at most. */
export const BURST: u32 = 64;

// Of each packet: the key of its line, the line's home and then the line, and which direction it goes in.
export const KEY_LINE: usize = 16;
export const KEY_DIRECTION: usize = 20;
const KEY_LANE: usize = 24; // 0: none was made
/** In its place, for workers: the packet's row. */
export const KEY_ROW: usize = 24;
const KEY_HOME: usize = 28; // the line's home
export const KEY_STRIDE: usize = 32;
const KEYS: usize = memory.data(64 * 32, 64);
// What openingHome says of each packet that had no line when the burst was touched.
const OPENINGS: usize = memory.data(64 * 4, 64);

const LANES: usize = memory.data(64 * 192, 64);
let generation: u32 = 0;
// A bit a packet: its line names a passage for it.
let bound: u64 = 0;

// What was touched, so that no compiler takes the loads away.
let touched: u32 = 0;

// @ts-ignore: decorator
@inline
function key(i: u32): usize {
	// i < BURST: within the keys
	return KEYS + <usize>i * KEY_STRIDE;
}

/** Rows `first` to `first + count - 1` of TABLE_BATCH are next; count is at most BURST. */
export function touchBurst(first: u32, count: u32): void {
	let sum: u32 = 0;
	for (let i: u32 = 0; i < count; i++) hashLine(key(i), row(L.TABLE_BATCH, first + i, L.BATCH_STRIDE));
	for (let i: u32 = 0; i < count; i++) sum += load<u32>(load<usize>(key(i), KEY_LINE), L.LINE_FLOW);
	let carried = false;
	let fresh = false;
	let limits: u32 = 0;
	bound = 0;
	for (let i: u32 = 0; i < count; i++) {
		const line = findBurstLine(key(i));
		const direction = load<i32>(key(i), KEY_DIRECTION);
		// It has to be carried, as far as one can tell now.
		if (line != 0 && !isCached(line, direction)) {
			if (isBound(line, direction)) bound |= (<u64>1) << (<u64>i);
			else carried = true;
		}
		limits |= limitsOf(line);
		if (line != 0) continue;
		const home = openingHome(row(L.TABLE_BATCH, first + i, L.BATCH_STRIDE));
		store<u32>(openingAt(i), home);
		if (home == NO_HOME) continue;
		listOpening(home);
		fresh = true;
	}
	if (fresh) prefetch();
	touched += sum;
	if ((limits & L.LIMIT_WINDOWS) != 0) touchWindows(KEYS, count);
	if (bound != 0) touchBound();
	if (carried) touchCarried(count);
	if ((carried || fresh) && isWorthPrefetching()) prefetchRows(first, count);
	if (!carried) return;
	if (areMegaflowsOn()) lookAhead(first, count);
	else touchSlots(count);
}

/** Of a row: its line's key (16 bytes), KEY_LINE its line's home, which is returned, KEY_DIRECTION. A recorded reply has its connection's key when it is turned round. */
// @ts-ignore: decorator
@inline
export function hashLine(key: usize, at: usize): usize {
	let lo = load<u64>(at);
	let ports = load<u32>(at, L.PACKET_SPORT);
	const reply = load<u8>(at, L.BATCH_KIND) == L.BATCH_REPLY;
	if (reply) {
		lo = rotl<u64>(lo, 32);
		ports = rotl<u32>(ports, 16);
	}
	const hi = lineKey(load<i32>(at, L.BATCH_NETNS), ports, load<u8>(at, L.PACKET_PROTO));
	store<u64>(key, lo);
	store<u64>(key, hi, 8);
	const home = lineHome(lo, hi);
	store<u64>(key, (<u64>home) | ((<u64>reply) << 32), KEY_LINE);
	// No lane, and the home.
	store<u64>(key, (<u64>home) << 32, KEY_LANE);
	return home;
}

/** Finds the line of a key, puts it in its home's place and returns it; 0: there is none. */
// @ts-ignore: decorator
@inline
export function findBurstLine(key: usize): usize {
	const line = findLine(load<u64>(key), load<u64>(key, 8), <usize>load<u32>(key, KEY_LINE));
	store<u32>(key, <u32>line, KEY_LINE);
	return line;
}

/** LINE_LIMITS of a line; 0: it is none. */
// @ts-ignore: decorator
@inline
export function limitsOf(line: usize): u32 {
	return line == 0 ? 0 : load<u32>(line, L.LINE_LIMITS);
}

/** Reads the entries of the flows of `count` keys, and the windows of each. */
export function touchWindows(keys: usize, count: u32): void {
	let sum: u32 = 0;
	const end = keys + <usize>count * KEY_STRIDE;
	let before: usize = 0;
	for (let k = keys; k < end; k += KEY_STRIDE) {
		const line = <usize>load<u32>(k, KEY_LINE);
		if (line != 0) sum += load<u32>(flow(flowOf(line)), L.FLOW_CROSSED);
	}
	for (let k = keys; k < end; k += KEY_STRIDE) {
		const line = <usize>load<u32>(k, KEY_LINE);
		// An answer comes right behind its request more often than not.
		if (line == before || (limitsOf(line) & L.LIMIT_WINDOWS) == 0) continue;
		before = line;
		const f = flow(flowOf(line));
		for (let j = 0; j < L.FLOW_CROSSED_MAX; j++) {
			const entry = crossedEntry(f, j);
			if (entry < 0) break;
			sum += Window.row(entry).lastSeq;
		}
	}
	touched += sum;
}

// Entries of packets that go by passages.
function touchBound(): void {
	let sum: u32 = 0;
	for (let rest = bound; rest != 0; rest &= rest - 1)
		sum += touchEntries(<usize>load<u32>(key(<u32>ctz<u64>(rest)), KEY_LINE));
	touched += sum;
}

// @ts-ignore: decorator
@inline
function isToBeCarried(i: u32): bool {
	return ((bound >> (<u64>i)) & 1) == 0 && load<u32>(key(i), KEY_LINE) != 0;
}

// The flow and its conntrack entries.
function touchCarried(count: u32): void {
	let sum: u32 = 0;
	for (let i: u32 = 0; i < count; i++) {
		if (!isToBeCarried(i)) continue;
		const f = flow(flowOf(<usize>load<u32>(key(i), KEY_LINE)));
		sum += load<u32>(f, L.FLOW_FLAGS) + load<u32>(f, L.FLOW_CROSSED);
	}
	for (let i: u32 = 0; i < count; i++) {
		if (!isToBeCarried(i)) continue;
		const f = flow(flowOf(<usize>load<u32>(key(i), KEY_LINE)));
		for (let j = 0; j < L.FLOW_CROSSED_MAX; j++) {
			const entry = crossedEntry(f, j);
			if (entry < 0) break;
			sum += conn(entry).status;
		}
	}
	touched += sum;
}

// What opens connections, and what comes right behind it.
function prefetchRows(first: u32, count: u32): void {
	for (let i: u32 = 0; i < count; i++) {
		const at = row(L.TABLE_BATCH, first + i, L.BATCH_STRIDE);
		const line = <usize>load<u32>(key(i), KEY_LINE);
		const direction = load<i32>(key(i), KEY_DIRECTION);
		if (line == 0) listOpened(i, at, load<u32>(openingAt(i)));
		else if (!isToBeCarried(i) || isCached(line, direction)) listNothing(i);
		else listFollowing(i, at, flow(flowOf(line)), direction);
	}
	prefetch();
	for (let i: u32 = 1; i < count; i++) {
		if (load<i32>(key(i), KEY_DIRECTION) == 0) continue;
		if (load<u64>(key(i)) != load<u64>(key(i - 1)) || load<u64>(key(i), 8) != load<u64>(key(i - 1), 8)) continue;
		listAnswer(i, row(L.TABLE_BATCH, first + i, L.BATCH_STRIDE));
	}
	prefetch();
	for (let i: u32 = 0; i < count; i++) listWay(i);
	prefetch();
}

// What each packet's way will be, as far as megaflows know it.
function lookAhead(first: u32, count: u32): void {
	generation = laneGeneration();
	let open = false;
	for (let i: u32 = 0; i < count; i++) {
		if (!isToBeCarried(i)) continue;
		const line = <usize>load<u32>(key(i), KEY_LINE);
		if (isCached(line, load<i32>(key(i), KEY_DIRECTION))) continue;
		// It follows another connection's, as a rule (`sequel`).
		if (isCaching() && load<u32>(flow(flowOf(line)), L.FLOW_KIND) != 0) continue;
		const lane = changetype<Lane>(LANES + <usize>i * LANE_STRIDE);
		if (!setOut(lane, row(L.TABLE_BATCH, first + i, L.BATCH_STRIDE), flowOf(line))) continue;
		store<u32>(key(i), <u32>changetype<usize>(lane), KEY_LANE);
		open = true;
	}
	while (open) open = askAll(count);
}

// A stack further, all that are not at their end: keys, then their rows touched, then what they say. False: all are.
function askAll(count: u32): bool {
	let sum: u32 = 0;
	for (let i: u32 = 0; i < count; i++) {
		const lane = asking(i);
		if (lane !== null) setKey(lane);
	}
	for (let i: u32 = 0; i < count; i++) {
		const lane = asking(i);
		if (lane !== null) sum += touchHome(lane);
	}
	touched += sum;
	let open = false;
	for (let i: u32 = 0; i < count; i++) {
		const lane = asking(i);
		if (lane === null) continue;
		find(lane);
		if (lane.progress == ASK) open = true;
	}
	return open;
}

// The lane of the `i`th packet, where the next stack is to be asked.
// @ts-ignore: decorator
@inline
function asking(i: u32): Lane | null {
	const lane = changetype<Lane>(<usize>load<u32>(key(i), KEY_LANE));
	return changetype<usize>(lane) != 0 && lane.progress == ASK ? lane : null;
}

// The lane of the packet that a row of TABLE_BATCH will become. False: of none that megaflows are kept for.
// @ts-ignore: decorator
@inline
function setOut(lane: Lane, at: usize, index: i32): bool {
	const proto = load<u8>(at, L.PACKET_PROTO);
	const tcp = load<u8>(at, L.PACKET_TCP);
	if (!isPlain(proto, tcp)) return false;
	const reply = load<u8>(at, L.BATCH_KIND) == L.BATCH_REPLY;
	if (reply) {
		const f = flow(index);
		lane.startNetns = load<i32>(f, L.FLOW_SERVER);
		if (lane.startNetns < 0) return false;
		lane.startAddresses = rotl<u64>(load<u64>(f, L.FLOW_SEEN_SRC), 32);
		lane.startPorts = rotl<u32>(load<u32>(f, L.FLOW_SEEN_SPORT), 16);
	} else {
		lane.startNetns = load<i32>(at, L.BATCH_NETNS);
		lane.startAddresses = load<u64>(at);
		lane.startPorts = load<u32>(at, L.PACKET_SPORT);
	}
	lane.addresses = lane.startAddresses;
	lane.ports = lane.startPorts;
	lane.netns = lane.startNetns;
	lane.device = -1;
	lane.macs = macsOf(-1, -1);
	lane.flow = index;
	lane.time = load<i64>(at, L.PACKET_TIME);
	lane.len = load<u32>(at, L.PACKET_LEN);
	lane.proto = proto;
	lane.tcp = tcp;
	lane.tos = load<u8>(at, L.BATCH_TOS);
	lane.family = load<u8>(at, L.PACKET_FAMILY);
	lane.ttl = defaultTtl(lane.netns, lane.family);
	lane.direction = <u8>reply;
	lane.known = 0;
	lane.progress = ASK;
	return true;
}

/** The lane of the `i`th packet of the burst, made when laneGeneration was burstGeneration; 0: it has none. */
// @ts-ignore: decorator
@inline
export function burstLane(i: u32): usize {
	return <usize>load<u32>(key(i), KEY_LANE);
}
// @ts-ignore: decorator
@inline
export function burstGeneration(): u32 {
	return generation;
}

// The slots that lead to the entries.
function touchSlots(count: u32): void {
	let sum: u32 = 0;
	for (let i: u32 = 0; i < count; i++) {
		const line = <usize>load<u32>(key(i), KEY_LINE);
		if (line == 0) continue;
		const f = flow(flowOf(line));
		const direction = load<i32>(key(i), KEY_DIRECTION);
		for (let j = 0; j < L.FLOW_CROSSED_MAX; j++) {
			const entry = crossedEntry(f, j);
			if (entry < 0) break;
			const tuple = conn(entry).tuple(direction);
			sum += load<u32>(slotAt(tupleHash(tuple.lo, tuple.hi)), L.TUPLE_HASH);
		}
	}
	touched += sum;
}

/** The line of the `i`th packet of the burst; 0: there is none. Packets before it may have made it meanwhile. */
// @ts-ignore: decorator
@inline
export function burstLine(i: u32): usize {
	const line = <usize>load<u32>(key(i), KEY_LINE);
	return line != 0 ? line : findLine(load<u64>(key(i)), load<u64>(key(i), 8), burstHome(i));
}

/** Where that line is looked for first. */
// @ts-ignore: decorator
@inline
export function burstHome(i: u32): usize {
	return <usize>load<u32>(key(i), KEY_HOME);
}

/** Where the opening of the `i`th packet is looked for first; NO_HOME: nobody has looked. */
// @ts-ignore: decorator
@inline
export function burstOpening(i: u32): u32 {
	return load<u32>(key(i), KEY_LINE) != 0 ? NO_HOME : load<u32>(openingAt(i));
}

// @ts-ignore: decorator
@inline
function openingAt(i: u32): usize {
	// i < BURST: within the array
	return OPENINGS + ((<usize>i) << 2);
}
