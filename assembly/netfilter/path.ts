// Counters without a counter in any rule: the rules that one walk touched are a path; paths are interned, packets and
// bytes count per path, and the host expands them to rules (`bindings/counters`). A walk of more rules than fit in one
// row counts as several paths: sums stay exact. When the tables are full, new paths count in TABLE_COUNTER, rule by rule:
// slower and as exact. When rules of a netns are to count anew, its generation changes, and so do its paths: what is still owed
// to an old one (`pathcache`) is paid to it. Row 0 of TABLE_PATH is the head.

import { base, capacity, row } from "../arena";
import { note, notRepeatable } from "../journey";
import { generationOf } from "../netns";
import { Packet } from "../packet";
import * as L from "../layout";

const rules: usize = memory.data(1024, 16);

// Of the path that is being counted
let length: u32 = 0;
let hash: u32 = 0;

/** Hash of no rules. */
export const PATH_SEED: u32 = 0x811c9dc5;
/** Rules that a walk may gather before it has to count them. */
export const PATH_MAX: u32 = 256;

/** Notes a rule row as number `at`, below PATH_MAX, of those that the walk has touched since it last counted; returns their hash. */
// @ts-ignore: decorator
@inline
export function pathPush(at: u32, before: u32, rule: u32): u32 {
	store<u32>(rules + <usize>(at << 2), rule);
	return rotl<u32>((before ^ rule) * 0x9e3779b1, 13);
}

// The row that counted last
let counted: u32 = 0;

/** The row of the path that pathCount took last; 0: there was nothing to count, or no room for the path. */
export function pathCounted(): u32 {
	return counted;
}

/** Counts packets on a row of TABLE_PATH. */
export function countPath(path: u32, packets: u32, bytes: u64): void {
	const at = row(L.TABLE_PATH, path, L.PATH_STRIDE);
	store<u64>(at, load<u64>(at, L.PATH_PACKETS) + <u64>packets, L.PATH_PACKETS);
	store<u64>(at, load<u64>(at, L.PATH_BYTES) + bytes, L.PATH_BYTES);
}

/** Counts the packet on the path of the `count` rules pushed, which have this hash. */
export function pathCount(p: Packet, count: u32, pushed: u32): void {
	counted = 0;
	if (count == 0) return;
	length = count;
	hash = pushed;
	const path = intern(p.netns);
	if (path == 0) {
		notRepeatable();
		return spill(p);
	}
	counted = <u32>(path - base(L.TABLE_PATH)) / L.PATH_STRIDE;
	note(L.STEP_PATH, counted);
	store<u64>(path, load<u64>(path, L.PATH_PACKETS) + 1, L.PATH_PACKETS);
	store<u64>(path, load<u64>(path, L.PATH_BYTES) + <u64>p.len, L.PATH_BYTES);
}

// Address of the path's row, 0 where the tables are full.
function intern(netns: i32): usize {
	const table = base(L.TABLE_PATH);
	const slots = capacity(L.TABLE_PATH) - 1;
	if (<i32>slots < 1) return 0;
	const generation = generationOf(netns);
	const key = hash ^ (<u32>netns * 0x85ebca6b) ^ (generation * 0xc2b2ae35);
	// As PATH_COUNT and PATH_GENERATION lie
	const own = length | (generation << 16);
	let slot = 1 + <u32>((<u64>(key * 0x9e3779b1) * <u64>slots) >> 32);
	// Every slot is 1..slots; a free one exists, as at most seven eighths are taken.
	while (true) {
		const at = table + <usize>(slot * L.PATH_STRIDE);
		const known = load<u32>(at, L.PATH_COUNT);
		if (known == 0) return add(at, key, netns, own, slots);
		if (load<u32>(at, L.PATH_HASH) == key && known == own && load<i32>(at, L.PATH_NETNS) == netns) {
			if (isSame(rulesOf(at))) return at;
		}
		slot = slot == slots ? 1 : slot + 1;
	}
}

