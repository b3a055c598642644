// AssemblyScript. The product's module with loops over its inner functions, so that a figure is of the function and not
// of the call from JavaScript. Keys lie in TABLE_SCRATCH, which nothing uses once the FIBs are built.
// Each loop returns a sum over all answers: its twin in `bench/baseline` has to come to the same.

import { base, capacity } from "../../assembly/arena";
import { fibLookup } from "../../assembly/fib";
import { conn, connAllocate, connHash, connReset } from "../../assembly/netfilter/conn";
import { findLive } from "../../assembly/netfilter/conntrack";
import { walk } from "../../assembly/netfilter/iptables";
import { invert, tupleAt, tupleHash } from "../../assembly/netfilter/tuple";
import { netns } from "../../assembly/netns";
import { Packet } from "../../assembly/packet";
import { Silent } from "../../assembly/trace";
import * as L from "../../assembly/layout";

export * from "../../assembly/index";

const DEADLINE: i64 = 0x4000_0000_0000_0000;

/** Looks up `count` addresses (u32 each, from key `first` on) in the FIB of a netns: sum of the route rows. */
export function fibLoop(index: i32, first: i32, count: i32): u32 {
	// in range: the host has written first + count keys
	const keys = base(L.TABLE_SCRATCH) + ((<usize>first) << 2);
	let sum: u32 = 0;
	for (let i = 0; i < count; i++) sum += <u32>fibLookup(index, load<u32>(keys + ((<usize>i) << 2)));
	return sum;
}

/** Walks the rules of (hook, table) `count` times with row 0 of TABLE_PACKETIN: sum of the verdicts. */
export function walkLoop(hook: i32, table: i32, count: i32): u32 {
	const p = changetype<Packet>(base(L.TABLE_PACKETIN));
	let sum: u32 = 0;
	for (let i = 0; i < count; i++) sum += <u32>walk<Silent>(p, hook, table);
	return sum;
}

/** Forgets every entry, as a fresh engine has none. */
export function entriesClear(): void {
	memory.fill(base(L.TABLE_TUPLE), 0, <usize>capacity(L.TABLE_TUPLE) * L.TUPLE_STRIDE);
	connReset();
	store<u32>(netns(0), 0, L.NETNS_CT_COUNT);
}

/** Makes `count` confirmed entries of the tuples (16 bytes each) from key `first` on: sum of the rows taken. */
export function insertLoop(first: i32, count: i32): u32 {
	let sum: u32 = 0;
	for (let i = first; i < first + count; i++) {
		// in range: the host has written first + count keys
		const key = tupleAt(base(L.TABLE_SCRATCH) + ((<usize>i) << 4));
		const index = connAllocate(0, tupleHash(key.lo, key.hi), 0);
		if (index < 0) return 0xffffffff;
		const c = conn(index);
		c.orig.assign(key.lo, key.hi);
		invert(c.reply, key);
		c.deadline = DEADLINE;
		if (findLive(c.orig, 0) >= 0 || findLive(c.reply, 0) >= 0) return 0xffffffff;
		c.status |= L.IPS_CONFIRMED;
		connHash(index, c);
		sum += <u32>index;
	}
	return sum;
}

/** Finds the live entries of `count` tuples from key `first` on: sum of `entry << 1 | direction`. */
export function findLoop(first: i32, count: i32): u32 {
	let sum: u32 = 0;
	// in range: as above
	for (let i = first; i < first + count; i++) sum += <u32>findLive(tupleAt(base(L.TABLE_SCRATCH) + ((<usize>i) << 4)), 1);
	return sum;
}
