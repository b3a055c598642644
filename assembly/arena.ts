// Lays every table out once in linear memory: one base address and one capacity per table, 128-byte aligned: a
// pair of cache lines, which processors fetch together.
// Nothing is allocated while packets flow; a full table is a typed "full" of its module, never a silent loss.
// `memory.grow` is called here and nowhere else.

import { TABLE_CAPTURE, TABLE_COUNT } from "./layout";

const BASE: StaticArray<u32> = new StaticArray<u32>(TABLE_COUNT);
const CAPACITY: StaticArray<u32> = new StaticArray<u32>(TABLE_COUNT);

/** Bytes that a table begins at a multiple of. */
export const TABLE_ALIGN: u32 = 128;
const PAGE: u32 = 65536;
const MEMORY_MAX: u64 = 0xffff0000; // the last page stays unused, so that an end is a u32

let top: u32 = 0;
let last: i32 = -1;
// Up to there memory behind the tables may not be zero.
let stale: u32 = 0;

/** Address of a table's first row. */
// @ts-ignore: decorator
@inline
export function base(table: i32): usize {
	// bound: table is one of the TABLE_ constants, all below TABLE_COUNT
	return <usize>unchecked(BASE[table]);
}

/** Rows that fit in a table. */
// @ts-ignore: decorator
@inline
export function capacity(table: i32): u32 {
	// bound: as above
	return unchecked(CAPACITY[table]);
}

/** Address of row `index` of a table whose rows are `stride` bytes; the caller guarantees index < capacity. */
// @ts-ignore: decorator
@inline
export function row(table: i32, index: i32, stride: i32): usize {
	return base(table) + <usize>(<u32>index * <u32>stride);
}

/** Lays tables out from `address` on, not from the heap's base: where the module has a heap as well (specs). Before the first `place`. */
export function startAt(address: usize): void {
	top = <u32>address;
}

/** Lays out one table at the top of memory, zeroed. Returns its address, or 0 where memory is at its maximum. */
export function place(table: i32, rows: u32, stride: u32): usize {
	const at = placeAsIs(table, rows, stride);
	if (at != 0) clearFrom(<u32>at);
	return at;
}

/** As `place`, of whatever lies there: for tables that are written before they are read. */
export function placeAsIs(table: i32, rows: u32, stride: u32): usize {
	settleTop();
	const at = top;
	if (!reach(at, rows, stride, table == TABLE_CAPTURE)) return 0;
	last = table;
	// bound: as above
	unchecked((BASE[table] = at));
	// bound: as above
	unchecked((CAPACITY[table] = rows));
	return <usize>at;
}

/**
 * Makes a table hold `rows` rows, more than it has: for what is only known when configuration is compiled. What lies in it
 * stays, but moves where another table was laid out behind it, and its old room is lost. False: memory is at its maximum.
 */
export function extend(table: i32, rows: u32, stride: u32): bool {
	const at = base(table);
	const held = capacity(table);
	if (table != last) {
		if (place(table, rows, stride) == 0) return false;
		memory.copy(base(table), at, <usize>held * stride);
		return true;
	}
	const from = top;
	if (!reach(<u32>at, rows, stride, false)) return false;
	clearFrom(from);
	// bound: as above
	unchecked((CAPACITY[table] = rows));
	return true;
}

/**
 * Makes the memory large enough for tables of `bytes` that are going to be placed. Each growth is a system call and, to the
 * host, another buffer and garbage: one is better than forty. False: memory is at its maximum.
 */
export function expect(bytes: u64): bool {
	settleTop();
	return bytes <= MEMORY_MAX && grown(<u64>top + bytes, 0);
}

/** Makes the memory that many bytes long, as another engine's is that is going to be copied. False: it is at its maximum. */
export function stretch(bytes: u32): bool {
	return grown(<u64>bytes, 0);
}

/** What lies behind the tables is of no use, but not zero: an engine before this one was emptied and has left it there. */
export function inherit(): void {
	stale = <u32>memory.size() * PAGE;
}

// Makes zero what was laid out from `from` on.
function clearFrom(from: u32): void {
	const end = min<u32>(top, stale);
	if (from < end) memory.fill(<usize>from, 0, <usize>(end - from));
}

// Module-level arrays were allocated from the heap's start on when the module started: tables come behind them.
function settleTop(): void {
	if (top == 0) top = (<u32>(heap.alloc(TABLE_ALIGN) + 2 * TABLE_ALIGN - 1)) & ~(TABLE_ALIGN - 1);
}

// Moves the top behind `rows` rows at `at`. `grows`: more will follow, of which nobody knows how much.
function reach(at: u32, rows: u32, stride: u32, grows: bool): bool {
	const end = <u64>at + ((<u64>rows * <u64>stride + <u64>(TABLE_ALIGN - 1)) & ~(<u64>(TABLE_ALIGN - 1)));
	if (end > MEMORY_MAX || !grown(end, grows ? end >>> 1 : 0)) return false;
	top = <u32>end;
	return true;
}

// Is the memory `end` bytes long, or can it be? It gets `more` on top where there is as much.
function grown(end: u64, more: u64): bool {
	const have = <u64>(<u32>memory.size()) * <u64>PAGE;
	if (end <= have) return true;
	if (more != 0 && memory.grow(pages(end + more - have)) >= 0) return true;
	return memory.grow(pages(end - have)) >= 0;
}

function pages(bytes: u64): i32 {
	return <i32>((bytes + <u64>(PAGE - 1)) / <u64>PAGE);
}
