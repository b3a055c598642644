// Packets behind the first one of connections that were opened alike (`opening`): a SYN-ACK, the ACK that establishes, a FIN. Of
// two connections of one kind that stand at the same point, the next packet mostly does the same: the same way there, the same
// entries, the same flow's row. What the first of them did is learnt while it is carried (`learnsequel`), and later ones follow
// it. Nothing of conntrack is left out: every entry that the packet belongs to tracks it, by its windows too, and only where all
// come out as they did for the packet learnt from is it done; else they are put back, and the packet is carried. It follows where
//   - its connection was opened by what the same row of TABLE_OPENING said at the same time (FLOW_KIND), or taught that row,
//   - direction, flags, the flow's row and status, state and mark of its entries are those of the packet learnt from,
//   - nothing on the way depended on more: no list, no length (`notRepeatable`), no port of the client's (`asksSourcePort`,
//     `notAlike`), no netns there has been configured anew since, and no neighbour ages.
// A plain acknowledgement of what is established by then leaves nothing behind but sums: from there on its line repeats it.

import { capacity, row } from "./arena";
import { crossedEntry, flow } from "./flow";
import { hash2 } from "./hash";
import { countJourney, journey } from "./journey";
import { disturb } from "./lane";
import { conn } from "./netfilter/conn";
import { conntrackFollow } from "./netfilter/conntrack";
import { count } from "./netfilter/settle";
import { hasMoved, judgeAnew } from "./netfilter/window";
import { Window } from "./netfilter/windowrow";
import { Packet } from "./packet";
import { entryOf, EVICTS, isVoid } from "./opening";
import { currentEpoch, isCaching, stillHolds } from "./pathcache";
import { repeatFrom } from "./repeatable";
import { segmentAt } from "./segment";
import * as L from "./layout";

/** Rows among which a key's may be. */
const WAYS: u32 = 4;
/** Of SEQUEL_NEXT: the last one. */
const LAST: u32 = 1;
/** Status and state of an entry; above them is its last segment. */
export const STANDING: u32 = 0xffffff;

// Rows that may owe something, one behind the other by SEQUEL_NEXT
let owing: u32 = LAST;
let followed: u32 = 0;
let evicted: u32 = 0;

// The flow's entries and their windows as they were, in their order.
const ENTRIES: usize = memory.data(L.FLOW_CROSSED_MAX * L.CT_STRIDE, 16);
const WINDOWS: usize = memory.data(L.FLOW_CROSSED_MAX * L.CTWINDOW_STRIDE, 16);

/** Packets that followed what another connection's did. */
export function sequels(): u32 {
	return followed;
}

/**
 * The row of the packet at `at`, a row of TABLE_BATCH, of the live flow in row `f` of TABLE_FLOW: what it will do (`continues`), or what
 * it may teach. 0: it can have none.
 */
export function sequelOf(at: usize, f: usize, dir: i32): usize {
	const lo = keyOf(at, load<u32>(f, L.FLOW_KIND), dir);
	return lo != 0 ? find(lo, standingOf(f), true) : 0;
}

// The first word of the key of the packet at `at` of a connection of `kind`; 0: it can have no row.
// @ts-ignore: decorator
@inline
function keyOf(at: usize, kind: u32, dir: i32): u64 {
	if (kind == 0 || !isCaching() || capacity(L.TABLE_SEQUEL) < WAYS) return 0;
	const tcp = load<u8>(at, L.PACKET_PROTO) == L.PROTO_TCP ? load<u8>(at, L.PACKET_TCP) : 0;
	// What opens a connection anew, or ends it at once, removes entries.
	if ((tcp & L.TCP_RST) != 0 || (tcp & (L.TCP_SYN | L.TCP_ACK)) == L.TCP_SYN) return 0;
	const hints = load<u8>(at, L.BATCH_FLAGS);
	if ((hints & L.BATCHF_OPENS) != 0) return 0;
	return ((<u64>kind) << 32) | (<u64>((<u32>dir) | ((<u32>tcp) << 8) | ((<u32>hints) << 16)));
}

/** The row where the one of the packet at `at` is looked for first, of a connection of `kind` that stands so; 0: it can have none. */
// @ts-ignore: decorator
@inline
export function sequelHome(at: usize, kind: u32, dir: i32, standing: u64): usize {
	const lo = keyOf(at, kind, dir);
	return lo != 0 ? sequelAt(homeOf(lo, standing)) : 0;
}

/** The row of packets that say what those of row `s` do, where the flow in row `f` stands now; 0: it is `s`, or there is no room. */
export function sequelNext(s: usize, f: usize): usize {
	const next = find(load<u64>(s), standingOf(f), false);
	return next == s ? 0 : next;
}

