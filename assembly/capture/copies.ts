// Which packets were seen a moment ago: a packet captured at several interfaces hashes alike at each, whatever NAT did on its
// way. What is noted stands in a ring, in the order in which it came, and leaves it when it is older than the window. Buckets of
// tags, 16 bits of a hash each, say where in the ring a packet may be: two bytes a packet, so that those of a hundred thousand
// lie in a core's own cache, and of a packet that is no copy, as nearly all are, nothing else is read. Few buckets ever overflow
// into the next one; when many have, all are filled anew from the ring.

import * as L from "../layout";
import { room } from "./room";

/* A row of the ring, 24 bytes: first hash | second hash | time i64 | flow | its lane << 1 | noted in a known netns */
const ROW: u32 = 24;
/* A bucket, 32 bytes: tags u16[15], 0: a free lane | 1: some went on to the next bucket. A lane is bucket << 4 | tag. */
const BUCKET: u32 = 5; // as a shift
const LANES: u32 = 15;
const OVERFLOWED: usize = 30;
const EVERY_LANE: u32 = (1 << LANES) - 1;
/** Of a row whose packet came again: the later row has its lane. */
const NO_LANE: u32 = 0x7fffffff;
const FIRST_ROWS: u32 = 8192;
/** Rows of the ring that a bucket is for, as a shift. */
const FILLED: u32 = 3;

/** Copies of one packet lie within this time of each other. */
let windowNs: i64 = 100_000_000;
let ring: usize = 0;
/** Rows of the ring less one, a power of two less one; 0: there is none yet. */
let ringMask: u32 = 0;
/** Numbers of the oldest row that counts, and of the next one, modulo 2^32; low bits: the row. */
let oldest: u32 = 0;
let next: u32 = 0;
let buckets: usize = 0;
/* Number in the ring by lane, u32. */
let numbers: usize = 0;
let mask: u32 = 0;
/** Buckets that overflowed since they were filled. */
let overflowed: u32 = 0;
/** Both hashes of a packet that was just found to have no lane; 0: of none. */
let absent: u64 = 0;

/** After `seenBefore`: the flow of the first sighting, and whether that was at an interface of a known netns. */
export namespace copy {
	export let flow: u32 = 0;
	export let inNetns: bool = false;
}

/** Sightings count as copies of one packet for `ns`. */
export function copiesReset(ns: i64): void {
	windowNs = ns;
	oldest = next;
	absent = 0;
	if (ringMask != 0) clear();
}

function clear(): void {
	memory.fill(buckets, 0, (<usize>mask + 1) << BUCKET);
	overflowed = 0;
}

// @ts-ignore: decorator
@inline
function bucketOf(first: u32, second: u32): u32 {
	return (first ^ (second >>> 7)) & mask;
}

// @ts-ignore: decorator
@inline
function tagsAt(bucket: u32): usize {
	return buckets + ((<usize>bucket) << BUCKET);
}

// @ts-ignore: decorator
@inline
function tagOf(second: u32): u16 {
	return <u16>max<u32>(second >>> 16, 1);
}

// @ts-ignore: decorator
@inline
function rowAt(number: u32): usize {
	return ring + <usize>((number & ringMask) * ROW);
}

// @ts-ignore: decorator
@inline
function pairOf(first: u32, second: u32): u64 {
	return ((<u64>second) << 32) | (<u64>first);
}

/** Brings the bucket of these hashes into the cache. */
// @ts-ignore: decorator
@inline
export function touchCopy(first: u32, second: u32): u32 {
	return ringMask == 0 ? 0 : load<u32>(tagsAt(bucketOf(first, second)));
}

/** True where the packet with these hashes was noted within the window before `time`. */
export function seenBefore(first: u32, second: u32, time: i64): bool {
	if (ringMask == 0) return false;
	const lane = laneOf(first, second);
	if (lane == NO_LANE) {
		absent = pairOf(first, second);
		return false;
	}
	const row = rowAt(numberAt(lane));
	if (time - load<i64>(row, 8) > windowNs) return false;
	copy.flow = load<u32>(row, 16);
	copy.inNetns = (load<u32>(row, 20) & 1) == 1;
	return true;
}

