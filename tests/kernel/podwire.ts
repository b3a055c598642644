// podwire as a prober of a literal topology.

import { loadModule } from "../../bindings/node.ts";
import { openMachine } from "../../js/lab.ts";
import type { Prober as AnyProber } from "../../js/net/probe.ts";
import type { Topology } from "../../js/net/topology.ts";
import { Prober } from "../../js/wire/prober.ts";

/** The engine's own prober, for what only it can do. */
export async function openProber(topology: Topology): Promise<Prober> {
	return new Prober(openMachine(await loadModule(), topology));
}

export async function openPodwire(topology: Topology): Promise<AnyProber> {
	const prober = await openProber(topology);
	return {
		probe: (probe) => prober.step(probe) as NonNullable<ReturnType<Prober["step"]>>,
		act: (action) => void prober.step(action),
	};
}
