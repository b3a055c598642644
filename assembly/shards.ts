// Workers: packets of the path cache shared out by their line. What a packet that hits its line does concerns that line alone,
// so hits of different lines may be counted in any order, also at once; everything else happens on one thread, the
// sequencer's, in time order. A window of rows goes in two steps, and all threads wait for one another after each:
//   check  each worker finds, among the rows whose line is its own, the first that may not be a hit; it changes nothing;
//   apply  up to the first such row of all, each worker counts its own rows in order.
// That row is carried by the sequencer as if there were no workers, and the next window begins behind it. So every packet
// finds its line, and all that carrying reads, as it would on one thread.
// Workers use nothing but linear memory and what a job says: globals belong to one instance.

import { base, capacity, row } from "./arena";
import { BURST, hashLine, KEY_DIRECTION, KEY_LINE } from "./burst";
import { findLine } from "./line";
import { add, currentEpoch, isCertain } from "./pathcache";
import * as L from "./layout";

/** Rows of a window at most. */
export const WINDOW: u32 = 2048;

// What is to be done; the generation is written last.
const JOB: usize = memory.data(64, 64);
const JOB_GENERATION: usize = 0;
const JOB_STEP: usize = 4;
const JOB_FIRST: usize = 8;
const JOB_COUNT: usize = 12;
const JOB_WORKERS: usize = 16;
const JOB_EPOCH: usize = 20;
const JOB_SWEEP: usize = 24;
const STEP_CHECK: u32 = 1;
const STEP_APPLY: u32 = 2;
const STEP_STOP: u32 = 3;

// A cache line each: how far a worker is, and what it found.
const WORKERS: usize = memory.data(64 * 64, 64);
const WORKER_DONE: usize = 0;
const WORKER_ROWS: usize = 4; // rows of its own that are hits
const WORKER_END: usize = 8; // the first row that may not be one
const WORKER_TOUCHED: usize = 12;

const OWN_ROW: usize = 24; // behind a row's key in a worker's list
const OWN_STRIDE: u32 = 32;
const SPINS: i32 = 4096;

let workers: i32 = 1;
let mayWait: bool = true;

/** How many threads there are, the sequencer's among them, and whether it may sleep: a page's own thread must not. False: too many. */
export function shardWorkers(count: i32, sleeps: bool): bool {
	if (count > 64 || <u32>count * WINDOW * OWN_STRIDE > capacity(L.TABLE_SCRATCH)) return false;
	workers = count;
	mayWait = sleeps;
	return true;
}

// @ts-ignore: decorator
@inline
export function isSharded(): bool {
	return workers > 1;
}

// @ts-ignore: decorator
@inline
function worker(own: i32): usize {
	return WORKERS + ((<usize>own) << 6);
}

/** A worker's turn: waits for a step, does it. False: it was the last. */
export function shardServe(own: i32): bool {
	const done = load<u32>(worker(own), WORKER_DONE);
	awaitOther(JOB + JOB_GENERATION, done, true);
	const step = load<u32>(JOB, JOB_STEP);
	if (step == STEP_CHECK) check(own);
	else if (step == STEP_APPLY) apply(own);
	atomic.store<u32>(worker(own), done + 1, WORKER_DONE);
	atomic.notify(worker(own) + WORKER_DONE, 1);
	return step != STEP_STOP;
}

// Until the word at `at` is no longer `value`.
function awaitOther(at: usize, value: u32, sleeps: bool): void {
	for (let i = 0; i < SPINS; i++) if (atomic.load<u32>(at) != value) return;
	while (atomic.load<u32>(at) == value) if (sleeps) atomic.wait<i32>(at, value, -1);
}

function together(step: u32): void {
	store<u32>(JOB, step, JOB_STEP);
	const generation = load<u32>(JOB, JOB_GENERATION) + 1;
	atomic.store<u32>(JOB, generation, JOB_GENERATION);
	atomic.notify(JOB + JOB_GENERATION, workers);
	if (step == STEP_CHECK) check(0);
	else if (step == STEP_APPLY) apply(0);
	for (let own = 1; own < workers; own++) awaitOther(worker(own) + WORKER_DONE, generation - 1, mayWait);
}

/** Ends the workers' turns. */
export function shardStop(): void {
	together(STEP_STOP);
	workers = 1;
}

/**
 * Counts hits among `count` rows from `first` on, as many as come before the first row that may be none, or that is not before
 * `sweep`, ns. Returns their number.
 */
