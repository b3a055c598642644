// The engines that have to agree, the first being the one that the others are compared with: every rule read in order,
// nothing remembered between packets. A faster way to the same answers is a further row.

import { readFileSync } from "node:fs";
import { Machine, type MachineOptions } from "../../bindings/machine.ts";
import { loadTopology } from "../../js/lab.ts";
import type { Topology } from "../../js/net/topology.ts";

export interface EngineUnderTest {
	name: string;
	open(topology: Topology, options: MachineOptions): Machine;
}

const module = new WebAssembly.Module(readFileSync(new URL("../../bindings/core.wasm", import.meta.url)));

function wasm(name: string, own: MachineOptions): EngineUnderTest {
	return { name, open: (topology, options) => new Machine(module, loadTopology(topology), { ...options, ...own }) };
}

export const ORACLE: EngineUnderTest = wasm("linear", { index: false });
export const ENGINES: readonly EngineUnderTest[] = [wasm("indexed", { index: true })];