/** Notes the packet with these hashes as one of `flow`; `inNetns`: seen at an interface of a known netns. */
export function noteSeen(first: u32, second: u32, time: i64, flow: u32, inNetns: bool): void {
	if (ringMask == 0 && !grow()) return;
	while (oldest != next && time - load<i64>(rowAt(oldest), 8) > windowNs) giveUp();
	if (next - oldest > ringMask && !grow()) return;
	if (overflowed > mask >>> 4) fill();
	let lane: u32 = NO_LANE;
	if (absent != pairOf(first, second)) lane = laneOf(first, second);
	absent = 0;
	if (lane == NO_LANE) lane = freeLane(first, second);
	else setLane(rowAt(numberAt(lane)), NO_LANE);
	const row = rowAt(next);
	store<u32>(row, first);
	store<u32>(row, second, 4);
	store<i64>(row, time, 8);
	store<u32>(row, flow, 16);
	store<u32>(row, inNetns ? 1 : 0, 20);
	place(lane, next);
	next++;
}

/** The oldest row leaves the ring. */
// @ts-ignore: decorator
@inline
function giveUp(): void {
	const lane = load<u32>(rowAt(oldest), 20) >>> 1;
	if (lane != NO_LANE) store<u16>(buckets + ((<usize>lane) << 1), 0);
	oldest++;
}

/** Lanes of a bucket that have this tag: a bit each. */
// @ts-ignore: decorator
@inline
function alike(at: usize, tag: u16): u32 {
	const wanted = i16x8.splat(<i16>tag);
	const low = i16x8.bitmask(i16x8.eq(v128.load(at), wanted));
	const high = i16x8.bitmask(i16x8.eq(v128.load(at, 16), wanted));
	return (low | (high << 8)) & EVERY_LANE;
}

// @ts-ignore: decorator
@inline
function numberAt(lane: u32): u32 {
	return load<u32>(numbers + ((<usize>lane) << 2));
}

/** The lane that names the packet's row, or NO_LANE: it is not in the ring. */
function laneOf(first: u32, second: u32): u32 {
	const tag = tagOf(second);
	// Fewer than all buckets have overflowed, so the probe ends.
	for (let bucket = bucketOf(first, second); ; bucket = (bucket + 1) & mask) {
		const at = tagsAt(bucket);
		for (let lanes = alike(at, tag); lanes != 0; lanes &= lanes - 1) {
			const lane = (bucket << 4) | ctz<u32>(lanes);
			const row = rowAt(numberAt(lane));
			if (load<u32>(row) == first && load<u32>(row, 4) == second) return lane;
		}
		if (load<u16>(at, OVERFLOWED) == 0) return NO_LANE;
	}
	return NO_LANE;
}

/** A free lane for a packet with these hashes. */
function freeLane(first: u32, second: u32): u32 {
	// There are nearly twice as many lanes as rows, so some bucket has a free one.
	for (let bucket = bucketOf(first, second); ; bucket = (bucket + 1) & mask) {
		const at = tagsAt(bucket);
		const lanes = alike(at, 0);
		if (lanes != 0) return (bucket << 4) | ctz<u32>(lanes);
		if (load<u16>(at, OVERFLOWED) == 0) {
			store<u16>(at, 1, OVERFLOWED);
			overflowed++;
		}
	}
	return NO_LANE;
}

// @ts-ignore: decorator
@inline
function setLane(row: usize, lane: u32): void {
	store<u32>(row, (lane << 1) | (load<u32>(row, 20) & 1), 20);
}

/** Gives row `number` of the ring the lane. */
// @ts-ignore: decorator
@inline
function place(lane: u32, number: u32): void {
	const row = rowAt(number);
	setLane(row, lane);
	store<u16>(buckets + ((<usize>lane) << 1), tagOf(load<u32>(row, 4)));
	store<u32>(numbers + ((<usize>lane) << 2), number);
}

/** Empties the buckets and gives each row of the ring that has a lane a new one. */
function fill(): void {
	clear();
	for (let number = oldest; number != next; number++) {
		const row = rowAt(number);
		if (load<u32>(row, 20) >>> 1 != NO_LANE) place(freeLane(load<u32>(row), load<u32>(row, 4)), number);
	}
}

