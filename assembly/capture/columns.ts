// The rows of a recording as columns: one array a field, L.COLUMN_ROWS long, so that JavaScript reads them as typed arrays and
// a loop over one field reads nothing else. `point` aims at a row; the setters of its fields are the stores below.

import { place } from "../arena";
import * as L from "../layout";

/** Bytes of a field of the column at `offset`: the columns stand in the order of their widths. */
function widthOf(offset: i32): u32 {
	if (offset < L.COLUMN_SRC) return 8;
	if (offset < L.COLUMN_SPORT) return 4;
	return offset < L.COLUMN_FAMILY ? 2 : 1;
}

/** Where the column behind the one at `offset` begins. */
function nextColumn(offset: i32): i32 {
	return offset + L.COLUMN_ROWS * <i32>widthOf(offset) + COLUMN_GAP;
}

/** Unused bytes behind a column. */
const COLUMN_GAP: i32 = 64;

/** The row being written: where its 8, 4, 2 and 1 byte fields are, offsets of columns aside. */
export namespace to {
	export let eights: usize = 0;
	export let fours: usize = 0;
	export let twos: usize = 0;
	export let ones: usize = 0;
}

/** Aims `to` at row `row` of `columns`, below COLUMN_ROWS. */
// @ts-ignore: decorator
@inline
export function point(columns: usize, row: u32): void {
	to.eights = columns + ((<usize>row) << 3);
	to.fours = columns + ((<usize>row) << 2);
	to.twos = columns + ((<usize>row) << 1);
	to.ones = columns + <usize>row;
}

/** New columns, emptied; 0: memory is at its maximum. */
export function addColumns(): usize {
	const columns = place(L.TABLE_CAPTURE, L.COLUMN_BYTES, 1);
	if (columns != 0) emptyColumns(columns);
	return columns;
}

/** Sets what is the same in nearly all rows and written only where it differs. */
export function emptyColumns(columns: usize): void {
	memory.fill(columns + L.COLUMN_DIRECTION, 0, L.COLUMN_ROWS);
	memory.fill(columns + L.COLUMN_VLAN, 0, L.COLUMN_ROWS * 2);
	memory.fill(columns + L.COLUMN_VNI, 0xff, L.COLUMN_ROWS * 4);
	memory.fill(columns + L.COLUMN_HASH, 0, L.COLUMN_ROWS * 4);
	memory.fill(columns + L.COLUMN_OPTIONS, 0, L.COLUMN_ROWS);
	memory.fill(columns + L.COLUMN_MSS, 0, L.COLUMN_ROWS * 2);
	const ones = i32x4.splat(1);
	for (let at: usize = 0; at < <usize>L.COLUMN_ROWS * 4; at += 16) v128.store(columns + at, ones, L.COLUMN_REPEAT);
}

/** Copies `count` rows from row `i` of `from` over row `j` of `into`; both ranges lie within COLUMN_ROWS. */
export function copyRows(from: usize, i: u32, into: usize, j: u32, count: u32): void {
	for (let offset = 0; offset < L.COLUMN_BYTES; offset = nextColumn(offset)) {
		const width = widthOf(offset);
		const source = from + <usize>offset + <usize>(i * width);
		const target = into + <usize>offset + <usize>(j * width);
		// A call of memory.copy costs more than a few moves.
		if (count > 16) memory.copy(target, source, count * width);
		else for (let k: u32 = 0; k < count; k++) move(target + <usize>(k * width), source + <usize>(k * width), width);
	}
}

// @ts-ignore: decorator
@inline
function move(target: usize, source: usize, width: u32): void {
	if (width == 8) store<u64>(target, load<u64>(source));
	else if (width == 4) store<u32>(target, load<u32>(source));
	else if (width == 2) store<u16>(target, load<u16>(source));
	else store<u8>(target, load<u8>(source));
}

// @ts-ignore: decorator
@inline
export function timeAt(columns: usize, row: u32): i64 {
	return load<i64>(columns + ((<usize>row) << 3), L.COLUMN_TIME);
}

/** The first row from `row` on, below `count`, whose time is later than `time` (or not before it, where `equal` ends too); `count`: none. */
export function firstAfter(columns: usize, row: u32, count: u32, time: i64, equal: bool): u32 {
	while (row < count && (equal ? timeAt(columns, row) < time : timeAt(columns, row) <= time)) row++;
	return row;
}

/** Whether the first `count` rows are in time order. */
export function isSorted(columns: usize, count: u32): bool {
	for (let row: u32 = 1; row < count; row++) {
		if (timeAt(columns, row - 1) > timeAt(columns, row)) return false;
	}
	return true;
}

/** Rows by their numbers, a u32 each at `numbers` (those of `b` counted on from COLUMN_ROWS), into the first `count` rows of `into`. */
export function gather(a: usize, b: usize, numbers: usize, count: u32, into: usize): void {
	const last = numbers + ((<usize>count) << 2);
	for (let offset = 0; offset < L.COLUMN_BYTES; offset = nextColumn(offset)) {
		const width = widthOf(offset);
		let target = into + <usize>offset;
		for (let at = numbers; at < last; at += 4) {
			const number = load<u32>(at);
			const inA = number < <u32>L.COLUMN_ROWS;
			const row = inA ? number : number - L.COLUMN_ROWS;
			move(target, (inA ? a : b) + <usize>offset + <usize>(row * width), width);
			target += <usize>width;
		}
	}
}

// The offsets of layout.ts must follow from the widths; a drift fails the build.
function verify(): void {
	if (L.COLUMN_SRC != 2 * (8 * L.COLUMN_ROWS + COLUMN_GAP)) ERROR("COLUMN_SRC");
	if (L.COLUMN_SPORT != L.COLUMN_SRC + 14 * (4 * L.COLUMN_ROWS + COLUMN_GAP)) ERROR("COLUMN_SPORT");
	if (L.COLUMN_FAMILY != L.COLUMN_SPORT + 9 * (2 * L.COLUMN_ROWS + COLUMN_GAP)) ERROR("COLUMN_FAMILY");
	if (L.COLUMN_BYTES != L.COLUMN_FAMILY + 10 * (L.COLUMN_ROWS + COLUMN_GAP)) ERROR("COLUMN_BYTES");
}
verify();
