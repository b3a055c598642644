// Builds what `lpm` matches against, from disjoint intervals: ascending starts (u32, the first 0), each with its answer (u32).

import { cellAt, nodeBit, signed } from "../lpm";
import { FULL, place, take } from "./space";
import { windowCells, windowFirst } from "./window";
import * as L from "../layout";

const ANSWER_NONE: u32 = u32.MAX_VALUE;
const LINE_INTERVALS: u32 = 17;
const KEYS: u32 = L.FIB_LINE_KEYS;
// Answers of a node's leaves, until their place is known, u32[64].
const RUNS: usize = memory.data(64 * 4, 4);

let intervals: usize = 0;
let count: u32 = 0;
let windowShift: u32 = 0;
let windowStart: u32 = 0;

/** Once the table will move no more: what a netns has at an offset has an address. */
export function placeLpm(ns: usize): void {
	store<u32>(ns, <u32>place(load<u32>(ns, L.NETNS_FIB)), L.NETNS_FIB);
}

/**
 * Builds for a netns, whose answers are below `answers`, with the window last chosen, of cells of 2^shift; placeLpm has to follow. False: memory is
 * at its maximum.
 */
export function buildLpm(ns: usize, at: usize, intervalCount: u32, answers: u32, shift: u32): bool {
	intervals = at;
	count = intervalCount;
	windowShift = shift;
	windowStart = <u32>(windowFirst << shift);
	const line = count <= KEYS + 1 && answers <= 256;
	const form = line ? L.FIB_LINE : answers <= nodeBit<u16>() ? L.FIB_NARROW : L.FIB_WIDE;
	const wide = form == L.FIB_WIDE;
	const bytes = line ? L.FIB_ROW : L.FIB_CELLS + windowCells * (wide ? sizeof<u32>() : sizeof<u16>());
	const record = take(<u32>bytes, L.FIB_ROW);
	if (record == FULL) return false;
	store<u32>(ns, record, L.NETNS_FIB);
	store<u32>(ns, form, L.NETNS_FIB_FORM);
	if (line) return buildLine(place(record));
	return wide ? buildForm<u32>(record) : buildForm<u16>(record);
}

// @ts-ignore: decorator
@inline
function startOf(interval: u32): u32 {
	return load<u32>(intervals + ((<usize>interval) << 3));
}

// @ts-ignore: decorator
@inline
function answerOf(interval: u32): u32 {
	return load<u32>(intervals + ((<usize>interval) << 3), 4);
}

// The last address of an interval.
// @ts-ignore: decorator
@inline
function endOf(interval: u32): u32 {
	return interval + 1 < count ? startOf(interval + 1) - 1 : u32.MAX_VALUE;
}

// The interval that holds `address`, which is not before interval `from`.
// @ts-ignore: decorator
@inline
function holding(address: u32, from: u32): u32 {
	while (endOf(from) < address) from++;
	return from;
}

function buildLine(line: usize): bool {
	for (let i: u32 = 0; i < KEYS; i++) putKey(line, i, i + 1);
	for (let i: u32 = 0; i < count; i++) store<u8>(line + <usize>i, <u8>answerOf(i), L.FIB_LINE_ANSWERS);
	return true;
}

// A key of a line: where an interval begins; without one, what no address exceeds.
function putKey(line: usize, at: u32, interval: u32): void {
	store<i32>(line + ((<usize>at) << 2), interval < count ? signed(startOf(interval) - 1) : i32.MAX_VALUE);
}

function buildForm<T>(record: u32): bool {
	store<u32>(place(record), windowStart, L.FIB_WINDOW_START);
	store<u32>(place(record), windowCells, L.FIB_WINDOW_CELLS);
	store<u32>(place(record), windowShift, L.FIB_WINDOW_SHIFT);
	if (windowCells > 0) {
		if (!buildWindow<T>(record)) return false;
		leaveWindow();
	}
	if (count <= LINE_INTERVALS * LINE_INTERVALS) return buildLines<T>(record);
	const root = take(L.TRIE_STRIDE, 8);
	if (root == FULL) return false;
	store<u32>(place(record), root >>> 3, L.FIB_ROOT);
	return buildNode<T>(root, 0, 0, 0);
}

function buildWindow<T>(record: u32): bool {
	const last: u32 = (1 << windowShift) - 1;
	let nodes: u32 = 0;
	let interval: u32 = 0;
	for (let cell: u32 = 0; cell < windowCells; cell++) {
		const start = windowStart + (cell << windowShift);
		interval = holding(start, interval);
		const whole = endOf(interval) - start >= last;
		store<T>(cellAt<T>(place(record), cell), <T>(whole ? answerOf(interval) : nodeBit<T>() | nodes++));
	}
	const first = take(nodes * L.TRIE_STRIDE, 8);
	if (first == FULL) return false;
	store<u32>(place(record), first >>> 3, L.FIB_WINDOW_NODES);
	interval = 0;
	for (let cell: u32 = 0; cell < windowCells; cell++) {
		const found = <u32>load<T>(cellAt<T>(place(record), cell));
		if ((found & nodeBit<T>()) == 0) continue;
		const start = windowStart + (cell << windowShift);
		interval = holding(start, interval);
		const node = first + (found ^ nodeBit<T>()) * L.TRIE_STRIDE;
		if (!buildNode<T>(node, start, 32 - windowShift, interval)) return false;
	}
	return true;
}

