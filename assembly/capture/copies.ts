// Which packets were seen a moment ago: a packet captured at several interfaces hashes alike at each, whatever NAT did on its
// way. What is noted stands in a ring, in the order in which it came, and leaves it when it is older than the window: so
// nothing is ever looked for to be removed. Buckets of one cache line find a packet's place in the ring; a place that the ring
// has given up is free. Few buckets ever overflow into the next one; when many have, all are filled anew from the ring.

import * as L from "../layout";
import { room } from "./room";

/* A row of the ring, 24 bytes: first hash | second hash | time i64 | flow | 1: noted in a known netns */
const ROW: u32 = 24;
/* A bucket, 64 bytes: second hash u32[7] | 1: some went on to the next bucket | number in the ring u32[7] | unused u32 */
const BUCKET: u32 = 6; // as a shift
const LANES: u32 = 7;
const OVERFLOWED: usize = 28;
const NUMBERS: usize = 32;
const EVERY_LANE: u32 = (1 << LANES) - 1;
const FIRST_ROWS: u32 = 8192;

/** Copies of one packet lie within this time of each other. */
let windowNs: i64 = 100_000_000;
let ring: usize = 0;
/** Rows of the ring less one, a power of two less one; 0: there is none yet. */
let ringMask: u32 = 0;
/** Numbers of the oldest row that counts, and of the next one, modulo 2^32; low bits: the row. */
let oldest: u32 = 0;
let next: u32 = 0;
let buckets: usize = 0;
let mask: u32 = 0;
/** Buckets that overflowed since they were filled. */
let overflowed: u32 = 0;

/** What `hashCopy` made of a packet: 64 bits; `second` is never 0. */
export namespace seen {
	export let first: u32 = 0;
	export let second: u32 = 0;
}

/** After `seenBefore`: the flow of the first sighting, and whether that was at an interface of a known netns. */
export namespace copy {
	export let flow: u32 = 0;
	export let inNetns: bool = false;
}

/** Sightings count as copies of one packet for `ns`. */
export function copiesReset(ns: i64): void {
	windowNs = ns;
	oldest = next;
	if (ringMask != 0) clear();
}

function clear(): void {
	memory.fill(buckets, 0, (<usize>mask + 1) << BUCKET);
	overflowed = 0;
}

// @ts-ignore: decorator
@inline
function bucketOf(first: u32, second: u32): usize {
	return buckets + ((<usize>((first ^ (second >>> 7)) & mask)) << BUCKET);
}

function bucketAfter(at: usize): usize {
	return at == buckets + ((<usize>mask) << BUCKET) ? buckets : at + (1 << BUCKET);
}

// @ts-ignore: decorator
@inline
function rowAt(number: u32): usize {
	return ring + <usize>((number & ringMask) * ROW);
}

/** Brings the bucket of these hashes into the cache. */
// @ts-ignore: decorator
@inline
export function touchCopy(first: u32, second: u32): u32 {
	return ringMask == 0 ? 0 : load<u32>(bucketOf(first, second));
}

/** True where the packet with these hashes was noted within the window before `time`. */
export function seenBefore(first: u32, second: u32, time: i64): bool {
	if (ringMask == 0) return false;
	const at = laneOf(first, second);
	if (at == 0) return false;
	const row = rowAt(load<u32>(at, NUMBERS));
	if (time - load<i64>(row, 8) > windowNs) return false;
	copy.flow = load<u32>(row, 16);
	copy.inNetns = load<u32>(row, 20) == 1;
	return true;
}

/** Notes the packet with these hashes as one of `flow`; `inNetns`: seen at an interface of a known netns. */
export function noteSeen(first: u32, second: u32, time: i64, flow: u32, inNetns: bool): void {
	if (ringMask == 0 && !grow()) return;
	while (oldest != next && time - load<i64>(rowAt(oldest), 8) > windowNs) oldest++;
	if (next - oldest > ringMask && !grow()) return;
	if (overflowed > mask >>> 4) fill();
	const row = rowAt(next);
	store<u32>(row, first);
	store<u32>(row, second, 4);
	store<i64>(row, time, 8);
	store<u32>(row, flow, 16);
	store<u32>(row, inNetns ? 1 : 0, 20);
	place(first, second, next);
	next++;
}

/** Lanes of a bucket whose hash this is: a bit each. */
// @ts-ignore: decorator
@inline
function alike(at: usize, second: u32): u32 {
	const wanted = i32x4.splat(<i32>second);
	const low = i32x4.bitmask(i32x4.eq(v128.load(at), wanted));
	const high = i32x4.bitmask(i32x4.eq(v128.load(at, 16), wanted));
	return (low | (high << 4)) & EVERY_LANE;
}

