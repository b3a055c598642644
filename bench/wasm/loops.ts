// AssemblyScript. The product's module with loops over its inner functions, so that a figure is of the function and not
// of the call from JavaScript. Keys lie in TABLE_SCRATCH, which nothing uses once the FIBs are built.
// Each loop returns a sum over all answers: its twin in `bench/baseline` has to come to the same.

import { base, capacity } from "../../assembly/arena";
import { fibLookup } from "../../assembly/fib";
import { conn, connAllocate, connHash, connReset, expired } from "../../assembly/netfilter/conn";
import { conntrackTouch, conntrackTouchEntry, findLive } from "../../assembly/netfilter/conntrack";
import { walk } from "../../assembly/netfilter/iptables";
import { invert, tupleAt, tupleHash } from "../../assembly/netfilter/tuple";
import { tupleFind, tupleTableInit } from "../../assembly/netfilter/tuplehash";
import { remembersWalks, touchWalk, walkHome } from "../../assembly/netfilter/walks";
import { baseChain, netns } from "../../assembly/netns";
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

/** As walkLoop, once for each of the destinations (u32) from key `first` on, a burst at a time. */
export function dispatchLoop(hook: i32, table: i32, first: i32, count: i32): u32 {
	const p = changetype<Packet>(base(L.TABLE_PACKETIN));
	const chain = baseChain(p.netns, hook, table, p.family);
	let sum: u32 = 0;
	for (let i = 0; i < count; i += BURST) {
		// in range: the host has written first + count keys
		const keys = base(L.TABLE_SCRATCH) + ((<usize>(first + i)) << 2);
		const many = min<i32>(BURST, count - i);
		const end = keys + ((<usize>many) << 2);
		if (remembersWalks(chain)) {
			for (let key = keys; key < end; key += 4) {
				p.dst = load<u32>(key);
				store<u32>(HASHES + (key - keys), walkHome(p, chain));
			}
			for (let j: usize = 0; j < <usize>many; j++) touched += touchWalk(load<u32>(HASHES + (j << 2)));
		}
		for (let key = keys; key < end; key += 4) {
			p.dst = load<u32>(key);
			sum += <u32>walk<Silent>(p, hook, table);
		}
	}
	return sum;
}

/** Forgets every entry, as a fresh engine has none. */
export function entriesClear(): void {
	memory.fill(base(L.TABLE_TUPLE), 0, <usize>capacity(L.TABLE_TUPLE) * L.TUPLE_STRIDE);
	connReset();
	tupleTableInit();
	store<u32>(netns(0), 0, L.NETNS_CT_COUNT);
}

/** Makes `count` confirmed entries of the tuples (16 bytes each) from key `first` on, a burst at a time: sum of the rows taken. */
export function insertLoop(first: i32, count: i32): u32 {
	let sum: u32 = 0;
	for (let i = 0; i < count; i += BURST) {
		// in range: the host has written first + count keys
		const keys = base(L.TABLE_SCRATCH) + ((<usize>(first + i)) << 4);
		const many = min<i32>(BURST, count - i);
		hashTuples(keys, many);
		hashReplies(keys, many);
		touched += touch(HASHES, many) + touch(REPLY_HASHES, many);
		const made = makeEntries(keys, many);
		if (made < 0) return 0xffffffff;
		sum += <u32>made;
	}
	return sum;
}

function makeEntries(keys: usize, count: i32): i64 {
	let sum: u32 = 0;
	for (let i = 0; i < count; i++) {
		const key = tupleAt(keys + ((<usize>i) << 4));
		const index = connAllocate(0, load<u32>(HASHES + ((<usize>i) << 2)), 0);
		if (index < 0) return -1;
		const c = conn(index);
		c.orig.assign(key.lo, key.hi);
		invert(c.reply, key);
		c.deadline = DEADLINE;
		if (findLive(c.orig, 0, 0) >= 0 || findLive(c.reply, 1, 0) >= 0) return -1;
		c.set(L.IPS_CONFIRMED);
		connHash(index, c);
		sum += <u32>index;
	}
	return <i64>sum;
}

/** Finds the live entries of `count` tuples from key `first` on, a burst at a time: sum of `entry << 1 | direction`. */
export function findLoop(first: i32, count: i32): u32 {
	let sum: u32 = 0;
	for (let i = 0; i < count; i += BURST) {
		// in range: as above
		const keys = base(L.TABLE_SCRATCH) + ((<usize>(first + i)) << 4);
		const many = min<i32>(BURST, count - i);
		hashTuples(keys, many);
		touched += touch(HASHES, many);
		touched += touchEntries(many);
		sum += find(keys, many);
	}
	return sum;
}

const BURST: i32 = 64;
const HASHES: usize = memory.data(BURST * 4, 16);
const REPLY_HASHES: usize = memory.data(BURST * 4, 16);
const REPLY: usize = memory.data(16, 16);
let touched: u32 = 0;

function hashTuples(keys: usize, count: i32): void {
	for (let i: usize = 0; i < <usize>count; i++) {
		const key = tupleAt(keys + (i << 4));
		store<u32>(HASHES + (i << 2), tupleHash(key.lo, key.hi));
	}
}

function hashReplies(keys: usize, count: i32): void {
	const reply = tupleAt(REPLY);
	for (let i: usize = 0; i < <usize>count; i++) {
		invert(reply, tupleAt(keys + (i << 4)));
		store<u32>(REPLY_HASHES + (i << 2), tupleHash(reply.lo, reply.hi));
	}
}

function touch(hashes: usize, count: i32): u32 {
	let sum: u32 = 0;
	for (let i: usize = 0; i < <usize>count; i++) sum += conntrackTouch(load<u32>(hashes + (i << 2)));
	return sum;
}

function touchEntries(count: i32): u32 {
	let sum: u32 = 0;
	for (let i: usize = 0; i < <usize>count; i++) sum += conntrackTouchEntry(load<u32>(HASHES + (i << 2)));
	return sum;
}

function find(keys: usize, count: i32): u32 {
	let sum: u32 = 0;
	for (let i: usize = 0; i < <usize>count; i++) {
		const key = tupleAt(keys + (i << 4));
		const found = tupleFind(key.lo, key.hi, load<u32>(HASHES + (i << 2)));
		sum += found >= 0 && !expired(conn(found >> 1), 1) ? <u32>found : 0xffffffff;
	}
	return sum;
}
