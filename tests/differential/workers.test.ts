// Workers are exact: whatever traffic goes through whatever rules, on several threads everything comes out as on one.

import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { EngineModule } from "../../bindings/core.ts";
import { Machine } from "../../bindings/machine.ts";
import { loadModule } from "../../bindings/node.ts";
import { startThread } from "../../bindings/nodethread.ts";
import { Threads } from "../../bindings/threads.ts";
import { loadTopology } from "../../js/lab.ts";
import { runs } from "../runs.ts";
import { Carrier, type Case, traffic, trafficCrossing } from "./carrier.ts";

// More than a window's first size.
const BATCH = 900;
let module: EngineModule;
let shared: WebAssembly.Module;

beforeAll(async () => {
	module = await loadModule("wasm");
	shared = await WebAssembly.compile(await readFile("bindings/core.threads.wasm"));
});

/** One thread against `jobs`, with every example. Returns how many packets hit the path cache, how many did not, how many of the first were undone. */
async function compared(jobs: number, examples: fc.Arbitrary<Case>, inGate: number): Promise<[number, number, number]> {
	let [hits, misses, undone] = [0, 0, 0];
	await fc.assert(
		fc.asyncProperty(examples, async (example) => {
			const threads = await Threads.start(shared, jobs, startThread);
			try {
				const [alone, together] = [module, threads].map(
					(engine) => new Carrier(engine, example, BATCH, ({ pathCache }) => pathCache(1)),
				) as [Carrier, Carrier];
				for (const step of example.steps) expect(together.run(step)).toEqual(alone.run(step));
				expect(together.state()).toEqual(alone.state());
				expect(together.hits).toBe(alone.hits);
				hits += together.hits;
				misses += together.machine.core.engine.cacheMisses();
				undone += threads.undone;
			} finally {
				await threads.stop();
			}
		}),
		runs(inGate, jobs),
	);
	return [hits, misses, undone];
}

describe("workers", () => {
	it.each([1, 2, 4])("change nothing that can be seen, %i threads", async (jobs) => {
		const [hits, misses] = await compared(jobs, traffic, 40);
		// They have had the opportunity.
		expect(hits / (hits + misses)).toBeGreaterThan(0.03);
	});

	it.each([1, 2, 4])("take back what was counted before its turn, %i threads", async (jobs) => {
		const [, , undone] = await compared(jobs, trafficCrossing, 30);
		expect(undone).toBeGreaterThan(0);
	});

	it("say so when one of them dies", async () => {
		const threads = await Threads.start(shared, 2, async (data) => {
			const { exports } = new WebAssembly.Instance(data.module, { env: { memory: data.memory } });
			const { shardFault } = exports as { shardFault(): number };
			const text = new TextEncoder().encode("RuntimeError: unreachable");
			new Uint8Array(data.memory.buffer, shardFault() + 4).set(text);
			Atomics.store(new Int32Array(data.memory.buffer), shardFault() >> 2, text.length);
			return { end: () => undefined };
		});
		const { engine } = new Machine(
			threads,
			loadTopology({ nodes: [], pods: [], hosts: [], router: {}, fabric: { kind: "routed" } }),
		).core;
		expect(() => engine.offer(1000)).toThrow(/worker of the engine has ended: RuntimeError: unreachable/);
	});
});
