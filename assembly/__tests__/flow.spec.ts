// Flows: one row a connection, found by the tuple that its initiator sends.

import { row } from "../arena";
import { addFlow, findFlow, flow, flowCount, flowsReset, isLive } from "../flow";
import * as L from "../layout";
import { A, B, cluster, node, podA, SECOND } from "./network";

const UDP: u8 = <u8>L.PROTO_UDP;

function opened(time: i64 = 0): i32 {
	return addFlow(podA, A, B, 5000, 53, UDP, time);
}

function found(): i32 {
	return findFlow(podA, A, B, 5000, 53, UDP);
}

/** Ties a flow to entry `ct`, which lives until `deadline`. */
function track(index: i32, ct: i32, deadline: i64): usize {
	store<i32>(flow(index), ct, L.FLOW_CT);
	const entry = row(L.TABLE_CT, ct, L.CT_STRIDE);
	store<u16>(entry, <u16>L.IPS_CONFIRMED, L.CT_STATUS);
	store<i32>(entry, index, L.CT_FLOW);
	store<i64>(entry, deadline, L.CT_DEADLINE);
	return entry;
}

describe("a flow", () => {
	beforeEach(() => {
		cluster(0);
		flowsReset();
	});

	it("is found by its whole tuple and its netns", () => {
		const own = opened();
		expect(found()).toBe(own);
		expect(findFlow(node, A, B, 5000, 53, UDP)).toBe(-1);
		expect(findFlow(podA, B, A, 5000, 53, UDP)).toBe(-1);
		expect(findFlow(podA, A, B, 5001, 53, UDP)).toBe(-1);
		expect(findFlow(podA, A, B, 5000, 54, UDP)).toBe(-1);
		expect(findFlow(podA, A, B, 5000, 53, <u8>L.PROTO_TCP)).toBe(-1);
	});

	it("of the same tuple is a row of its own, and the newest is found", () => {
		opened();
		const second = opened(SECOND);
		expect(found()).toBe(second);
		expect(flowCount()).toBe(2);
	});

	it("starts with nothing known but its tuple and time", () => {
		const at = flow(opened(7));
		expect(load<i64>(at, L.FLOW_TIME)).toBe(7);
		expect(load<i32>(at, L.FLOW_SERVER)).toBe(-1);
		expect(load<i32>(at, L.FLOW_CT)).toBe(-1);
		expect(load<u32>(at, L.FLOW_PACKETS)).toBe(0);
		expect(load<u8>(at, L.FLOW_VERDICT)).toBe(<u8>L.VERDICT_NONE);
	});

	it("has no row where the table is full", () => {
		// the table of these specs has 32 rows
		for (let i = 0; i < 32; i++) expect(addFlow(podA, A, B, <u16>i, 53, UDP, 0)).toBe(i);
		expect(opened()).toBe(-1);
		expect(findFlow(podA, A, B, 3, 53, UDP)).toBe(3);
	});
});

describe("a later packet of the same tuple", () => {
	beforeEach(() => {
		cluster(0);
		flowsReset();
	});

	it("belongs to the flow while its entry lives", () => {
		const own = opened();
		track(own, 3, 30 * SECOND);
		expect(isLive(own, 29 * SECOND, false)).toBe(true);
		expect(isLive(own, 29 * SECOND, true)).toBe(true);
		expect(isLive(own, 30 * SECOND, false)).toBe(false);
	});

	it("starts a new one when the entry is another flow's, or gone", () => {
		const own = opened();
		const entry = track(own, 3, 30 * SECOND);
		store<i32>(entry, own + 1, L.CT_FLOW);
		expect(isLive(own, SECOND, false)).toBe(false);
		store<i32>(entry, own, L.CT_FLOW);
		expect(isLive(own, SECOND, false)).toBe(true);
		store<u16>(entry, 0, L.CT_STATUS);
		expect(isLive(own, SECOND, false)).toBe(false);
	});

	it("that nothing tracks starts a new one when it opens a connection, or after two minutes", () => {
		const own = opened();
		expect(isLive(own, SECOND, false)).toBe(true);
		expect(isLive(own, SECOND, true)).toBe(false);
		expect(isLive(own, 119 * SECOND, false)).toBe(true);
		expect(isLive(own, 120 * SECOND, false)).toBe(false);
	});
});
