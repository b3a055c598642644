// Which packets were seen a moment ago: a packet captured at several interfaces hashes alike at each, whatever NAT did on its
// way. What is noted stands in a ring, in the order in which it came, and counts until it is older than the window. Buckets of
// one cache line, a word of a tag and a number in the ring each, say where a packet may be: of a packet that is no copy, as
// nearly all are, its bucket alone is read and written. What no longer counts is taken out of no bucket: its number says so, and
// what comes into the bucket goes over it. Few buckets ever overflow into the next one; when many have, all are filled anew.

import * as L from "../layout";
import { timeAt } from "./columns";
import { roomAsIs } from "./room";

/* A row of the ring, 24 bytes: first hash | second hash | time i64 | flow | noted in a known netns */
const ROW: u32 = 24;
/*
 * A bucket, 64 bytes: u32[LANES], 0: nothing was ever there | lane to be written next u16 | 1: some went on to the next bucket u16.
 * A lane is a number, as many of its low bits as twice the ring has rows, and a tag above it: what is far older may seem to count,
 * which costs a look into the ring, where another packet stands by then.
 */
const BUCKET: u32 = 6; // as a shift
const LANES: u32 = 15;
const EVERY_LANE: u32 = (1 << LANES) - 1;
const TURN: usize = 60;
const OVERFLOWED: usize = 62;
/** In place of a lane's address: there is none. */
const NO_LANE: usize = 0;
const FIRST_ROWS: u32 = 8192;
/** Up to so many it grows by four times, as each growth fills the buckets anew; then by two. */
const MANY_ROWS: u32 = 65536;
/** Rows of the ring that a bucket is for, as a shift. */
const FILLED: u32 = 3;

/** Copies of one packet lie within this time of each other. */
let windowNs: i64 = 100_000_000;
let ring: usize = 0;
/** Rows of the ring less one, a power of two less one; 0: there is none yet. */
let ringMask: u32 = 0;
/** Low bits of a lane that are a number. */
let numberBits: u32 = 0;
/** Numbers of the oldest row that counts, and of the next one, modulo 2^32; low bits: the row. */
let oldest: u32 = 0;
let next: u32 = 0;
let buckets: usize = 0;
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
function bucketAt(bucket: u32): usize {
	return buckets + ((<usize>bucket) << BUCKET);
}

// What a lane has above its number.
// @ts-ignore: decorator
@inline
function tagOf(second: u32): u32 {
	return max<u32>(second >>> numberBits, 1);
}

// @ts-ignore: decorator
@inline
function numberOf(lane: u32): u32 {
	return lane & ((1 << numberBits) - 1);
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

// Does what a lane names count, as far as its number says?
// @ts-ignore: decorator
@inline
function counts(lane: u32): bool {
	return numberOf(lane - oldest) < next - oldest;
}

/** Brings the bucket of these hashes into the cache. */
// @ts-ignore: decorator
@inline
export function touchCopy(first: u32, second: u32): u32 {
	return ringMask == 0 ? 0 : load<u32>(bucketAt(bucketOf(first, second)));
}

/** True where the packet with these hashes was noted within the window before `time`. */
export function seenBefore(first: u32, second: u32, time: i64): bool {
	const lane = ringMask == 0 ? NO_LANE : laneOf(first, second);
	if (lane == NO_LANE) {
		absent = pairOf(first, second);
		return false;
	}
	const row = rowAt(numberOf(load<u32>(lane)));
	if (time - load<i64>(row, 8) > windowNs) return false;
	copy.flow = load<u32>(row, 16);
	copy.inNetns = load<u32>(row, 20) != 0;
	return true;
}

/** Notes the packet with these hashes as one of `flow`; `inNetns`: seen at an interface of a known netns. */
export function noteSeen(first: u32, second: u32, time: i64, flow: u32, inNetns: bool): void {
	expire(time);
	if (isCrowded() && !madeRoom()) return;
	putAnywhere(first, second);
	absent = 0;
	push(first, second, time, flow, inNetns);
}

/**
 * Rows `row` to `end`, at interfaces of no known netns: what was seen a moment ago becomes a duplicate, the rest is noted, each as one
 * of its row's flow. Their hashes are at `hashes`, both in 64 bits, `stride` bytes from row to row; 0: not to be asked for, nor is what
 * is a duplicate already.
 */
export function noteRows(columns: usize, row: u32, end: u32, hashes: usize, stride: usize): void {
	// Once: a row of the ring that gets too old meanwhile says so itself.
	expire(timeAt(columns, row));
	for (let at = hashes; row < end; row++, at += stride) {
		const pair = load<u64>(at);
		if (pair == 0 || <i32>load<u8>(columns + <usize>row, L.COLUMN_KIND) > L.KIND_REPLY) continue;
		const first = <u32>pair;
		const second = <u32>(pair >> 32);
		const time = timeAt(columns, row);
		const flow = load<u32>(columns + ((<usize>row) << 2), L.COLUMN_FLOW);
		const bucket = bucketAt(bucketOf(first, second));
		const turn = <u32>load<u16>(bucket, TURN);
		// A bucket that has neither such a tag nor overflowed says all; most packets are done with here.
		const unusual = alike(bucket, tagOf(second)) | (<u32>load<u16>(bucket, OVERFLOWED)) | (<u32>isCrowded());
		if (unusual == 0 && isFree(bucket, turn)) {
			put(bucket, turn, second);
			push(first, second, time, flow, false);
		} else if (seenBefore(first, second, time)) store<u8>(columns + <usize>row, <u8>L.KIND_DUPLICATE, L.COLUMN_KIND);
		else noteSeen(first, second, time, flow, false);
	}
}

// Rows that are older than the window do not count any more.
// @ts-ignore: decorator
@inline
function expire(time: i64): void {
	while (oldest != next && time - load<i64>(rowAt(oldest), 8) > windowNs) oldest++;
}

// Has the ring no row left, or have too many buckets overflowed?
// @ts-ignore: decorator
@inline
function isCrowded(): bool {
	return next - oldest >= ringMask || overflowed > mask >>> 4;
}

// Writes the next row of the ring.
// @ts-ignore: decorator
@inline
function push(first: u32, second: u32, time: i64, flow: u32, inNetns: bool): void {
	const row = rowAt(next);
	store<u64>(row, pairOf(first, second));
	store<i64>(row, time, 8);
	store<u64>(row, (<u64>flow) | ((<u64>inNetns) << 32), 16);
	next++;
}

// Room in the ring, and buckets of which few have overflowed. False: the memory is at its maximum.
function madeRoom(): bool {
	if (next - oldest >= ringMask && !grow()) return false;
	if (overflowed > mask >>> 4) fill();
	return true;
}

/** Lanes of a bucket that have this tag: a bit each. */
// @ts-ignore: decorator
@inline
function alike(at: usize, tag: u32): u32 {
	const wanted = i32x4.splat(tag);
	const low = i16x8.narrow_i32x4_s(tagged(at, wanted), tagged(at + 16, wanted));
	const high = i16x8.narrow_i32x4_s(tagged(at + 32, wanted), tagged(at + 48, wanted));
	return i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)) & EVERY_LANE;
}

