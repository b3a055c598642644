// The path cache: a packet that repeats the one before it is not carried, it is counted. Every connection has a line
// (`line`). Where carrying another packet of a direction would leave everything as it is but counters, deadlines and times,
// the line says so (`repeatable` finds out), and packets that hit it add to the sums in the line. Whoever reads what they would
// have counted, or changes what they depend on, settles the line first. It holds until a netns on the way is configured
// anew, a neighbour there ages, or an entry's time is over.

import { takeBack } from "./ahead";
import { capacity } from "./arena";
import { crossedEntry, flow, flowCount, flowOf } from "./flow";
import { changedSince, countJourney, journey } from "./journey";
import { hasLines, lineAt } from "./line";
import { settleMegaflows } from "./megaflow";
import { conn, Conn } from "./netfilter/conn";
import { countMany } from "./netfilter/settle";
import { settleWalks } from "./netfilter/walks";
import { netns } from "./netns";
import { settleOpenings } from "./opening";
import { settlePassages } from "./passage";
import { letGo, linesOwe, settleLine } from "./passing";
import { keepSegmentAt, segmentAt } from "./segment";
import { settleSequels } from "./sequel";
import { deadlineAfter, lowerDeadlines, passWindows } from "./windows";
import * as L from "./layout";

const NS_PER_S: i64 = 1_000_000_000;
// Half of a line's sum of either direction
const NEARLY_FULL: u32 = 0x8000;
// Of LINE_EPOCH while workers count: of this line some packet waits for the sequencer, and all that follow.
const HALTED: u32 = 0x80000000;

let enabled: bool = true;
// The epoch rises whenever something is configured anew; a line without journeys has epoch 0.
let epoch: u32 = 1;
// Lines from before this one are void.
let floor: u32 = 0;
let owing: bool = false;
/* Lines that are touched before they are settled, and what was, so that no compiler takes the loads away. */
const TOUCHED: i32 = 64;
let touched: u32 = 0;
let hits: u32 = 0;
let misses: u32 = 0;

/** Off: every packet is carried. */
export function pathCache(on: bool): void {
	uncacheAll();
	enabled = on;
}
export function isCaching(): bool {
	return enabled;
}
/** Packets that repeated another one, since the flows were forgotten. */
export function cacheHits(): u32 {
	return hits;
}
/** Packets that were carried. */
export function cacheMisses(): u32 {
	return misses;
}

/** A netns has been configured anew: rules, sets, routes, addresses, sysctls, devices. Before the change, where it alters timeouts. */
export function changed(netnsIndex: i32): void {
	// What is owed was to be had under the old timeouts.
	settleAll();
	store<u32>(netns(netnsIndex), ++epoch, L.NETNS_CHANGED);
}

/** A new epoch: what a netns has it in NETNS_CHANGED is taken to have been configured anew now. For many netns at once. */
export function newEpoch(): u32 {
	return ++epoch;
}

/** As `changed`, of every netns. */
export function changedAll(): void {
	floor = ++epoch;
}

export function pathCacheReset(): void {
	uncacheAll();
	hits = 0;
	misses = 0;
}

/** Does what a journey says since an epoch hold for what is configured now? 0: never did. */
export function stillHolds(since: u32, way: u32): bool {
	return since == epoch || (since != 0 && since >= floor && !changedSince(way, since));
}

// Does the line hold for what is configured now?
function isValid(line: usize): bool {
	const since = load<u32>(line, L.LINE_EPOCH);
	if (since == epoch) return true;
	if (since == 0 || since < floor) return false;
	const request = load<u32>(line, L.LINE_JOURNEY);
	const reply = load<u32>(line, L.LINE_JOURNEY + 4);
	if (request != 0 && changedSince(request, since)) return false;
	if (reply != 0 && changedSince(reply, since)) return false;
	store<u32>(line, epoch, L.LINE_EPOCH);
	return true;
}

/** Lines, and whatever else was known, of before this epoch are void. */
export function voidBefore(): u32 {
	return floor;
}

/** As far as one can tell without looking at a packet: are those of this direction repeated? */
// @ts-ignore: decorator
@inline
export function isCached(line: usize, dir: i32): bool {
	return load<u32>(line, L.LINE_EPOCH) == epoch && load<u32>(line + (dir << 2), L.LINE_JOURNEY) != 0;
}

