// What threads do at once with a window of rows: the path cache's hits. A hit concerns its connection alone: its line, its entries,
// their windows. So lines are shared out by where they lie in their table, and of its share a thread counts hits in their order, until
// the first packet of a line that may be no hit; that one, and all of the line's behind it, wait for the sequencer (`sequencer`).
// Each thread reads all rows of the window, one behind the other, and passes by those of other shares. A share that its thread
// has not begun with (it sleeps, or the machine has other things to do) is anybody's. The sequencer's thread has more to do than
// the others, so its share grows or shrinks by who had to be waited for; what comes out does not depend on it.
// Workers use linear memory, and of their instance's globals only what `learnEpoch` and `keepWindowsAt` set.

import {
	keepDeadlines,
	keeps,
	keptAt,
	keptPlace,
	LOG_BYTES,
	LOG_STRIDE,
	logBegins,
	logEnds,
	logHit,
	logNext,
	postpone,
	THREADS,
	WINDOW,
} from "./ahead";
import { base, capacity, row } from "./arena";
import {
	BURST,
	findBurstLine,
	hashLine,
	KEY_DIRECTION,
	KEY_LINE,
	KEY_ROW,
	KEY_STRIDE,
	limitsOf,
	touchWindows,
} from "./burst";
import { currentEpoch, halt, learnEpoch, release, repeatsAhead, voidBefore } from "./pathcache";
import { keepWindowsAt } from "./windows";
import * as L from "./layout";

// In TABLE_SCRATCH behind the logs of all shares, of each thread: keys of a burst, a segment, its answer, what it touched, halted lines.
const OWN_SEGMENT: usize = 2048;
const OWN_ANSWER: usize = OWN_SEGMENT + 128;
const OWN_TOUCHED: usize = OWN_ANSWER + 128;
const OWN_LINES: usize = 4096;
const OWN_STRIDE: u32 = <u32>OWN_LINES + WINDOW * 4;

// The window, written while the gate is shut
const JOB: usize = memory.data(64, 64);
const JOB_FIRST: usize = 0;
const JOB_ROWS: usize = 4;
const JOB_EPOCH: usize = 8;
const JOB_FLOOR: usize = 12;
const JOB_SWEEP: usize = 16;
const JOB_THREADS: usize = 24;
const JOB_OWN: usize = 28; // parts of the table of lines that are the sequencer's

// Words that threads change at once, a cache line each. The gate is odd while a window is open.
const GATE: usize = memory.data(64, 64);
const INSIDE: usize = memory.data(64, 64);
const TAKEN: usize = memory.data(64, 64); // a bit a share
const DONE: usize = memory.data(64, 64); // shares
const STOP: usize = memory.data(64, 64); // the first row that is not of the window after all
const FAULT: usize = memory.data(256, 64); // 0, or what ended a worker: text behind its length

// Parts of the table of lines, which is what threads share out.
const PARTS: u32 = 256;

const SPINS: i32 = 8192;
const WAIT_NS: i64 = 100_000_000;
const PATIENCE: i32 = 600; // waits

let threads: u32 = 1;
let sleeps: bool = false;
let last: u32 = 0;
let ownParts: u32 = PARTS;

/** How many threads there are, the sequencer's among them, and whether that one may sleep (a page's own must not). False: TABLE_SCRATCH is too small, or they are too many. */
export function shardThreads(count: u32, maySleep: bool): bool {
	if (count == 0 || count > THREADS || shardBytes(count) > capacity(L.TABLE_SCRATCH)) return false;
	threads = count;
	sleeps = maySleep;
	ownParts = PARTS / count;
	store<u32>(JOB, count, JOB_THREADS);
	settleIn(0);
	return true;
}
/** Bytes of TABLE_SCRATCH that so many threads need. */
export function shardBytes(count: u32): u32 {
	return count * (LOG_BYTES + OWN_STRIDE);
}
/** Rows of a window, at most. */
export function shardWindow(): u32 {
	return WINDOW;
}
/** Where a worker that dies says why: the length of a text, then the text, 252 bytes at most; whoever waits for it is told by that. */
export function shardFault(): usize {
	return FAULT;
}