// Where a path's rules are.
// @ts-ignore: decorator
@inline
function rulesOf(path: usize): usize {
	if (load<u16>(path, L.PATH_COUNT) <= <u16>L.PATH_RULES_COUNT) return path + L.PATH_RULES;
	return base(L.TABLE_PATHRULE) + <usize>(load<u32>(path, L.PATH_FIRST) << 2);
}

// Are these the rules of the walk?
function isSame(known: usize): bool {
	const end = <usize>(length << 2);
	for (let i: usize = 0; i < end; i += 4) if (load<u32>(known + i) != load<u32>(rules + i)) return false;
	return true;
}

function add(at: usize, key: u32, netns: i32, own: u32, slots: u32): usize {
	const head = base(L.TABLE_PATH);
	const used = load<u32>(head, L.PATH_USED);
	const first = load<u32>(head, L.PATH_RULES_USED);
	const taken: u32 = length <= <u32>L.PATH_RULES_COUNT ? 0 : length;
	if (used >= slots - (slots >> 3) - 1 || first + taken > capacity(L.TABLE_PATHRULE)) return 0;
	store<u32>(head, used + 1, L.PATH_USED);
	store<u32>(head, first + taken, L.PATH_RULES_USED);
	store<u32>(at, key, L.PATH_HASH);
	store<i32>(at, netns, L.PATH_NETNS);
	store<u32>(at, first, L.PATH_FIRST);
	store<u32>(at, own, L.PATH_COUNT);
	memory.copy(rulesOf(at), rules, <usize>(length << 2));
	return at;
}

/** Forgets every path and every counter. */
export function pathsReset(): void {
	const paths = capacity(L.TABLE_PATH);
	memory.fill(base(L.TABLE_PATH), 0, <usize>(paths * L.PATH_STRIDE));
	memory.fill(base(L.TABLE_COUNTER), 0, <usize>(capacity(L.TABLE_COUNTER) * L.COUNTER_STRIDE));
}

function spill(p: Packet): void {
	const head = base(L.TABLE_PATH);
	if (capacity(L.TABLE_PATH) > 0) store<u64>(head, load<u64>(head, L.PATH_SPILLED) + 1, L.PATH_SPILLED);
	for (let i: u32 = 0; i < length; i++) {
		const at = counter(p.netns, load<u32>(rules + <usize>(i << 2)));
		if (at == 0) {
			assert(capacity(L.TABLE_PATH) > 0); // nowhere to count, and nowhere to say so
			store<u64>(head, load<u64>(head, L.PATH_LOST) + 1, L.PATH_LOST);
			continue;
		}
		store<u64>(at, load<u64>(at, L.COUNTER_PACKETS) + 1, L.COUNTER_PACKETS);
		store<u64>(at, load<u64>(at, L.COUNTER_BYTES) + <u64>p.len, L.COUNTER_BYTES);
	}
}

// Address of a rule's counter in a netns, 0 where the table is full.
function counter(netns: i32, rule: u32): usize {
	const slots = capacity(L.TABLE_COUNTER);
	const key = (rule ^ (<u32>netns * 0x85ebca6b)) * 0x9e3779b1;
	let slot = <u32>((<u64>key * <u64>slots) >> 32);
	for (let left = slots; left > 0; left--) {
		const at = row(L.TABLE_COUNTER, <i32>slot, L.COUNTER_STRIDE);
		const owner = load<u32>(at, L.COUNTER_NETNS);
		if (owner == <u32>netns + 1 && load<u32>(at, L.COUNTER_RULE) == rule) return at;
		if (owner == 0) {
			store<u32>(at, <u32>netns + 1, L.COUNTER_NETNS);
			store<u32>(at, rule, L.COUNTER_RULE);
			return at;
		}
		slot = slot + 1 == slots ? 0 : slot + 1;
	}
	return 0;
}
