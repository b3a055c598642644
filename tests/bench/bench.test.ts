// Every benchmark at a small size: the engine and its twin come to the same checksum. Nothing here looks at a clock.

import { describe, expect, it } from "vitest";
import { SUBJECTS } from "../../bench/host.ts";

/** Sizes that keep a subject's shape. */
const SMALL: Readonly<Record<string, number>> = {
	"fib-pods": 50,
	"rule-walk": 20,
	"rule-scan": 20,
	"dispatch-100": 20,
	"dispatch-10k": 50,
	"new-100": 7,
	"native-fib-pods": 50,
	"native-new-100": 7,
	"new-1k": 30,
	"new-10k": 60,
};
const RUNS = 3;

describe("benchmarks", () => {
	for (const { name, size, prepare } of SUBJECTS) {
		it(`${name} computes what its twin computes`, async () => {
			const { engine, twin, perRun } = await prepare(SMALL[name] ?? Math.min(size, 2000));
			expect(perRun).toBeGreaterThan(0);
			const before = engine.checksum();
			for (let i = 0; i < RUNS; i++) {
				await engine.run();
				await twin?.run();
			}
			expect(engine.checksum()).not.toBe(before);
			if (twin !== null) expect(engine.checksum()).toBe(twin.checksum());
		});
	}
});
