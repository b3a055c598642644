// Where packets wait: the slots of TABLE_PACKET, a first-in first-out queue of what is to be processed next (the softirq
// backlog), and the packets that wait for a neighbour until a time. Capacities are fixed; a full queue is REASON_QUEUE_FULL.

import { base, capacity, row } from "./arena";
import { Packet } from "./packet";
import * as L from "./layout";

const SLOTS: i32 = 4096;
/** What happens to a queued packet. */
export const TO_DEVICE: i32 = 0; // a device receives it
export const TO_OUTPUT: i32 = 1; // a stack sends it
export const TO_NEIGHBOUR_FAILED: i32 = 2; // its neighbour did not answer in time

const FREE: StaticArray<i32> = new StaticArray<i32>(SLOTS);
const RING: StaticArray<i32> = new StaticArray<i32>(SLOTS);
const ACTION: StaticArray<i32> = new StaticArray<i32>(SLOTS);
const DEVICE: StaticArray<i32> = new StaticArray<i32>(SLOTS);
const WAITING: StaticArray<i32> = new StaticArray<i32>(SLOTS);
const DUE: StaticArray<i64> = new StaticArray<i64>(SLOTS);

let free: i32 = 0;
let head: u32 = 0;
let tail: u32 = 0;
let waiting: i32 = 0;
let identity: u32 = 0;

export function queueReset(): void {
	const slots = min<i32>(SLOTS, capacity(L.TABLE_PACKET));
	free = 0;
	for (let i = slots - 1; i >= 0; i--) {
		// bound: free < slots <= SLOTS
		unchecked((FREE[free++] = i));
	}
	head = 0;
	tail = 0;
	waiting = 0;
	identity = 0;
}

export function packetAt(slot: i32): Packet {
	return changetype<Packet>(row(L.TABLE_PACKET, slot, L.PACKET_STRIDE));
}

export function slotOf(p: Packet): i32 {
	return <i32>((changetype<usize>(p) - base(L.TABLE_PACKET)) / L.PACKET_STRIDE);
}

/** A zeroed packet, or null where no slot is free. */
export function takePacket(): Packet | null {
	if (free == 0) return null;
	// bound: 0 < free <= SLOTS
	const p = packetAt(unchecked(FREE[--free]));
	// A call into the host's fill would cost more than the stores.
	const at = changetype<usize>(p);
	for (let offset: usize = 0; offset < <usize>L.PACKET_STRIDE; offset += 16) v128.store(at + offset, i64x2.splat(0));
	p.iif = -1;
	p.oif = -1;
	p.physin = -1;
	p.physout = -1;
	p.ct = L.CT_UNSEEN;
	p.flow = -1;
	p.rule = -1;
	p.tunnel = -1;
	p.dmac = -1;
	p.smac = -1;
	p.family = 4;
	p.id = identity++;
	return p;
}

/** Packets taken so far. */
export function packetsTaken(): u32 {
	return identity;
}

/** A packet handed in as row `index` of TABLE_PACKETIN; null where no slot is free. */
export function packetIn(index: i32): Packet | null {
	const p = takePacket();
	if (p === null) return null;
	const id = p.id;
	memory.copy(changetype<usize>(p), row(L.TABLE_PACKETIN, index, L.PACKET_STRIDE), L.PACKET_STRIDE);
	p.id = id;
	return p;
}

/** Gives a slot back, and the slot of what it encapsulates. */
export function releasePacket(p: Packet): void {
	if (p.tunnel >= 0) {
		const inside = packetAt(p.tunnel);
		p.tunnel = -1;
		releasePacket(inside);
	}
	// bound: a slot is released once, so free < SLOTS
	unchecked((FREE[free++] = slotOf(p)));
}

/** A copy in a slot of its own; null where none is free. Conntrack state is shared, as a cloned skb's. */
export function clonePacket(p: Packet): Packet | null {
	const copy = takePacket();
	if (copy === null) return null;
	memory.copy(changetype<usize>(copy), changetype<usize>(p), L.PACKET_STRIDE);
	copy.tunnel = -1;
	return copy;
}

