// First packets of connections that differ in their source port alone, from one socket address to one destination, mostly do
// the same: the same rules, devices and neighbours, the same entries of conntrack but for that port. What the first of them
// did is learnt while it is carried (`learnopening`), and the next are opened by it: entries made, the flow's row written, the rest
// counted. A packet opens where
//   - it is a SYN or a UDP datagram of a flow that is new, within the MTUs of the way,
//   - nothing on the way depended on more than what the row's key holds: no list, no length (`notRepeatable`), no source port
//     (`asksSourcePort`), and no netns there has been configured anew since, no neighbour ages, no socket changed,
//   - the draws of `statistic` on the way come out as they did: they are made in the same order, before anything else,
//   - every tuple that carrying it would have asked for is free, and there is room for its entries.
// Everything else is carried. Through tunnels nothing is learnt, nor what was not delivered.

import { capacity, row } from "./arena";
import { flow } from "./flow";
import { hash2 } from "./hash";
import { ageOf, countSteps, stepsChanged } from "./journey";
import { conn, connAllocate, connRoom, netnsRoom } from "./netfilter/conn";
import { count } from "./netfilter/settle";
import { sourceAdd, sourceKnown } from "./netfilter/source";
import { tupleHash } from "./netfilter/tuple";
import { tupleEnded, tupleFind, tuplePut } from "./netfilter/tuplehash";
import { windowOpen } from "./netfilter/window";
import { netnsHas } from "./netns";
import { currentEpoch, isCaching, voidBefore } from "./pathcache";
import { drew, peek32 } from "./random";
import { segmentAt } from "./segment";
import { socketChanges } from "./socket";
import * as L from "./layout";

const NS_PER_S: i64 = 1_000_000_000;
/** Rows among which an opening's may be. */
const WAYS: u32 = 4;
/** Of packets that find no row free, every so many take one that another kind has. */
export const EVICTS: u32 = 8;
/** In place of a row's number. */
export const NO_HOME: u32 = 0xffffffff;

/** Of OPENING_NEXT: the last one. */
const LAST: u32 = 1;

// Rows that may owe something, one behind the other by OPENING_NEXT
let owing: u32 = LAST;
let opened: u32 = 0;
let evicted: u32 = 0;
// Which of the rows of a key is spoken of
let variant: u32 = 0;
let known: bool = false;

// Of each entry that is to be made: both tuples, 16 bytes each, with their hashes and where the search for them ended
const TUPLES: usize = memory.data(L.OPENING_ENTRY_COUNT * 64, 16);
const TUPLE_HASHED: usize = 16;
const TUPLE_ENDED: usize = 20;
const TUPLE_NEXT: usize = 32;

/** Connections opened by what another one did. */
export function openings(): u32 {
	return opened;
}

/** Is this row of TABLE_BATCH, the first of its flow, one that may be opened? */
// @ts-ignore: decorator
@inline
export function mayOpen(at: usize): bool {
	const proto = load<u8>(at, L.PACKET_PROTO);
	if (proto != L.PROTO_UDP && (proto != L.PROTO_TCP || load<u8>(at, L.PACKET_TCP) != L.TCP_SYN)) return false;
	// Hints that the key has no room for
	if (load<u8>(at, L.BATCH_FLAGS) > <u8>(L.BATCHF_OPENS | L.BATCHF_RECORDED)) return false;
	return capacity(L.TABLE_OPENING) >= WAYS && isCaching();
}

/**
 * The row of an opening packet: one that says what this packet will do (`isKnown`), or the one that it may have; 0: it can have none.
 * Of a key that chance has a say in, rows differ in how the draws came out: the first whose draws come out like that again is its.
 * `home`: what `openingHome` says of the packet, or NO_HOME.
 */
export function openingOf(at: usize, time: i64, home: u32): usize {
	const lo = load<u64>(at);
	variant = 0;
	let hi = keyOf(at);
	let o = find(lo, hi, home != NO_HOME ? home : homeOf(lo, hi));
	while (o != 0) {
		known =
			load<u32>(o, L.OPENING_EPOCH) != 0 && load<u64>(o) == lo && load<u64>(o, L.OPENING_WORD) == hi && holds(o, time);
		if (!known || drawsAgain(o)) return o;
		if (++variant == <u32>L.OPENING_VARIANTS) break;
		hi = keyOf(at);
		o = find(lo, hi, homeOf(lo, hi));
	}
	known = false;
	return 0;
}

/** Does the row that `openingOf` found say what its packet will do, and hold? */
// @ts-ignore: decorator
@inline
export function isKnown(): bool {
	return known;
}

