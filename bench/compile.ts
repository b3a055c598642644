// A cluster's network loaded into a fresh engine: rows written, chains and FIBs compiled, ready for its first packet. What makes
// the network from API objects is not in it: kube-proxy's rules and the topology are there, one set of rules for all nodes.

import { Machine } from "../bindings/machine.ts";
import type { Samples } from "./figure.ts";
import { benchModule } from "./module.ts";
import { largeNetwork } from "./scenes/large.ts";

const RUNS = 5;

/** Seconds of each run; the last engine stays for `memory`. */
async function compiled(nodes: number): Promise<{ seconds: number[]; bytes: number }> {
	const module = await benchModule();
	const { network } = largeNetwork(nodes);
	const seconds: number[] = [];
	let bytes = 0;
	for (let run = 0; run < RUNS; run++) {
		globalThis.gc?.();
		const started = performance.now();
		const machine = new Machine(module, network);
		seconds.push((performance.now() - started) / 1000);
		bytes = machine.core.engine.memory.buffer.byteLength;
	}
	return { seconds, bytes };
}

const MIB = 2 ** 20;
const NODES = { "compile-50": 50, "compile-500": 500, "compile-5k": 5000 };

export const compile: Samples[] = [
	...Object.entries(NODES).map(
		([name, nodes]): Samples => ({
			name,
			unit: name === "compile-5k" ? "s" : "ms",
			samples: async () => (await compiled(nodes)).seconds.map((s) => (name === "compile-5k" ? s : s * 1000)),
		}),
	),
	{
		name: "memory-5k",
		unit: "MiB",
		samples: async () => {
			const machine = new Machine(await benchModule(), largeNetwork(5000).network);
			return [machine.core.engine.memory.buffer.byteLength / MIB];
		},
	},
];
