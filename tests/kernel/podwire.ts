// podwire as a prober of a literal topology, opened from the composition root once that is there.

import { existsSync } from "node:fs";
import type { Prober } from "../../js/net/probe.ts";
import type { Topology } from "../../js/net/topology.ts";

const ROOT = new URL("../../js/cluster.ts", import.meta.url);

/** Whether there is a composition root to open. */
export const hasPodwire = existsSync(ROOT);

export async function openPodwire(topology: Topology): Promise<Prober & AsyncDisposable> {
	const { Cluster } = await import(/* @vite-ignore */ ROOT.href);
	const cluster = await Cluster.fromNodes(topology);
	return {
		probe: (probe) => cluster.probe(probe),
		act: (action) => cluster.act(action),
		async [Symbol.asyncDispose]() {
			cluster.dispose();
		},
	};
}
