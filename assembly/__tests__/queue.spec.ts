// Where packets wait: slots, the order of the queue, and packets held until a time.

import { capacity } from "../arena";
import * as L from "../layout";
import { Packet } from "../packet";
import {
	actionOf,
	clonePacket,
	delay,
	dequeue,
	deviceOf,
	enqueue,
	nextDue,
	packetAt,
	packetIn,
	releasePacket,
	slotOf,
	takePacket,
	TO_DEVICE,
	TO_NEIGHBOUR_FAILED,
	TO_OUTPUT,
	wake,
} from "../queue";
import { begin, SECOND } from "./network";

function taken(): Packet {
	const p = takePacket();
	if (p === null) throw new Error("no slot is free");
	return p;
}

/** Slots that are free, counted by taking them; they are given back. */
function freeSlots(): i32 {
	const slots: i32[] = [];
	for (let p = takePacket(); p !== null; p = takePacket()) slots.push(slotOf(p));
	for (let i = 0; i < slots.length; i++) releasePacket(packetAt(slots[i]));
	return slots.length;
}

describe("packet slots", () => {
	beforeEach(() => {
		begin();
	});

	it("are given out once each, and no further", () => {
		const all = <i32>capacity(L.TABLE_PACKET);
		expect(freeSlots()).toBe(all);
		const first = taken();
		const second = taken();
		expect(slotOf(first)).not.toBe(slotOf(second));
		expect(freeSlots()).toBe(all - 2);
		for (let i = 2; i < all; i++) taken();
		expect(takePacket() === null).toBe(true);
		expect(clonePacket(first) === null).toBe(true);
		expect(packetIn(0) === null).toBe(true);
		releasePacket(second);
		expect(slotOf(taken())).toBe(slotOf(second));
	});

	it("are clean, whatever they held", () => {
		const p = taken();
		p.mark = 7;
		p.ct = 5;
		p.flow = 3;
		releasePacket(p);
		const q = taken();
		expect(slotOf(q)).toBe(slotOf(p));
		expect(q.mark).toBe(0);
		expect(q.ct).toBe(L.CT_UNSEEN);
		expect(q.flow).toBe(-1);
		expect(q.iif).toBe(-1);
	});

	it("number their packets, each with a number of its own", () => {
		const first = taken().id;
		expect(taken().id).toBe(first + 1);
	});

	it("of a tunnel's packet come back with the packet inside", () => {
		const outer = taken();
		outer.tunnel = slotOf(taken());
		const left = freeSlots();
		releasePacket(outer);
		expect(freeSlots()).toBe(left + 2);
	});
});

describe("a clone", () => {
	it("is the same packet in a slot of its own, without what it carried inside", () => {
		begin();
		const p = taken();
		p.src = 9;
		p.mark = 4;
		p.ct = 2;
		p.tunnel = slotOf(taken());
		const copy = clonePacket(p);
		if (copy === null) throw new Error("no slot is free");
		expect(slotOf(copy)).not.toBe(slotOf(p));
		expect(copy.src).toBe(9);
		expect(copy.mark).toBe(4);
		expect(copy.ct).toBe(2);
		expect(copy.tunnel).toBe(-1);
		copy.mark = 5;
		expect(p.mark).toBe(4);
	});
});

describe("the queue", () => {
	beforeEach(() => {
		begin();
	});

	it("is first in, first out, with what is to happen to each packet", () => {
		const first = slotOf(taken());
		const second = slotOf(taken());
		enqueue(packetAt(second), TO_DEVICE, 12);
		enqueue(packetAt(first), TO_OUTPUT, -1);
		let slot = dequeue();
		expect(slot).toBe(second);
		expect(actionOf(slot)).toBe(TO_DEVICE);
		expect(deviceOf(slot)).toBe(12);
		slot = dequeue();
		expect(slot).toBe(first);
		expect(actionOf(slot)).toBe(TO_OUTPUT);
		expect(dequeue()).toBe(-1);
	});

	it("goes round and round", () => {
		const p = taken();
		let lost = 0;
		for (let i = 0; i < 10000; i++) {
			enqueue(p, TO_DEVICE, i);
			if (dequeue() != slotOf(p) || deviceOf(slotOf(p)) != i) lost++;
		}
		expect(lost).toBe(0);
		expect(dequeue()).toBe(-1);
	});
});

describe("packets that wait", () => {
	beforeEach(() => {
		begin();
	});

	it("are woken when they are due, not before", () => {
		const p = taken();
		p.oif = 4;
		delay(p, 3 * SECOND);
		expect(nextDue()).toBe(3 * SECOND);
		wake(3 * SECOND - 1);
		expect(dequeue()).toBe(-1);
		wake(5 * SECOND);
		expect(dequeue()).toBe(slotOf(p));
		expect(actionOf(slotOf(p))).toBe(TO_NEIGHBOUR_FAILED);
		expect(deviceOf(slotOf(p))).toBe(4);
		expect(p.time).toBe(3 * SECOND);
		expect(nextDue()).toBe(i64.MAX_VALUE);
	});

	it("keep their order, and the others keep waiting", () => {
		const slots: i32[] = [];
		for (let i = 0; i < 4; i++) {
			const p = taken();
			slots.push(slotOf(p));
			delay(p, i == 1 ? 9 * SECOND : SECOND);
		}
		wake(SECOND);
		expect(dequeue()).toBe(slots[0]);
		expect(dequeue()).toBe(slots[2]);
		expect(dequeue()).toBe(slots[3]);
		expect(dequeue()).toBe(-1);
		expect(nextDue()).toBe(9 * SECOND);
	});
});
