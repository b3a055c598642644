// An engine that is emptied is a fresh one, byte for byte, its variables too: after any traffic, and what is carried then comes out as
// in a fresh one. Engines that read recordings are held to the same in tests/flows/emptied.test.ts.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import type { EngineModule } from "../../bindings/core.ts";
import { imageOf } from "../../bindings/image.ts";
import type { Machine } from "../../bindings/machine.ts";
import { loadModule } from "../../bindings/node.ts";
import { runs } from "../runs.ts";
import { Carrier, type Case, machineOf, traffic, trafficOpened } from "./carrier.ts";

const BATCH = 200;
let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

/** Memory and variables. The latter are written over the row that packets come in by, which is zeroed again. */
function imageOfMachine({ core }: Machine): Buffer {
	const image = Buffer.from(imageOf(core.engine).slice());
	const bytes = core.engine.capacity(L.TABLE_PACKETIN) * L.PACKET_STRIDE;
	new Uint8Array(core.engine.memory.buffer, core.packetIn(0), bytes).fill(0);
	return image;
}

function emptied(cases: fc.Arbitrary<Case>): void {
	const steady = cases.map((example) => ({
		...example,
		steps: example.steps.filter(({ kind }) => kind !== "reload"),
	}));
	fc.assert(
		fc.property(steady, (example) => {
			const machine = machineOf(module, example);
			const fresh = imageOfMachine(machine);
			machine.remember();
			expect(imageOfMachine(machine).equals(fresh)).toBe(true);
			const first = new Carrier(module, example, BATCH, (engine) => engine.pathCache(1), machine);
			const said = example.steps.map((step) => first.run(step));
			const state = first.state();
			if (example.steps.some(({ kind }) => kind === "packets"))
				expect(imageOfMachine(machine).equals(fresh)).toBe(false);
			expect(machine.empty()).toBe(true);
			expect(imageOfMachine(machine).equals(fresh)).toBe(true);
			const second = new Carrier(module, example, BATCH, (engine) => engine.pathCache(1), machine);
			expect(example.steps.map((step) => second.run(step))).toEqual(said);
			expect(second.state()).toEqual(state);
		}),
		runs(60),
	);
}

describe("an emptied engine", () => {
	it("is a fresh one, after any traffic", () => emptied(traffic));

	it("is a fresh one, after connections that begin alike", () => emptied(trafficOpened));

	it("is none where its network has changed, or nothing was remembered", () => {
		fc.assert(
			fc.property(traffic, (example) => {
				const machine = machineOf(module, example);
				expect(machine.empty()).toBe(false);
				machine.remember();
				const reload = example.steps.find(({ kind }) => kind === "reload");
				if (reload === undefined) machine.silence("node:n1");
				else new Carrier(module, example, BATCH, () => undefined, machine).run(reload);
				const image = imageOfMachine(machine);
				expect(machine.empty()).toBe(false);
				expect(imageOfMachine(machine).equals(image)).toBe(true);
			}),
			runs(20),
		);
	});
});
