// The by-source hash (nf_nat_bysource): entries whose source has been mapped, found by their original source, so that one
// socket keeps its mapping towards other destinations (find_appropriate_src in net/netfilter/nf_nat_core.c).
// Chains through CT_NAT_NEXT, the newest first; a head is entry + 1, so zeroed memory is an empty table.

import { base, capacity, place } from "../arena";
import { mix } from "../hash";
import * as L from "../layout";
import { Conn, conn } from "./conn";

/** Lays out the heads, one for two entries. False where memory is at its maximum. */
export function sourceInit(): bool {
	if (capacity(L.TABLE_BYSOURCE) != 0) {
		memory.fill(base(L.TABLE_BYSOURCE), 0, <usize>(capacity(L.TABLE_BYSOURCE) << 2));
		return true;
	}
	let heads: u32 = 16;
	while (heads < capacity(L.TABLE_CT) >>> 1) heads <<= 1;
	return place(L.TABLE_BYSOURCE, heads, 4) != 0;
}

/** Gives the table so many heads, a power of two and more than it has. False: memory is at its maximum, and nothing has changed. */
export function sourceRoom(heads: u32): bool {
	const from = base(L.TABLE_BYSOURCE);
	const held = capacity(L.TABLE_BYSOURCE);
	if (place(L.TABLE_BYSOURCE, heads, 4) == 0) return false;
	memory.fill(base(L.TABLE_BYSOURCE), 0, (<usize>heads) << 2);
	for (let i: u32 = 0; i < held; i++) moveChain(load<i32>(from + ((<usize>i) << 2)));
	return true;
}

// What had one head has it still, or others that nothing else has: the oldest comes first, so that the newest is found first.
function moveChain(first: i32): void {
	let turned: i32 = 0;
	while (first != 0) {
		const c = conn(first - 1);
		const next = c.next;
		c.next = turned;
		turned = first;
		first = next;
	}
	while (turned != 0) {
		const index = turned - 1;
		const c = conn(index);
		turned = c.next;
		sourceAdd(index, c);
	}
}

/** Where the chain of this source begins. */
// @ts-ignore: decorator
@inline
export function sourceHead(src: u32, sport: u32, zoneProto: u32): usize {
	const hash = <u32>mix((<u64>src) | ((<u64>(zoneProto ^ (sport << 16) ^ (sport >>> 8))) << 32));
	// the table holds a power of two of heads
	return base(L.TABLE_BYSOURCE) + <usize>((hash & (capacity(L.TABLE_BYSOURCE) - 1)) << 2);
}

/** The newest entry that may share this source, or -1; walk on with `sourceNext`. */
export function sourceFirst(src: u32, sport: u32, zoneProto: u32): i32 {
	return load<i32>(sourceHead(src, sport, zoneProto)) - 1;
}

// @ts-ignore: decorator
@inline
export function sourceNext(index: i32): i32 {
	return conn(index).next - 1;
}

/** Has a connection of this very source been mapped, in the same zone and protocol? */
export function sourceKnown(src: u32, sport: u32, zoneProto: u32): bool {
	for (let i = sourceFirst(src, sport, zoneProto); i >= 0; i = sourceNext(i)) {
		const o = conn(i).orig;
		if (o.src == src && <u32>o.sport == sport && o.zoneProto == zoneProto) return true;
	}
	return false;
}

export function sourceAdd(index: i32, c: Conn): void {
	const at = sourceHead(c.orig.src, c.orig.sport, c.orig.zoneProto);
	c.next = load<i32>(at);
	store<i32>(at, index + 1);
}

export function sourceRemove(index: i32, c: Conn): void {
	const at = sourceHead(c.orig.src, c.orig.sport, c.orig.zoneProto);
	let i = load<i32>(at) - 1;
	if (i == index) {
		store<i32>(at, c.next);
		return;
	}
	while (i >= 0) {
		const at = conn(i);
		i = at.next - 1;
		if (i == index) {
			at.next = c.next;
			return;
		}
	}
}