// Do the next draws come out as those of the row did?
// @ts-ignore: decorator
@inline
function drawsAgain(o: usize): bool {
	const count = load<u32>(o, L.OPENING_DRAW_COUNT);
	for (let i: u32 = 0; i < count; i++) {
		const draw = load<u32>(o + <usize>(i << 2), L.OPENING_DRAWS);
		if ((peek32(i) & 0x7fffffff) < (draw & 0x7fffffff) != (draw >>> 31 != 0)) return false;
	}
	return true;
}

// @ts-ignore: decorator
@inline
function find(lo: u64, hi: u64, home: u32): usize {
	let free: usize = 0;
	// A row's neighbours by its number, all in the table, whose capacity is a power of two, at least WAYS
	for (let way: u32 = 0; way < WAYS; way++) {
		const o = openingAt(home ^ way);
		const own = load<u64>(o, L.OPENING_WORD);
		if (own == hi && load<u64>(o) == lo) return o;
		if (free == 0 && (own == 0 || isVoid(load<u32>(o, L.OPENING_EPOCH)))) free = o;
	}
	if (free != 0) return free;
	// Of more kinds than there are rows for, most keep theirs: were each to take another's, none would be found again.
	evicted++;
	return evicted % EVICTS == 0 ? openingAt(home ^ ((evicted / EVICTS) & (WAYS - 1))) : 0;
}

/** Of a row learnt at an epoch: all has been configured anew since. 0: nothing was learnt. */
// @ts-ignore: decorator
@inline
export function isVoid(epoch: u32): bool {
	return epoch != 0 && epoch < voidBefore();
}

/** Row `index` of TABLE_OPENING. */
// @ts-ignore: decorator
@inline
export function openingAt(index: u32): usize {
	return row(L.TABLE_OPENING, index, L.OPENING_STRIDE);
}

// @ts-ignore: decorator
@inline
function homeOf(lo: u64, hi: u64): u32 {
	return hash2(lo, hi) & (capacity(L.TABLE_OPENING) - 1);
}

/** Number of the row where an opening packet's is looked for first; NO_HOME: it may not open. */
export function openingHome(at: usize): u32 {
	if (!mayOpen(at)) return NO_HOME;
	variant = 0;
	return homeOf(load<u64>(at), keyOf(at));
}

/** The row at `home`, which `openingHome` has said of the packet at `at`, where it says what that will do; else 0. */
// @ts-ignore: decorator
@inline
export function openingFor(at: usize, home: u32): usize {
	if (home == NO_HOME) return 0;
	variant = 0;
	const o = openingAt(home);
	return isOf(o, at) && load<u32>(o, L.OPENING_EPOCH) != 0 ? o : 0;
}

/** The second word of the original tuple of an entry that an opening makes for a source port. */
// @ts-ignore: decorator
@inline
export function origPorts(e: usize, sport: u32): u64 {
	return zoneProtoOf(e) | (<u64>(sport | ((<u32>load<u16>(e, L.OPENS_DPORT)) << 16)));
}
/** The same of its reply tuple. */
// @ts-ignore: decorator
@inline
export function replyPorts(e: usize, sport: u32): u64 {
	return zoneProtoOf(e) | (<u64>((<u32>load<u16>(e, L.OPENS_REPLY_SPORT)) | (sport << 16)));
}
// @ts-ignore: decorator
@inline
function zoneProtoOf(e: usize): u64 {
	return (<u64>load<u32>(e, L.OPENS_ZONE_PROTO)) << 32;
}

// What of a row of TABLE_BATCH is in the key beside the addresses
// @ts-ignore: decorator
@inline
function keyOf(at: usize): u64 {
	return (<u64>wordOf(at)) | ((<u64>ownerOf(at)) << 32);
}

// @ts-ignore: decorator
@inline
function ownerOf(at: usize): u32 {
	return (load<u32>(at, L.BATCH_NETNS) << 8) | (<u32>load<u8>(at, L.PACKET_PROTO));
}

// @ts-ignore: decorator
@inline
function wordOf(at: usize): u32 {
	const tcp = load<u8>(at, L.PACKET_PROTO) == L.PROTO_TCP ? <u32>load<u8>(at, L.PACKET_TCP) : 0;
	const flags = (<u32>load<u8>(at, L.BATCH_FLAGS)) | (variant << 2);
	return (<u32>load<u16>(at, L.PACKET_DPORT)) | (tcp << 16) | (flags << 24);
}

/** Is `o` the row of the packet at `at`? */
// @ts-ignore: decorator
@inline
export function isOf(o: usize, at: usize): bool {
	return load<u64>(o) == load<u64>(at) && load<u64>(o, L.OPENING_WORD) == keyOf(at);
}

/**
 * Opens the new flow `index` with the packet at `at`, a row of TABLE_BATCH, of which `o` says what it does. True: all is done but the
 * answer, where there is one (`isMirrored`). False: nothing is, and the packet has to be carried.
 */
