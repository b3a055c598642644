// Neighbours: who answers an ARP request, what bridges and the asked one learn from it, and how an entry ages.

import { capacity, row } from "../arena";
import { device } from "../device";
import { portOf } from "../fdb";
import * as L from "../layout";
import { headerCached, MAC_NONE, resolve } from "../neighbour";
import {
	A,
	add,
	assign,
	B,
	begin,
	BRIDGE,
	cbr0,
	cluster,
	enslave,
	ip,
	join,
	NODE,
	podA,
	podB,
	portA,
	ready,
	SECOND,
	stack,
} from "./network";

/** NUD_ state of an entry; 0: none. */
function stateOf(dev: i32, address: u32): u32 {
	for (let i = 0; i < <i32>capacity(L.TABLE_NEIGH); i++) {
		const at = row(L.TABLE_NEIGH, i, L.NEIGH_STRIDE);
		if (load<i32>(at, L.NEIGH_DEVICE) == dev && load<u32>(at, L.NEIGH_IP) == address)
			return load<u32>(at, L.NEIGH_STATE);
	}
	return 0;
}

function peer(dev: i32): i32 {
	return load<i32>(device(dev), L.DEVICE_PEER);
}

/** The only veth of a pod: its second device, after lo. */
function eth0(pod: i32): i32 {
	return pod * 8 + 1;
}

describe("an ARP request on a bridge", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("is answered by the pod that has the address", () => {
		expect(resolve(eth0(podA), B, 0)).toBe(eth0(podB));
		expect(resolve(eth0(podA), BRIDGE, 0)).toBe(cbr0);
		expect(resolve(cbr0, A, 0)).toBe(eth0(podA));
	});

	it("is answered by a stack for the addresses of all its devices (arp_ignore 0), never for loopback", () => {
		expect(resolve(eth0(podA), NODE, 0)).toBe(cbr0);
		expect(resolve(eth0(podA), ip(127, 0, 0, 1), 0)).toBe(MAC_NONE);
	});

	it("teaches the bridge both ports", () => {
		resolve(eth0(podA), B, 0);
		expect(portOf(cbr0, eth0(podA))).toBe(portA);
		expect(portOf(cbr0, eth0(podB))).toBe(peer(eth0(podB)));
	});

	it("without an answer fails, and the next use asks again", () => {
		const third = ip(10, 244, 1, 4);
		expect(resolve(eth0(podA), third, 0)).toBe(MAC_NONE);
		expect(stateOf(eth0(podA), third)).toBe(L.NUD_FAILED);
		assign(eth0(podB), third, 24);
		ready();
		expect(resolve(eth0(podA), third, SECOND)).toBe(eth0(podB));
		expect(stateOf(eth0(podA), third)).toBe(L.NUD_REACHABLE);
	});
});

describe("an ARP request across two bridges", () => {
	it("reaches the far pod, and both bridges learn the way back", () => {
		begin();
		const near = stack(0);
		const far = stack(0);
		const left = stack(0);
		const right = stack(0);
		const bridgeLeft = add(left, L.DEVICE_KIND_BRIDGE);
		const bridgeRight = add(right, L.DEVICE_KIND_BRIDGE);
		const a = join(near, left);
		const trunk = join(left, right);
		const b = join(far, right);
		enslave(peer(a), bridgeLeft);
		enslave(trunk, bridgeLeft);
		enslave(peer(trunk), bridgeRight);
		enslave(peer(b), bridgeRight);
		assign(a, A, 24);
		assign(b, B, 24);
		ready();
		expect(resolve(a, B, 0)).toBe(b);
		expect(portOf(bridgeLeft, a)).toBe(peer(a));
		expect(portOf(bridgeLeft, b)).toBe(trunk);
		expect(portOf(bridgeRight, a)).toBe(peer(trunk));
		expect(portOf(bridgeRight, b)).toBe(peer(b));
	});
});

describe("a neighbour's age", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("starts REACHABLE at the asker and STALE at the asked", () => {
		resolve(eth0(podA), B, 0);
		expect(stateOf(eth0(podA), B)).toBe(L.NUD_REACHABLE);
		expect(stateOf(eth0(podB), A)).toBe(L.NUD_STALE);
	});

	it("goes from STALE to DELAY on use, and to REACHABLE after five seconds", () => {
		resolve(eth0(podA), B, 0);
		expect(resolve(eth0(podB), A, 0)).toBe(eth0(podA));
		expect(stateOf(eth0(podB), A)).toBe(L.NUD_DELAY);
		resolve(eth0(podB), A, 4 * SECOND);
		expect(stateOf(eth0(podB), A)).toBe(L.NUD_DELAY);
		resolve(eth0(podB), A, 6 * SECOND);
		expect(stateOf(eth0(podB), A)).toBe(L.NUD_REACHABLE);
	});

	it("goes from REACHABLE to DELAY when it was not confirmed for thirty seconds", () => {
		resolve(eth0(podA), B, 0);
		resolve(eth0(podA), B, 29 * SECOND);
		expect(stateOf(eth0(podA), B)).toBe(L.NUD_REACHABLE);
		resolve(eth0(podA), B, 31 * SECOND);
		expect(stateOf(eth0(podA), B)).toBe(L.NUD_DELAY);
	});

	it("has a cached header from its second use on, while it is REACHABLE", () => {
		resolve(eth0(podA), B, 0);
		expect(headerCached(eth0(podA), B)).toBe(false);
		expect(headerCached(eth0(podA), B)).toBe(true);
		resolve(eth0(podB), A, 0);
		expect(headerCached(eth0(podB), A)).toBe(false);
		expect(headerCached(eth0(podB), A)).toBe(false);
		resolve(eth0(podB), A, 6 * SECOND);
		expect(headerCached(eth0(podB), A)).toBe(true);
	});
});
