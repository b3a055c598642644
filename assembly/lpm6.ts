// Longest prefix match over 128 bits, in two steps of 64: routes are seldom longer than a /64, so the first half of an address
// mostly answers, and where it does not it says in which table the second half is looked up. Each table is a line of eight
// intervals, or a tree of such lines. Answers are as in `lpm`; `compile/lpm6` builds.

import { base } from "./arena";
import * as L from "./layout";

/** In an answer of a tree: the rest is the row of TABLE_FIB where the second half is looked up. */
export const SECOND: u32 = 0x80000000;
/** The same in an answer of a line: the rest is the number of the line behind it. */
export const SECOND_LINE: u32 = 0x80;

/** Halves of addresses in their order as signed numbers, as lines compare them. */
// @ts-ignore: decorator
@inline
export function signed64(half: u64): i64 {
	return <i64>(half ^ 0x8000000000000000);
}

/** The answer for the address (hi, lo), network order, of what was built at `at` in a form, FIB6_*; u32.MAX_VALUE of what was not. */
export function match6(form: i32, at: usize, hi: u64, lo: u64): u32 {
	if (form == L.FIB6_LINES) {
		const found = inLine(at, hi);
		return (found & SECOND_LINE) == 0 ? found : inLine(at + ((<usize>(found ^ SECOND_LINE) + 1) << 6), lo);
	}
	if (form != L.FIB6_TREE) return u32.MAX_VALUE;
	const found = inWindow(at, hi);
	return (found & SECOND) == 0 ? found : inTree(base(L.TABLE_FIB) + ((<usize>(found ^ SECOND)) << 6), lo);
}

// @ts-ignore: decorator
@inline
function inLine(line: usize, half: u64): u32 {
	// The eighth key's place holds the answers.
	const last = i64x2.replace_lane(v128.load(line, 48), 1, i64.MAX_VALUE);
	return load<u8>(line + <usize>rank(line, last, half), L.FIB6_LINE_ANSWERS);
}

// @ts-ignore: decorator
@inline
function inWindow(tree: usize, half: u64): u32 {
	const cell = (half - load<u64>(tree, L.FIB6_WINDOW_START)) >> load<u32>(tree, L.FIB6_WINDOW_SHIFT);
	if (cell < <u64>load<u32>(tree, L.FIB6_WINDOW_CELLS)) {
		const found = load<u32>(base(L.TABLE_FIB) + ((<usize>(load<u32>(tree, L.FIB6_CELLS) + <u32>cell)) << 2));
		if (found != <u32>L.FIB6_SPLIT) return found;
	}
	return inTree(tree, half);
}

function inTree(tree: usize, half: u64): u32 {
	const levels = load<u32>(tree, L.FIB6_LEVELS);
	let at: u32 = 0;
	for (let level: u32 = 0; level < levels; level++) {
		const first = load<u32>(tree + <usize>(level << 2), L.FIB6_LEVEL_LINES);
		const line = base(L.TABLE_FIB) + ((<usize>(first + at)) << 6);
		at = at * 9 + rank(line, v128.load(line, 48), half);
	}
	return load<u32>(base(L.TABLE_FIB) + ((<usize>(load<u32>(tree, L.FIB6_ANSWERS) + at)) << 2));
}

// How many of the 8 ascending keys of a line are below `half`; `last` holds the last two.
// @ts-ignore: decorator
@inline
function rank(line: usize, last: v128, half: u64): u32 {
	const key = i64x2.splat(signed64(half));
	const low = i64x2.add(i64x2.gt_s(key, v128.load(line)), i64x2.gt_s(key, v128.load(line, 16)));
	const high = i64x2.add(i64x2.gt_s(key, v128.load(line, 32)), i64x2.gt_s(key, last));
	// Each key that is below counts as -1.
	const below = i64x2.add(low, high);
	return <u32>-(i64x2.extract_lane(below, 0) + i64x2.extract_lane(below, 1));
}
