// IPv6 addresses (RFC 4291) as numbers of 32 bits: each one that the host or a rule names, or that a packet brings, is
// interned once and keeps its number for the run. So packets, tuples, rules and sockets have one shape in both families.
// Numbers are 1 … 2^24 - 1: as IPv4 addresses they would lie in 0.0.0.0/8, which no packet is sent to or from (RFC 1122
// 3.2.1.3), so a number names one address even where its family is not at hand. 0 is `::`, as it is 0.0.0.0.
// Order, masks and hashes that can be seen are those of the address itself, never of its number.

import { base, capacity, extend, place, row } from "./arena";
import { hash2, mix } from "./hash";
import * as L from "./layout";

/** No number is left: TABLE_ADDRESS6 is full. */
export const ADDRESS6_FULL: i32 = -1;

let used: u32 = 1;

/** Forgets every number: before any is in use. */
export function address6Reset(): void {
	used = 1;
	memory.fill(base(L.TABLE_ADDRESS6HASH), 0, (<usize>capacity(L.TABLE_ADDRESS6HASH)) << 2);
}

/** Numbers given out, `::` among them: the rows of TABLE_ADDRESS6 in use. */
export function address6Count(): u32 {
	return used;
}

/** Is this number an IPv6 address's, or none? */
// @ts-ignore: decorator
@inline
export function is6(ip: u32): bool {
	return ip >>> 24 == 0;
}

/** Makes room for so many numbers, a power of two and more than there are. False: memory is at its maximum. */
export function address6Room(numbers: u32): bool {
	if (!extend(L.TABLE_ADDRESS6, numbers, L.ADDRESS6_STRIDE)) return false;
	if (place(L.TABLE_ADDRESS6HASH, numbers * 4, 4) == 0) return false;
	const mask = numbers * 4 - 1;
	memory.fill(base(L.TABLE_ADDRESS6HASH), 0, (<usize>numbers) << 4);
	for (let id: u32 = 1; id < used; id++) {
		let i = hash2(hi6(id), lo6(id)) & mask;
		while (load<u32>(slotAt(i)) != 0) i = (i + 1) & mask;
		store<u32>(slotAt(i), id);
	}
	return true;
}

// @ts-ignore: decorator
@inline
function slotAt(i: u32): usize {
	return base(L.TABLE_ADDRESS6HASH) + ((<usize>i) << 2);
}

// @ts-ignore: decorator
@inline
function at(id: u32): usize {
	return row(L.TABLE_ADDRESS6, id, L.ADDRESS6_STRIDE);
}

/** Upper 64 bits of an interned address. */
// @ts-ignore: decorator
@inline
export function hi6(id: u32): u64 {
	return load<u64>(at(id), L.ADDRESS6_HI);
}

/** Lower 64 bits. */
// @ts-ignore: decorator
@inline
export function lo6(id: u32): u64 {
	return load<u64>(at(id), L.ADDRESS6_LO);
}

/** 64 bits that stand for an address of either family and do not depend on the order of interning. */
export function identity(ip: u32): u64 {
	return is6(ip) && ip != 0 ? mix(hi6(ip) ^ mix(lo6(ip) + 0x9e3779b97f4a7c15)) : <u64>ip;
}

/** The number of an address; made on first use. ADDRESS6_FULL. */
export function intern6(hi: u64, lo: u64): i32 {
	return find(hi, lo, true);
}

/** The number of an address; -1 where it was never interned. */
export function known6(hi: u64, lo: u64): i32 {
	return find(hi, lo, false);
}

function find(hi: u64, lo: u64, adds: bool): i32 {
	if ((hi | lo) == 0) return 0;
	const slots = capacity(L.TABLE_ADDRESS6HASH);
	// One slot in four is taken at most, so a probe ends; masked, the table is a power of two.
	if (slots == 0) return ADDRESS6_FULL;
	const mask = slots - 1;
	let i = hash2(hi, lo) & mask;
	while (true) {
		const slot = slotAt(i);
		const id = load<u32>(slot);
		if (id == 0) {
			if (!adds || used >= capacity(L.TABLE_ADDRESS6) || used >= 0x1000000) return ADDRESS6_FULL;
			store<u64>(at(used), hi, L.ADDRESS6_HI);
			store<u64>(at(used), lo, L.ADDRESS6_LO);
			store<u32>(slot, used);
			used++;
			return <i32>(used - 1);
		}
		if (hi6(id) == hi && lo6(id) == lo) return <i32>id;
		i = (i + 1) & mask;
	}
}

/** Upper half of the mask of a prefix length, 0 … 128. */
// @ts-ignore: decorator
@inline
export function maskHi(length: u32): u64 {
	return length == 0 ? 0 : length >= 64 ? <u64>-1 : (<u64>-1) << (64 - length);
}

/** Lower half. */
// @ts-ignore: decorator
@inline
export function maskLo(length: u32): u64 {
	return length <= 64 ? 0 : length >= 128 ? <u64>-1 : (<u64>-1) << (128 - length);
}

/** Do two addresses agree under the mask that words hold: address hi, lo, mask hi, lo, 8 bytes each? */
export function masked6(id: u32, words: usize): bool {
	return (
		((hi6(id) ^ load<u64>(words)) & load<u64>(words, 16)) == 0 &&
		((lo6(id) ^ load<u64>(words, 8)) & load<u64>(words, 24)) == 0
	);
}

/** Is it in the range that words hold: least hi, lo, greatest hi, lo? */
export function within6(id: u32, words: usize): bool {
	return (
		!less(hi6(id), lo6(id), load<u64>(words), load<u64>(words, 8)) &&
		!less(load<u64>(words, 16), load<u64>(words, 24), hi6(id), lo6(id))
	);
}

// @ts-ignore: decorator
@inline
function less(hi: u64, lo: u64, otherHi: u64, otherLo: u64): bool {
	return hi < otherHi || (hi == otherHi && lo < otherLo);
}

/** Leading bits that two addresses share, at most 128. */
export function shared6(a: u32, b: u32): i32 {
	const hi = hi6(a) ^ hi6(b);
	return hi != 0 ? <i32>clz(hi) : 64 + <i32>clz(lo6(a) ^ lo6(b));
}

/** ff00::/8. */
export function isMulticast6(id: u32): bool {
	return hi6(id) >> 56 == 0xff;
}

/** ::1. */
export function isLoopback6(id: u32): bool {
	return id != 0 && hi6(id) == 0 && lo6(id) == 1;
}

/** fe80::/10. */
export function isLinkLocal6(id: u32): bool {
	return hi6(id) >> 54 == 0x3fa;
}