/**
 * Repeats the packet at `at`, a row of TABLE_BATCH, where it may be: counts it and its mirrored answer, if it gets one.
 * `dir` 0: the initiator's; 1: a recorded reply. False: it has to be carried.
 */
export function repeats(line: usize, at: usize, dir: i32, time: i64): bool {
	const repeated = line != 0 && repeat(line, at, dir, time);
	if (repeated) hits++;
	else misses++;
	return repeated;
}

// @ts-ignore: decorator
@inline
function repeat(line: usize, at: usize, dir: i32, time: i64): bool {
	if (load<u32>(line + (dir << 2), L.LINE_JOURNEY) == 0) return false;
	if (load<u32>(line, L.LINE_EPOCH) != epoch && !isValid(line)) return false;
	if (!fits(line, at, dir, time)) return false;
	if (time > load<i64>(line, L.LINE_UNTIL) && !renewed(line, time)) return false;
	if (!moveWindows(line, at, dir)) return false;
	const packets = load<u32>(line, L.LINE_PACKETS);
	if (((packets | (packets >>> 16)) & NEARLY_FULL) != 0) settle(line);
	lower(line);
	add(line, at, dir, time);
	owing = true;
	return true;
}

/**
 * As `repeats`, by a worker: touches the line, its flow's entries and their windows, and nothing else. False: the packet is for
 * the sequencer to look at, and so is all that follows of its line, until `release`.
 */
// @ts-ignore: decorator
@inline
export function repeatsAhead(line: usize, at: usize, dir: i32, time: i64): bool {
	const since = load<u32>(line, L.LINE_EPOCH);
	if (since != epoch && ((since & HALTED) != 0 || !isValid(line))) return false;
	if (load<u32>(line + (dir << 2), L.LINE_JOURNEY) == 0) return false;
	const packets = load<u32>(line, L.LINE_PACKETS);
	if (((packets | (packets >>> 16)) & NEARLY_FULL) != 0) return false;
	if (time > load<i64>(line, L.LINE_UNTIL) || !fits(line, at, dir, time)) return false;
	if (!moveWindows(line, at, dir)) return false;
	lower(line);
	add(line, at, dir, time);
	return true;
}

/** A packet of the line waits for the sequencer. False: that was so already, or the line repeats nothing anyway. */
export function halt(line: usize): bool {
	const since = load<u32>(line, L.LINE_EPOCH);
	if (since == 0 || (since & HALTED) != 0) return false;
	store<u32>(line, since | HALTED, L.LINE_EPOCH);
	return true;
}
/** It is the sequencer's turn. */
export function release(line: usize): void {
	store<u32>(line, load<u32>(line, L.LINE_EPOCH) & ~HALTED, L.LINE_EPOCH);
}

/** What a worker has to know of the sequencer's instance, and where it makes segments, PACKET_STRIDE bytes. */
export function learnEpoch(current: u32, least: u32, place: usize): void {
	epoch = current;
	floor = least;
	keepSegmentAt(place);
}

// Windows are moved by the packet and by its mirrored answer, if it gets one. False: it has to be carried.
// @ts-ignore: decorator
@inline
function moveWindows(line: usize, at: usize, dir: i32): bool {
	const limits = load<u32>(line, L.LINE_LIMITS);
	if ((limits & L.LIMIT_WINDOWS) == 0) return true;
	const last = <i32>((limits & L.LIMIT_REPLY) != 0);
	const mirrored = dir == 0 && (limits & L.LIMIT_MIRRORED) != 0;
	return passWindows(flow(flowOf(line)), segmentAt(at), dir, last, mirrored);
}

// @ts-ignore: decorator
@inline
function lower(line: usize): void {
	if ((load<u32>(line, L.LINE_LIMITS) & L.LIMIT_WINDOWS) != 0 && load<u32>(line, L.LINE_PACKETS) == 0) {
		lowerDeadlines(flow(flowOf(line)), load<i64>(line, L.LINE_LAST));
	}
}

