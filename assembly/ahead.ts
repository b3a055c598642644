// What workers have counted before its turn came (`shards`), and how it is taken back. A worker counts all of a window's hits at
// once, so a packet that the sequencer carries afterwards may meet a connection that is ahead of it. Every hit is therefore
// logged with what its line said before, and who is about to look at a line for another connection's sake (`uncache`,
// `settleEntry`) has its hits from behind the present undone; their rows wait for the sequencer again.

import { base, row } from "./arena";
import { crossedEntry, flow, flowOf } from "./flow";
import { conn } from "./netfilter/conn";
import { Window } from "./netfilter/windowrow";
import * as L from "./layout";

/** Rows of a window, at most. */
export const WINDOW: u32 = 16384;
/** Threads, at most. */
export const THREADS: u32 = 16;

// A record of the log: LINE_LAST, line, and as bits the row of the window, whether the packet before was a reply, and from
// LOG_KEPT_SHIFT on where windows and deadlines of the flow's entries are kept.
const LOG_LAST: usize = 0;
const LOG_LINE: usize = 8;
const LOG_BITS: usize = 12;
const LOG_ROW: u32 = WINDOW - 1;
const LOG_REPLY: u32 = WINDOW;
const LOG_KEPT_SHIFT: u32 = 16;
export const LOG_STRIDE: usize = 16;
// Of a hit where windows are tracked: of each entry its window and its deadline. There is room for three entries a row; a place
// is counted from 1, and fits into what bits of a record are left.
export const KEPT_STRIDE: u32 = 64 + 8;
const KEPT_PLACES: u32 = WINDOW * 3;
const KEPT: usize = <usize>WINDOW * LOG_STRIDE;
/** Of TABLE_SCRATCH for a share's log and what is kept. */
export const LOG_BYTES: u32 = <u32>KEPT + KEPT_PLACES * KEPT_STRIDE;

// A cache line a share: hits, and the places that are taken for what is kept. A share that nobody has taken has none.
const SHARES: usize = memory.data(<i32>THREADS * 64, 64);
const SHARE_HITS: usize = 0;
const SHARE_KEPT: usize = 4;

// A bit a row: it waits for the sequencer.
const WAITING: usize = memory.data(<i32>WINDOW / 8, 64);

// Of the sequencer's instance: is the window open, the first row that has not come to pass, the time of what does.
let open: bool = false;
let origin: u32 = 0;
let shareCount: u32 = 0;
let present: u32 = 0;
let now: i64 = 0;
let undone: u32 = 0;
let back: bool = false;
let undoneEver: u32 = 0;

// @ts-ignore: decorator
@inline
function shareAt(share: u32): usize {
	return SHARES + ((<usize>share) << 6);
}
// @ts-ignore: decorator
@inline
function logAt(share: u32): usize {
	return base(L.TABLE_SCRATCH) + <usize>(share * LOG_BYTES);
}

/** No hit of a share has been logged. */
export function logBegins(share: u32): void {
	store<u32>(shareAt(share), 0, SHARE_HITS);
	store<u32>(shareAt(share), 0, SHARE_KEPT);
}

/** Where a share's next hit is to be logged; the one after it, LOG_STRIDE on. */
// @ts-ignore: decorator
@inline
export function logNext(share: u32): usize {
	return logAt(share) + <usize>load<u32>(shareAt(share), SHARE_HITS) * LOG_STRIDE;
}
/** Hits of a share have been logged up to `next`. */
// @ts-ignore: decorator
@inline
export function logEnds(share: u32, next: usize): void {
	store<u32>(shareAt(share), <u32>((next - logAt(share)) / LOG_STRIDE), SHARE_HITS);
}

/** The place of a hit's windows and deadlines; 0: there is no room. */
// @ts-ignore: decorator
@inline
export function keptPlace(share: u32): u32 {
	const taken = load<u32>(shareAt(share), SHARE_KEPT);
	return taken + <u32>L.FLOW_CROSSED_MAX > KEPT_PLACES ? 0 : taken + 1;
}
/** What is kept there, KEPT_STRIDE an entry. */
// @ts-ignore: decorator
@inline
export function keptAt(share: u32, place: u32): usize {
	return logAt(share) + KEPT + <usize>((place - 1) * KEPT_STRIDE);
}
/** A hit has kept what is at a place, of `entries` entries. */
// @ts-ignore: decorator
@inline
export function keeps(share: u32, place: u32, entries: u32): void {
	store<u32>(shareAt(share), place - 1 + entries, SHARE_KEPT);
}

/** Keeps the deadlines of the entries of the flow of `line`. Returns how many entries these are. */
export function keepDeadlines(line: usize, kept: usize): u32 {
	const f = flow(flowOf(line));
	let entries: u32 = 0;
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		store<i64>(kept + <usize>(entries++ * KEPT_STRIDE), conn(entry).deadline, L.CTWINDOW_STRIDE);
	}
	return entries;
}

