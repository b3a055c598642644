// Chooses the window of a FIB: the range of addresses that its routes cut into equal parts most densely, as the pod networks
// of a cluster do, so that an address finds its part by one subtraction and one load.

import * as L from "../layout";

/** First address of the window. */
export let windowStart: u32 = 0;
/** Cells of it; 0: no window pays. */
export let windowCells: u32 = 0;
/** log2 of the addresses of a cell. */
export let windowShift: u32 = 0;

// What one line tells apart as fast: two pod networks, one of them the node's own with its address and broadcast address.
const PREFIXES_MIN: u32 = 4;
const CELLS_MAX: i64 = 1 << 24;
// Routes by their length, u32[33].
const LENGTHS: usize = memory.data(33 * 4, 4);

/**
 * For prefixes as sorted keys (start, length, number; see `compile/fib`), of which numbers below `routes` are routes: the run
 * in which each pays best for the cells that it spans, at `cells` cells a prefix. A cell is as large as most routes are.
 */
export function chooseWindow(keys: usize, count: u32, routes: u32, cells: i64): void {
	const shift = 32 - commonLength(keys, count, routes);
	let best: i64 = 0;
	let bestFirst: u32 = 0;
	let bestLast: u32 = 0;
	let first: u32 = 0;
	let last: u32 = 0;
	let score: i64 = -2;
	let prefixes: u32 = 0;
	for (let i: u32 = 0; i < count; i++) {
		const cell = load<u32>(keys + ((<usize>i) << 3), 4) >>> shift;
		score -= <i64>(cell - last);
		// Better begun here, where one cell is paid for, than carried on.
		if (score < -1) {
			score = -1;
			first = cell;
			prefixes = 0;
		}
		score += cells;
		prefixes++;
		last = cell;
		if (score > best && prefixes >= PREFIXES_MIN) {
			best = score;
			bestFirst = first;
			bestLast = last;
		}
	}
	const span = <i64>(bestLast - bestFirst) + 1;
	windowShift = shift;
	windowStart = bestFirst << shift;
	windowCells = best > 0 && span <= CELLS_MAX ? <u32>span : 0;
}

// The length that most routes have; of equally many the longer.
function commonLength(keys: usize, count: u32, routes: u32): u32 {
	memory.fill(LENGTHS, 0, 33 * 4);
	for (let i: u32 = 0; i < count; i++) {
		const key = load<u64>(keys + ((<usize>i) << 3));
		// bound: lengths are 0..32
		const at = LENGTHS + <usize>(((<u32>(key >> 26)) & 63) << 2);
		if (((<u32>key) & 0x3ffffff) < routes) store<u32>(at, load<u32>(at) + 1);
	}
	let common: u32 = 32;
	let most = load<u32>(LENGTHS + 32 * 4);
	for (let length: u32 = 31; length > 0; length--) {
		const found = load<u32>(LENGTHS + <usize>(length << 2));
		if (found <= most) continue;
		most = found;
		common = length;
	}
	return common;
}
