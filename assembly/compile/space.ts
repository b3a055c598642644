// Room in TABLE_FIB. The FIBs of a netns, of both families, lie in one block; blocks lie one behind the other, and those that were
// given back are used again. How large a trie becomes is only known when it is there: it is built behind all blocks, and again,
// the same, in a free one that is large enough. The table grows as needed and may move then: what is kept is offsets, until all is
// built.

import { base, capacity, extend } from "../arena";
import * as L from "../layout";

/** Memory is at its maximum. */
export const FULL: u32 = u32.MAX_VALUE;
/** No free block is large enough. */
export const NONE: u32 = u32.MAX_VALUE;
const ROOM: u32 = 1024;
// Lists of free blocks by their lines: up to EXACT one a number, above that eight to a doubling.
const EXACT: u32 = 64;
const EXACT_LOG2: u32 = 6;
const LISTS: u32 = EXACT + 8 * 20;
const free: usize = memory.data(<i32>LISTS * 4, 16);

// Where the last block ends.
let top: u32 = 0;
// Of the block that is being built: where the next piece lies, and the end; 0: it is the last one, and open.
let used: u32 = 0;
let end: u32 = 0;

/** Forgets everything built so far. */
export function spaceReset(): void {
	top = 0;
	used = 0;
	end = 0;
	memory.fill(free, 0, <usize>LISTS * 4);
}

/** Bytes up to the end of what is built. */
export function spaceUsed(): u32 {
	return max<u32>(top, end == 0 ? used : 0);
}

/** Begins a block behind all others; its offset. */
export function openBlock(): u32 {
	used = top;
	end = 0;
	return top;
}

/** Lines of the block that is being built, so far. */
export function blockLines(): u32 {
	return (used - top + L.FIB_ROW - 1) / L.FIB_ROW;
}

/** The block being built is done, and stays where it is, with `lines`. */
export function keepBlock(lines: u32): void {
	top += lines * L.FIB_ROW;
	used = top;
}

/** Begins to build in a block that was taken. */
export function enterBlock(offset: u32, lines: u32): void {
	used = offset;
	end = offset + lines * L.FIB_ROW;
}

/** A free block of at least so many lines, at most a quarter more; NONE. How many it has: `takenLines`. */
export function takeBlock(lines: u32): u32 {
	for (let list = listOf(lines); list < LISTS && linesOf(list) <= lines + (lines >>> 2); list++) {
		const head = free + <usize>(list << 2);
		const first = load<u32>(head);
		if (first == 0) continue;
		store<u32>(head, load<u32>(place(first - 1)));
		takenLines = linesOf(list);
		return first - 1;
	}
	return NONE;
}
export let takenLines: u32 = 0;

/** Gives a block back. */
export function giveBlock(offset: u32, lines: u32): void {
	let list = listOf(lines);
	if (linesOf(list) > lines) list--;
	const head = free + <usize>(list << 2);
	store<u32>(place(offset), load<u32>(head));
	store<u32>(head, offset + 1);
}

/** Lines that a new block gets for so many, so that it will do for others: at most an eighth more. */
export function roundedLines(lines: u32): u32 {
	return linesOf(listOf(lines));
}

// The first list whose blocks have so many lines, 1 …
function listOf(lines: u32): u32 {
	if (lines <= EXACT) return lines - 1;
	const log2 = 31 - <u32>clz(lines - 1);
	const step: u32 = 1 << (log2 - 3);
	return EXACT + ((log2 - EXACT_LOG2) << 3) + (lines - (1 << log2) + step - 1) / step - 1;
}

function linesOf(list: u32): u32 {
	if (list < EXACT) return list + 1;
	const log2 = EXACT_LOG2 + ((list - EXACT) >>> 3);
	return (1 << log2) + (((list - EXACT) & 7) + 1) * (1 << (log2 - 3));
}

/** Bytes at the end of what the block has; an offset, or FULL. */
export function take(bytes: u32, align: u32): u32 {
	const at = (used + align - 1) & ~(align - 1);
	if (end != 0) {
		if (at + bytes > end) return FULL;
		used = at + bytes;
		return at;
	}
	const rows = <u32>((<u64>at + <u64>bytes + L.FIB_ROW - 1) / L.FIB_ROW);
	if (rows > capacity(L.TABLE_FIB)) {
		if (!extend(L.TABLE_FIB, rows + rows / 8 + ROOM, L.FIB_ROW) && !extend(L.TABLE_FIB, rows, L.FIB_ROW)) return FULL;
	}
	used = at + bytes;
	return at;
}

/** Where an offset is now. */
// @ts-ignore: decorator
@inline
export function place(offset: u32): usize {
	return base(L.TABLE_FIB) + <usize>offset;
}