// Four lanes: all bits of those that have the tag.
// @ts-ignore: decorator
@inline
function tagged(at: usize, wanted: v128): v128 {
	return i32x4.eq(i32x4.shr_u(v128.load(at), numberBits), wanted);
}

// Is nothing that counts in a lane?
// @ts-ignore: decorator
@inline
function isFree(at: usize, lane: u32): bool {
	const word = load<u32>(at + ((<usize>lane) << 2));
	return word == 0 || !counts(word);
}

// What a lane says of the next row, whose packet has this second hash.
// @ts-ignore: decorator
@inline
function nextLane(second: u32): u32 {
	return (tagOf(second) << numberBits) | numberOf(next);
}

// Writes the number of the next row into a lane of a bucket; the lane behind it is the next one's turn.
// @ts-ignore: decorator
@inline
function put(at: usize, lane: u32, second: u32): void {
	store<u32>(at + ((<usize>lane) << 2), nextLane(second));
	store<u16>(at, <u16>(lane == LANES - 1 ? 0 : lane + 1), TURN);
}

/** Where the number of the packet's row is, of the last one; or NO_LANE: none that counts is noted. */
function laneOf(first: u32, second: u32): usize {
	const tag = tagOf(second);
	let found = NO_LANE;
	let newest: u32 = 0;
	// Fewer than all buckets have overflowed, so the probe ends.
	for (let bucket = bucketOf(first, second); ; bucket = (bucket + 1) & mask) {
		const at = bucketAt(bucket);
		for (let lanes = alike(at, tag); lanes != 0; lanes &= lanes - 1) {
			const lane = at + ((<usize>ctz<u32>(lanes)) << 2);
			const word = load<u32>(lane);
			if (!counts(word) || load<u64>(rowAt(numberOf(word))) != pairOf(first, second)) continue;
			// A lane from long ago may name a row of the packet's as well, by chance.
			const since = numberOf(word - oldest);
			if (found != NO_LANE && since < newest) continue;
			found = lane;
			newest = since;
		}
		if (load<u16>(at, OVERFLOWED) == 0) return found;
	}
	return NO_LANE;
}

// Gives the next row the lane that its packet has already, or a free one of its bucket, or of those behind it.
function putAnywhere(first: u32, second: u32): void {
	const known = absent == pairOf(first, second) ? NO_LANE : laneOf(first, second);
	if (known != NO_LANE) return store<u32>(known, nextLane(second));
	// There are nearly twice as many lanes as rows, so some bucket has a free one.
	for (let bucket = bucketOf(first, second); ; bucket = (bucket + 1) & mask) {
		const at = bucketAt(bucket);
		for (let i: u32 = 0, lane = <u32>load<u16>(at, TURN); i < LANES; i++) {
			if (isFree(at, lane)) return put(at, lane, second);
			lane = lane == LANES - 1 ? 0 : lane + 1;
		}
		if (load<u16>(at, OVERFLOWED) == 0) {
			store<u16>(at, 1, OVERFLOWED);
			overflowed++;
		}
	}
}

/** Empties the buckets and gives each row of the ring that counts a lane anew, the last of a packet's. */
function fill(): void {
	clear();
	const end = next;
	for (next = oldest; next != end; next++) {
		const row = rowAt(next);
		putAnywhere(load<u32>(row), load<u32>(row, 4));
	}
}

/** A longer ring, its rows as they were, and buckets for it. False: the memory is at its maximum. */
function grow(): bool {
	const rows = ringMask == 0 ? FIRST_ROWS : (ringMask + 1) * (ringMask < MANY_ROWS ? 4 : 2);
	const longer = roomAsIs(rows * ROW);
	const total = rows >>> FILLED;
	const lines = roomAsIs(total << BUCKET);
	if (longer == 0 || lines == 0) return false;
	for (let number = oldest; number != next; number++) {
		memory.copy(longer + <usize>((number & (rows - 1)) * ROW), rowAt(number), ROW);
	}
	ring = longer;
	ringMask = rows - 1;
	numberBits = 33 - clz<u32>(ringMask);
	buckets = lines;
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
