// A replay on several threads. Connections do not concern one another while packets only repeat what was done before, so of a
// window of rows threads count those at once (`shards`); all that may depend on order, a packet that is carried, an expiry, a
// packet that waited for a neighbour, happens here, on one thread, in time order, and meets every connection as it is at that
// moment (`ahead`). So what comes out is what one thread comes to.

import {
	closeWindow,
	loggedHits,
	moveTo,
	nextPostponed,
	openWindow,
	resume,
	takenBack,
	undoneHits,
	WINDOW,
} from "./ahead";
import { capacity, row } from "./arena";
import { BURST, touchBurst } from "./burst";
import { added } from "./pathcache";
import { isWaiting, nextDue } from "./queue";
import { carry, nextSweep, offerBurst, tick } from "./replay";
import { shardCount, shardsBegin, shardsEnd } from "./shards";
import * as L from "./layout";

/** Fewer rows are not worth a window. */
const LEAST: u32 = BURST * 4;
// Where most of a window had to be carried, so many rows are without the next one.
const REST: u32 = 2048;

let next: u32 = 0;
let end: u32 = 0;
let carried: u32 = 0;
let rest: u32 = 0;
let opened: bool = false;
let failed: bool = false;

// Rows of TABLE_BATCH that the next burst's packets come from.
const PLACES: usize = memory.data(64 * 4, 16);

/** Rows of TABLE_BATCH that may be offered: the last ones are the sequencer's. */
// @ts-ignore: decorator
@inline
function bench(): u32 {
	return capacity(L.TABLE_BATCH) - BURST;
}

/** Begins to offer `count` rows of TABLE_BATCH from `first` on. Until `offerEnd` nothing else may be called, and other rows be written. */
export function offerBegin(first: u32, count: u32): void {
	next = first;
	end = first + count;
	carried = 0;
	begin();
}

/** Ends what `offerBegin` has begun. Returns how many rows were carried; -1: a worker has died, and the engine is of no more use. */
export function offerEnd(): i32 {
	while (next < end && !failed) {
		if (opened || begin()) finish();
		else alone();
	}
	return failed ? -1 : <i32>carried;
}

function timeOf(which: u32): i64 {
	return load<i64>(row(L.TABLE_BATCH, which, L.BATCH_STRIDE), L.PACKET_TIME);
}

// False: the next rows are for this thread alone.
function begin(): bool {
	if (rest > 0 || end - next < LEAST) return false;
	tick(timeOf(next));
	if (isWaiting()) return false;
	shardsBegin(next, min<u32>(WINDOW, end - next), nextSweep());
	opened = true;
	return true;
}

function alone(): void {
	const some = min<u32>(BURST, end - next);
	carried += offerBurst(next, some);
	next += some;
	rest -= min<u32>(rest, some);
}

function finish(): void {
	const rows = shardsEnd();
	opened = false;
	if (rows == 0) {
		failed = true;
		return;
	}
	const hits = loggedHits(shardCount());
	if (hits < rows) carryPostponed(next, rows);
	added(hits);
	carried += hits;
	next += rows;
	if (hits < rows >>> 1) rest = REST;
}

function carryPostponed(first: u32, rows: u32): void {
	const stop = first + rows;
	const until = timeOf(stop - 1);
	let some: u32 = 0;
	openWindow(first, shardCount());
	while (true) {
		some = gather(first, rows);
		if (some == 0 && !happens(first, stop, until)) break;
		if (some == 0) continue;
		touchBurst(bench(), some);
		for (let i: u32 = 0; i < some; i++) {
			const which = load<u32>(PLACES + <usize>(i << 2));
			const time = timeOf(which);
			if (happens(first, stop, time)) break;
			resume(which - first);
			moveTo(which + 1, time);
			if (carry(row(L.TABLE_BATCH, bench() + i, L.BATCH_STRIDE), i)) carried++;
			if (takenBack()) break;
		}
	}
	const undone = undoneHits();
	closeWindow();
	added(-undone);
	carried -= undone;
}

// The next rows that wait, copied to the bench.
function gather(first: u32, rows: u32): u32 {
	let some: u32 = 0;
	for (let i = nextPostponed(0, rows); i < rows && some < BURST; i = nextPostponed(i + 1, rows)) {
		store<u32>(PLACES + <usize>(some << 2), first + i);
		const from = row(L.TABLE_BATCH, first + i, L.BATCH_STRIDE);
		memory.copy(row(L.TABLE_BATCH, bench() + some, L.BATCH_STRIDE), from, L.BATCH_STRIDE);
		some++;
	}
	return some;
}

// What is due first, where that is at `now` or before. False: nothing is.
function happens(first: u32, stop: u32, now: i64): bool {
	if (!isWaiting()) return false;
	const due = nextDue();
	if (due > now) return false;
	// It happens before the first row that is not before it.
	let low = first;
	for (let high = stop; low < high;) {
		const middle = (low + high) >>> 1;
		if (timeOf(middle) < due) low = middle + 1;
		else high = middle;
	}
	moveTo(low, due);
	tick(due);
	return true;
}
