// Flows of a recording by their tuple, whichever direction is seen: open addressing, 32 bytes a flow and scope. The key is (scope,
// family, protocol, the two endpoints in numeric order); a caller learns which of the two was the source. Entries that were
// idle for long are dropped when the table would have to grow.

import * as L from "../layout";
import { roomAsIs } from "./room";


@unmanaged
export class Tuple {
	low: u32;
	high: u32;
	/** Of the low endpoint << 16 | of the high one. */
	ports: u32;
	/** scope << 10 | protocol << 2 | family is IPv6 << 1 | 1; 0: the slot is free. */
	key: u32;
	flow: u32;
	/** Netns that offers + 1 << 8 | roles and marks, the caller's. */
	word: u32;
	/** TCP: second of the last packet, modulo 2^32, << 32 | sequence number of the opening SYN. Others: time of the last packet, ns. */
	time: i64;
}

const SLOT: u32 = 5; // as a shift
const FIRST_SLOTS: u32 = 4096;
/** Entries silent for this long may be forgotten: nf_conntrack_tcp_timeout_established. */
const FORGET_SECONDS: u32 = 432_000;
const SECOND: i64 = 1_000_000_000;

let slots: usize = 0;
let mask: u32 = 0;
let count: u32 = 0;
/** As large as `slots`, for the next rehash; 0: none yet. */
let spare: usize = 0;
/** How often entries have moved, and how often they had when keys were looked for. */
let moves: u32 = 0;
let movesThen: u32 = 0;

/** What `findTuple` found beside the entry. */
export namespace tuple {
	/** The packet went from the high endpoint to the low one. */
	export let reversed: bool = false;
	/** The entry is new; all behind its key is 0. */
	export let added: bool = false;
}

export function tuplesReset(): void {
	if (mask != 0) memory.fill(slots, 0, (<usize>mask + 1) << SLOT);
	count = 0;
}

/** The request's `type << 8 | code` of an ICMP answer; its own of any other message. */
export function icmpRequest(typeCode: u32, proto: u32): u32 {
	const type = typeCode >>> 8;
	if (proto == L.PROTO_ICMPV6) return type == 129 ? 128 << 8 : typeCode;
	if (type == 0) return 8 << 8;
	return type == 14 || type == 16 || type == 18 ? (type - 1) << 8 : typeCode;
}

/*
 * A key, 24 bytes: what of an entry finds it, in its order, then hash u32 | its entry u32, 0: not known, and in the low bits REVERSED:
 * the row goes from the high endpoint to the low one; SINGLED, the caller's.
 */
const KEY_HASH: usize = 16;
const KEY_ENTRY: usize = 20;
const REVERSED: u32 = 1;
const SINGLED: u32 = 2;
const MARKS: u32 = 3;

/* What a hash multiplies by, a word of the key each. */
const C1: u32 = 0x9e3779b1;
const C2: u32 = 0x85ebca6b;
const C3: u32 = 0xc2b2ae35;
const C4: u32 = 0x27d4eb2f;

// As `readKeys` does it in four lanes.
function hashOf(low: u32, high: u32, ports: u32, word: u32): u32 {
	let h = low * C1;
	h = ((h ^ (h >>> 15)) + high) * C2;
	h = ((h ^ (h >>> 13)) + ports) * C3;
	h = ((h ^ (h >>> 15)) + word) * C4;
	return h ^ (h >>> 16);
}

/** Brings the slot of a key into the cache. */
// @ts-ignore: decorator
@inline
export function touchTuple(key: usize): u32 {
	return mask == 0 ? 0 : load<u32>(slots + ((<usize>(load<u32>(key, KEY_HASH) & mask)) << SLOT));
}

/** Finds the entries of `count` keys, each `stride` bytes behind the one before, where they are there by now. */
export function findTuples(keys: usize, count: u32, stride: usize): void {
	movesThen = moves;
	if (mask == 0) return;
	const end = keys + <usize>count * stride;
	let before = end;
	for (let key = keys; key < end; key += stride) {
		const marks = load<u32>(key, KEY_ENTRY);
		// An answer comes right behind its request more often than not.
		let at: usize;
		if (before != end && i32x4.all_true(i32x4.eq(v128.load(key), v128.load(before)))) {
			at = <usize>(load<u32>(before, KEY_ENTRY) & ~MARKS);
		} else {
			at = slotOf(load<u32>(key, KEY_HASH), v128.load(key));
			if (changetype<Tuple>(at).key == 0) at = 0;
		}
		store<u32>(key, (<u32>at) | marks, KEY_ENTRY);
		before = key;
	}
}

