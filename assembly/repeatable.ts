// Which packets can be repeated (`pathcache`): while one that may be is carried, its way is noted (`journey`), and when it
// has ended, its flow and its conntrack entries are compared with what they were. A packet may repeat another of its
// connection and direction where
//   - it is TCP with ACK, or ACK and PSH, in ESTABLISHED, or UDP of which the next state is the same,
//   - no rule on the way looked at more than the connection (`notRepeatable` in `netfilter/match`),
//   - nothing else was sent on the way, nobody was asked for an address, and it reached its receiver,
//   - neither its flow nor its entries came out other than they went in, and they are its own,
//   - where TCP windows are tracked, all of its entries do so, and it was within them (later ones are judged each: `windows`).

import { crossedEntry, flow, flowOf, UNTRACKED_NS } from "./flow";
import {
	internJourney,
	isNoting,
	journey,
	noted,
	notedCount,
	noteEnd,
	noteEntry,
	noteStart,
	notRepeatable,
} from "./journey";
import { learnAnswer, learnEnd, learnNothing } from "./learnopening";
import { learnNoAnswer, learnNoSequel, learnSequel } from "./learnsequel";
import { lineAt } from "./line";
import { conn, Conn } from "./netfilter/conn";
import { isLastAck, leastAckTimeoutNs } from "./netfilter/tcp";
import { directionOf } from "./netfilter/timeout";
import { netnsHas } from "./netns";
import { Packet } from "./packet";
import { interrupt, isCaching, renewed, validate } from "./pathcache";
import { packetsTaken } from "./queue";
import { isDue, passOver } from "./tries";
import * as L from "./layout";

const NS_PER_S: i64 = 1_000_000_000;
const UNREPEATABLE: u32 = L.IPS_FIXED_TIMEOUT | L.IPS_NAT_CLASH | L.IPS_DYING;

// The packet that is being noted, its flow and direction, and both as they were before it. 0: none.
let subject: usize = 0;
let watched: bool = false;
let index: i32 = -1;
let direction: i32 = 0;
let kept: bool = false;
let taken: u32 = 0;
let answer: usize = 0;
const FLOW_BEFORE: usize = memory.data(L.FLOW_STRIDE, 16);
const STATUS: usize = 0;
const MARK: usize = 4;
const DEADLINE: usize = 8;
const STATE: usize = 16;
const ENTRY_BEFORE: usize = memory.data(L.FLOW_CROSSED_MAX * 32, 16);

/**
 * The next packet of a line that is carried may be one to repeat: keeps its flow and entries as they are before it.
 * `valid`: the line could be repeated up to now.
 */
export function watch(line: usize, dir: i32, valid: bool): void {
	if (!isCaching() || line == 0) return;
	if (!valid && !isDue(line + L.LINE_BYTES)) return;
	watched = true;
	index = flowOf(line);
	direction = dir;
	kept = valid;
	const f = flow(index);
	memory.copy(FLOW_BEFORE, f, L.FLOW_STRIDE);
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		const c = conn(entry);
		const at = ENTRY_BEFORE + <usize>(i << 5);
		store<u32>(at, c.status, STATUS);
		store<u32>(at, c.mark, MARK);
		store<i64>(at, c.deadline, DEADLINE);
		store<u8>(at, c.state, STATE);
	}
}

/** May a packet of a line that repeats nothing be let pass unwatched? */
// @ts-ignore: decorator
@inline
export function isUnwatched(line: usize): bool {
	return !isCaching() || passOver(line + L.LINE_BYTES);
}

/** A packet of an interrupted line that may change the connection's state: what failed before may do now. */
export function restart(line: usize): void {
	store<u32>(line, 0, L.LINE_BYTES);
}

/** The packet that was waited for sets off. */
export function follow(p: Packet): void {
	if (!watched) return;
	watched = false;
	subject = changetype<usize>(p);
	taken = packetsTaken();
	noteStart();
}

/** The receiver's program answers the packet at once. */
export function mirrored(p: Packet): void {
	learnAnswer();
	const taught = learnNoAnswer();
	if (subject == 0) {
		if (taught) noteEnd();
		return;
	}
	answer = changetype<usize>(p);
	taken++;
}