export function opens(o: usize, at: usize, index: i32, time: i64): bool {
	const len = load<u32>(at, L.PACKET_LEN);
	if (len > load<u32>(o, L.OPENING_MTU)) return false;
	const entries = <i32>load<u8>(o, L.OPENING_ENTRIES);
	if (!connRoom(entries)) return false;
	const sport = <u32>load<u16>(at, L.PACKET_SPORT);
	for (let i = 0; i < entries; i++) if (!isFree(o, i, sport)) return false;
	drew(load<u32>(o, L.OPENING_DRAW_COUNT));
	const f = flow(index);
	for (let i = 0; i < entries; i++) make(o, i, f, at, index, time);
	writeFlow(o, f, sport, len);
	const owed = load<u32>(o, L.OPENING_PACKETS);
	store<u32>(o, owed + 1, L.OPENING_PACKETS);
	store<u64>(o, load<u64>(o, L.OPENING_BYTES) + <u64>len, L.OPENING_BYTES);
	// Where it owes something already, it is in the list, whose link lies in a line that is read for nothing else.
	if (owed == 0) owe(o);
	opened++;
	return true;
}

/** Is the packet answered at once by who got it? */
// @ts-ignore: decorator
@inline
export function isMirrored(o: usize): bool {
	return load<u8>(o, L.OPENING_MIRRORED) != 0;
}

// Does what the row says hold now?
function holds(o: usize, time: i64): bool {
	if (load<u32>(o, L.OPENING_SOCKETS) != socketChanges()) return false;
	const epoch = load<u32>(o, L.OPENING_EPOCH);
	if (epoch != currentEpoch()) {
		if (epoch < voidBefore() || stepsChanged(o + L.OPENING_STEPS, load<u32>(o, L.OPENING_STEP_COUNT), epoch))
			return false;
		store<u32>(o, currentEpoch(), L.OPENING_EPOCH);
	}
	if (time <= load<i64>(o, L.OPENING_UNTIL)) return true;
	const until = ageOf(o + L.OPENING_STEPS, load<u32>(o, L.OPENING_STEP_COUNT));
	store<i64>(o, until, L.OPENING_UNTIL);
	return time <= until;
}

/** The `i`th entry that an opening makes. */
// @ts-ignore: decorator
@inline
export function entryOf(o: usize, i: i32): usize {
	return o + L.OPENING_ENTRY + <usize>(i * L.OPENING_ENTRY_STRIDE);
}

// @ts-ignore: decorator
@inline
function tupleOf(i: i32): usize {
	return TUPLES + ((<usize>i) << 6);
}

// Are the tuples of the `i`th entry free, and is there room for it in its netns? Leaves them behind for `make`.
function isFree(o: usize, i: i32, sport: u32): bool {
	const e = entryOf(o, i);
	const dport = <u32>load<u16>(e, L.OPENS_DPORT);
	const replySport = <u32>load<u16>(e, L.OPENS_REPLY_SPORT);
	// Tuples of one connection that are different may be the same where ports are.
	if (sport == dport || sport == replySport) return false;
	if (!netnsRoom(load<i32>(e, L.OPENS_NETNS), L.OPENING_ENTRY_COUNT)) return false;
	const reply = load<u64>(e, L.OPENS_REPLY);
	const ports = replyPorts(e, sport);
	const orig = tupleOf(i);
	if (!searched(orig, load<u64>(e, L.OPENS_ORIG), origPorts(e, sport))) return false;
	if (!searched(orig + TUPLE_NEXT, reply, ports)) return false;
	if (!(load<u32>(e, L.OPENS_STATUS) & L.IPS_SRC_NAT)) return true;
	// What it would have been asked for on its way to this mapping
	const src = load<u32>(e, L.OPENS_ORIG);
	if (sourceKnown(src, sport, load<u32>(e, L.OPENS_ZONE_PROTO))) return false;
	const before = (reply & 0xffffffff) | ((<u64>src) << 32);
	return tupleFind(before, ports, tupleHash(before, ports)) < 0;
}

// False: an entry has the tuple.
// @ts-ignore: decorator
@inline
function searched(t: usize, lo: u64, hi: u64): bool {
	const hash = tupleHash(lo, hi);
	if (tupleFind(lo, hi, hash) >= 0) return false;
	store<u64>(t, lo);
	store<u64>(t, hi, 8);
	store<u32>(t, hash, TUPLE_HASHED);
	store<u32>(t, <u32>tupleEnded(), TUPLE_ENDED);
	return true;
}

// @ts-ignore: decorator
@inline
function put(t: usize, value: i32): void {
	tuplePut(<usize>load<u32>(t, TUPLE_ENDED), load<u64>(t), load<u64>(t, 8), load<u32>(t, TUPLE_HASHED), value);
}

