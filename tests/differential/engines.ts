// The engines that have to agree, the first being the one that the others are compared with: every rule read in order,
// nothing remembered between packets. A faster way to the same answers is a further row.

import { readFileSync } from "node:fs";
import { Machine, type MachineOptions } from "../../bindings/machine.ts";
import { loadTopology } from "../../js/lab.ts";
import type { Network } from "../../js/net/network.ts";
import type { Table } from "../../js/net/ruleset.ts";
import type { Topology } from "../../js/net/topology.ts";

export interface EngineUnderTest {
	name: string;
	open(topology: Topology, options: MachineOptions): Machine;
}

const module = new WebAssembly.Module(readFileSync(new URL("../../bindings/core.wasm", import.meta.url)));

type Edit = (network: Network) => Network;

function wasm(name: string, own: MachineOptions, edit: Edit = (network) => network): EngineUnderTest {
	return {
		name,
		open: (topology, options) => new Machine(module, edit(loadTopology(topology)), { ...options, ...own }),
	};
}

/** Tables of the same words become one object, which nodes then share. */
function shareTables(network: Network): Network {
	const known = new Map<string, Table>();
	const words = (table: Table) =>
		JSON.stringify(table, (key, value) => (key === "line" ? null : typeof value === "bigint" ? `${value}` : value));
	for (const netns of network.netns) {
		if (netns.ruleset === null) continue;
		const tables = netns.ruleset.tables.map((table) => {
			const same = known.get(words(table)) ?? table;
			known.set(words(same), same);
			return same;
		});
		netns.ruleset = { ...netns.ruleset, tables };
	}
	return network;
}

export const ORACLE: EngineUnderTest = wasm("linear", { index: false });
export const ENGINES: readonly EngineUnderTest[] = [
	wasm("indexed", { index: true }),
	wasm("indexed, tables shared", { index: true }, shareTables),
];
