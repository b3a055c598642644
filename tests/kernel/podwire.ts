// podwire as a prober of a literal topology, opened once its machine is there.

import { existsSync } from "node:fs";
import type { Prober } from "../../js/net/probe.ts";
import type { Topology } from "../../js/net/topology.ts";

const MACHINE = new URL("../../js/lab.ts", import.meta.url);
const PROBER = new URL("../../js/wire/prober.ts", import.meta.url);
const MODULE = new URL("../../bindings/node.ts", import.meta.url);

/** Whether there is a machine to open. */
export const hasPodwire = existsSync(MACHINE);

export async function openPodwire(topology: Topology): Promise<Prober & AsyncDisposable> {
	const [{ openMachine }, { Prober }, { loadModule }] = await Promise.all(
		[MACHINE, PROBER, MODULE].map((url) => import(/* @vite-ignore */ url.href)),
	);
	const prober = new Prober(openMachine(await loadModule(), topology));
	return {
		probe: (probe) => prober.step(probe),
		act: (action) => void prober.step(action),
		async [Symbol.asyncDispose]() {},
	};
}