/** A worker's turns, one window after another, until its thread is ended. */
export function shardServe(own: u32): void {
	while (true) {
		const gate = atomic.load<u32>(GATE);
		if ((gate & 1) == 0 || gate == last) {
			awaitOther(GATE, gate, true);
			continue;
		}
		last = gate;
		// The gate is asked again, for it may have been shut since, and what lies behind it changed.
		atomic.add<u32>(INSIDE, 1);
		if (atomic.load<u32>(GATE) == gate) {
			settleIn(own);
			work(own);
		}
		atomic.sub<u32>(INSIDE, 1);
		atomic.notify(INSIDE, 1);
	}
}

function settleIn(own: u32): void {
	if (own != 0) learnEpoch(load<u32>(JOB, JOB_EPOCH), load<u32>(JOB, JOB_FLOOR), ownAt(own) + OWN_SEGMENT);
}

// @ts-ignore: decorator
@inline
function ownAt(own: u32): usize {
	return base(L.TABLE_SCRATCH) + <usize>(load<u32>(JOB, JOB_THREADS) * LOG_BYTES + own * OWN_STRIDE);
}

// Until the word at `at` is no longer `value`. False: a worker has died, or it took too long.
function awaitOther(at: usize, value: u32, maySleep: bool): bool {
	for (let i = 0; i < SPINS; i++) if (atomic.load<u32>(at) != value) return true;
	for (let waits = 0; atomic.load<u32>(at) == value;) {
		if (at == GATE) atomic.wait<i32>(at, value, -1);
		else if (atomic.load<u32>(FAULT) != 0) return false;
		else if (maySleep) {
			atomic.wait<i32>(at, value, WAIT_NS);
			if (++waits == PATIENCE) return false;
		}
	}
	return true;
}

/**
 * Opens a window: up to `count` rows from `first` on that are in time order and before `sweep`, ns. Workers begin at once;
 * nothing but `shardsEnd` may be called meanwhile.
 */
export function shardsBegin(first: u32, count: u32, sweep: i64): void {
	store<u32>(JOB, first, JOB_FIRST);
	store<u32>(JOB, min<u32>(count, WINDOW), JOB_ROWS);
	store<u32>(JOB, currentEpoch(), JOB_EPOCH);
	store<u32>(JOB, voidBefore(), JOB_FLOOR);
	store<i64>(JOB, sweep, JOB_SWEEP);
	store<u32>(JOB, ownParts, JOB_OWN);
	store<u32>(TAKEN, 0);
	store<u32>(DONE, 0);
	atomic.add<u32>(GATE, 1);
	atomic.notify(GATE, threads);
}

/** Takes part until all of the window is done. How many rows it had; 0: a worker has died. */
export function shardsEnd(): u32 {
	const counted = work(0);
	let waited = false;
	for (let done = atomic.load<u32>(DONE); done != threads; done = atomic.load<u32>(DONE)) {
		waited = true;
		if (!awaitOther(DONE, done, sleeps)) return 0;
	}
	if (atomic.load<u32>(FAULT) != 0) return 0;
	if (waited) ownParts = min<u32>(ownParts + 1, PARTS - threads + 1);
	// A worker was late: it has longer to come where this thread has more of its own.
	else if (counted > 1) ownParts = max<u32>(ownParts, PARTS / threads);
	else ownParts = max<u32>(ownParts - 1, 1);
	atomic.add<u32>(GATE, 1);
	for (let inside = atomic.load<u32>(INSIDE); inside != 0; inside = atomic.load<u32>(INSIDE)) {
		if (!awaitOther(INSIDE, inside, sleeps)) return 0;
	}
	return load<u32>(STOP) - load<u32>(JOB, JOB_FIRST);
}

/** Threads, and shares of a window. */
export function shardCount(): u32 {
	return threads;
}

// Returns how many shares the thread has counted.
function work(own: u32): u32 {
	const shares = load<u32>(JOB, JOB_THREADS);
	let counted: u32 = 0;
	for (let i: u32 = 0; i < shares; i++) {
		const share = own + i < shares ? own + i : own + i - shares;
		const bit: u32 = 1 << share;
		if ((atomic.load<u32>(TAKEN) & bit) != 0 || (atomic.or<u32>(TAKEN, bit) & bit) != 0) continue;
		count(own, share, shares);
		counted++;
		atomic.add<u32>(DONE, 1);
		atomic.notify(DONE, 1);
	}
	return counted;
}

// Where a share's lines begin; that of the share behind the last one: where all end.
// @ts-ignore: decorator
@inline
function firstLine(share: u32, shares: u32): usize {
	const own = load<u32>(JOB, JOB_OWN);
	let part: u32 = 0;
	if (share == shares) part = PARTS;
	else if (share != 0) part = own + ((PARTS - own) * (share - 1)) / (shares - 1);
	return row(L.TABLE_LINE, <i32>((<u64>capacity(L.TABLE_LINE) * <u64>part) / <u64>PARTS), L.LINE_STRIDE);
}

