// Workers are exact: whatever traffic goes through whatever rules, on several threads everything comes out as on one.

import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { EngineModule } from "../../bindings/core.ts";
import { loadModule } from "../../bindings/node.ts";
import { Threads } from "../../bindings/threads.ts";
import { buildThreads } from "../../scripts/build.mjs";
import { Carrier, traffic } from "./carrier.ts";

// More than a window's first size.
const BATCH = 900;
let module: EngineModule;
let shared: WebAssembly.Module;

beforeAll(async () => {
	module = await loadModule("wasm");
	shared = await WebAssembly.compile(await readFile(await buildThreads()));
}, 240_000);

describe("workers", () => {
	it.each([1, 2, 4])(
		"change nothing that can be seen, %i threads",
		async (jobs) => {
			let repeated = 0;
			let offered = 0;
			await fc.assert(
				fc.asyncProperty(traffic, async (example) => {
					const threads = await Threads.start(shared, jobs);
					try {
						const alone = new Carrier(module, example, BATCH, (engine) => engine.pathCache(1));
						const together = new Carrier(threads, example, BATCH, (engine) => {
							engine.pathCache(1);
							threads.share();
						});
						for (const step of example.steps) expect(together.run(step)).toEqual(alone.run(step));
						expect(together.state()).toEqual(alone.state());
						expect(together.hits).toBe(alone.hits);
						repeated += together.hits;
						offered += together.hits + together.machine.core.engine.cacheMisses();
					} finally {
						await threads.stop();
					}
				}),
				{ numRuns: Number(process.env.PODWIRE_RUNS ?? 150), seed: 7 + jobs },
			);
			// They have had the opportunity.
			expect(repeated / offered).toBeGreaterThan(0.05);
		},
		240_000,
	);
});