/** Puts a packet behind all others. There are as many places as slots, so the ring cannot overflow. */
export function enqueue(p: Packet, action: i32, device: i32): void {
	const slot = slotOf(p);
	// bound: both indices are masked or slots, below SLOTS
	unchecked((RING[tail & (SLOTS - 1)] = slot));
	// bound: slots, masked counters and counts of slots all stay below SLOTS
	unchecked((ACTION[slot] = action));
	// bound: slots, masked counters and counts of slots all stay below SLOTS
	unchecked((DEVICE[slot] = device));
	tail++;
}

/** The next packet's slot, or -1. */
// @ts-ignore: decorator
@inline
export function dequeue(): i32 {
	if (head == tail) return -1;
	// bound: masked
	return unchecked(RING[head++ & (SLOTS - 1)]);
}

/** Is nothing queued? */
// @ts-ignore: decorator
@inline
export function isIdle(): bool {
	return head == tail;
}

// @ts-ignore: decorator
@inline
export function actionOf(slot: i32): i32 {
	// bound: slots, masked counters and counts of slots all stay below SLOTS
	return unchecked(ACTION[slot]);
} // bound: a slot
// @ts-ignore: decorator
@inline
export function deviceOf(slot: i32): i32 {
	// bound: slots, masked counters and counts of slots all stay below SLOTS
	return unchecked(DEVICE[slot]);
} // bound: a slot

/** Keeps a packet until `due`, then queues it with TO_NEIGHBOUR_FAILED. */
export function delay(p: Packet, due: i64): void {
	// bound: fewer packets wait than there are slots
	unchecked((WAITING[waiting] = slotOf(p)));
	// bound: slots, masked counters and counts of slots all stay below SLOTS
	unchecked((DUE[waiting] = due));
	waiting++;
}

/** Does any packet wait? */
// @ts-ignore: decorator
@inline
export function isWaiting(): bool {
	return waiting != 0;
}

/** The earliest time at which a waiting packet is due; i64.MAX_VALUE: none. */
export function nextDue(): i64 {
	let least: i64 = i64.MAX_VALUE;
	// bound: i < waiting <= SLOTS
	for (let i = 0; i < waiting; i++) least = min<i64>(least, unchecked(DUE[i]));
	return least;
}

/** Queues the packets that are due at `now`, oldest first. */
export function wake(now: i64): void {
	let kept = 0;
	for (let i = 0; i < waiting; i++) {
		// bound: kept <= i < waiting <= SLOTS
		const slot = unchecked(WAITING[i]);
		// bound: slots, masked counters and counts of slots all stay below SLOTS
		const due = unchecked(DUE[i]);
		if (due <= now) {
			const p = packetAt(slot);
			p.time = due;
			enqueue(p, TO_NEIGHBOUR_FAILED, p.oif);
		} else {
			// bound: slots, masked counters and counts of slots all stay below SLOTS
			unchecked((WAITING[kept] = slot));
			// bound: slots, masked counters and counts of slots all stay below SLOTS
			unchecked((DUE[kept] = due));
			kept++;
		}
	}
	waiting = kept;
}

/** Takes out one of the packets that wait in a netns, or for a neighbour on a device (-1: no netns, no device); its slot, or -1. */
export function takeWaiting(netns: i32, device: i32): i32 {
	for (let i = 0; i < waiting; i++) {
		// bound: i < waiting <= SLOTS
		const slot = unchecked(WAITING[i]);
		const p = packetAt(slot);
		if (p.netns != netns && (device < 0 || p.oif != device)) continue;
		waiting--;
		for (let later = i; later < waiting; later++) {
			// bound: later + 1 <= waiting <= SLOTS - 1
			unchecked((WAITING[later] = WAITING[later + 1]));
			// bound: as above
			unchecked((DUE[later] = DUE[later + 1]));
		}
		return slot;
	}
	return -1;
}
