// Room for the indexes of chains within TABLE_CHAININDEX: blocks of powers of two, and a list of free ones a size. The table
// grows, and may move then: a block is known by its offset.

import { capacity, extend, row } from "../arena";
import * as L from "../layout";

const SMALLEST_LOG2: u32 = 8;
const SIZES: i32 = 32;

// u32[SIZES]
const free: usize = memory.data(128, 16);
/** Offset 0 stands for none. */
const FIRST: u32 = 64;
let top: u32 = FIRST;

/** Forgets every block. */
export function indexSpaceReset(): void {
	top = FIRST;
	memory.fill(free, 0, SIZES << 2);
}

/** A zeroed block of at least `bytes`: its offset, 64-byte aligned; 0 where the table cannot grow. */
export function allocate(bytes: u32): u32 {
	const log2 = max(SMALLEST_LOG2, 32 - <u32>clz(bytes - 1));
	const list = free + <usize>(log2 << 2);
	let offset = load<u32>(list);
	if (offset != 0) store<u32>(list, load<u32>(block(offset)));
	else {
		if (!reach(<u64>top + ((<u64>1) << log2))) return 0;
		offset = top;
		top += (<u32>1) << log2;
	}
	memory.fill(block(offset), 0, (<usize>1) << log2);
	store<u32>(block(offset), log2, L.INDEX_BYTES_LOG2);
	return offset;
}

function reach(end: u64): bool {
	const held = <u64>capacity(L.TABLE_CHAININDEX);
	if (end <= held) return true;
	const wanted = max<u64>(end, held + (held >> 1));
	return wanted <= <u64>u32.MAX_VALUE && extend(L.TABLE_CHAININDEX, <u32>wanted, 1);
}

/** A block that holds what another one does; 0 where the table cannot grow. */
export function duplicate(offset: u32): u32 {
	const bytes = (<usize>1) << load<u32>(block(offset), L.INDEX_BYTES_LOG2);
	const copy = allocate(<u32>bytes);
	if (copy != 0) memory.copy(block(copy), block(offset), bytes);
	return copy;
}

/** Gives a block back. */
export function release(offset: u32): void {
	const log2 = load<u32>(block(offset), L.INDEX_BYTES_LOG2);
	const list = free + <usize>(log2 << 2);
	store<u32>(block(offset), load<u32>(list));
	store<u32>(list, offset);
}

function block(offset: u32): usize {
	return row(L.TABLE_CHAININDEX, <i32>offset, 1);
}