// Where a connection stands, as far as the key says it: its first entry, and what is known of the flow.
// @ts-ignore: decorator
@inline
export function standingOf(f: usize): u64 {
	const entry = crossedEntry(f, 0);
	const status = entry < 0 ? 0 : load<u32>(changetype<usize>(conn(entry)), L.CT_STATUS) & STANDING;
	return (<u64>status) | ((<u64>outcomeOf(f)) << 32);
}

/** The same behind the packet of row `s`. */
// @ts-ignore: decorator
@inline
export function standingBehind(s: usize): u64 {
	let status: u32 = 0;
	for (let i = 0; i < <i32>load<u8>(s, L.SEQUEL_ENTRIES); i++) {
		const t = trackedAt(s, i);
		if (load<i32>(t, L.SEQUEL_PLACE) == 0) status = load<u32>(t, L.SEQUEL_AFTER);
	}
	return (<u64>status) | ((<u64>(load<u32>(s, L.SEQUEL_OUTCOME) & 0xffffff)) << 32);
}

/** The same of a connection that row `o` of TABLE_OPENING has just opened. */
// @ts-ignore: decorator
@inline
export function standingOpened(o: usize): u64 {
	const status = load<u8>(o, L.OPENING_ENTRIES) == 0 ? 0 : load<u32>(entryOf(o, 0), L.OPENS_STATUS) & STANDING;
	const flags = <u32>load<u8>(o, L.OPENING_FLAGS);
	const outcome = (<u32>load<u8>(o, L.OPENING_VERDICT)) | ((<u32>load<u8>(o, L.OPENING_REASON)) << 8) | (flags << 16);
	return (<u64>status) | ((<u64>outcome) << 32);
}

/** Verdict, reason and flags of a flow. */
// @ts-ignore: decorator
@inline
export function outcomeOf(f: usize): u32 {
	return load<u32>(f, L.FLOW_PROTO) >>> 8;
}

function find(lo: u64, hi: u64, evicts: bool): usize {
	const home = homeOf(lo, hi);
	let free: usize = 0;
	// A row's neighbours by its number, all in the table, whose capacity is a power of two, at least WAYS
	for (let way: u32 = 0; way < WAYS; way++) {
		const s = sequelAt(home ^ way);
		if (load<u64>(s) == lo && load<u64>(s, L.SEQUEL_STANDING) == hi) return s;
		if (free == 0 && (load<u64>(s) == 0 || isVoid(load<u32>(s, L.SEQUEL_EPOCH)))) free = s;
	}
	let s = free;
	if (s == 0) {
		if (!evicts) return 0;
		evicted++;
		if (evicted % EVICTS != 0) return 0;
		s = sequelAt(home ^ ((evicted / EVICTS) & (WAYS - 1)));
	}
	settleSequel(s);
	memory.fill(s, 0, L.SEQUEL_NEXT);
	store<u64>(s, lo);
	store<u64>(s, hi, L.SEQUEL_STANDING);
	return s;
}

// @ts-ignore: decorator
@inline
function homeOf(lo: u64, hi: u64): u32 {
	return hash2(lo, hi) & (capacity(L.TABLE_SEQUEL) - 1);
}

// @ts-ignore: decorator
@inline
function sequelAt(index: u32): usize {
	return row(L.TABLE_SEQUEL, index, L.SEQUEL_STRIDE);
}

/** The `i`th entry that a packet of the row belongs to. */
// @ts-ignore: decorator
@inline
export function trackedAt(s: usize, i: i32): usize {
	return s + L.SEQUEL_ENTRY + <usize>(i * L.SEQUEL_ENTRY_STRIDE);
}

/**
 * Follows row `s` with the packet at `at`, of flow `index` and its line. `valid`: the line could be repeated up to now. False: nothing
 * has changed, and the packet has to be carried.
 */
