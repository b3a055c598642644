// Rows in time order: two batches of columns sorted as one, stable. A bottom-up merge of row numbers, then one pass a column.

import { placeAsIs } from "../arena";
import * as L from "../layout";
import { gather, timeAt } from "./columns";

/** Two arrays of u32 row numbers, each as long as two batches; rows of the second batch are counted on from COLUMN_ROWS. */
let numbers: usize = 0;
const HALF: usize = L.COLUMN_ROWS * 2 * 4;

/**
 * Sorts `aCount` rows of `a` and `bCount` rows of `b` together: the first `aCount` into `first`, the others into `second`;
 * equal times stay as they came, those of `a` before those of `b`. False: memory is at its maximum.
 */
export function sortRows(a: usize, aCount: u32, b: usize, bCount: u32, first: usize, second: usize): bool {
	if (numbers == 0) numbers = placeAsIs(L.TABLE_CAPTURE, <u32>HALF * 2, 1);
	if (numbers == 0) return false;
	const total = aCount + bCount;
	for (let i: u32 = 0; i < total; i++) put(numbers, i, i < aCount ? i : i - aCount + L.COLUMN_ROWS);
	const sorted = mergeSort(a, b, total);
	gather(a, b, sorted, aCount, first);
	gather(a, b, sorted + ((<usize>aCount) << 2), bCount, second);
	return true;
}

// @ts-ignore: decorator
@inline
function put(at: usize, i: u32, number: u32): void {
	// i < 2 * COLUMN_ROWS: the callers count rows of two batches
	store<u32>(at + ((<usize>i) << 2), number);
}

// @ts-ignore: decorator
@inline
function get(at: usize, i: u32): u32 {
	return load<u32>(at + ((<usize>i) << 2));
}

function timeOfNumber(a: usize, b: usize, number: u32): i64 {
	return number < <u32>L.COLUMN_ROWS ? timeAt(a, number) : timeAt(b, number - L.COLUMN_ROWS);
}

/** Address of the sorted numbers. */
function mergeSort(a: usize, b: usize, total: u32): usize {
	let from = numbers;
	let into = numbers + HALF;
	for (let width: u32 = 1; width < total; width *= 2) {
		for (let start: u32 = 0; start < total; start += width * 2) {
			const middle = min(start + width, total);
			mergeRuns(a, b, from, into, start, middle, min(start + width * 2, total));
		}
		const swap = from;
		from = into;
		into = swap;
	}
	return from;
}

function mergeRuns(a: usize, b: usize, from: usize, into: usize, start: u32, middle: u32, end: u32): void {
	let left = start;
	let right = middle;
	for (let i = start; i < end; i++) {
		const takeRight =
			left == middle || (right < end && timeOfNumber(a, b, get(from, right)) < timeOfNumber(a, b, get(from, left)));
		put(into, i, get(from, takeRight ? right++ : left++));
	}
}
