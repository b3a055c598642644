// The hash of tuples (nf_conntrack_hash): open addressing, linear probing, 32-byte slots, one a direction.
// A removal shifts the following slots back instead of leaving a tombstone: connections come and go at the same rate, and
// tombstones would lengthen every look-up until a rebuild. It costs no rehash, since a slot keeps its hash.
// The table has a power of two of slots; conntrack keeps it at most half full, so a probe ends after 1.5 slots on average.

import { base, capacity } from "../arena";
import * as L from "../layout";

let slots: usize = 0;
let mask: u32 = 0;

/** Takes the table's place from the arena. False where its capacity is no power of two. */
export function tupleTableInit(): bool {
	const count = capacity(L.TABLE_TUPLE);
	slots = base(L.TABLE_TUPLE);
	mask = count - 1;
	return count > 1 && popcnt(count) == 1;
}

// Every index is masked by the power-of-two capacity, so each address below lies in the table.
// @ts-ignore: decorator
@inline
export function slotAt(index: u32): usize {
	return slots + ((<usize>(index & mask)) << 5);
}

export function slotCount(): u32 {
	return mask + 1;
}

/** `entry << 1 | direction` of the first slot with this key, or -1. */
// @ts-ignore: decorator
@inline
export function tupleFind(lo: u64, hi: u64, hash: u32): i32 {
	let at = slotAt(hash);
	while (true) {
		const have = load<u32>(at, L.TUPLE_HASH);
		if (have == hash && load<u64>(at) == lo && load<u64>(at, L.TUPLE_PORTS) == hi) return load<i32>(at, L.TUPLE_CT);
		if (have == 0) return -1;
		at = slots + ((at - slots + L.TUPLE_STRIDE) & (((<usize>mask) << 5) | 31));
	}
}

/** Adds a slot; the caller has made sure that the table is not full. */
export function tupleInsert(lo: u64, hi: u64, hash: u32, value: i32): void {
	let i = hash & mask;
	while (load<u32>(slotAt(i), L.TUPLE_HASH) != 0) i = (i + 1) & mask;
	const at = slotAt(i);
	store<u64>(at, lo);
	store<u64>(at, hi, L.TUPLE_PORTS);
	store<u64>(at, (<u64>(<u32>value)) | ((<u64>hash) << 32), L.TUPLE_CT);
	store<u64>(at, 0, L.TUPLE_PACKETS);
}

/** Removes the slot that holds `value` under this hash, if there is one. */
export function tupleRemove(hash: u32, value: i32): void {
	let i = hash & mask;
	while (true) {
		const at = slotAt(i);
		const have = load<u32>(at, L.TUPLE_HASH);
		if (have == 0) return;
		if (have == hash && load<i32>(at, L.TUPLE_CT) == value) break;
		i = (i + 1) & mask;
	}
	// Close the hole: a later slot may move into it unless its home lies between the hole and itself.
	let hole = i;
	let next = (hole + 1) & mask;
	while (true) {
		const at = slotAt(next);
		const hash = load<u32>(at, L.TUPLE_HASH);
		if (hash == 0) break;
		const home = hash & mask;
		if (((next - home) & mask) >= ((next - hole) & mask)) {
			memory.copy(slotAt(hole), at, L.TUPLE_STRIDE);
			hole = next;
		}
		next = (next + 1) & mask;
	}
	store<u32>(slotAt(hole), 0, L.TUPLE_HASH);
}