/**
 * The entry of a row's key, added where it is new; 0: the memory is at its maximum. It holds until the next call. `time` of the row, ns.
 * An ICMP answer belongs to the entry of its request: there the requester counts as low, and the ports are the identifier
 * and the request's type and code.
 */
// @ts-ignore: decorator
@inline
export function findTuple(key: usize, time: i64): usize {
	const known = load<u32>(key, KEY_ENTRY);
	tuple.reversed = (known & REVERSED) != 0;
	if (known <= MARKS || moves != movesThen) return searched(key, time);
	tuple.added = false;
	return <usize>(known & ~MARKS);
}

/** Marks a row's key. */
// @ts-ignore: decorator
@inline
export function singleOut(key: usize): void {
	store<u32>(key, load<u32>(key, KEY_ENTRY) | SINGLED, KEY_ENTRY);
}

/** The entry that `findTuples` found for a key that was marked; 0: none was, or the key is not. */
// @ts-ignore: decorator
@inline
export function singledTuple(key: usize): usize {
	const known = load<u32>(key, KEY_ENTRY);
	return (known & SINGLED) != 0 && moves == movesThen ? <usize>(known & ~MARKS) : 0;
}

/** Does the row of a key go from the high endpoint to the low one? */
// @ts-ignore: decorator
@inline
export function isReversed(key: usize): bool {
	return (load<u32>(key, KEY_ENTRY) & REVERSED) != 0;
}

function searched(key: usize, time: i64): usize {
	if ((count + 1) * 8 > (mask + 1) * 5 && !makeRoom(time)) return 0;
	const at = slotOf(load<u32>(key, KEY_HASH), v128.load(key));
	tuple.added = changetype<Tuple>(at).key == 0;
	if (tuple.added) {
		v128.store(at, v128.load(key));
		v128.store(at, i64x2.splat(0), 16);
		count++;
	}
	return at;
}

/** Writes the key of row `row` under `scope` at `key`. */
export function readKey(columns: usize, row: u32, scope: u32, key: usize): void {
	const fours = columns + ((<usize>row) << 2);
	const twos = columns + ((<usize>row) << 1);
	const ones = columns + <usize>row;
	const src = load<u32>(fours, L.COLUMN_SRC);
	const dst = load<u32>(fours, L.COLUMN_DST);
	const sport = <u32>load<u16>(twos, L.COLUMN_SPORT);
	const dport = <u32>load<u16>(twos, L.COLUMN_DPORT);
	const proto = <u32>load<u8>(ones, L.COLUMN_PROTO);
	const word = (scope << 10) | (proto << 2) | (load<u8>(ones, L.COLUMN_FAMILY) == 6 ? 3 : 1);
	let reversed: bool;
	let ports: u32;
	if (proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6) {
		const request = icmpRequest(dport, proto);
		reversed = request != dport;
		ports = (sport << 16) | request;
	} else {
		reversed = src > dst || (src == dst && sport > dport);
		ports = reversed ? (dport << 16) | sport : (sport << 16) | dport;
	}
	const low = reversed ? dst : src;
	const high = reversed ? src : dst;
	store<u64>(key, (<u64>low) | ((<u64>high) << 32));
	store<u64>(key, (<u64>ports) | ((<u64>word) << 32), 8);
	store<u64>(key, (<u64>hashOf(low, high, ports, word)) | ((<u64>(reversed ? REVERSED : 0)) << 32), KEY_HASH);
}

/**
 * As `readKey` of rows `row` to `row` + 3, TCP over IPv4 all of them, `stride` bytes from key to key, and marks them. False: nothing is
 * written, as one goes from an address to the same.
 */
