// An engine of the benchmarks' module: the product's, with loops over its inner functions.

import type { Instance } from "../bindings/core.ts";
import { Machine, type MachineOptions } from "../bindings/machine.ts";
import { loadTopology } from "../js/lab.ts";
import type { Topology } from "../js/net/topology.ts";
import { benchModule } from "./module.ts";

/** What the module exports beside the product's ABI. */
export interface Loops extends Instance {
	fibLoop(netns: number, first: number, count: number): number;
	walkLoop(hook: number, table: number, count: number): number;
	dispatchLoop(hook: number, table: number, first: number, count: number): number;
	entriesClear(): void;
	insertLoop(first: number, count: number): number;
	findLoop(first: number, count: number): number;
}

/** An engine of the benchmarks' module with a topology in it. */
export async function open(
	topology: Topology,
	options: MachineOptions = {},
): Promise<{ machine: Machine; loops: Loops }> {
	const machine = new Machine(await benchModule(), loadTopology(topology), options);
	return { machine, loops: machine.core.engine as Loops };
}

/** Packets counted by rules, rule by rule, added up. */
export function hits(machine: Machine): number {
	let sum = 0;
	for (const counters of machine.counters().values())
		for (const { packets } of counters.values()) sum += Number(packets);
	return sum;
}