/** Lanes of a bucket that were never used, or whose rows the ring has given up. */
// @ts-ignore: decorator
@inline
function free(at: usize): u32 {
	const first = i32x4.splat(<i32>oldest);
	const count = i32x4.splat(<i32>(next - oldest));
	const low = i32x4.bitmask(i32x4.lt_u(i32x4.sub(v128.load(at, NUMBERS), first), count));
	const high = i32x4.bitmask(i32x4.lt_u(i32x4.sub(v128.load(at, NUMBERS + 16), first), count));
	return (~(low | (high << 4)) & EVERY_LANE) | alike(at, 0);
}

/** Address of the lane that names the packet's row; 0: it is not in the ring. */
function laneOf(first: u32, second: u32): usize {
	let at = bucketOf(first, second);
	// Fewer than all buckets have overflowed, so the probe ends.
	for (;;) {
		for (let lanes = alike(at, second); lanes != 0; lanes &= lanes - 1) {
			const lane = at + ((<usize>ctz<u32>(lanes)) << 2);
			const number = load<u32>(lane, NUMBERS);
			if (number - oldest >= next - oldest) continue;
			const row = rowAt(number);
			if (load<u32>(row) == first && load<u32>(row, 4) == second) return lane;
		}
		if (load<u32>(at, OVERFLOWED) == 0) return 0;
		at = bucketAfter(at);
	}
	return 0;
}

/** Makes `number` the row of the packet, in its lane or a free one. */
function place(first: u32, second: u32, number: u32): void {
	let lane = laneOf(first, second);
	if (lane == 0) lane = freeLane(first, second);
	store<u32>(lane, second);
	store<u32>(lane, number, NUMBERS);
}

function freeLane(first: u32, second: u32): usize {
	let at = bucketOf(first, second);
	// There are twice as many lanes as rows, so some bucket has a free one.
	for (;;) {
		const lanes = free(at);
		if (lanes != 0) return at + ((<usize>ctz<u32>(lanes)) << 2);
		if (load<u32>(at, OVERFLOWED) == 0) {
			store<u32>(at, 1, OVERFLOWED);
			overflowed++;
		}
		at = bucketAfter(at);
	}
	return 0;
}

/** Empties the buckets and places each row of the ring anew. */
function fill(): void {
	clear();
	for (let number = oldest; number != next; number++) {
		const row = rowAt(number);
		place(load<u32>(row), load<u32>(row, 4), number);
	}
}

/** A ring twice as long, its rows as they were, and a bucket for each two. False: the memory is at its maximum. */
function grow(): bool {
	const rows = ringMask == 0 ? FIRST_ROWS : (ringMask + 1) * 2;
	const longer = room(rows * ROW);
	const more = room((rows >>> 1) << BUCKET);
	if (longer == 0 || more == 0) return false;
	for (let number = oldest; number != next; number++) {
		memory.copy(longer + <usize>((number & (rows - 1)) * ROW), rowAt(number), ROW);
	}
	ring = longer;
	ringMask = rows - 1;
	buckets = more;
	mask = (rows >>> 1) - 1;
	fill();
	return true;
}

/*
 * Both hashes, 64 bits together, are over what NAT and forwarding leave alone: IP id, length, protocol, and of TCP sequence,
 * acknowledgement, flags and window, of ICMP type, code and an echo's sequence number, of others the beginning of the
 * payload. Two packets of one sender collide where it sends the same again with the same IP id.
 */
export function hashCopy(columns: usize, row: u32): void {
	const fours = columns + ((<usize>row) << 2);
	const twos = columns + ((<usize>row) << 1);
	const ones = columns + <usize>row;
	const seq = load<u32>(fours, L.COLUMN_SEQ);
	const ack = load<u32>(fours, L.COLUMN_ACK);
	const payload = load<u32>(fours, L.COLUMN_HASH);
	const length = load<u32>(fours, L.COLUMN_IPBYTES);
	const id = (<u32>load<u16>(twos, L.COLUMN_IPID)) << 16;
	let h = (id ^ length) * 0x9e3779b1;
	h = ((h ^ (h >>> 15)) + seq) * 0x85ebca6b;
	h = ((h ^ (h >>> 13)) + ack) * 0xc2b2ae35;
	h = ((h ^ (h >>> 15)) + payload) * 0x27d4eb2f;
	seen.first = h ^ (h >>> 16);
	const proto = <u32>load<u8>(ones, L.COLUMN_PROTO);
	const typed = proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6;
	const typeCode = typed ? <u32>load<u16>(twos, L.COLUMN_DPORT) : 0;
	h = (((<u32>load<u8>(ones, L.COLUMN_TCP)) << 16) | (<u32>load<u16>(twos, L.COLUMN_WINDOW))) * 0x85ebca6b;
	h = (((h ^ (h >>> 15)) + payload) * 0xc2b2ae35) ^ (seq * 0x27d4eb2f);
	h = (((h ^ (h >>> 13)) + ack) * 0x9e3779b1) ^ ((typeCode * 256 + proto) * 0x85ebca6b);
	h = ((h ^ (h >>> 15)) + id + length) * 0xc2b2ae35;
	seen.second = max<u32>(h ^ (h >>> 16), 1);
}
