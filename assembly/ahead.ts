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
/** Kinds of connections, by a hash: what threads share out. */
export const KINDS: u32 = 64;
const KIND_SHIFT: u32 = 26;
/** Threads, at most. */
export const THREADS: u32 = 16;

// A record of the log: row, line, LINE_LAST, LINE_LIMITS, and where windows and deadlines of the flow's entries are kept.
const LOG_ROW: usize = 0;
const LOG_LINE: usize = 4;
const LOG_LAST: usize = 8;
const LOG_LIMITS: usize = 16;
const LOG_KEPT: usize = 20;
const LOG_STRIDE: u32 = 24;
// Of a hit where windows are tracked: of each entry its window and its deadline. There is room for three entries a row.
export const KEPT_STRIDE: u32 = 64 + 8;
const KEPT_MAX: u32 = <u32>L.FLOW_CROSSED_MAX * KEPT_STRIDE;
const KEPT: u32 = WINDOW * LOG_STRIDE;
const KEPT_END: u32 = KEPT + WINDOW * 3 * KEPT_STRIDE;
/** Of TABLE_SCRATCH for a share's log and what is kept. */
export const LOG_BYTES: u32 = KEPT_END;

// A cache line a share: hits, and where the next one's windows are kept. A share that nobody has taken has none.
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

/** The kind of a connection, the same for both directions: addresses and ports as they stand in a row or a line. */
// @ts-ignore: decorator
@inline
export function kindOf(addresses: u64, ports: u32): u32 {
	const hosts = (<u32>addresses) ^ (<u32>(addresses >> 32));
	const both = (hosts * 0x9e3779b1) ^ (((ports ^ (ports >>> 16)) & 0xffff) * 0x85ebca6b);
	return (both * 0xc2b2ae35) >>> KIND_SHIFT;
}

/** No hit of a share has been logged. */
export function logBegins(share: u32): void {
	store<u32>(shareAt(share), 0, SHARE_HITS);
	store<u32>(shareAt(share), KEPT, SHARE_KEPT);
}

/** Where a hit's windows and deadlines are kept, KEPT_STRIDE an entry; 0: there is no room. */
// @ts-ignore: decorator
@inline
export function keptRoom(share: u32): usize {
	const at = load<u32>(shareAt(share), SHARE_KEPT);
	return at + KEPT_MAX > KEPT_END ? 0 : logAt(share) + <usize>at;
}

/** Keeps the deadlines of the entries of the flow of `line`. Returns where what is kept of them ends. */
export function keepDeadlines(line: usize, kept: usize): usize {
	const f = flow(flowOf(line));
	let at = kept;
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		store<i64>(at, conn(entry).deadline, L.CTWINDOW_STRIDE);
		at += KEPT_STRIDE;
	}
	return at;
}

/** Logs a hit: its row, its line and what that said before; `kept` to `end`: what is kept of its entries, 0 without windows. */
// @ts-ignore: decorator
@inline
export function logHit(share: u32, which: u32, line: usize, last: i64, limits: u32, kept: usize, end: usize): void {
	const at = shareAt(share);
	const hits = load<u32>(at, SHARE_HITS);
	const r = logAt(share) + <usize>(hits * LOG_STRIDE);
	store<u64>(r, (<u64>which) | ((<u64>line) << 32), LOG_ROW);
	store<i64>(r, last, LOG_LAST);
	store<u64>(r, (<u64>limits) | ((<u64>kept) << 32), LOG_LIMITS);
	store<u32>(at, hits + 1, SHARE_HITS);
	if (kept != 0) store<u32>(at, <u32>(end - logAt(share)), SHARE_KEPT);
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
	for (let r = first + <usize>(load<u32>(shareAt(share), SHARE_HITS) * LOG_STRIDE); r > first;) {
		r -= LOG_STRIDE;
		const which = load<u32>(r, LOG_ROW);
		if (which < present) return;
		if (<usize>load<u32>(r, LOG_LINE) != line) continue;
		undo(line, r, which);
		store<u32>(r, 0, LOG_LINE);
		postpone(which - origin);
		undone++;
		undoneEver++;
		back = true;
	}
}

// The inverse of `add` (`pathcache`), and of what a hit does to windows and deadlines.
function undo(line: usize, r: usize, which: u32): void {
	const at = row(L.TABLE_BATCH, which, L.BATCH_STRIDE);
	const bytes = load<u32>(at, L.PACKET_LEN);
	const reply = load<u8>(at, L.BATCH_KIND) == L.BATCH_REPLY;
	const limits = load<u32>(r, LOG_LIMITS);
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
	store<u32>(line, limits, L.LINE_LIMITS);
	store<i64>(line, load<i64>(r, LOG_LAST), L.LINE_LAST);
	let kept = <usize>load<u32>(r, LOG_KEPT);
	if (kept == 0) return;
	const f = flow(flowOf(line));
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		Window.row(entry).become(changetype<Window>(kept));
		conn(entry).deadline = load<i64>(kept, L.CTWINDOW_STRIDE);
		kept += KEPT_STRIDE;
	}
}
