// Builds what `lpm6` matches against, from disjoint intervals of 128-bit addresses: ascending starts as (hi, lo, answer), the
// first at 0. They are told apart by halves: an outer list by the first half, and for each first half within which answers
// change, an inner list by the second. A list is (key u64, answer u32, 4 bytes spare).

import { SECOND, SECOND_LINE, signed64 } from "../lpm6";
import { FULL, place, take } from "./space";
import { windowCells, windowFirst } from "./window";
import * as L from "../layout";

/** Bytes of an interval. */
export const INTERVAL6: u32 = 24;
/** Bytes of scratch an interval, for the intervals themselves and the lists made of them. */
export const SCRATCH6: u32 = INTERVAL6 + 2 * 16 + 2 * 16 + 8;
const LINE_KEYS: u32 = L.FIB6_LINE_KEYS;

let outer: usize = 0;
let outerCount: u32 = 0;
let inner: usize = 0;
let innerCount: u32 = 0;
// First entry and count of each inner list.
let seconds: usize = 0;
let secondCount: u32 = 0;
let inLines: bool = false;
let windowShift: u32 = 0;

/** What was built last: its form, FIB6_*, and its offset in TABLE_FIB. */
export let form6: i32 = 0;
export let offset6: u32 = 0;

/**
 * Builds from `count` intervals at `at`, whose answers are below `answers`; behind them is scratch of SCRATCH6 bytes for each
 * in all. The window last chosen is of cells of 2^shift first halves. False: memory is at its maximum.
 */
export function buildLpm6(at: usize, count: u32, answers: u32, shift: u32): bool {
	windowShift = shift;
	outer = at + <usize>(count * INTERVAL6);
	inner = outer + <usize>(count * 32);
	seconds = inner + <usize>(count * 32);
	split(at, count);
	inLines = inLines && outerCount <= LINE_KEYS + 1 && secondCount < SECOND_LINE && answers <= SECOND_LINE;
	form6 = inLines ? L.FIB6_LINES : L.FIB6_TREE;
	return inLines ? buildLines() : buildTrees();
}

function split(at: usize, count: u32): void {
	outerCount = 0;
	innerCount = 0;
	secondCount = 0;
	inLines = true;
	let answer: u32 = 0;
	let i: u32 = 0;
	while (i < count) {
		const hi = hiOf(at, i);
		let next = i + 1;
		while (next < count && hiOf(at, next) == hi) next++;
		if (next == i + 1 && loOf(at, i) == 0) {
			answer = answerOf(at, i);
			putOuter(hi, answer);
		} else {
			const first = innerCount;
			if (loOf(at, i) != 0) putInner(0, answer);
			for (let k = i; k < next; k++) putInner(loOf(at, k), answerOf(at, k));
			if (innerCount - first > LINE_KEYS + 1) inLines = false;
			putOuter(hi, SECOND | secondCount);
			store<u32>(seconds + ((<usize>secondCount) << 3), first);
			store<u32>(seconds + ((<usize>secondCount) << 3), innerCount - first, 4);
			secondCount++;
			answer = answerOf(at, next - 1);
			if (hi != u64.MAX_VALUE) putOuter(hi + 1, answer);
		}
		i = next;
	}
}

// @ts-ignore: decorator
@inline
function hiOf(at: usize, i: u32): u64 {
	return load<u64>(at + <usize>(i * INTERVAL6));
}

// @ts-ignore: decorator
@inline
function loOf(at: usize, i: u32): u64 {
	return load<u64>(at + <usize>(i * INTERVAL6), 8);
}

// @ts-ignore: decorator
@inline
function answerOf(at: usize, i: u32): u32 {
	return load<u32>(at + <usize>(i * INTERVAL6), 16);
}

// What begins where the one before it does takes its place.
function putOuter(key: u64, answer: u32): void {
	if (outerCount > 0 && keyOf(outer, outerCount - 1) == key) outerCount--;
	put(outer, outerCount++, key, answer);
}

function putInner(key: u64, answer: u32): void {
	put(inner, innerCount++, key, answer);
}

function put(list: usize, i: u32, key: u64, answer: u32): void {
	store<u64>(list + ((<usize>i) << 4), key);
	store<u32>(list + ((<usize>i) << 4), answer, 8);
}

// @ts-ignore: decorator
@inline
function keyOf(list: usize, i: u32): u64 {
	return load<u64>(list + ((<usize>i) << 4));
}

// @ts-ignore: decorator
@inline
function listAnswer(list: usize, i: u32): u32 {
	return load<u32>(list + ((<usize>i) << 4), 8);
}

