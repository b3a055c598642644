// Longest prefix match over the forms that `compile/lpm` builds, by how much there is to tell apart:
// a line of 13 intervals for a pod; for a node a window, one cell for each equal part of the range that its routes cut up
// (pod networks of a cluster, or all of the Internet in /24s), and for what lies outside two levels of lines, or a poptrie
// (Asai and Ohara, "Poptrie", SIGCOMM 2015). An answer is a number that the caller gave to the builder.

import { base } from "./arena";
import * as L from "./layout";

/** Set in a cell that refers to a trie node, with T u16 or u32. */
// @ts-ignore: decorator
@inline
export function nodeBit<T>(): u32 {
	return sizeof<T>() == 2 ? 0x8000 : 0x80000000;
}

/** Addresses in their order as signed numbers, as lines compare them. */
// @ts-ignore: decorator
@inline
export function signed(address: u32): i32 {
	return <i32>(address ^ 0x80000000);
}

/** The answer for `dst` of what was built at `at` in a form, FIB_*; u32.MAX_VALUE of what was not. */
// @ts-ignore: decorator
@inline
export function match(form: i32, at: usize, dst: u32): u32 {
	// A cell answers for most addresses where there is a window; short, so that many look-ups are in flight at once.
	if (form >= L.FIB_NARROW) {
		const cell = (dst - load<u32>(at, L.FIB_WINDOW_START)) >>> load<u32>(at, L.FIB_WINDOW_SHIFT);
		if (cell < load<u32>(at, L.FIB_WINDOW_CELLS)) {
			const found = form == L.FIB_NARROW ? <i32>load<i16>(cellAt<u16>(at, cell)) : load<i32>(cellAt<u32>(at, cell));
			if (found >= 0) return found;
		}
	}
	return matchForm(form, at, dst);
}

/** Address of a cell of the window at `at`. */
// @ts-ignore: decorator
@inline
export function cellAt<T>(at: usize, cell: u32): usize {
	return at + ((<usize>cell) << alignof<T>()) + L.FIB_CELLS;
}

function matchForm(form: i32, at: usize, dst: u32): u32 {
	if (form == L.FIB_LINE) return matchLine(at, dst);
	if (form == L.FIB_ABSENT) return u32.MAX_VALUE;
	return form == L.FIB_NARROW ? matchWindow<u16>(at, dst) : matchWindow<u32>(at, dst);
}

// @ts-ignore: decorator
@inline
function matchLine(line: usize, dst: u32): u32 {
	const key = i32x4.splat(signed(dst));
	const low = below(key, v128.load(line), v128.load(line, 16));
	const high = below(key, v128.load(line, 32), i32x4.splat(i32.MAX_VALUE));
	return load<u8>(line + <usize>rank(low, high), L.FIB_LINE_ANSWERS);
}

// In a FIB_NARROW (T u16) or FIB_WIDE (T u32).
// @ts-ignore: decorator
@inline
function matchWindow<T>(at: usize, dst: u32): u32 {
	const shift = load<u32>(at, L.FIB_WINDOW_SHIFT);
	const cell = (dst - load<u32>(at, L.FIB_WINDOW_START)) >>> shift;
	if (cell < load<u32>(at, L.FIB_WINDOW_CELLS)) {
		const found = <u32>load<T>(cellAt<T>(at, cell));
		if ((found & nodeBit<T>()) == 0) return found;
		const nodes = base(L.TABLE_FIB) + ((<usize>load<u32>(at, L.FIB_WINDOW_NODES)) << 3);
		return descend<T>(nodes + <usize>((found ^ nodeBit<T>()) * L.TRIE_STRIDE), dst, 32 - shift);
	}
	const root = load<u32>(at, L.FIB_ROOT);
	if (root != 0) return descend<T>(base(L.TABLE_FIB) + ((<usize>root) << 3), dst, 0);
	return matchLines<T>(at, dst);
}

// From a node that stands for the first `depth` bits of dst; depth stays below 32, where no prefix ends deeper.
function descend<T>(node: usize, dst: u32, depth: u32): u32 {
	let slot = (dst << depth) >>> 26;
	let children = load<u64>(node, L.TRIE_CHILDREN);
	while (((children >> slot) & 1) != 0) {
		const child = load<u32>(node, L.TRIE_FIRST_CHILD) * 8 + (countTo(children, slot) - 1) * L.TRIE_STRIDE;
		node = base(L.TABLE_FIB) + <usize>child;
		children = load<u64>(node, L.TRIE_CHILDREN);
		depth += 6;
		slot = (dst << depth) >>> 26;
	}
	const leaf = load<u32>(node, L.TRIE_FIRST_LEAF) + countTo(load<u64>(node, L.TRIE_LEAVES), slot) - 1;
	return <u32>load<T>(base(L.TABLE_FIB) + ((<usize>leaf) << alignof<T>()));
}

// Bits set up to and with number `slot`.
// @ts-ignore: decorator
@inline
function countTo(bits: u64, slot: u32): u32 {
	return <u32>popcnt(bits << (63 - slot));
}

// @ts-ignore: decorator
@inline
function matchLines<T>(at: usize, dst: u32): u32 {
	const key = i32x4.splat(signed(dst));
	const upper = load<u32>(at, L.FIB_UPPER);
	const line = upper == 0 ? 0 : rankInLine(base(L.TABLE_FIB) + ((<usize>upper) << 6), key);
	const lines = load<u32>(at, L.FIB_LINES);
	const interval = line * 17 + rankInLine(base(L.TABLE_FIB) + ((<usize>(lines + line)) << 6), key);
	const answers = base(L.TABLE_FIB) + ((<usize>load<u32>(at, L.FIB_ANSWERS)) << alignof<T>());
	return <u32>load<T>(answers + ((<usize>interval) << alignof<T>()));
}

// How many of the 16 ascending keys of a line are below `key`.
// @ts-ignore: decorator
@inline
function rankInLine(line: usize, key: v128): u32 {
	const low = below(key, v128.load(line), v128.load(line, 16));
	return rank(low, below(key, v128.load(line, 32), v128.load(line, 48)));
}

// @ts-ignore: decorator
@inline
function below(key: v128, low: v128, high: v128): v128 {
	return i16x8.narrow_i32x4_s(i32x4.gt_s(key, low), i32x4.gt_s(key, high));
}

// @ts-ignore: decorator
@inline
function rank(low: v128, high: v128): u32 {
	return <u32>popcnt(i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)));
}
