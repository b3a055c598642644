// Prefixes of 128-bit addresses, a laminar family, sorted and flattened into disjoint intervals for `lpm6`. Of equal prefixes
// the one put last counts. All of it lies in TABLE_SCRATCH.

import { base, capacity } from "../arena";
import { buildLpm6, INTERVAL6, SCRATCH6 } from "./lpm6";
import { chooseWindow, commonLength, countLength, lengthsReset } from "./window";
import * as L from "../layout";

// hi u64, lo u64, length u32, answer u32
const PREFIX6: u32 = 24;
// Prefixes that hold one another, of different lengths: end hi u64, lo u64, answer u32.
const DEPTH: u32 = 130;

// Of a window a prefix.
const CELLS: i64 = 2;

let prefixes: usize = 0;
let prefixCount: u32 = 0;
let most: u32 = 0;
let intervals: usize = 0;
let count: u32 = 0;

/** Bytes of TABLE_SCRATCH for so many prefixes. */
export function scratch6(count: u32): u32 {
	return DEPTH * INTERVAL6 + count * PREFIX6 + (2 * count + 1) * SCRATCH6;
}

/** Begins with none. False: TABLE_SCRATCH is too small for `count`. */
export function prefixes6Reset(count: u32): bool {
	if (scratch6(count) > capacity(L.TABLE_SCRATCH)) return false;
	prefixes = base(L.TABLE_SCRATCH) + <usize>(DEPTH * INTERVAL6);
	intervals = prefixes + <usize>(count * PREFIX6);
	prefixCount = 0;
	most = count;
	return true;
}

/** One of as many as were announced; host bits are zero. An answer is below 2^31. */
export function putPrefix6(hi: u64, lo: u64, length: u32, answer: u32): void {
	if (prefixCount == most) return;
	const at = prefixes + <usize>(prefixCount++ * PREFIX6);
	store<u64>(at, hi);
	store<u64>(at, lo, 8);
	store<u32>(at, length, 16);
	store<u32>(at, answer, 20);
}

/** Builds from what was put; `none` is the answer outside of it, `answers` more than the greatest. False: memory is at its maximum. */
export function buildPrefixes6(none: u32, answers: u32): bool {
	sort();
	const shift = window();
	flatten(none);
	return buildLpm6(intervals, count, answers, shift);
}

// Chooses one, with the room of the intervals as scratch; log2 of the first halves of a cell.
function window(): u32 {
	lengthsReset();
	for (let i: u32 = 0; i < prefixCount; i++) countLength(load<u32>(prefixAt(i), 16));
	const shift = 64 - commonLength(64);
	for (let i: u32 = 0; i < prefixCount; i++) {
		store<u64>(intervals + ((<usize>i) << 3), load<u64>(prefixAt(i)) >> shift);
	}
	chooseWindow(intervals, prefixCount, CELLS);
	return shift;
}

// @ts-ignore: decorator
@inline
function prefixAt(i: u32): usize {
	return prefixes + <usize>(i * PREFIX6);
}

// A merge sort, so that equal prefixes stay in their order; the room of the intervals is its other half.
function sort(): void {
	let from = prefixes;
	let to = intervals;
	for (let width: u32 = 1; width < prefixCount; width *= 2) {
		for (let first: u32 = 0; first < prefixCount; first += width * 2) {
			merge(from, to, first, min(first + width, prefixCount), min(first + width * 2, prefixCount));
		}
		const other = from;
		from = to;
		to = other;
	}
	if (from != prefixes) memory.copy(prefixes, from, <usize>(prefixCount * PREFIX6));
}

function merge(from: usize, to: usize, first: u32, middle: u32, end: u32): void {
	let left = first;
	let right = middle;
	for (let i = first; i < end; i++) {
		const a = from + <usize>(left * PREFIX6);
		const b = from + <usize>(right * PREFIX6);
		const takesLeft = left < middle && (right == end || !before(b, a));
		memory.copy(to + <usize>(i * PREFIX6), takesLeft ? a : b, PREFIX6);
		if (takesLeft) left++;
		else right++;
	}
}

// By start, then the shorter.
function before(a: usize, b: usize): bool {
	const hi = load<u64>(a);
	if (hi != load<u64>(b)) return hi < load<u64>(b);
	const lo = load<u64>(a, 8);
	return lo != load<u64>(b, 8) ? lo < load<u64>(b, 8) : load<u32>(a, 16) < load<u32>(b, 16);
}

// Each prefix opens an interval, and where it ends the one around it goes on.
function flatten(none: u32): void {
	let depth: u32 = 0;
	count = 0;
	emit(0, 0, none);
	for (let i: u32 = 0; i < prefixCount; i++) {
		const at = prefixAt(i);
		if (i + 1 < prefixCount && !before(at, prefixAt(i + 1))) continue;
		const hi = load<u64>(at);
		const lo = load<u64>(at, 8);
		while (depth > 0 && endsBefore(depth, hi, lo)) depth = close(depth, none);
		const length = load<u32>(at, 16);
		const answer = load<u32>(at, 20);
		depth++;
		store<u64>(opened(depth), length < 64 ? hi | ((<u64>-1) >> length) : hi);
		store<u64>(opened(depth), length <= 64 ? <u64>-1 : length < 128 ? lo | ((<u64>-1) >> (length - 64)) : lo, 8);
		store<u32>(opened(depth), answer, 16);
		emit(hi, lo, answer);
	}
	while (depth > 0) depth = close(depth, none);
}

// The innermost of `depth` open prefixes.
// @ts-ignore: decorator
@inline
function opened(depth: u32): usize {
	return base(L.TABLE_SCRATCH) + <usize>((depth - 1) * INTERVAL6);
}

function endsBefore(depth: u32, hi: u64, lo: u64): bool {
	const end = load<u64>(opened(depth));
	return end < hi || (end == hi && load<u64>(opened(depth), 8) < lo);
}

function close(depth: u32, none: u32): u32 {
	const hi = load<u64>(opened(depth));
	const lo = load<u64>(opened(depth), 8) + 1;
	depth--;
	const carry: u64 = lo == 0 ? 1 : 0;
	if ((hi + carry) | lo) emit(hi + carry, lo, depth > 0 ? load<u32>(opened(depth), 16) : none);
	return depth;
}

// Begins an interval; one that would be empty or repeats its neighbour is merged with it.
function emit(hi: u64, lo: u64, answer: u32): void {
	if (count > 0) {
		const last = intervals + <usize>((count - 1) * INTERVAL6);
		if (load<u64>(last) == hi && load<u64>(last, 8) == lo) count--;
	}
	if (count > 0 && load<u32>(intervals + <usize>((count - 1) * INTERVAL6), 16) == answer) return;
	const at = intervals + <usize>(count * INTERVAL6);
	store<u64>(at, hi);
	store<u64>(at, lo, 8);
	store<u32>(at, answer, 16);
	count++;
}
