// A capture of more packets than a survey keeps, replayed by two threads that share no memory (one reads it, the other carries) beside
// one that does both in turns. The time is of the whole replay: its first reading is one thread's either way. It takes two idle CPUs.

import { availableParallelism } from "node:os";
import { Cluster, openFlows } from "../js/index.ts";
import type { Samples } from "./figure.ts";
import { recorded } from "./scenes/recorded.ts";
import { twoNodes } from "./scenes/services.ts";

const SERVICES = 100;
const CONNECTIONS = 60_000;
/** Packets of a connection, and answers to it. */
const ROUNDS = 10;
const RUNS = 9;

async function samples(): Promise<number[]> {
	const { path, packets } = recorded(CONNECTIONS, ROUNDS);
	const cluster = await Cluster.fromNodes(twoNodes(SERVICES), { backend: "wasm" });
	const ratios: number[] = [];
	for (let run = -1; run < RUNS; run++) {
		const seconds: number[] = [];
		for (const jobs of [1, 2]) {
			const began = performance.now();
			const report = await cluster.replay(openFlows(path), { jobs, sharedMemory: false });
			seconds.push(performance.now() - began);
			if (report.packets !== packets)
				throw new Error(`${jobs} threads replayed ${report.packets} of ${packets} packets`);
		}
		// The first one is warming up.
		if (run >= 0) ratios.push((seconds[0] as number) / (seconds[1] as number));
	}
	cluster.dispose();
	return ratios;
}

/** How many times faster two threads are. Nothing where there is one CPU. */
export const reader: readonly Samples[] =
	availableParallelism() < 2 ? [] : [{ name: "workers-transferred", unit: "x", samples }];
