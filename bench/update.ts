// An endpoint of one Service of 10,000 gets another address, in a cluster of 5,000 nodes. The clock starts with the Service's changed
// EndpointSlice, and stops when every node's next packet finds the new rules: kube-proxy's sync on each node, its rules in the
// engine that carries packets, counters of all that no sync touches kept.

import { Machine } from "../bindings/machine.ts";
import type { Samples } from "./figure.ts";
import { benchModule } from "./module.ts";
import { largeNetwork } from "./scenes/large.ts";

/** The first ones run code that has not run before. */
const WARMING = 20;
const RUNS = 100;
const NODES = 5000;

/** Milliseconds of each run; each moves an endpoint of another Service. */
async function samples(): Promise<number[]> {
	const { network, rules, moved } = largeNetwork(NODES);
	const machine = new Machine(await benchModule(), network);
	const times: number[] = [];
	for (let run = 0; run < WARMING + RUNS; run++) {
		const changed = moved(run, run);
		const started = performance.now();
		for (const [before, now] of rules.update(changed)) machine.replaceRuleset(before, now);
		if (run >= WARMING) times.push(performance.now() - started);
	}
	return times;
}

export const update: Samples = { name: "update-10k", unit: "ms", samples };
