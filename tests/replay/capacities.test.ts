// Tables for a recording's flows: millions of conntrack entries, and never more than a module can address.

import { describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import { loadTopology } from "../../js/lab.ts";
import { capacitiesFor } from "../../js/replay/replay.ts";
import type { Survey } from "../../js/replay/survey.ts";
import { TOPOLOGY } from "./network.ts";

const STRIDES: Record<number, number> = {
	[L.TABLE_FLOW]: L.FLOW_STRIDE,
	[L.TABLE_LINE]: L.LINE_STRIDE,
	[L.TABLE_OPENING]: L.OPENING_STRIDE,
	[L.TABLE_SEQUEL]: L.SEQUEL_STRIDE,
	[L.TABLE_JOURNEY]: L.JOURNEY_STRIDE,
	[L.TABLE_STEP]: 4,
	[L.TABLE_CT]: L.CT_STRIDE + L.CTWINDOW_STRIDE,
	[L.TABLE_TUPLE]: L.TUPLE_STRIDE,
	[L.TABLE_BYSOURCE]: 4,
	[L.TABLE_ADDRESS6]: L.ADDRESS6_STRIDE,
	[L.TABLE_ADDRESS6HASH]: 4,
};

function tables(flows: number, addresses6 = 0): { entries: number; bytes: number } {
	const network = loadTopology(TOPOLOGY);
	const sizes = capacitiesFor({ flows, addresses6, network } as Survey);
	const bytes = Object.entries(sizes).reduce(
		(sum, [table, rows]) => sum + (rows ?? 0) * (STRIDES[Number(table)] ?? 0),
		0,
	);
	expect(Object.keys(sizes).every((table) => Number(table) in STRIDES)).toBe(true);
	return { entries: sizes[L.TABLE_CT] ?? 0, bytes };
}

describe("tables of a replay", () => {
	it("hold an entry a flow and tracking machine, beyond four millions", () => {
		expect(tables(100_000).entries).toBeGreaterThan(100_000 * 3);
		expect(tables(1_600_000).entries).toBeGreaterThan(5_000_000);
	});

	it("are of one size for recordings of about as many flows, and little larger than they have to be", () => {
		const network = loadTopology(TOPOLOGY);
		const flowsOf = (flows: number) =>
			capacitiesFor({ flows, addresses6: 0, network } as Survey)[L.TABLE_FLOW] as number;
		expect(flowsOf(20_050)).toBe(flowsOf(20_000));
		for (const flows of [0, 1, 777, 20_000, 123_456, 5_000_000]) {
			expect(flowsOf(flows)).toBeGreaterThanOrEqual(flows * 1.25 + 1024);
			expect(flowsOf(flows)).toBeLessThanOrEqual((flows * 1.25 + 1025) * (17 / 16));
		}
	});

	it.each([1, 1_000_000, 2_000_000, 4_000_000, 6_000_000])("fit into a module's memory with %i flows", (flows) => {
		const { entries, bytes } = tables(flows, flows === 1 ? 0 : 1 << 20);
		expect(bytes).toBeLessThan(3.5 * 2 ** 30);
		expect(entries).toBeGreaterThanOrEqual(16384);
	});
});
