// Look-ups in the interval FIB of one node: 5,000 pod routes, uniform addresses.

import * as L from "../assembly/layout.ts";
import { Fib } from "./baseline/fib.ts";
import { open } from "./build.ts";
import type { Case, Subject } from "./figure.ts";
import { words } from "./inputs.ts";
import { podAddress, podRoutes } from "./scenes/pods.ts";

const KEYS = 65536;
const CALL = 4096;

async function prepare(routes: number): Promise<Case> {
	const { machine, loops } = await open(podRoutes(routes), {
		capacities: { [L.TABLE_SCRATCH]: KEYS * 4 + routes * 32 },
	});
	const { rows } = machine.core;
	const netns = machine.netnsRow("node:a");
	const next = words(1);
	const keys = new Uint32Array(rows.view.buffer, loops.table(L.TABLE_SCRATCH), KEYS).fill(0);
	for (let i = 0; i < KEYS; i++) keys[i] = podAddress(routes, next());
	const copy = keys.slice();
	const fib = Fib.of(machine, netns);
	let [at, sum, twinAt, twinSum] = [0, 0, 0, 0];
	return {
		perRun: CALL,
		engine: {
			run() {
				sum = (sum + loops.fibLoop(netns, at, CALL)) >>> 0;
				at = (at + CALL) % KEYS;
			},
			checksum: () => sum,
		},
		twin: {
			run() {
				let own = 0;
				for (let i = twinAt; i < twinAt + CALL; i++) own = (own + fib.lookup(copy[i] as number)) >>> 0;
				twinSum = (twinSum + own) >>> 0;
				twinAt = (twinAt + CALL) % KEYS;
			},
			checksum: () => twinSum,
		},
	};
}

export const fib: Subject = { name: "fib-pods", unit: "M/s", size: 5000, prepare };