function make(o: usize, i: i32, f: usize, at: usize, index: i32, time: i64): void {
	const e = entryOf(o, i);
	const orig = tupleOf(i);
	const ct = connAllocate(load<i32>(e, L.OPENS_NETNS), load<u32>(orig, TUPLE_HASHED), time);
	const c = conn(ct);
	c.orig.assign(load<u64>(orig), load<u64>(orig, 8));
	c.reply.assign(load<u64>(orig, TUPLE_NEXT), load<u64>(orig, TUPLE_NEXT + 8));
	const status = load<u32>(e, L.OPENS_STATUS);
	store<u32>(changetype<usize>(c), status, L.CT_STATUS);
	c.flow = index;
	c.deadline = time + <i64>load<u32>(e, L.OPENS_TIMEOUT) * NS_PER_S;
	c.mark = load<u32>(e, L.OPENS_MARK);
	c.masqDevice = load<i32>(e, L.OPENS_MASQ_DEVICE);
	c.zone = load<u16>(e, L.OPENS_ZONE);
	if (load<u8>(at, L.PACKET_PROTO) == L.PROTO_TCP) {
		c.firstEnd = load<u32>(at, L.BATCH_SEQ) + load<u32>(at, L.PACKET_PAYLOAD) + 1;
		const recorded = (load<u8>(o, L.OPENING_FLAGS) & L.FLOWF_RECORDED) != 0;
		if (netnsHas(c.netns, L.NS_TCP_WINDOWS)) windowOpen(c, segmentAt(at), !recorded);
	}
	count(changetype<usize>(c), 0, load<u32>(at, L.PACKET_LEN));
	if (status & L.IPS_SRC_NAT_DONE) sourceAdd(ct, c);
	put(orig + TUPLE_NEXT, (ct << 1) | 1);
	put(orig, ct << 1);
	store<i32>(f + <usize>(i << 2), ct + 1, L.FLOW_CROSSED);
	if (load<u8>(o, L.OPENING_FIRST) == <u8>i) store<i32>(f, ct, L.FLOW_CT);
}

function writeFlow(o: usize, f: usize, sport: u32, len: u32): void {
	store<u8>(f, load<u8>(o, L.OPENING_VERDICT), L.FLOW_VERDICT);
	store<u8>(f, load<u8>(o, L.OPENING_REASON), L.FLOW_REASON);
	store<u8>(f, load<u8>(o, L.OPENING_FLAGS), L.FLOW_FLAGS);
	store<i32>(f, load<i32>(o, L.OPENING_SERVER), L.FLOW_SERVER);
	store<u64>(f, load<u64>(o, L.OPENING_SEEN), L.FLOW_SEEN_SRC);
	store<u32>(f, sport | ((<u32>load<u16>(o, L.OPENING_SEEN_DPORT)) << 16), L.FLOW_SEEN_SPORT);
	store<u32>(f, 1, L.FLOW_PACKETS);
	store<u64>(f, <u64>len, L.FLOW_BYTES);
	store<i32>(f, load<i32>(o, L.OPENING_RULE), L.FLOW_RULE);
	store<i32>(f, load<i32>(o, L.OPENING_ENTRY_NODE), L.FLOW_ENTRY_NODE);
	store<i32>(f, load<i32>(o, L.OPENING_SECOND), L.FLOW_SECOND);
	store<i32>(f, load<i32>(o, L.OPENING_CT_NETNS), L.FLOW_CT_NETNS);
	store<u32>(f, load<u32>(o, L.OPENING_SERIAL), L.FLOW_KIND);
}

/** Gives a row to the packet at `at`, of which nothing is known yet. */
export function claim(o: usize, at: usize): void {
	settleOpening(o);
	memory.fill(o, 0, L.OPENING_ENTRY);
	store<u64>(o, load<u64>(at));
	store<u64>(o, keyOf(at), L.OPENING_WORD);
	store<u32>(o, 0, L.OPENING_TRIES);
}

/** Counts what the connections that a row has opened would have counted on their way. */
export function settleOpening(o: usize): void {
	const packets = load<u32>(o, L.OPENING_PACKETS);
	if (packets == 0) return;
	countSteps(o + L.OPENING_STEPS, load<u32>(o, L.OPENING_STEP_COUNT), packets, load<u64>(o, L.OPENING_BYTES));
	store<u32>(o, 0, L.OPENING_PACKETS);
	store<u64>(o, 0, L.OPENING_BYTES);
}

// @ts-ignore: decorator
@inline
function owe(o: usize): void {
	if (load<u32>(o, L.OPENING_NEXT) != 0) return;
	store<u32>(o, owing, L.OPENING_NEXT);
	owing = <u32>o;
}

/** The same of every row: rules and devices. */
export function settleOpenings(): void {
	while (owing != LAST) {
		const o = <usize>owing;
		owing = load<u32>(o, L.OPENING_NEXT);
		store<u32>(o, 0, L.OPENING_NEXT);
		settleOpening(o);
	}
}