/** Logs a hit at `at`: its row of the window, its line and what that said before; `place`: of what is kept, 0 without windows. */
// @ts-ignore: decorator
@inline
export function logHit(at: usize, index: u32, line: usize, last: i64, limits: u32, place: u32): void {
	const reply = (limits & L.LIMIT_REPLY) != 0 ? LOG_REPLY : 0;
	const bits = index | reply | (place << LOG_KEPT_SHIFT);
	store<i64>(at, last, LOG_LAST);
	store<u64>(at, (<u64>line) | ((<u64>bits) << 32), LOG_LINE);
}

/** Hits of the first `shares` shares. */
export function loggedHits(shares: u32): u32 {
	let sum: u32 = 0;
	for (let share: u32 = 0; share < shares; share++) sum += load<u32>(shareAt(share), SHARE_HITS);
	return sum;
}

/** A row waits for the sequencer. Any thread. */
// @ts-ignore: decorator
@inline
export function postpone(index: u32): void {
	atomic.or<u32>(WAITING + <usize>((index >>> 5) << 2), 1 << (index & 31));
}

/** The first row at or behind the `from`th that waits; `end`: none does. */
export function nextPostponed(from: u32, end: u32): u32 {
	for (let i = from; i < end; i = (i | 63) + 1) {
		const word = load<u64>(WAITING + <usize>((i >>> 6) << 3)) >> (<u64>(i & 63));
		if (word != 0) return min<u32>(end, i + <u32>ctz<u64>(word));
	}
	return end;
}

/** A row waits no more. */
export function resume(index: u32): void {
	const at = WAITING + <usize>((index >>> 5) << 2);
	store<u32>(at, load<u32>(at) & ~((<u32>1) << (index & 31)));
}

/** From here on the sequencer carries what waits; row `first` is the window's first, its hits are logged in `shares`. */
export function openWindow(first: u32, shares: u32): void {
	open = true;
	shareCount = shares;
	origin = first;
	undone = 0;
}

/** Something comes to pass at `time`, before row `next`. */
// @ts-ignore: decorator
@inline
export function moveTo(next: u32, time: i64): void {
	present = next;
	now = time;
}

/** Does any row wait again since this was last asked? */
export function takenBack(): bool {
	const was = back;
	back = false;
	return was;
}

/** Hits that were undone since the engine started. */
export function shardsUndone(): u32 {
	return undoneEver;
}

/** Rows of the window that had been counted and waited again. */
// @ts-ignore: decorator
@inline
export function undoneHits(): u32 {
	return undone;
}

/** The window is done. */
export function closeWindow(): void {
	open = false;
}

/** Makes a line what it is now: hits of it that have not come to pass are undone. */
export function takeBack(line: usize): void {
	// Rows of a window are in time order.
	if (!open || load<i64>(line, L.LINE_LAST) < now) return;
	// Its hits are all in one share, but which one is no matter here.
	for (let share: u32 = 0; share < shareCount; share++) takeBackFrom(share, line);
}

function takeBackFrom(share: u32, line: usize): void {
	const first = logAt(share);
	for (let r = logNext(share); r > first;) {
		r -= LOG_STRIDE;
		const index = load<u32>(r, LOG_BITS) & LOG_ROW;
		if (origin + index < present) return;
		if (<usize>load<u32>(r, LOG_LINE) != line) continue;
		undo(line, r, row(L.TABLE_BATCH, origin + index, L.BATCH_STRIDE), share);
		store<u32>(r, 0, LOG_LINE);
		postpone(index);
		undone++;
		undoneEver++;
		back = true;
	}
}

// The inverse of `add` (`pathcache`), and of what a hit does to windows and deadlines.
function undo(line: usize, r: usize, at: usize, share: u32): void {
	const bytes = load<u32>(at, L.PACKET_LEN);
	const reply = load<u8>(at, L.BATCH_KIND) == L.BATCH_REPLY;
	const bits = load<u32>(r, LOG_BITS);
	const limits = load<u32>(line, L.LINE_LIMITS);
	const side: usize = reply ? 4 : 0;
	let packets: u32 = reply ? 0x10000 : 1;
	store<u32>(line + side, load<u32>(line + side, L.LINE_BYTES) - bytes, L.LINE_BYTES);
	if (!reply && (limits & L.LIMIT_MIRRORED) != 0) {
		const tcp = load<u8>(at, L.PACKET_PROTO) == L.PROTO_TCP;
		const answer = tcp ? bytes - load<u32>(at, L.PACKET_PAYLOAD) : bytes;
		store<u32>(line, load<u32>(line, L.LINE_BYTES + 4) - answer, L.LINE_BYTES + 4);
		packets += 0x10000;
	}
	store<u32>(line, load<u32>(line, L.LINE_PACKETS) - packets, L.LINE_PACKETS);
	const before = (bits & LOG_REPLY) != 0 ? L.LIMIT_REPLY : 0;
	store<u32>(line, (limits & ~(<u32>L.LIMIT_REPLY)) | before, L.LINE_LIMITS);
	store<i64>(line, load<i64>(r, LOG_LAST), L.LINE_LAST);
	const place = bits >>> LOG_KEPT_SHIFT;
	if (place == 0) return;
	let kept = keptAt(share, place);
	const f = flow(flowOf(line));
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		Window.row(entry).become(changetype<Window>(kept));
		conn(entry).deadline = load<i64>(kept, L.CTWINDOW_STRIDE);
		kept += KEPT_STRIDE;
	}
}
