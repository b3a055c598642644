// Fast is exact: on random rules and packets every engine shows what the slow one shows, event by event and counter by
// counter. A failure prints the seed; `DIFFERENTIAL_SEED=N` runs that scene alone, `DIFFERENTIAL_SCENES=N` more of them.

import { expect, test } from "vitest";
import { ENGINES, ORACLE } from "./engines.ts";
import { run, sceneOf } from "./scene.ts";

const TRACED = 200;
const REPLAYED = 300;
const PACKETS = 100_000;
const SCENES = Number(process.env.DIFFERENTIAL_SCENES ?? PACKETS / (TRACED + REPLAYED));
const SEED = process.env.DIFFERENTIAL_SEED;
const seeds = SEED === undefined ? Array.from({ length: SCENES }, (_, i) => i + 1) : [Number(SEED)];

test(`${ENGINES.map(({ name }) => name).join("; ")}: each shows what ${ORACLE.name} shows`, () => {
	for (const seed of seeds) {
		const scene = sceneOf(seed, TRACED, REPLAYED);
		const expected = run(ORACLE, scene);
		for (const engine of ENGINES) {
			const got = run(engine, scene);
			const of = { engine: engine.name, seed };
			for (const [packet, events] of expected.events.entries()) {
				expect({ ...of, packet, events: got.events[packet] }).toEqual({ ...of, packet, events });
			}
			expect({ ...of, ...got }).toEqual({ ...of, ...expected });
		}
	}
}, 600_000);
