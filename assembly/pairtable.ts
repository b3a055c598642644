// Tables with open addressing and linear probing whose slots begin with two words, their key; the first is -1 where a slot is
// empty. They are swept and enlarged between packets, never while one is on its way.

import { base, capacity, place, row } from "./arena";
import { hashPair } from "./hash";

/** Empties every slot. */
export function clearPairs(table: i32, stride: i32): void {
	memory.fill(base(table), 0xff, <usize>capacity(table) * stride);
}

// @ts-ignore: decorator
@inline
function homeOf(at: usize, mask: u32): u32 {
	return hashPair(load<i32>(at), load<i32>(at, 4)) & mask;
}

/** Empties slot `index`; those behind it that belong before it move up. */
export function removePair(table: i32, index: u32, stride: i32): void {
	const mask = capacity(table) - 1;
	let hole = index;
	for (let i = (index + 1) & mask; i != index; i = (i + 1) & mask) {
		const at = row(table, i, stride);
		if (load<i32>(at) == -1) break;
		if (((i - homeOf(at, mask)) & mask) < ((i - hole) & mask)) continue;
		memory.copy(row(table, hole, stride), at, stride);
		hole = i;
	}
	memory.fill(row(table, hole, stride), 0xff, stride);
}

/** Gives the table twice as many slots. False: memory is at its maximum. */
export function enlargePairs(table: i32, stride: i32): bool {
	const from = base(table);
	const end = from + <usize>capacity(table) * stride;
	if (place(table, capacity(table) * 2, stride) == 0) return false;
	clearPairs(table, stride);
	const mask = capacity(table) - 1;
	for (let at = from; at < end; at += stride) {
		if (load<i32>(at) == -1) continue;
		let i = homeOf(at, mask);
		while (load<i32>(row(table, i, stride)) != -1) i = (i + 1) & mask;
		memory.copy(row(table, i, stride), at, stride);
	}
	return true;
}
