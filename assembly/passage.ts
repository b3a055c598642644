// Passages: what all stacks from a packet's sender to its receiver do with it, in one row for every connection that is alike to
// it: megaflows of one packet's way put together (`learnpassage`). Lines of connections name them (`passing`). A passage holds as
// a megaflow does, and owes counters of rules and devices as one.

import { base, capacity, row } from "./arena";
import { hash2 } from "./hash";
import { countJourney, journeyAge } from "./journey";
import { areMegaflowsOn, passedStacks } from "./megaflow";
import { letAllGo } from "./passing";
import { currentEpoch, stillHolds } from "./pathcache";
import * as L from "./layout";

/** A view on a row of TABLE_PASSAGE. */

@unmanaged
export class Passage {
	word: u32;
	epoch: u32;
	tells: u32;
	mtu: u32;
	/** packets | bytes << 32, not settled yet */
	sums: u64;
	until: i64;
	addresses: u64;
	translation: u64;
	between: u64;
	second: u64;
	// Of the first entry and of the second
	standing: u32;
	standing2: u32;
	owner: u32;
	owner2: u32;
	timeout: u32;
	timeout2: u32;
	journey: u32;
	netns: i32;
	entries: u8;
	stacks: u8;
	translates: u8;
	proto: u8;
	/** Netns whose program gets the packet. */
	end: i32;
	/** What the flow's row notes of the nodes that it crosses: CROSSED_MANY, or both of `crossing`. */
	crossed: u64;
	spare: u64;
	spare2: u64;
}

/** Of a word that names a passage; no journey's number has it. */
export const PASSES: u32 = 0x80000000;
/** Of such a word in a line: the receiver answers at once. */
export const ANSWERED: u32 = 0x40000000;
const SERIAL_SHIFT: u32 = 16;
const SERIALS: u32 = 0x3fff;
const ROWS: u32 = 0xffff;
/** Of `crossed`: more than two. */
export const CROSSED_MANY: u64 = 0xffffffffffffffff;

// Rows that are looked at from a key's home on
const PROBES: u32 = 4;
// Of a table that is full of what still holds, one in so many newcomers takes a place.
const NEWCOMERS: u32 = 8;
// Half of either sum: nothing that one packet adds can carry out of it.
const NEARLY_FULL: u64 = 0x8000000080000000;

let used: bool = false;
let owing: bool = false;
let refused: u32 = 0;

/** No passage is known. Serials go on, so that no line takes one for another. */
export function passagesReset(): void {
	if (!used) return;
	used = false;
	for (let i: u32 = 0; i < capacity(L.TABLE_PASSAGE); i++) free(passageAt(i));
}

function free(p: Passage): void {
	const serial = p.word & (SERIALS << SERIAL_SHIFT);
	memory.fill(changetype<usize>(p), 0, L.PASSAGE_STRIDE);
	p.word = serial;
}

// @ts-ignore: decorator
@inline
function passageAt(index: u32): Passage {
	return changetype<Passage>(row(L.TABLE_PASSAGE, index, L.PASSAGE_STRIDE));
}

/** The row that a line's word names; its number is below the table's capacity, at most 65,536. */
// @ts-ignore: decorator
@inline
export function named(word: u32): Passage {
	return passageAt(word & ROWS);
}

/** Does what a passage says hold now, for a packet of `bytes` at `time`? */
// @ts-ignore: decorator
@inline
export function serves(p: Passage, bytes: u32, time: i64): bool {
	if (p.epoch != currentEpoch() && !renew(p)) return false;
	return bytes <= p.mtu && (time <= p.until || renewAge(p, time));
}

/** Counts a packet that goes by a passage. */
// @ts-ignore: decorator
@inline
export function countPassage(p: Passage, bytes: u32): void {
	const sums = p.sums + (((<u64>bytes) << 32) | 1);
	p.sums = sums;
	if ((sums & NEARLY_FULL) != 0) settle(p);
	owing = true;
	passedStacks(p.stacks);
}

function renew(p: Passage): bool {
	if (!stillHolds(p.epoch, p.journey)) return false;
	p.epoch = currentEpoch();
	return true;
}

// Asks the neighbours anew. Do they stay as they are up to `time`?
function renewAge(p: Passage, time: i64): bool {
	p.until = journeyAge(p.journey);
	return time <= p.until;
}

/**
 * The passage that is known for packets as those of `p` but for what they say themselves, where it leaves a flow's row as it is wherever
 * `p` does; null: none is.
 */
