// The module of `wasm/loops.ts`, compiled where it is older than what it is made of, and an engine made from it.

import { readFile } from "node:fs/promises";
import type { Instance } from "../bindings/core.ts";
import { Machine, type MachineOptions } from "../bindings/machine.ts";
import { loadTopology } from "../js/lab.ts";
import type { Topology } from "../js/net/topology.ts";
import { changed, files, installed, node, ROOT } from "../scripts/run.mjs";

const CONFIG = "bench/wasm/asconfig.json";
const MODULE = "build/bench.wasm";

/** What the module exports beside the product's ABI. */
export interface Loops extends Instance {
	fibLoop(netns: number, first: number, count: number): number;
	walkLoop(hook: number, table: number, count: number): number;
	dispatchLoop(hook: number, table: number, first: number, count: number): number;
	entriesClear(): void;
	insertLoop(first: number, count: number): number;
	findLoop(first: number, count: number): number;
}

let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
	const sources = [...files("assembly"), ...files("bench/wasm")].filter((path) => !path.includes("__tests__"));
	if (Math.max(...sources.map(changed)) > changed(MODULE)) {
		const asc = installed("assemblyscript/bin/asc.js");
		await node("asc (bench)", [
			asc,
			"bench/wasm/loops.ts",
			"--config",
			CONFIG,
			"--target",
			"release",
			"--outFile",
			MODULE,
		]);
	}
	return WebAssembly.compile(await readFile(`${ROOT}/${MODULE}`));
}

/** The benchmarks' module; compiled once a process. */
export function benchModule(): Promise<WebAssembly.Module> {
	compiled ??= compile();
	return compiled;
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
	return machine.counters().packets.reduce((sum, packets) => sum + Number(packets), 0);
}