// The inner list with a number, and how long it is.
// @ts-ignore: decorator
@inline
function secondList(number: u32): usize {
	return inner + ((<usize>load<u32>(seconds + ((<usize>number) << 3))) << 4);
}

// @ts-ignore: decorator
@inline
function secondLength(number: u32): u32 {
	return load<u32>(seconds + ((<usize>number) << 3), 4);
}

function buildLines(): bool {
	offset6 = take((secondCount + 1) << 6, L.FIB_ROW);
	if (offset6 == FULL) return false;
	putLine(place(offset6), outer, outerCount);
	for (let i: u32 = 0; i < secondCount; i++) {
		putLine(place(offset6 + ((i + 1) << 6)), secondList(i), secondLength(i));
	}
	return true;
}

function putLine(line: usize, list: usize, count: u32): void {
	for (let k: u32 = 0; k < LINE_KEYS; k++) putKey(line, k, list, k + 1, count);
	for (let i: u32 = 0; i < count; i++) {
		const answer = listAnswer(list, i);
		const second = (answer & SECOND) != 0;
		store<u8>(line + <usize>i, <u8>(second ? SECOND_LINE | (answer ^ SECOND) : answer), L.FIB6_LINE_ANSWERS);
	}
}

// A key of a line: where entry `i` of a list begins; without one, what no half exceeds.
function putKey(line: usize, at: u32, list: usize, i: u32, count: u32): void {
	store<i64>(line + ((<usize>at) << 3), i < count ? signed64(keyOf(list, i) - 1) : i64.MAX_VALUE);
}

function buildTrees(): bool {
	for (let i: u32 = 0; i < outerCount; i++) {
		const answer = listAnswer(outer, i);
		if ((answer & SECOND) == 0) continue;
		const tree = buildTree(secondList(answer ^ SECOND), secondLength(answer ^ SECOND));
		if (tree == FULL) return false;
		put(outer, i, keyOf(outer, i), SECOND | (tree >>> 6));
	}
	offset6 = buildTree(outer, outerCount);
	return offset6 != FULL && buildWindow();
}

// Cells that one entry of the outer list covers have its answer.
function buildWindow(): bool {
	const cells = take(windowCells << 2, 4);
	if (cells == FULL) return false;
	store<u64>(place(offset6), windowFirst << windowShift, L.FIB6_WINDOW_START);
	store<u32>(place(offset6), windowCells, L.FIB6_WINDOW_CELLS);
	store<u32>(place(offset6), windowShift, L.FIB6_WINDOW_SHIFT);
	store<u32>(place(offset6), cells >>> 2, L.FIB6_CELLS);
	const last: u64 = ((<u64>1) << windowShift) - 1;
	let entry: u32 = 0;
	for (let cell: u32 = 0; cell < windowCells; cell++) {
		const start = (windowFirst + <u64>cell) << windowShift;
		while (entry + 1 < outerCount && keyOf(outer, entry + 1) <= start) entry++;
		const whole = entry + 1 == outerCount || keyOf(outer, entry + 1) - start > last;
		store<u32>(place(cells) + ((<usize>cell) << 2), whole ? listAnswer(outer, entry) : <u32>L.FIB6_SPLIT);
	}
	return true;
}

// The tree of a list; its offset, or FULL.
function buildTree(list: usize, count: u32): u32 {
	const tree = take(L.FIB_ROW, L.FIB_ROW);
	const answers = take(count << 2, 4);
	if (tree == FULL || answers == FULL) return FULL;
	store<u32>(place(tree), answers >>> 2, L.FIB6_ANSWERS);
	store<u32>(place(tree), 0, L.FIB6_WINDOW_CELLS);
	for (let i: u32 = 0; i < count; i++) store<u32>(place(answers) + ((<usize>i) << 2), listAnswer(list, i));
	// Entries below one child of the level, from the root down.
	let under: u32 = 1;
	let levels: u32 = 0;
	while (under < count) under *= 9;
	while (under > 1) {
		const lines = (count + under - 1) / under;
		under /= 9;
		const first = take(lines << 6, L.FIB_ROW);
		if (first == FULL) return FULL;
		store<u32>(place(tree) + <usize>(levels << 2), first >>> 6, L.FIB6_LEVEL_LINES);
		for (let j: u32 = 0; j < lines; j++) {
			for (let k: u32 = 0; k < 8; k++) putKey(place(first + (j << 6)), k, list, (j * 9 + k + 1) * under, count);
		}
		levels++;
	}
	store<u32>(place(tree), levels, L.FIB6_LEVELS);
	return tree;
}
