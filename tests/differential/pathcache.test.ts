// Fast is exact: whatever traffic goes through whatever rules, with the path cache everything comes out as without it:
// flows, rule counters, interface counters, conntrack entries with their deadlines and counters, neighbours, lists.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { EngineModule } from "../../bindings/core.ts";
import { loadModule } from "../../bindings/node.ts";
import { runs } from "../runs.ts";
import { Carrier, type Case, traffic, trafficOpened } from "./carrier.ts";

const BATCH = 200;
let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

/** Shares of the packets offered that were not carried, with TCP windows off and on. */
interface Shares {
	repeated: [off: number, on: number];
	opened: [off: number, on: number];
	followed: [off: number, on: number];
}

function compare(cases: fc.Arbitrary<Case>): Shares {
	const shares: Shares = { repeated: [0, 0], opened: [0, 0], followed: [0, 0] };
	const offered: [number, number] = [0, 0];
	fc.assert(
		fc.property(cases, (example) => {
			const without = new Carrier(module, example, BATCH, (engine) => engine.pathCache(0));
			const cached = new Carrier(module, example, BATCH, (engine) => engine.pathCache(1));
			for (const step of example.steps) expect(cached.run(step)).toEqual(without.run(step));
			expect(cached.state()).toEqual(without.state());
			const { engine } = without.machine.core;
			expect([engine.cacheHits(), engine.openings(), engine.sequels()]).toEqual([0, 0, 0]);
			const windows = example.windows ? 1 : 0;
			offered[windows] += cached.hits + cached.machine.core.engine.cacheMisses();
			shares.repeated[windows] += cached.hits;
			shares.opened[windows] += cached.machine.core.engine.openings();
			shares.followed[windows] += cached.machine.core.engine.sequels();
		}),
		runs(150),
	);
	for (const share of Object.values(shares)) for (const windows of [0, 1]) share[windows] /= offered[windows] as number;
	return shares;
}

describe("the path cache", () => {
	it("changes nothing that can be seen", () => {
		const { repeated, opened } = compare(traffic);
		// It has had the opportunity, with TCP windows off and on.
		for (const share of repeated) expect(share).toBeGreaterThan(0.05);
		for (const share of opened) expect(share).toBeGreaterThan(0.001);
	});

	it("changes nothing of connections that begin alike", () => {
		const { opened, followed } = compare(trafficOpened);
		for (const share of opened) expect(share).toBeGreaterThan(0.01);
		for (const share of followed) expect(share).toBeGreaterThan(0.02);
	});
});