// @ts-ignore: decorator
@inline
export function readKeys(columns: usize, row: u32, scope: u32, keys: usize, stride: usize): bool {
	const fours = columns + ((<usize>row) << 2);
	const twos = columns + ((<usize>row) << 1);
	const src = v128.load(fours, L.COLUMN_SRC);
	const dst = v128.load(fours, L.COLUMN_DST);
	if (v128.any_true(i32x4.eq(src, dst))) return false;
	const reversed = i32x4.gt_u(src, dst);
	const low = i32x4.min_u(src, dst);
	const high = i32x4.max_u(src, dst);
	const sport = v128.load16x4_u(twos, L.COLUMN_SPORT);
	const dport = v128.load16x4_u(twos, L.COLUMN_DPORT);
	const upper = v128.bitselect(dport, sport, reversed);
	const ports = v128.or(i32x4.shl(upper, 16), v128.bitselect(sport, dport, reversed));
	const word = i32x4.splat((scope << 10) | (L.PROTO_TCP << 2) | 1);
	let h = i32x4.mul(low, i32x4.splat(C1));
	h = i32x4.mul(i32x4.add(v128.xor(h, i32x4.shr_u(h, 15)), high), i32x4.splat(C2));
	h = i32x4.mul(i32x4.add(v128.xor(h, i32x4.shr_u(h, 13)), ports), i32x4.splat(C3));
	h = i32x4.mul(i32x4.add(v128.xor(h, i32x4.shr_u(h, 15)), word), i32x4.splat(C4));
	h = v128.xor(h, i32x4.shr_u(h, 16));
	const marks = v128.or(v128.and(reversed, i32x4.splat(REVERSED)), i32x4.splat(SINGLED));
	// From a lane a row to a vector a row.
	const ends = v128.shuffle<u32>(low, high, 0, 4, 1, 5);
	const ends2 = v128.shuffle<u32>(low, high, 2, 6, 3, 7);
	const rest = v128.shuffle<u32>(ports, word, 0, 4, 1, 5);
	const rest2 = v128.shuffle<u32>(ports, word, 2, 6, 3, 7);
	const found = v128.shuffle<u32>(h, marks, 0, 4, 1, 5);
	const found2 = v128.shuffle<u32>(h, marks, 2, 6, 3, 7);
	v128.store(keys, v128.shuffle<u64>(ends, rest, 0, 2));
	store<u64>(keys, i64x2.extract_lane(found, 0), KEY_HASH);
	v128.store(keys + stride, v128.shuffle<u64>(ends, rest, 1, 3));
	store<u64>(keys + stride, i64x2.extract_lane(found, 1), KEY_HASH);
	v128.store(keys + stride * 2, v128.shuffle<u64>(ends2, rest2, 0, 2));
	store<u64>(keys + stride * 2, i64x2.extract_lane(found2, 0), KEY_HASH);
	v128.store(keys + stride * 3, v128.shuffle<u64>(ends2, rest2, 1, 3));
	store<u64>(keys + stride * 3, i64x2.extract_lane(found2, 1), KEY_HASH);
	return true;
}

/** The slot of a key, or the free one where it would go: three of eight are free. */
// @ts-ignore: decorator
@inline
function slotOf(hash: u32, key: v128): usize {
	let slot = hash & mask;
	for (;;) {
		const at = slots + ((<usize>slot) << SLOT);
		if (i32x4.all_true(i32x4.eq(v128.load(at), key)) || changetype<Tuple>(at).key == 0) return at;
		slot = (slot + 1) & mask;
	}
	return 0;
}

function isIdle(entry: Tuple, now: i64): bool {
	const tcp = ((entry.key >>> 2) & 255) == L.PROTO_TCP;
	if (tcp) return <u32>(now / SECOND) - <u32>((<u64>entry.time) >> 32) >= FORGET_SECONDS;
	return now - entry.time >= <i64>FORGET_SECONDS * SECOND;
}

/** Drops idle entries; twice as many slots where more than a third of the slots stay in use. */
function makeRoom(now: i64): bool {
	const old = slots;
	const total: u32 = mask == 0 ? 0 : mask + 1;
	let kept: u32 = 0;
	for (let i: u32 = 0; i < total; i++) {
		const entry = changetype<Tuple>(old + ((<usize>i) << SLOT));
		if (entry.key == 0) continue;
		if (isIdle(entry, now)) entry.key = 0;
		else kept++;
	}
	const next = total == 0 ? FIRST_SLOTS : kept * 3 > total ? total * 2 : total;
	const into = next == total && spare != 0 ? spare : roomAsIs(next << SLOT);
	if (into == 0) return false;
	moves++;
	spare = next == total ? old : 0;
	slots = into;
	mask = next - 1;
	count = kept;
	memory.fill(into, 0, (<usize>next) << SLOT);
	for (let i: u32 = 0; i < total; i++) {
		const from = old + ((<usize>i) << SLOT);
		const entry = changetype<Tuple>(from);
		if (entry.key == 0) continue;
		const hash = hashOf(entry.low, entry.high, entry.ports, entry.key);
		memory.copy(slotOf(hash, v128.load(from)), from, 1 << SLOT);
	}
	return true;
}

// A slot is found by its number shifted.
if (offsetof<Tuple>() != 1 << SLOT) ERROR("Tuple");