export function continues(s: usize, at: usize, line: usize, index: i32, dir: i32, valid: bool, time: i64): bool {
	const f = flow(index);
	const len = load<u32>(at, L.PACKET_LEN);
	if (!holds(s, len, time) || !standsAlike(s, f)) return false;
	const entries = <i32>load<u8>(s, L.SEQUEL_ENTRIES);
	for (let i = 0; i < entries; i++) if (!isAsThen(trackedAt(s, i), f, index, time)) return false;
	const outcome = load<u32>(f, L.FLOW_PROTO);
	// Whether its answers are recorded is known before it is tracked.
	store<u32>(f, (outcome & 0xff) | (load<u32>(s, L.SEQUEL_OUTCOME) << 8), L.FLOW_PROTO);
	if (!track(s, at, f, index, dir, time)) {
		store<u32>(f, outcome, L.FLOW_PROTO);
		return false;
	}
	store<i32>(f, load<i32>(s, L.SEQUEL_RULE_AFTER), L.FLOW_RULE);
	store<i32>(f, load<i32>(s, L.SEQUEL_ENTRY_NODE_AFTER), L.FLOW_ENTRY_NODE);
	store<i32>(f, load<i32>(s, L.SEQUEL_SECOND_AFTER), L.FLOW_SECOND);
	store<u32>(f, load<u32>(f, L.FLOW_PACKETS) + 1, L.FLOW_PACKETS);
	store<u64>(f, load<u64>(f, L.FLOW_BYTES) + <u64>len, L.FLOW_BYTES);
	store<i64>(f, time, L.FLOW_LAST);
	const owed = load<u32>(s, L.SEQUEL_PACKETS);
	store<u32>(s, owed + 1, L.SEQUEL_PACKETS);
	store<u64>(s, load<u64>(s, L.SEQUEL_BYTES) + <u64>len, L.SEQUEL_BYTES);
	// Where it owes something already, it is in the list, whose link lies in a line that is read for nothing else.
	if (owed == 0) owe(s);
	followed++;
	disturb();
	if (load<u8>(s, L.SEQUEL_STEADY) != 0)
		repeatFrom(line, load<u32>(s, L.SEQUEL_JOURNEY), index, dir, valid, ENTRIES, time);
	return true;
}

// Does what the row says hold now, for a packet of `len` bytes?
// @ts-ignore: decorator
@inline
function holds(s: usize, len: u32, time: i64): bool {
	const epoch = load<u32>(s, L.SEQUEL_EPOCH);
	if (epoch == 0) return false;
	const way = load<u32>(s, L.SEQUEL_JOURNEY);
	if (epoch != currentEpoch()) {
		if (!stillHolds(epoch, way)) return false;
		store<u32>(s, currentEpoch(), L.SEQUEL_EPOCH);
	}
	const j = journey(way);
	return len <= load<u32>(j, L.JOURNEY_MTU) && time <= load<i64>(j, L.JOURNEY_UNTIL);
}

// Is the flow's row, as far as the key does not say it, as it was then?
// @ts-ignore: decorator
@inline
function standsAlike(s: usize, f: usize): bool {
	return (
		load<i32>(f, L.FLOW_RULE) == load<i32>(s, L.SEQUEL_RULE) &&
		load<i32>(f, L.FLOW_ENTRY_NODE) == load<i32>(s, L.SEQUEL_ENTRY_NODE) &&
		load<i32>(f, L.FLOW_SECOND) == load<i32>(s, L.SEQUEL_SECOND) &&
		load<i32>(f, L.FLOW_SERVER) == load<i32>(s, L.SEQUEL_SERVER) &&
		load<u64>(f, L.FLOW_SEEN_SRC) == load<u64>(s, L.SEQUEL_SEEN) &&
		load<u16>(f, L.FLOW_SEEN_DPORT) == load<u16>(s, L.SEQUEL_SEEN_DPORT) &&
		load<u16>(f, L.FLOW_SEEN_SPORT) == load<u16>(f, L.FLOW_SPORT)
	);
}

// Is the entry the flow's own, alive, and as it was then?
// @ts-ignore: decorator
@inline
function isAsThen(t: usize, f: usize, index: i32, time: i64): bool {
	const c = conn(crossedEntry(f, load<i32>(t, L.SEQUEL_PLACE)));
	return (
		(load<u32>(changetype<usize>(c), L.CT_STATUS) & STANDING) == load<u32>(t, L.SEQUEL_BEFORE) &&
		c.flow == index &&
		c.deadline > time &&
		c.mark == load<u32>(t, L.SEQUEL_MARK) &&
		c.netns == load<i32>(t, L.SEQUEL_NETNS)
	);
}

// Lets every entry track the packet. False: one came out otherwise than then, and all are as before.
function track(s: usize, at: usize, f: usize, index: i32, dir: i32, time: i64): bool {
	const p = segmentAt(at);
	p.proto = load<u8>(at, L.PACKET_PROTO);
	p.len = load<u32>(at, L.PACKET_LEN);
	p.time = time;
	p.flow = index;
	const entries = <i32>load<u8>(s, L.SEQUEL_ENTRIES);
	const leader = entries > 0 ? load<i32>(trackedAt(s, 0), L.SEQUEL_PLACE) : 0;
	let alike = alikeNow(s, f, leader);
	judgeAnew();
	for (let i = 0; i < entries; i++) {
		const t = trackedAt(s, i);
		const place = load<i32>(t, L.SEQUEL_PLACE);
		const entry = crossedEntry(f, place);
		keepEntry(place, entry);
		p.netns = load<i32>(t, L.SEQUEL_NETNS);
		let accepted = true;
		if (((alike >>> i) & 1) != 0) fareAlike(entry, crossedEntry(f, leader), leader, dir, p.len);
		else accepted = conntrackFollow(p, entry, dir);
		// Where its windows alone have not decided, what the first one came to says nothing of the others.
		if (i == 0 && !hasMoved()) alike = 0;
		if (accepted && standing(entry) == load<u32>(t, L.SEQUEL_AFTER)) continue;
		for (; i >= 0; i--) restoreEntry(f, load<i32>(trackedAt(s, i), L.SEQUEL_PLACE));
		return false;
	}
	return true;
}