// Takes out of the intervals what the window answers: the interval before it goes on to its end.
function leaveWindow(): void {
	const last = windowStart + ((windowCells << windowShift) - 1);
	let kept: u32 = 0;
	let behind = ANSWER_NONE;
	for (let i: u32 = 0; i < count; i++) {
		const start = startOf(i);
		const answer = answerOf(i);
		if (i > 0 && start >= windowStart && start <= last) {
			behind = answer;
			continue;
		}
		if (start > last && start - 1 > last) kept = resume(kept, last, behind);
		if (start > last) behind = ANSWER_NONE;
		kept = keep(kept, start, answer);
	}
	if (last != u32.MAX_VALUE) kept = resume(kept, last, behind);
	count = kept;
}

// What the window's last interval leads to goes on behind it. There is room: one interval at least was taken out.
function resume(kept: u32, last: u32, answer: u32): u32 {
	return answer == ANSWER_NONE ? kept : keep(kept, last + 1, answer);
}

function keep(kept: u32, start: u32, answer: u32): u32 {
	if (kept > 0 && answerOf(kept - 1) == answer) return kept;
	store<u32>(intervals + ((<usize>kept) << 3), start);
	store<u32>(intervals + ((<usize>kept) << 3), answer, 4);
	return kept + 1;
}

function buildLines<T>(record: u32): bool {
	const lower = (count + LINE_INTERVALS - 1) / LINE_INTERVALS;
	const lines = take(lower * L.FIB_ROW, L.FIB_ROW);
	const upper = take(lower > 1 ? L.FIB_ROW : 0, L.FIB_ROW);
	const answers = take(lower * LINE_INTERVALS * <u32>sizeof<T>(), <u32>sizeof<T>());
	if (lines == FULL || upper == FULL || answers == FULL) return false;
	store<u32>(place(record), 0, L.FIB_ROOT);
	store<u32>(place(record), lines / L.FIB_ROW, L.FIB_LINES);
	store<u32>(place(record), lower > 1 ? upper / L.FIB_ROW : 0, L.FIB_UPPER);
	store<u32>(place(record), answers / <u32>sizeof<T>(), L.FIB_ANSWERS);
	for (let k: u32 = 0; lower > 1 && k < LINE_INTERVALS - 1; k++) putKey(place(upper), k, (k + 1) * LINE_INTERVALS);
	for (let j: u32 = 0; j < lower; j++) {
		const line = place(lines + j * L.FIB_ROW);
		for (let k: u32 = 0; k < LINE_INTERVALS - 1; k++) putKey(line, k, j * LINE_INTERVALS + k + 1);
	}
	for (let i: u32 = 0; i < count; i++) store<T>(place(answers) + ((<usize>i) << alignof<T>()), <T>answerOf(i));
	return true;
}

// The node for the addresses from `start` on that share its first `depth` bits; `interval` holds the first of them.
function buildNode<T>(node: u32, start: u32, depth: u32, interval: u32): bool {
	// Below 6 bits a slot is an address, and slots lie further apart.
	const step: u32 = depth > 26 ? 1 << (depth - 26) : 1;
	const last: u32 = depth > 26 ? 0 : (1 << (26 - depth)) - 1;
	let children: u64 = 0;
	let leaves: u64 = 0;
	let runs: u32 = 0;
	let answer = ANSWER_NONE;
	let at = start;
	let holder = interval;
	for (let slot: u32 = 0; slot < 64; slot += step, at += last + 1) {
		holder = holding(at, holder);
		if (endOf(holder) - at < last) {
			children |= (<u64>1) << slot;
		} else if (answerOf(holder) != answer) {
			answer = answerOf(holder);
			leaves |= (<u64>1) << slot;
			// bound: a run begins at one of 64 slots
			store<u32>(RUNS + <usize>(runs++ << 2), answer);
		}
	}
	const firstChild = take(<u32>popcnt(children) * L.TRIE_STRIDE, 8);
	const firstLeaf = take(runs * <u32>sizeof<T>(), <u32>sizeof<T>());
	if (firstChild == FULL || firstLeaf == FULL) return false;
	store<u64>(place(node), children, L.TRIE_CHILDREN);
	store<u64>(place(node), leaves, L.TRIE_LEAVES);
	store<u32>(place(node), firstChild >>> 3, L.TRIE_FIRST_CHILD);
	store<u32>(place(node), firstLeaf / <u32>sizeof<T>(), L.TRIE_FIRST_LEAF);
	for (let i: u32 = 0; i < runs; i++) {
		store<T>(place(firstLeaf) + ((<usize>i) << alignof<T>()), <T>load<u32>(RUNS + <usize>(i << 2)));
	}
	let child = firstChild;
	for (let slot: u32 = 0; slot < 64; slot += step) {
		if (((children >> slot) & 1) == 0) continue;
		const from = start + (slot / step) * (last + 1);
		interval = holding(from, interval);
		if (!buildNode<T>(child, from, depth + 6, interval)) return false;
		child += L.TRIE_STRIDE;
	}
	return true;
}
