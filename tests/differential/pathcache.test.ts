// Fast is exact: whatever traffic goes through whatever rules, with the path cache everything comes out as without it:
// flows, rule counters, interface counters, conntrack entries with their deadlines and counters, neighbours, lists.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { EngineModule } from "../../bindings/core.ts";
import { loadModule } from "../../bindings/node.ts";
import { Carrier, traffic } from "./carrier.ts";

const BATCH = 200;
let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

describe("the path cache", () => {
	it("changes nothing that can be seen", () => {
		const repeated: [number, number] = [0, 0];
		const offered: [number, number] = [0, 0];
		let opened = 0;
		fc.assert(
			fc.property(traffic, (example) => {
				const without = new Carrier(module, example, BATCH, (engine) => engine.pathCache(0));
				const cached = new Carrier(module, example, BATCH, (engine) => engine.pathCache(1));
				for (const step of example.steps) expect(cached.run(step)).toEqual(without.run(step));
				expect(cached.state()).toEqual(without.state());
				expect(without.hits).toBe(0);
				const windows = example.windows ? 1 : 0;
				repeated[windows] += cached.hits;
				offered[windows] += cached.hits + cached.machine.core.engine.cacheMisses();
				opened += cached.machine.core.engine.openings();
			}),
			{ numRuns: Number(process.env.PODWIRE_RUNS ?? 150), seed: 7 },
		);
		// It has had the opportunity, with TCP windows off and on.
		for (const windows of [0, 1] as const) expect(repeated[windows] / offered[windows]).toBeGreaterThan(0.05);
		expect(opened / (offered[0] + offered[1])).toBeGreaterThan(0.002);
	}, 120_000);
});
