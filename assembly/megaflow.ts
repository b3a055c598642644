// Megaflows (the word is Open vSwitch's): what one network stack does with a packet of an established connection, kept for
// every packet that agrees with it in all that the stack looked at: where it comes in, addresses as they are and as its
// connection translates them, protocol, flags, TOS and the status of its conntrack entry. Ports, lengths and times are none
// of that: where a stack looks at them, nothing is kept. `stage` finds out, and carries packets by what is kept here.
// What a stack that tracks nothing does follows from what the stack before it did: then one megaflow is made of both.
// A megaflow holds until its netns is configured anew or a neighbour ages, and owes counters as a line of the path cache does.

import { base, capacity, row } from "./arena";
import { deviceNetns } from "./device";
import { countJourney, internJoined, journey } from "./journey";
import { passagesReset, settlePassages } from "./passage";
import { currentEpoch, stillHolds } from "./pathcache";
import * as L from "./layout";

/** A view on a row of TABLE_MEGAFLOW. */

@unmanaged
export class Megaflow {
	addresses: u64;
	translation: u64;
	ingress: u64;
	state: u64;
	epoch: u32;
	journey: u32;
	/** packets | bytes << 32, not settled yet */
	sums: u64;
	/** Device that the packet goes on to, or UP. */
	next: i32;
	/** smac and dmac to go on with; UP: iif and mark. */
	a: u32;
	b: u32;
	/** What is taken off the TTL: by all of its stacks, and before the last of them. */
	ttl: u8;
	ttlBefore: u8;
	skb: u8;
	/** TRANSLATED, LOCAL, ALONE; from STACKS_SHIFT on its stacks but the first. */
	marks: u8;

	/** Stacks that a packet passes by it. */
	@inline
	get stacks(): u32 {
		return <u32>(this.marks >>> STACKS_SHIFT) + 1;
	}
}

/** Of `marks`: the entry's translation is written into the packet. */
export const TRANSLATED: u8 = 1;
/** The packet's destination is the netns's own, in the first of its stacks. */
export const LOCAL: u8 = 2;
/** It is not to be joined with what comes behind it. */
const ALONE: u8 = 4;
const STACKS_SHIFT: u8 = 3;
const STACKS_MAX: u32 = 8;

/** Of `next`: the stack takes the packet up. */
export const UP: i32 = -1;

// Rows that are looked at from a key's home on.
const PROBES: u32 = 4;
// Half of either sum: nothing that one packet adds can carry out of it.
const NEARLY_FULL: u64 = 0x8000000080000000;
// Of a table that is full of what still holds, one in so many newcomers takes a place: traffic of more kinds than there are
// rows would else only write rows.
const NEWCOMERS: u32 = 8;

let wanted: bool = true;
let enabled: bool = false;
let owing: bool = false;
let refused: u32 = 0;
let hits: u64 = 0;

/** Off: every stack looks at every packet. */
export function megaflows(on: bool): void {
	settleMegaflows();
	settlePassages();
	passagesReset();
	wanted = on;
	enabled = on && capacity(L.TABLE_MEGAFLOW) >= PROBES;
}
// @ts-ignore: decorator
@inline
export function areMegaflowsOn(): bool {
	return enabled;
}
/** Stacks that packets passed by a megaflow, or by what was made of several, since the counters were reset. */
export function megaflowHits(): u64 {
	return hits;
}
/** A packet has passed so many more. */
// @ts-ignore: decorator
@inline
export function passedStacks(count: u32): void {
	hits += count;
}

export function megaflowsReset(): void {
	enabled = wanted && capacity(L.TABLE_MEGAFLOW) >= PROBES;
	owing = false;
	refused = 0;
	hits = 0;
	passagesReset();
	memory.fill(base(L.TABLE_MEGAFLOW), 0, <usize>capacity(L.TABLE_MEGAFLOW) * L.MEGAFLOW_STRIDE);
}

/** Third word of a key: where the packet comes in, by a device or, with -1, from a socket of its netns; its smac and TOS. */
// @ts-ignore: decorator
@inline
export function ingressKey(netns: i32, device: i32, smac: i32, tos: u8): u64 {
	const from = device < 0 ? -1 - netns : device;
	return (<u64>(<u32>from)) | ((<u64>(((<u32>smac) << 8) | (<u32>tos))) << 32);
}

/** Fourth word of a key: dmac, protocol and flags; status and direction of its conntrack entry, 0 without. */
// @ts-ignore: decorator
@inline
export function stateKey(dmac: i32, proto: u8, tcp: u8, status: u32, dir: u32): u64 {
	const rest = (<u32>proto) | ((<u32>tcp) << 8) | (status << 16);
	return (<u64>(((<u32>dmac) << 1) | dir)) | ((<u64>rest) << 32);
}

/** Where a key is looked for first. */
// @ts-ignore: decorator
@inline
export function homeOf(addresses: u64, translation: u64, ingress: u64, state: u64): Megaflow {
	const a = (addresses ^ rotl<u64>(translation, 13)) * 0x9e3779b97f4a7c15;
	const b = (ingress ^ rotl<u64>(state, 29)) * 0xbf58476d1ce4e5b9;
	const mixed = (a ^ rotl<u64>(b, 23)) * 0x94d049bb133111eb;
	// masked: within the table, whose capacity is a power of two
	return megaflow((<u32>(mixed >> 32)) & (capacity(L.TABLE_MEGAFLOW) - 1));
}

// @ts-ignore: decorator
@inline
function megaflow(index: u32): Megaflow {
	return changetype<Megaflow>(row(L.TABLE_MEGAFLOW, index, L.MEGAFLOW_STRIDE));
}