/** A ring twice as long, its rows as they were, and buckets for it. False: the memory is at its maximum. */
function grow(): bool {
	const rows = ringMask == 0 ? FIRST_ROWS : (ringMask + 1) * 2;
	const longer = room(rows * ROW);
	const total = rows >>> FILLED;
	const tags = room(total << BUCKET);
	const named = room(total << 6);
	if (longer == 0 || tags == 0 || named == 0) return false;
	for (let number = oldest; number != next; number++) {
		memory.copy(longer + <usize>((number & (rows - 1)) * ROW), rowAt(number), ROW);
	}
	ring = longer;
	ringMask = rows - 1;
	buckets = tags;
	numbers = named;
	mask = total - 1;
	fill();
	return true;
}

/**
 * Writes both hashes of rows `row` to `row` + 3 at `into`, first u32 | second u32 each; `second` is never 0. They are, 64 bits together,
 * over what NAT and forwarding leave alone: IP id, length, protocol, and of TCP sequence, acknowledgement, flags and window, of ICMP
 * type, code and an echo's sequence number, of others the beginning of the payload. Two packets of one sender collide where it
 * sends the same again with the same IP id. What is behind the last row is not looked at, but may be read.
 */
export function hashCopies(columns: usize, row: u32, into: usize): void {
	const fours = columns + ((<usize>row) << 2);
	const twos = columns + ((<usize>row) << 1);
	const ones = columns + <usize>row;
	const c1 = i32x4.splat(0x9e3779b1);
	const c2 = i32x4.splat(0x85ebca6b);
	const c3 = i32x4.splat(0xc2b2ae35);
	const c4 = i32x4.splat(0x27d4eb2f);
	const seq = v128.load(fours, L.COLUMN_SEQ);
	const ack = v128.load(fours, L.COLUMN_ACK);
	const payload = v128.load(fours, L.COLUMN_HASH);
	const length = v128.load(fours, L.COLUMN_IPBYTES);
	const id = i32x4.shl(v128.load16x4_u(twos, L.COLUMN_IPID), 16);
	let h = i32x4.mul(v128.xor(id, length), c1);
	h = i32x4.mul(i32x4.add(folded(h, 15), seq), c2);
	h = i32x4.mul(i32x4.add(folded(h, 13), ack), c3);
	h = i32x4.mul(i32x4.add(folded(h, 15), payload), c4);
	const first = folded(h, 16);
	const proto = bytes(ones, L.COLUMN_PROTO);
	const typed = v128.or(i32x4.eq(proto, i32x4.splat(L.PROTO_ICMP)), i32x4.eq(proto, i32x4.splat(L.PROTO_ICMPV6)));
	const typeCode = v128.and(typed, v128.load16x4_u(twos, L.COLUMN_DPORT));
	h = i32x4.mul(v128.or(i32x4.shl(bytes(ones, L.COLUMN_TCP), 16), v128.load16x4_u(twos, L.COLUMN_WINDOW)), c2);
	h = v128.xor(i32x4.mul(i32x4.add(folded(h, 15), payload), c3), i32x4.mul(seq, c4));
	const what = i32x4.add(i32x4.shl(typeCode, 8), proto);
	h = v128.xor(i32x4.mul(i32x4.add(folded(h, 13), ack), c1), i32x4.mul(what, c2));
	h = i32x4.mul(i32x4.add(i32x4.add(folded(h, 15), id), length), c3);
	const second = i32x4.max_u(folded(h, 16), i32x4.splat(1));
	v128.store(into, i8x16.shuffle(first, second, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23));
	v128.store(into, i8x16.shuffle(first, second, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31), 16);
}

// @ts-ignore: decorator
@inline
function folded(h: v128, bits: i32): v128 {
	return v128.xor(h, i32x4.shr_u(h, bits));
}

// Four bytes of a column, as lanes.
// @ts-ignore: decorator
@inline
function bytes(ones: usize, column: usize): v128 {
	return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(ones + column)));
}