/** Conntrack has looked at a packet of a flow. */
export function tracked(p: Packet): void {
	if (!isNoting()) return;
	noteEntry(p.ct, directionOf(p.ctinfo));
}

/** A packet has come to its end, and its flow's row says so. */
export function finished(p: Packet, delivered: bool): void {
	learnEnd(p, delivered);
	const taught = learnSequel(p, delivered);
	if (changetype<usize>(p) != subject) {
		if (taught) noteEnd();
		return;
	}
	const reply = answer;
	const line = lineAt(load<u32>(flow(index), L.FLOW_LINE));
	const cached =
		noteEnd() && delivered && p.flow == index && packetsTaken() == taken && leavesAsIs() && keep(line, p.time);
	subject = 0;
	answer = 0;
	if (reply == 0) return;
	watch(line, 1, cached && interrupt(line));
	follow(changetype<Packet>(reply));
}

/** Nothing more comes of the packet that was noted: it waits for a neighbour, or was not sent. */
export function forsake(): void {
	learnNothing();
	learnNoSequel();
	watched = false;
	if (subject == 0) return;
	subject = 0;
	answer = 0;
	noteEnd();
}

// Are flow and entries what they were before the packet, counters and times aside?
function leavesAsIs(): bool {
	const f = flow(index);
	if (memory.compare(f, FLOW_BEFORE, L.FLOW_PACKETS) != 0) return false;
	if (memory.compare(f + L.FLOW_RULE, FLOW_BEFORE + L.FLOW_RULE, L.FLOW_CROSSED - L.FLOW_RULE) != 0) return false;
	if (!crossesTheSame(f)) {
		// Known from now on: the next packet can be compared.
		for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
			store<i32>(f + <usize>(i << 2), i < notedCount() ? (noted(i) >> 1) + 1 : 0, L.FLOW_CROSSED);
		}
		store<u32>(f, 0, L.FLOW_KIND);
		return false;
	}
	for (let i = 0; i < notedCount(); i++) if (!isSteady(f, i)) return false;
	return true;
}

function crossesTheSame(f: usize): bool {
	const count = notedCount();
	if (count < L.FLOW_CROSSED_MAX && crossedEntry(f, count) >= 0) return false;
	for (let i = 0; i < count; i++) {
		if ((noted(i) & 1) != direction || placeOf(f, noted(i) >> 1) < 0) return false;
	}
	return true;
}

// Where among the flow's entries this one is; -1: nowhere.
function placeOf(f: usize, entry: i32): i32 {
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) if (crossedEntry(f, i) == entry) return i;
	return -1;
}

// Did the `i`th entry noted stay as it was, and would it with the next packet too?
function isSteady(f: usize, i: i32): bool {
	const entry = noted(i) >> 1;
	const c = conn(entry);
	const before = ENTRY_BEFORE + <usize>(placeOf(f, entry) << 5);
	if (<u32>c.status != load<u32>(before, STATUS) || c.mark != load<u32>(before, MARK)) return false;
	if (c.state != load<u8>(before, STATE) || !c.has(L.IPS_CONFIRMED) || c.has(UNREPEATABLE)) return false;
	if (c.flow != index && ownsFirst(c.flow, entry)) return false;
	if (c.proto == <u8>L.PROTO_TCP) {
		return c.state == <u8>L.TCP_CT_ESTABLISHED && (!hasWindows(c) || isLastAck(c, direction));
	}
	// An answered UDP flow becomes a stream after two seconds.
	return !c.has(L.IPS_SEEN_REPLY) || c.has(L.IPS_ASSURED);
}

function hasWindows(c: Conn): bool {
	return c.proto == <u8>L.PROTO_TCP && netnsHas(c.netns, L.NS_TCP_WINDOWS);
}

// Is the entry what says whether this other flow lives?
function ownsFirst(other: i32, entry: i32): bool {
	return other >= 0 && load<i32>(flow(other), L.FLOW_CT) == entry;
}