// The row after one, the first one after the last.
// @ts-ignore: decorator
@inline
function after(m: Megaflow): Megaflow {
	const next = changetype<usize>(m) + L.MEGAFLOW_STRIDE;
	const end = base(L.TABLE_MEGAFLOW) + <usize>(capacity(L.TABLE_MEGAFLOW) * L.MEGAFLOW_STRIDE);
	return next == end ? megaflow(0) : changetype<Megaflow>(next);
}

// @ts-ignore: decorator
@inline
function hasKey(m: Megaflow, addresses: u64, translation: u64, ingress: u64, state: u64): bool {
	return (
		((m.addresses ^ addresses) | (m.translation ^ translation) | (m.ingress ^ ingress) | (m.state ^ state)) == 0 &&
		m.journey != 0
	);
}

/** The megaflow of a key, from its home on, for a packet of `bytes` at `time` (ns); null: there is none, or it holds no more. */
// @ts-ignore: decorator
@inline
export function findMegaflow(
	home: Megaflow,
	addresses: u64,
	translation: u64,
	ingress: u64,
	state: u64,
	bytes: u32,
	time: i64,
): Megaflow | null {
	let m = home;
	for (let left = PROBES; !hasKey(m, addresses, translation, ingress, state); m = after(m)) {
		if (--left == 0) return null;
	}
	if (m.epoch != currentEpoch() && !renew(m)) return null;
	const way = journey(m.journey);
	return bytes <= load<u32>(way, L.JOURNEY_MTU) && time <= load<i64>(way, L.JOURNEY_UNTIL) ? m : null;
}

function renew(m: Megaflow): bool {
	if (!stillHolds(m.epoch, m.journey)) return false;
	m.epoch = currentEpoch();
	return true;
}

/** Counts a packet that goes by a megaflow. */
// @ts-ignore: decorator
@inline
export function countMegaflow(m: Megaflow, bytes: u32): void {
	const sums = m.sums + ((<u64>bytes) << 32) + 1;
	m.sums = sums;
	owing = true;
	hits += m.stacks;
	if ((sums & NEARLY_FULL) != 0) settle(m);
}

/** The row for what is kept for a key, its key and journey written; null: there is no room now. */
export function addMegaflow(
	addresses: u64,
	translation: u64,
	ingress: u64,
	state: u64,
	journeyIndex: u32,
): Megaflow | null {
	const m = roomFor(addresses, translation, ingress, state);
	if (m === null) return null;
	settle(m);
	m.addresses = addresses;
	m.translation = translation;
	m.ingress = ingress;
	m.state = state;
	m.epoch = currentEpoch();
	m.journey = journeyIndex;
	return m;
}

/** May what comes behind it be joined to it? */
// @ts-ignore: decorator
@inline
export function mayBeJoined(m: Megaflow): bool {
	return (m.marks & ALONE) == 0;
}

/** Nothing is joined to it any more. */
// @ts-ignore: decorator
@inline
export function leaveAlone(m: Megaflow): void {
	m.marks |= ALONE;
}

/**
 * Makes one of two: packets by `m` go on by `next`, in a netns that tracks nothing and where nobody notes that they cross it.
 * False: now they cannot be made one.
 */
export function joinMegaflows(m: Megaflow, next: Megaflow): bool {
	const now = currentEpoch();
	if (m.epoch != now || next.epoch != now) return false;
	const stacks = m.stacks + next.stacks;
	const way = stacks > STACKS_MAX || !knowsEnd(m, next) ? 0 : internJoined(m.journey, next.journey);
	if (way == 0) {
		leaveAlone(m);
		return false;
	}
	settle(m);
	m.journey = way;
	m.next = next.next;
	m.a = next.a;
	m.b = next.b;
	m.ttlBefore = m.ttl + next.ttlBefore;
	m.ttl += next.ttl;
	m.skb = next.skb;
	m.marks = (m.marks & (TRANSLATED | LOCAL)) | (next.marks & ALONE) | (<u8>((stacks - 1) << STACKS_SHIFT));
	return true;
}

// Where the second takes the packet up, its device has to say which netns that is.
function knowsEnd(m: Megaflow, next: Megaflow): bool {
	if (next.next != UP || next.stacks > 1) return true;
	return <i32>next.a >= 0 && deviceNetns(<i32>next.a) == deviceNetns(m.next);
}

// The key's own row, else a free one, else one that holds no more; of rows that hold the first, now and then.
function roomFor(addresses: u64, translation: u64, ingress: u64, state: u64): Megaflow | null {
	const home = homeOf(addresses, translation, ingress, state);
	let room: Megaflow | null = null;
	let m = home;
	for (let left = PROBES; left > 0; left--) {
		if (hasKey(m, addresses, translation, ingress, state)) return m;
		if (room === null && (m.journey == 0 || !stillHolds(m.epoch, m.journey))) room = m;
		m = after(m);
	}
	if (room !== null) return room;
	return ++refused % NEWCOMERS == 0 ? home : null;
}

// Counts where it belongs what packets by a megaflow would have counted.
function settle(m: Megaflow): void {
	const sums = m.sums;
	if (sums == 0) return;
	countJourney(m.journey, <u32>sums, <u32>(sums >> 32));
	m.sums = 0;
}

/** Pays what all megaflows owe to the counters of rules and devices. */
export function settleMegaflows(): void {
	if (!owing) return;
	owing = false;
	for (let i: u32 = 0; i < capacity(L.TABLE_MEGAFLOW); i++) settle(megaflow(i));
}

// The record and its layout must agree; a drift fails the build.
function verify(): void {
	if (offsetof<Megaflow>() != L.MEGAFLOW_STRIDE) ERROR("MEGAFLOW_STRIDE");
}
verify();