export function sibling(p: Passage, tells: u32): Passage | null {
	let i = homeOf(p, tells);
	for (let left = PROBES; left > 0; left--, i++) {
		const q = probed(i);
		if ((q.word & PASSES) == 0 || q.tells != tells || !agree(q, p)) continue;
		const alike = q.between == p.between && q.translates == p.translates && q.end == p.end;
		return alike && q.crossed == p.crossed && q.crossed != CROSSED_MANY ? q : null;
	}
	return null;
}

// masked: within the table, whose capacity is a power of two
// @ts-ignore: decorator
@inline
function probed(i: u32): Passage {
	return passageAt(i & (capacity(L.TABLE_PASSAGE) - 1));
}

function homeOf(p: Passage, tells: u32): u32 {
	const a = hash2(p.addresses ^ rotl<u64>(p.second, 23), p.translation);
	const entries = ((<u64>p.standing) | ((<u64>p.standing2) << 32)) * 0x9e3779b97f4a7c15;
	return hash2((<u64>a) ^ entries, (<u64>tells) | ((<u64>(<u32>p.netns)) << 32));
}

// Are they of packets that set out alike and belong to entries that are alike?
function agree(p: Passage, q: Passage): bool {
	return (
		p.addresses == q.addresses &&
		p.translation == q.translation &&
		p.second == q.second &&
		p.standing == q.standing &&
		p.standing2 == q.standing2 &&
		p.owner == q.owner &&
		p.owner2 == q.owner2 &&
		p.netns == q.netns &&
		p.entries == q.entries &&
		p.proto == q.proto
	);
}

/**
 * The word of a passage that is as `q` says, of which word, epoch, sums and until are not looked at; it is kept where it is not known yet.
 * 0: there is no room.
 */
export function internPassage(q: Passage): u32 {
	if (!areMegaflowsOn() || capacity(L.TABLE_PASSAGE) < PROBES) return 0;
	const home = homeOf(q, q.tells);
	let room: Passage | null = null;
	for (let left: u32 = 0; left < PROBES; left++) {
		const p = probed(home + left);
		const taken = (p.word & PASSES) != 0;
		if (taken && p.tells == q.tells && agree(p, q)) {
			if (holds(p) && isSame(p, q)) return renewed(p);
			room = p;
			break;
		}
		if (room === null && (!taken || !holds(p))) room = p;
	}
	if (room === null && ++refused % NEWCOMERS == 0) room = probed(home);
	return room === null ? 0 : write(room, q);
}

// @ts-ignore: decorator
@inline
function holds(p: Passage): bool {
	return p.epoch == currentEpoch() || stillHolds(p.epoch, p.journey);
}

function renewed(p: Passage): u32 {
	p.epoch = currentEpoch();
	p.until = journeyAge(p.journey);
	return p.word;
}

// Do those that agree also come to the same?
function isSame(p: Passage, q: Passage): bool {
	return (
		p.journey == q.journey &&
		p.between == q.between &&
		p.translates == q.translates &&
		p.mtu == q.mtu &&
		p.timeout == q.timeout &&
		p.timeout2 == q.timeout2 &&
		p.stacks == q.stacks &&
		p.end == q.end &&
		p.crossed == q.crossed
	);
}

// Another serial: lines that knew what the row said before do not know what it says now.
function write(p: Passage, q: Passage): u32 {
	settle(p);
	const serial = ((p.word >>> SERIAL_SHIFT) + 1) & SERIALS;
	if (serial == 0) letAllGo();
	const index = <u32>((changetype<usize>(p) - base(L.TABLE_PASSAGE)) / L.PASSAGE_STRIDE);
	memory.copy(changetype<usize>(p), changetype<usize>(q), L.PASSAGE_STRIDE);
	p.word = PASSES | (serial << SERIAL_SHIFT) | index;
	p.sums = 0;
	used = true;
	renewed(p);
	return p.word;
}

// Counts where it belongs what packets by a passage would have counted.
function settle(p: Passage): void {
	const sums = p.sums;
	if (sums == 0) return;
	countJourney(p.journey, <u32>sums, <u32>(sums >> 32));
	p.sums = 0;
}

/** Pays what all passages owe to the counters of rules and devices. */
export function settlePassages(): void {
	if (!owing) return;
	owing = false;
	for (let i: u32 = 0; i < capacity(L.TABLE_PASSAGE); i++) settle(passageAt(i));
}

// The record and its layout must agree; a drift fails the build.
function verify(): void {
	if (offsetof<Passage>("journey") != 88) ERROR("PASSAGE");
	if (offsetof<Passage>() != L.PASSAGE_STRIDE) ERROR("PASSAGE_STRIDE");
}
verify();