// Is the packet one that the line repeats, as far as both say it? The line holds.
// @ts-ignore: decorator
@inline
function fits(line: usize, at: usize, dir: i32, time: i64): bool {
	const limits = load<u32>(line, L.LINE_LIMITS);
	const proto = load<u8>(at, L.PACKET_PROTO);
	if (proto == L.PROTO_TCP && (load<u8>(at, L.PACKET_TCP) & ~(<u8>L.TCP_PSH)) != L.TCP_ACK) return false;
	const hints = load<u8>(at, L.BATCH_FLAGS);
	if ((hints & L.BATCHF_OPENS) != 0) return false;
	// Recorded replies, or the word that some will come, change a flow once.
	if ((dir == 1 || hints != 0) && !(limits & L.LIMIT_RECORDED)) return false;
	const timeout = <i64>((limits >>> L.LIMIT_TIMEOUT_SHIFT) & L.LIMIT_TIMEOUT) * NS_PER_S;
	if (time >= load<i64>(line, L.LINE_LAST) + timeout) return false;
	const bytes = load<u32>(at, L.PACKET_LEN);
	const mtu = limits & L.LIMIT_MTU;
	if (bytes > mtu) return false;
	if (dir == 1 || !(limits & L.LIMIT_MIRRORED)) return true;
	return load<u32>(line, L.LINE_JOURNEY + 4) != 0 && answerBytes(at, proto, bytes) <= mtu;
}

// @ts-ignore: decorator
@inline
function answerBytes(at: usize, proto: u8, bytes: u32): u32 {
	return proto == L.PROTO_TCP ? bytes - load<u32>(at, L.PACKET_PAYLOAD) : bytes;
}

// Adds a packet that the line repeats, and its mirrored answer, to what the line owes. Touches nothing else; `ahead` can undo it.
// @ts-ignore: decorator
@inline
function add(line: usize, at: usize, dir: i32, time: i64): void {
	const packets = load<u32>(line, L.LINE_PACKETS);
	const limits = load<u32>(line, L.LINE_LIMITS);
	const bytes = load<u32>(at, L.PACKET_LEN);
	if (dir == 0 && (limits & L.LIMIT_MIRRORED) != 0) {
		const answer = answerBytes(at, load<u8>(at, L.PACKET_PROTO), bytes);
		store<u64>(line, load<u64>(line, L.LINE_BYTES) + ((<u64>bytes) | ((<u64>answer) << 32)), L.LINE_BYTES);
		store<u64>(line, (<u64>(packets + 0x10001)) | ((<u64>(limits | L.LIMIT_REPLY)) << 32), L.LINE_PACKETS);
	} else {
		const own = dir << 2;
		store<u32>(line + own, load<u32>(line + own, L.LINE_BYTES) + bytes, L.LINE_BYTES);
		const last = dir == 0 ? limits & ~(<u32>L.LIMIT_REPLY) : limits | L.LIMIT_REPLY;
		store<u32>(line, packets + (dir == 0 ? 1 : 0x10000), L.LINE_PACKETS);
		store<u32>(line, last, L.LINE_LIMITS);
	}
	store<i64>(line, time, L.LINE_LAST);
}

/** Of the lines that hold now. */
// @ts-ignore: decorator
@inline
export function currentEpoch(): u32 {
	return epoch;
}

/** Workers have added `packets` to their lines. */
export function added(packets: u32): void {
	hits += packets;
	if (packets != 0) owing = true;
}

/** Asks the journeys anew up to when no neighbour ages. Is that later than `time`? */
export function renewed(line: usize, time: i64): bool {
	const until = untilOf(load<u32>(line, L.LINE_JOURNEY), load<u32>(line, L.LINE_JOURNEY + 4));
	store<i64>(line, until, L.LINE_UNTIL);
	return time <= until;
}

/** The line holds from now on: what it says is configured. */
export function validate(line: usize): void {
	store<u32>(line, epoch, L.LINE_EPOCH);
}

function untilOf(request: u32, reply: u32): i64 {
	const out = request != 0 ? load<i64>(journey(request), L.JOURNEY_UNTIL) : i64.MAX_VALUE;
	const back = reply != 0 ? load<i64>(journey(reply), L.JOURNEY_UNTIL) : i64.MAX_VALUE;
	return min<i64>(out, back);
}

