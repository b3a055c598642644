// Chooses the window of a FIB: the range of addresses that its routes cut into equal parts most densely, as the pod networks
// of a cluster do, so that an address finds its part by one subtraction and one load. An address's cell is its number, or for
// IPv6 that of its first half, without the bits behind the length that most routes have.

/** First cell of the window. */
export let windowFirst: u64 = 0;
/** Cells of it; 0: no window pays. */
export let windowCells: u32 = 0;

// What one line tells apart as fast: two pod networks, one of them the node's own with its address and broadcast address.
const PREFIXES_MIN: u32 = 4;
const CELLS_MAX: i64 = 1 << 24;
const LENGTHS_MAX: u32 = 64;
// Routes by their length, u32[65].
const LENGTHS: usize = memory.data(65 * 4, 4);

/** Begins to count lengths. */
export function lengthsReset(): void {
	memory.fill(LENGTHS, 0, 65 * 4);
}

/** Counts the length of a route, at most 64; longer ones say nothing. */
export function countLength(length: u32): void {
	if (length > LENGTHS_MAX) return;
	const at = LENGTHS + <usize>(length << 2);
	store<u32>(at, load<u32>(at) + 1);
}

/** The length, at most `longest`, that most of the routes counted have; of equally many the longer. */
export function commonLength(longest: u32): u32 {
	let common = longest;
	for (let length = longest - 1; length > 0; length--) {
		if (load<u32>(LENGTHS + <usize>(length << 2)) > load<u32>(LENGTHS + <usize>(common << 2))) common = length;
	}
	return common;
}

/** For the cells (u64, ascending) in which prefixes begin: the run in which each pays best for what it spans, at `price` cells each. */
export function chooseWindow(cells: usize, count: u32, price: i64): void {
	let best: i64 = 0;
	let bestFirst: u64 = 0;
	let bestLast: u64 = 0;
	let first: u64 = 0;
	let last: u64 = 0;
	let score: i64 = -2;
	let prefixes: u32 = 0;
	for (let i: u32 = 0; i < count; i++) {
		const cell = load<u64>(cells + ((<usize>i) << 3));
		// Better begun here, where one cell is paid for, than carried on.
		if (score < -1 || cell - last > <u64>(score + 1)) {
			score = -1;
			first = cell;
			prefixes = 0;
		} else score -= <i64>(cell - last);
		score += price;
		prefixes++;
		last = cell;
		if (score > best && prefixes >= PREFIXES_MIN) {
			best = score;
			bestFirst = first;
			bestLast = last;
		}
	}
	windowFirst = bestFirst;
	windowCells = best > 0 && bestLast - bestFirst < <u64>CELLS_MAX ? <u32>(bestLast - bestFirst) + 1 : 0;
}