// @ts-ignore: decorator
@inline
function standing(entry: i32): u32 {
	return load<u32>(changetype<usize>(conn(entry)), L.CT_STATUS) & STANDING;
}

// A bit an entry that the tracker will leave as it leaves the first one, at `leader` among the flow's, where that one's windows decide: it
// has the same settings and stands alike (SEQUEL_ALIKE), saw the same segment last and has the same windows.
// @ts-ignore: decorator
@inline
function alikeNow(s: usize, f: usize, leader: i32): u32 {
	let alike = <u32>load<u8>(s, L.SEQUEL_ALIKE);
	if (alike == 0) return 0;
	const first = crossedEntry(f, leader);
	for (let rest = alike; rest != 0; rest &= rest - 1) {
		const i = ctz<u32>(rest);
		const entry = crossedEntry(f, load<i32>(trackedAt(s, <i32>i), L.SEQUEL_PLACE));
		const same = conn(entry).windowed != 0 && conn(first).windowed != 0;
		const last = load<u8>(changetype<usize>(conn(entry)), L.CT_LAST);
		if (same && last == load<u8>(changetype<usize>(conn(first)), L.CT_LAST)) {
			if (Window.row(entry).equals(Window.row(first))) continue;
		}
		alike &= ~(1 << i);
	}
	return alike;
}

// An entry becomes what the first one has just become, whose word of status, state and last segment differed in nothing that changes.
// @ts-ignore: decorator
@inline
function fareAlike(entry: i32, first: i32, leader: i32, dir: i32, len: u32): void {
	const c = conn(entry);
	const before = load<u32>(ENTRIES + <usize>(leader * L.CT_STRIDE), L.CT_STATUS);
	const changes = before ^ load<u32>(changetype<usize>(conn(first)), L.CT_STATUS);
	store<u32>(changetype<usize>(c), load<u32>(changetype<usize>(c), L.CT_STATUS) ^ changes, L.CT_STATUS);
	c.deadline = conn(first).deadline;
	Window.row(entry).become(Window.row(first));
	count(changetype<usize>(c), dir, len);
}

// place < FLOW_CROSSED_MAX: within what is kept
// @ts-ignore: decorator
@inline
function keepEntry(place: i32, entry: i32): void {
	copy(ENTRIES + <usize>(place * L.CT_STRIDE), changetype<usize>(conn(entry)), L.CT_STRIDE);
	if (conn(entry).windowed != 0) windowKept(place).become(Window.row(entry));
}

function restoreEntry(f: usize, place: i32): void {
	const entry = crossedEntry(f, place);
	copy(changetype<usize>(conn(entry)), ENTRIES + <usize>(place * L.CT_STRIDE), L.CT_STRIDE);
	if (conn(entry).windowed != 0) Window.row(entry).become(windowKept(place));
}

// @ts-ignore: decorator
@inline
function windowKept(place: i32): Window {
	return changetype<Window>(WINDOWS + <usize>(place * L.CTWINDOW_STRIDE));
}

// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize, bytes: usize): void {
	for (let offset: usize = 0; offset < bytes; offset += 16) v128.store(to + offset, v128.load(from + offset));
}

/** Counts on its way what the packets that followed a row would have counted. */
export function settleSequel(s: usize): void {
	const packets = load<u32>(s, L.SEQUEL_PACKETS);
	if (packets == 0) return;
	countJourney(load<u32>(s, L.SEQUEL_JOURNEY), packets, load<u64>(s, L.SEQUEL_BYTES));
	store<u32>(s, 0, L.SEQUEL_PACKETS);
	store<u64>(s, 0, L.SEQUEL_BYTES);
}

// @ts-ignore: decorator
@inline
function owe(s: usize): void {
	if (load<u32>(s, L.SEQUEL_NEXT) != 0) return;
	store<u32>(s, owing, L.SEQUEL_NEXT);
	owing = <u32>s;
}

/** The same of every row: rules and devices. */
export function settleSequels(): void {
	while (owing != LAST) {
		const s = <usize>owing;
		owing = load<u32>(s, L.SEQUEL_NEXT);
		store<u32>(s, 0, L.SEQUEL_NEXT);
		settleSequel(s);
	}
}