// Counts a share's hits, in bursts as `touchBurst` does.
function count(own: u32, share: u32, shares: u32): void {
	const first = load<u32>(JOB, JOB_FIRST);
	const end = first + load<u32>(JOB, JOB_ROWS);
	const sweep = load<i64>(JOB, JOB_SWEEP);
	const least = firstLine(share, shares);
	const size = firstLine(share + 1, shares) - least;
	const keys = ownAt(own);
	const full = keys + <usize>BURST * KEY_STRIDE;
	logBegins(share);
	let lines: u32 = 0;
	let k = keys;
	let before = i64.MIN_VALUE;
	let i = first;
	for (; i < end; i++) {
		const at = row(L.TABLE_BATCH, i, L.BATCH_STRIDE);
		const time = load<i64>(at, L.PACKET_TIME);
		if (time < before || time >= sweep) break;
		before = time;
		const home = hashLine(k, at);
		// There is no lane in its place.
		store<u32>(k, i, KEY_ROW);
		// One unsigned comparison for both ends: the next row's key comes in place of one that is not the share's.
		k += home - least < size ? KEY_STRIDE : 0;
		if (k != full) continue;
		lines = countBurst(own, share, k, lines);
		k = keys;
	}
	if (k != keys) lines = countBurst(own, share, k, lines);
	for (let j: u32 = 0; j < lines; j++) release(<usize>load<u32>(haltedAt(own, j)));
	// Whoever counts the first share says where the window ends: all come to the same.
	if (share == 0) store<u32>(STOP, i);
}

// @ts-ignore: decorator
@inline
function haltedAt(own: u32, index: u32): usize {
	return ownAt(own) + OWN_LINES + ((<usize>index) << 2);
}

// Of the thread's keys those before `end`. Returns how many lines are halted, `halted` before.
function countBurst(own: u32, share: u32, end: usize, halted: u32): u32 {
	const origin = load<u32>(JOB, JOB_FIRST);
	const keys = ownAt(own);
	let sum: u32 = 0;
	for (let k = keys; k < end; k += KEY_STRIDE) sum += load<u32>(<usize>load<u32>(k, KEY_LINE), L.LINE_FLOW);
	// Kept, so that no compiler takes the loads away.
	store<u32>(keys, sum, OWN_TOUCHED);
	let limits: u32 = 0;
	for (let k = keys; k < end; k += KEY_STRIDE) limits |= limitsOf(findBurstLine(k));
	const windowed = (limits & L.LIMIT_WINDOWS) != 0;
	if (windowed) touchWindows(keys, <u32>((end - keys) / KEY_STRIDE));
	let log = logNext(share);
	let lines = halted;
	for (let k = keys; k < end; k += KEY_STRIDE) {
		const line = <usize>load<u32>(k, KEY_LINE);
		const index = load<u32>(k, KEY_ROW) - origin;
		if (line != 0) {
			if (hit(own, share, log, index, line, load<i32>(k, KEY_DIRECTION), windowed)) {
				log += LOG_STRIDE;
				continue;
			}
			if (halt(line)) store<u32>(haltedAt(own, lines++), <u32>line);
		}
		postpone(index);
	}
	logEnds(share, log);
	return lines;
}

// @ts-ignore: decorator
@inline
function hit(own: u32, share: u32, log: usize, index: u32, line: usize, dir: i32, windowed: bool): bool {
	const at = row(L.TABLE_BATCH, load<u32>(JOB, JOB_FIRST) + index, L.BATCH_STRIDE);
	const before = load<i64>(line, L.LINE_LAST);
	const limits = load<u32>(line, L.LINE_LIMITS);
	let place: u32 = 0;
	let entries: u32 = 0;
	if (windowed && (limits & L.LIMIT_WINDOWS) != 0) {
		place = keptPlace(share);
		if (place == 0) return false;
		const kept = keptAt(share, place);
		entries = keepDeadlines(line, kept);
		keepWindowsAt(ownAt(own) + OWN_ANSWER, kept);
	}
	if (!repeatsAhead(line, at, dir, load<i64>(at, L.PACKET_TIME))) return false;
	logHit(log, index, line, before, limits, place);
	if (place != 0) keeps(share, place, entries);
	return true;
}
