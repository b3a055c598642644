// An endpoint of one Service of 10,000 gets another address, in a cluster of 5,000 nodes: a node's new rules loaded into the engine
// that carries packets, counters of all other rules kept. The clock starts when kube-proxy has written them (its partial
// sync is not in it), and stops when the first node's next packet would find them.

import { Machine } from "../bindings/machine.ts";
import type { Samples } from "./figure.ts";
import { benchModule } from "./module.ts";
import { largeNetwork } from "./scenes/large.ts";

const RUNS = 5;
const NODES = 5000;

/** Milliseconds of each run; each is another node. */
async function samples(): Promise<number[]> {
	const { network, moved } = largeNetwork(NODES);
	const machine = new Machine(await benchModule(), network);
	const times: number[] = [];
	for (let run = 0; run < RUNS; run++) {
		const ruleset = moved(run);
		const started = performance.now();
		machine.loadRuleset(`node:node-${run}`, ruleset);
		times.push(performance.now() - started);
	}
	return times;
}

export const update: Samples = { name: "update-10k", unit: "ms", samples };