// Writes what was noted into the line: from now on it is repeated. False: the tables of journeys are full.
function keep(line: usize, time: i64): bool {
	const windows = windowedEntries();
	if (windows != 0 && windows != notedCount()) return false;
	const way = internJourney();
	if (way == 0) return false;
	fill(line, way, windows != 0, time);
	return true;
}

/**
 * The packet at `time` of flow `index` went a way without being carried, and all of its entries, which are the flow's own, took it as
 * they will take the next: from now on the line repeats it. `before`: its entries as they were before it, in their order.
 */
export function repeatFrom(line: usize, way: u32, which: i32, dir: i32, valid: bool, before: usize, time: i64): void {
	index = which;
	direction = dir;
	kept = valid;
	const f = flow(which);
	store<i64>(FLOW_BEFORE, load<i64>(f, L.FLOW_SETTLED), L.FLOW_SETTLED);
	let count = 0;
	for (; count < L.FLOW_CROSSED_MAX; count++) {
		const entry = crossedEntry(f, count);
		if (entry < 0) break;
		const c = conn(entry);
		if (hasWindows(c) && !isLastAck(c, dir)) return;
		const was = load<i64>(before + <usize>(count * L.CT_STRIDE), L.CT_DEADLINE);
		store<i64>(ENTRY_BEFORE + <usize>(count << 5), was, DEADLINE);
	}
	const windows = windowedEntries();
	if (windows == 0 || windows == count) fill(line, way, windows != 0, time);
}

function fill(line: usize, way: u32, windows: bool, time: i64): void {
	const f = flow(index);
	let timeout: i64 = load<i32>(f, L.FLOW_CT) < 0 ? UNTRACKED_NS : i64.MAX_VALUE;
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		const c = conn(entry);
		const left = c.deadline - time;
		timeout = min<i64>(timeout, left);
		if (windows) timeout = min<i64>(timeout, leastAckTimeoutNs(c));
		const before = ENTRY_BEFORE + <usize>(i << 5);
		// The other direction's packets have to set the same deadlines.
		const same = load<i64>(before, DEADLINE) - load<i64>(FLOW_BEFORE, L.FLOW_SETTLED) == left;
		if (!same && !windows) kept = false;
		c.flow = index;
		c.set(L.IPS_CACHED);
	}
	const own = direction << 2;
	store<u32>(line + own, way, L.LINE_JOURNEY);
	if (!kept) store<u32>(line + (own ^ 4), 0, L.LINE_JOURNEY);
	store<u32>(line, limits(line, timeout) | (windows ? L.LIMIT_WINDOWS : 0), L.LINE_LIMITS);
	store<u64>(line, 0, L.LINE_BYTES);
	store<i64>(line, time, L.LINE_LAST);
	store<i64>(f, time, L.FLOW_SETTLED);
	validate(line);
	renewed(line, time);
}

// The flow's entries that track windows
function windowedEntries(): i32 {
	const f = flow(index);
	let count = 0;
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		if (hasWindows(conn(entry))) count++;
	}
	return count;
}

function limits(line: usize, timeout: i64): u32 {
	const way = load<u32>(line + (direction << 2), L.LINE_JOURNEY);
	const other = load<u32>(line + ((direction << 2) ^ 4), L.LINE_JOURNEY);
	let mtu = load<u32>(journey(way), L.JOURNEY_MTU);
	if (other != 0) mtu = min<u32>(mtu, load<u32>(journey(other), L.JOURNEY_MTU));
	let word = mtu | ((<u32>min<i64>(L.LIMIT_TIMEOUT, timeout / NS_PER_S)) << L.LIMIT_TIMEOUT_SHIFT);
	if ((load<u8>(flow(index), L.FLOW_FLAGS) & L.FLOWF_RECORDED) != 0) word |= L.LIMIT_RECORDED;
	if (direction == 1) return word | L.LIMIT_REPLY | (load<u32>(line, L.LINE_LIMITS) & L.LIMIT_MIRRORED);
	return answer != 0 ? word | L.LIMIT_MIRRORED : word;
}
