// The engine as it was before its first packet: what configuration has written is kept by the host, everything else was zero and is
// made so again. Pages that nothing has written are only read, so that the system need not give them.

import { base, capacity } from "./arena";
import { strideOf } from "./stride";
import * as L from "./layout";

/** Bytes that are looked at, kept and cleared at once. */
const PAGE: usize = 4096;

/** The first page from `at` on, a multiple of PAGE, that is not zero; of tables that only packets write none is. The memory's end: no more. */
export function nextKept(at: usize): usize {
	const end = (<usize>memory.size()) << 16;
	while (at < end) {
		const past = learnedUpTo(at);
		if (past > at) at = past;
		else if (isZero(at)) at += PAGE;
		else return at;
	}
	return end;
}

/** Makes the pages from `from` to `to` zero. */
export function scrub(from: usize, to: usize): void {
	for (let at = from; at < to; at += PAGE) if (!isZero(at)) memory.fill(at, 0, PAGE);
}

function isZero(page: usize): bool {
	for (let at = page; at < page + PAGE; at += 64) {
		const first = v128.or(v128.load(at), v128.load(at, 16));
		if (v128.any_true(v128.or(first, v128.or(v128.load(at, 32), v128.load(at, 48))))) return false;
	}
	return true;
}

// Where the pages end that lie, as the one at `at` does, within a table that only packets write; `at`: it does not.
function learnedUpTo(at: usize): usize {
	for (let t = 0; t < L.TABLE_COUNT; t++) {
		if (!isLearned(t)) continue;
		const end = base(t) + <usize>capacity(t) * strideOf(t);
		if (at >= base(t) && at + PAGE <= end) return end & ~(PAGE - 1);
	}
	return at;
}

function isLearned(t: i32): bool {
	switch (t) {
		case L.TABLE_EVENT:
		case L.TABLE_CT:
		case L.TABLE_CTWINDOW:
		case L.TABLE_TUPLE:
		case L.TABLE_BYSOURCE:
		case L.TABLE_PATH:
		case L.TABLE_PATHRULE:
		case L.TABLE_COUNTER:
		case L.TABLE_WALK:
		case L.TABLE_FLOW:
		case L.TABLE_LINE:
		case L.TABLE_OPENING:
		case L.TABLE_SEQUEL:
		case L.TABLE_JOURNEY:
		case L.TABLE_STEP:
		case L.TABLE_MEGAFLOW:
		case L.TABLE_PASSAGE:
		case L.TABLE_PACKET:
		case L.TABLE_BATCH:
			return true;
		default:
			return false;
	}
}
