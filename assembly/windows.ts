// TCP windows of packets that the path cache repeats. Every netns on the way that tracks them judges each segment, and what
// it judges by moves with each: so the window rows of the flow's entries are always true, while counters, deadlines and the
// direction of the last segment are owed (`pathcache`). An entry's timeout follows from its windows (data that nobody has
// acknowledged is waited for 300 s, not for days): it is worked out when the deadline is settled, and until then the entry's
// deadline is the least that it can be.

import { KEPT_STRIDE } from "./ahead";
import { crossedEntry } from "./flow";
import { mirrorSegment } from "./mirror";
import { conn } from "./netfilter/conn";
import { ackTimeoutNs, leastAckTimeoutNs } from "./netfilter/tcp";
import { hasMoved, inWindow, movesPlainly, WINDOW_ACCEPT } from "./netfilter/window";
import { Window } from "./netfilter/windowrow";
import { Packet } from "./packet";
import * as L from "./layout";

// The mirrored answer, and window rows as they were, in the order of the flow's entries. Each thread has its own.
const ANSWER: usize = memory.data(L.PACKET_STRIDE, 16);
const BEFORE: usize = memory.data(L.FLOW_CROSSED_MAX * <i32>KEPT_STRIDE, 16);
let ownAnswer: usize = ANSWER;
let ownBefore: usize = BEFORE;

/** Where this thread makes answers, PACKET_STRIDE bytes, and keeps windows, FLOW_CROSSED_MAX times KEPT_STRIDE; 0: where it always did. */
// @ts-ignore: decorator
@inline
export function keepWindowsAt(answer: usize, before: usize): void {
	ownAnswer = answer != 0 ? answer : ANSWER;
	ownBefore = before != 0 ? before : BEFORE;
}

/**
 * Is segment `p`, a plain ACK, within the windows of all entries of flow `f`, and its mirrored answer if there is one? Then
 * these have moved; else they are as before. `last`: the direction of the segment before it.
 */
export function passWindows(f: usize, p: Packet, dir: i32, last: i32, mirrored: bool): bool {
	if (!mirrored && passAlike(f, p, dir, last)) return true;
	keepRows(f);
	if (judge(f, p, dir, last)) {
		if (!mirrored) return true;
		const answer = changetype<Packet>(ASC_FEATURE_THREADS ? ownAnswer : ANSWER);
		mirrorSegment(p, answer);
		if (judge(f, answer, dir ^ 1, dir)) return true;
	}
	restoreRows(f);
	return false;
}

// Entries that saw the same segments have windows that are the same: then the first one's are judged, where these alone decide, and the
// others become what they have. False: nothing has changed.
// @ts-ignore: decorator
@inline
function passAlike(f: usize, p: Packet, dir: i32, last: i32): bool {
	const first = crossedEntry(f, 0);
	if (first < 0) return true;
	const leader = Window.row(first);
	let entries = 1;
	for (; entries < L.FLOW_CROSSED_MAX; entries++) {
		const entry = crossedEntry(f, entries);
		if (entry < 0) break;
		if (!leader.equals(Window.row(entry))) return false;
	}
	// Who logs hits finds all of them there.
	if (ASC_FEATURE_THREADS) for (let i = 0; i < entries; i++) before(i).become(leader);
	if (!movesPlainly(leader, last, dir, p)) return false;
	for (let i = 1; i < entries; i++) Window.row(crossedEntry(f, i)).become(leader);
	return true;
}

// Anything but a plain yes (INVALID, or passing without moving the windows) is for `tcpPacket` to follow up. An entry whose windows
// are those of the first one, as most are that saw the same segments, comes out as that does where its windows alone decided.
// @ts-ignore: decorator
@inline
function judge(f: usize, p: Packet, dir: i32, last: i32): bool {
	const first = crossedEntry(f, 0);
	if (first < 0) return true;
	const leader = Window.row(first);
	let alike: u32 = 0;
	for (let i = 1; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		if (leader.equals(Window.row(entry))) alike |= 1 << i;
	}
	if (inWindow(conn(first), leader, last, dir, p, true) != WINDOW_ACCEPT) return false;
	if (!hasMoved()) alike = 0;
	for (let i = 1; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		if (((alike >>> i) & 1) != 0) Window.row(entry).become(leader);
		else if (inWindow(conn(entry), Window.row(entry), last, dir, p, true) != WINDOW_ACCEPT) return false;
	}
	return true;
}

// @ts-ignore: decorator
@inline
function keepRows(f: usize): void {
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		before(i).become(Window.row(entry));
	}
}

function restoreRows(f: usize): void {
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		Window.row(entry).become(before(i));
	}
}

// i < FLOW_CROSSED_MAX: within the rows kept
// @ts-ignore: decorator
@inline
function before(i: i32): Window {
	return changetype<Window>((ASC_FEATURE_THREADS ? ownBefore : BEFORE) + <usize>(i * <i32>KEPT_STRIDE));
}

/** Before the first segment after `last` ns that sets no deadline: those of the flow's entries lie no later than it will be. */
export function lowerDeadlines(f: usize, last: i64): void {
	for (let i = 0; i < L.FLOW_CROSSED_MAX; i++) {
		const entry = crossedEntry(f, i);
		if (entry < 0) break;
		const c = conn(entry);
		c.deadline = min<i64>(c.deadline, last + leastAckTimeoutNs(c));
	}
}

/** When an entry ends whose last segment, at `last` ns, was repeated. */
export function deadlineAfter(entry: i32, last: i64): i64 {
	return last + ackTimeoutNs(conn(entry));
}