/** Counts where it belongs what a line's packets would have counted: rules, devices, the flow, its entries. */
function settle(line: usize): void {
	if (load<u32>(line, L.LINE_EPOCH) == 0) return settleLine(line);
	const packets = load<u32>(line, L.LINE_PACKETS);
	if (packets == 0) return;
	const out = packets & 0xffff;
	const back = packets >>> 16;
	const outBytes = load<u32>(line, L.LINE_BYTES);
	const backBytes = load<u32>(line, L.LINE_BYTES + 4);
	store<u32>(line, 0, L.LINE_PACKETS);
	store<u64>(line, 0, L.LINE_BYTES);
	if (out != 0) countJourney(load<u32>(line, L.LINE_JOURNEY), out, outBytes);
	if (back != 0) countJourney(load<u32>(line, L.LINE_JOURNEY + 4), back, backBytes);
	const f = flow(flowOf(line));
	const last = load<i64>(line, L.LINE_LAST);
	store<u32>(f, load<u32>(f, L.FLOW_PACKETS) + out + back, L.FLOW_PACKETS);
	store<u64>(f, load<u64>(f, L.FLOW_BYTES) + <u64>outBytes + <u64>backBytes, L.FLOW_BYTES);
	store<i64>(f, last, L.FLOW_LAST);
	const later = last - load<i64>(f, L.FLOW_SETTLED);
	store<i64>(f, last, L.FLOW_SETTLED);
	const limits = load<u32>(line, L.LINE_LIMITS);
	const dir = <i32>((limits & L.LIMIT_REPLY) != 0);
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		const c = conn(entry);
		// Without windows each packet sets the deadline as long after itself as the one before did.
		if ((limits & L.LIMIT_WINDOWS) != 0) c.deadline = deadlineAfter(entry, last);
		else c.deadline += later;
		if (out != 0) countMany(changetype<usize>(c), 0, out, outBytes);
		if (back != 0) countMany(changetype<usize>(c), 1, back, backBytes);
		if (c.proto == <u8>L.PROTO_TCP) c.setLast(dir, c.lastIndex);
	}
}

/** Settles a line; nothing is repeated until one of its packets has been carried again. Was there anything to repeat? */
export function interrupt(line: usize): bool {
	if (load<u32>(line, L.LINE_EPOCH) == 0) {
		letGo(line);
		return false;
	}
	const valid = isValid(line);
	settle(line);
	store<u32>(line, 0, L.LINE_EPOCH);
	const f = flow(flowOf(line));
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		conn(entry).status &= ~(<u16>L.IPS_CACHED);
	}
	return valid;
}

/** A cached entry is found by another packet than one of its line's, read, or removed. */
export function uncache(c: Conn): void {
	const line = lineAt(load<u32>(flow(c.flow), L.FLOW_LINE));
	if (ASC_FEATURE_THREADS) takeBack(line);
	interrupt(line);
}

/** A flow's packets come out otherwise than before. */
export function uncacheFlow(f: usize): void {
	if (!hasLines()) return;
	const line = lineAt(load<u32>(f, L.FLOW_LINE));
	if (ASC_FEATURE_THREADS) takeBack(line);
	interrupt(line);
}

/** What a cached entry says is asked for. */
export function settleEntry(entry: usize): void {
	const line = lineAt(load<u32>(flow(changetype<Conn>(entry).flow), L.FLOW_LINE));
	if (ASC_FEATURE_THREADS) takeBack(line);
	settle(line);
}

/** Settles every line: what the tables say is true now. Cheap where nothing was repeated since. */
export function settleAll(): void {
	settleOpenings();
	settleSequels();
	settleMegaflows();
	settleWalks();
	settlePassages();
	const owed = linesOwe();
	if (!owing && !owed) return;
	owing = false;
	// Flows and their entries stand in the order in which they came, lines do not: so of each only its line is a miss, and is
	// touched before.
	const flows = <i32>flowCount();
	for (let first = 0; first < flows; first += TOUCHED) {
		const end = min<i32>(flows, first + TOUCHED);
		for (let i = first; i < end; i++) touched += load<u32>(lineOf(i), L.LINE_EPOCH);
		for (let i = first; i < end; i++) settle(lineOf(i));
	}
}

// @ts-ignore: decorator
@inline
function lineOf(index: i32): usize {
	return lineAt(load<u32>(flow(index), L.FLOW_LINE));
}

/** Settles every line, and forgets what may be repeated. */
export function uncacheAll(): void {
	if (!hasLines()) return;
	const lines = capacity(L.TABLE_LINE);
	for (let i: u32 = 0; i < lines; i++) interrupt(lineAt(i));
	owing = false;
}
