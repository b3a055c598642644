// What threads do at once with a window of rows: the path cache's hits. A hit concerns its connection alone: its line, its entries,
// their windows. So connections are shared out by a hash, and of its share a thread counts hits in their order, until the first
// packet of a connection that may be no hit; that one, and all of the connection's behind it, wait for the sequencer (`sequencer`).
// Each thread reads all rows of the window, one behind the other, and passes by those of other shares. A share that its thread
// has not begun with (it sleeps, or the machine has other things to do) is anybody's. The sequencer's thread has more to do than
// the others, so its share grows or shrinks by who had to be waited for; what comes out does not depend on it.
// Workers use linear memory, and of their instance's globals only what `learnEpoch` and `keep…At` set.

import {
	keepDeadlines,
	keptRoom,
	kindOf,
	KINDS,
	LOG_BYTES,
	logBegins,
	logHit,
	postpone,
	THREADS,
	WINDOW,
} from "./ahead";
import { base, capacity, row } from "./arena";
import {
	BURST,
	findBurstLine,
	hashLine,
	keepKeysAt,
	key,
	KEY_DIRECTION,
	KEY_LINE,
	KEY_ROW,
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
const JOB_OWN: usize = 28; // kinds that are the sequencer's

// Words that threads change at once, a cache line each. The gate is odd while a window is open.
const GATE: usize = memory.data(64, 64);
const INSIDE: usize = memory.data(64, 64);
const TAKEN: usize = memory.data(64, 64); // a bit a share
const DONE: usize = memory.data(64, 64); // shares
const STOP: usize = memory.data(64, 64); // the first row that is not of the window after all
const FAULT: usize = memory.data(256, 64); // 0, or what ended a worker: text behind its length

const SPINS: i32 = 8192;
const WAIT_NS: i64 = 100_000_000;
const PATIENCE: i32 = 600; // waits

let threads: u32 = 1;
let sleeps: bool = false;
let last: u32 = 0;
let ownKinds: u32 = KINDS;

/** How many threads there are, the sequencer's among them, and whether that one may sleep (a page's own must not). False: TABLE_SCRATCH is too small, or they are too many. */
export function shardThreads(count: u32, maySleep: bool): bool {
	if (count == 0 || count > THREADS || shardBytes(count) > capacity(L.TABLE_SCRATCH)) return false;
	threads = count;
	sleeps = maySleep;
	ownKinds = KINDS / count;
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
	const at = ownAt(own);
	keepKeysAt(at);
	if (own != 0) learnEpoch(load<u32>(JOB, JOB_EPOCH), load<u32>(JOB, JOB_FLOOR), at + OWN_SEGMENT);
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
	store<u32>(JOB, ownKinds, JOB_OWN);
	store<u32>(TAKEN, 0);
	store<u32>(DONE, 0);
	atomic.add<u32>(GATE, 1);
	atomic.notify(GATE, threads);
}

/** Takes part until all of the window is done. How many rows it had; 0: a worker has died. */
export function shardsEnd(): u32 {
	work(0);
	let waited = false;
	for (let done = atomic.load<u32>(DONE); done != threads; done = atomic.load<u32>(DONE)) {
		waited = true;
		if (!awaitOther(DONE, done, sleeps)) return 0;
	}
	if (atomic.load<u32>(FAULT) != 0) return 0;
	if (waited) ownKinds = min<u32>(ownKinds + 1, KINDS - threads + 1);
	else ownKinds = max<u32>(ownKinds - 1, 1);
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

function work(own: u32): void {
	const shares = load<u32>(JOB, JOB_THREADS);
	for (let i: u32 = 0; i < shares; i++) {
		const share = own + i < shares ? own + i : own + i - shares;
		const bit: u32 = 1 << share;
		if ((atomic.load<u32>(TAKEN) & bit) != 0 || (atomic.or<u32>(TAKEN, bit) & bit) != 0) continue;
		count(own, share, shares);
		atomic.add<u32>(DONE, 1);
		atomic.notify(DONE, 1);
	}
}

// The first kind of a share; that of the share behind the last one: KINDS.
// @ts-ignore: decorator
@inline
function firstKind(share: u32, shares: u32): u32 {
	if (share == 0) return 0;
	const others = load<u32>(JOB, JOB_OWN);
	return share == shares ? KINDS : others + ((KINDS - others) * (share - 1)) / (shares - 1);
}

// Counts a share's hits, in bursts as `touchBurst` does.
function count(own: u32, share: u32, shares: u32): void {
	const first = load<u32>(JOB, JOB_FIRST);
	const end = first + load<u32>(JOB, JOB_ROWS);
	const sweep = load<i64>(JOB, JOB_SWEEP);
	const least = firstKind(share, shares);
	const kinds = firstKind(share + 1, shares) - least;
	logBegins(share);
	let lines: u32 = 0;
	let filled: u32 = 0;
	let before = i64.MIN_VALUE;
	let i = first;
	for (; i < end; i++) {
		const at = row(L.TABLE_BATCH, i, L.BATCH_STRIDE);
		const time = load<i64>(at, L.PACKET_TIME);
		if (time < before || time >= sweep) break;
		before = time;
		// One unsigned comparison for both ends
		const mine = kindOf(load<u64>(at), load<u32>(at, L.PACKET_SPORT)) - least < kinds;
		store<u32>(key(filled), i, KEY_ROW);
		filled += <u32>mine;
		if (filled < BURST) continue;
		lines = countBurst(own, share, filled, lines);
		filled = 0;
	}
	if (filled != 0) lines = countBurst(own, share, filled, lines);
	for (let j: u32 = 0; j < lines; j++) release(<usize>load<u32>(haltedAt(own, j)));
	// Whoever counts the first share says where the window ends: all come to the same.
	if (share == 0) store<u32>(STOP, i);
}

// @ts-ignore: decorator
@inline
function haltedAt(own: u32, index: u32): usize {
	return ownAt(own) + OWN_LINES + ((<usize>index) << 2);
}

// Returns how many lines are halted, `halted` before.
function countBurst(own: u32, share: u32, many: u32, halted: u32): u32 {
	const origin = load<u32>(JOB, JOB_FIRST);
	let sum: u32 = 0;
	for (let i: u32 = 0; i < many; i++) {
		const k = key(i);
		const which = load<u32>(k, KEY_ROW);
		hashLine(k, row(L.TABLE_BATCH, which, L.BATCH_STRIDE));
		// It has said that there is no lane.
		store<u32>(k, which, KEY_ROW);
	}
	for (let i: u32 = 0; i < many; i++) sum += load<u32>(<usize>load<u32>(key(i), KEY_LINE), L.LINE_FLOW);
	// Kept, so that no compiler takes the loads away.
	store<u32>(ownAt(own), sum, OWN_TOUCHED);
	let limits: u32 = 0;
	for (let i: u32 = 0; i < many; i++) {
		findBurstLine(key(i));
		limits |= limitsOf(key(i));
	}
	const windowed = (limits & L.LIMIT_WINDOWS) != 0;
	if (windowed) touchWindows(many);
	let lines = halted;
	for (let i: u32 = 0; i < many; i++) {
		const line = <usize>load<u32>(key(i), KEY_LINE);
		const which = load<u32>(key(i), KEY_ROW);
		if (line != 0) {
			if (hit(own, share, which, line, load<i32>(key(i), KEY_DIRECTION), windowed)) continue;
			if (halt(line)) store<u32>(haltedAt(own, lines++), <u32>line);
		}
		postpone(which - origin);
	}
	return lines;
}

// @ts-ignore: decorator
@inline
function hit(own: u32, share: u32, which: u32, line: usize, dir: i32, windowed: bool): bool {
	const at = row(L.TABLE_BATCH, which, L.BATCH_STRIDE);
	const before = load<i64>(line, L.LINE_LAST);
	const limits = load<u32>(line, L.LINE_LIMITS);
	let kept: usize = 0;
	let end: usize = 0;
	if (windowed && (limits & L.LIMIT_WINDOWS) != 0) {
		kept = keptRoom(share);
		if (kept == 0) return false;
		end = keepDeadlines(line, kept);
		keepWindowsAt(ownAt(own) + OWN_ANSWER, kept);
	}
	if (!repeatsAhead(line, at, dir, load<i64>(at, L.PACKET_TIME))) return false;
	logHit(share, which, line, before, limits, kept, end);
	return true;
}