export function shardWindow(first: u32, count: u32, sweep: i64): u32 {
	store<u32>(JOB, first, JOB_FIRST);
	store<u32>(JOB, count, JOB_COUNT);
	store<u32>(JOB, workers, JOB_WORKERS);
	store<u32>(JOB, currentEpoch(), JOB_EPOCH);
	store<i64>(JOB, sweep, JOB_SWEEP);
	together(STEP_CHECK);
	let end = first + count;
	for (let own = 0; own < workers; own++) end = min<u32>(end, load<u32>(worker(own), WORKER_END));
	store<u32>(JOB, end - first, JOB_COUNT);
	if (end > first) together(STEP_APPLY);
	return end - first;
}

// @ts-ignore: decorator
@inline
function listed(own: i32, i: u32): usize {
	return base(L.TABLE_SCRATCH) + <usize>((<u32>own * WINDOW + i) * OWN_STRIDE);
}

function check(own: i32): void {
	const first = load<u32>(JOB, JOB_FIRST);
	const end = first + load<u32>(JOB, JOB_COUNT);
	let rows: u32 = 0;
	let before = i64.MIN_VALUE;
	let stop = end;
	for (let at = first; at < stop; at += BURST) {
		const listedBefore = rows;
		const next = min<u32>(at + BURST, stop);
		for (let i = at; i < next; i++) {
			const packet = row(L.TABLE_BATCH, i, L.BATCH_STRIDE);
			const time = load<i64>(packet, L.PACKET_TIME);
			// Lines are checked with the time of their last packet before the window: only what goes forward is sure.
			if (time < before) {
				stop = i;
				break;
			}
			before = time;
			const key = listed(own, rows);
			hashLine(key, packet);
			if (ownerOf(<usize>load<u32>(key, KEY_LINE)) != own) continue;
			store<u32>(key, i, OWN_ROW);
			rows++;
		}
		const found = checkListed(own, listedBefore, rows, end - first);
		if (found < rows) {
			stop = load<u32>(listed(own, found), OWN_ROW);
			rows = found;
			break;
		}
	}
	store<u32>(worker(own), rows, WORKER_ROWS);
	store<u32>(worker(own), stop, WORKER_END);
}

// Touches, then checks. Returns the first of the list that may be no hit, or `end`.
// @ts-ignore: decorator
@inline
function checkListed(own: i32, start: u32, end: u32, others: u32): u32 {
	let sum: u32 = 0;
	for (let i = start; i < end; i++) sum += load<u32>(<usize>load<u32>(listed(own, i), KEY_LINE), L.LINE_FLOW);
	// Kept, so that no compiler takes the loads away.
	store<u32>(worker(own), sum, WORKER_TOUCHED);
	const epoch = load<u32>(JOB, JOB_EPOCH);
	const sweep = load<i64>(JOB, JOB_SWEEP);
	for (let i = start; i < end; i++) {
		const key = listed(own, i);
		const line = findLine(load<u64>(key), load<u64>(key, 8), <usize>load<u32>(key, KEY_LINE));
		if (line == 0) return i;
		store<u32>(key, <u32>line, KEY_LINE);
		const packet = row(L.TABLE_BATCH, load<u32>(key, OWN_ROW), L.BATCH_STRIDE);
		const time = load<i64>(packet, L.PACKET_TIME);
		if (time >= sweep) return i;
		if (!isCertain(line, packet, load<i32>(key, KEY_DIRECTION), time, others, epoch)) return i;
	}
	return end;
}

// Whose lines those are that are looked for from here on: each worker has an equal part of the table.
// @ts-ignore: decorator
@inline
function ownerOf(home: usize): i32 {
	const index = <u64>((home - base(L.TABLE_LINE)) >> 6);
	return <i32>((index * <u64>load<u32>(JOB, JOB_WORKERS)) >> (<u64>ctz<u32>(capacity(L.TABLE_LINE))));
}

function apply(own: i32): void {
	const end = load<u32>(JOB, JOB_FIRST) + load<u32>(JOB, JOB_COUNT);
	const rows = load<u32>(worker(own), WORKER_ROWS);
	for (let i: u32 = 0; i < rows; i++) {
		const key = listed(own, i);
		const at = load<u32>(key, OWN_ROW);
		if (at >= end) return;
		const packet = row(L.TABLE_BATCH, at, L.BATCH_STRIDE);
		add(<usize>load<u32>(key, KEY_LINE), packet, load<i32>(key, KEY_DIRECTION), load<i64>(packet, L.PACKET_TIME));
	}
}
