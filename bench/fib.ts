// Look-ups in the FIB of one node: 5,000 pod routes, and a million as BGP speakers exchange them; bytes a route.

import * as L from "../assembly/layout.ts";
import { Machine } from "../bindings/machine.ts";
import { loadTopology } from "../js/lab.ts";
import type { Network } from "../js/net/network.ts";
import { Fib } from "./baseline/fib.ts";
import type { Loops } from "./build.ts";
import type { Case, Samples, Subject } from "./figure.ts";
import { words } from "./inputs.ts";
import { benchModule } from "./module.ts";
import { destinations, internet } from "./scenes/internet.ts";
import { podAddress, podRoutes } from "./scenes/pods.ts";

const KEYS = 2 ** 16;
const CALL = 4096;
const PODS = 5000;

async function load(network: Network, routes: number): Promise<Machine> {
	return new Machine(await benchModule(), network, { capacities: { [L.TABLE_SCRATCH]: KEYS * 4 + routes * 32 } });
}

async function prepare(network: Network, routes: number, address: (next: () => number) => number): Promise<Case> {
	const machine = await load(network, routes);
	const loops = machine.core.engine as Loops;
	const netns = machine.netnsRow("node:a");
	const next = words(1);
	const keys = new Uint32Array(loops.memory.buffer, loops.table(L.TABLE_SCRATCH), KEYS);
	for (let i = 0; i < KEYS; i++) keys[i] = address(next);
	const copy = keys.slice();
	const fib = Fib.of(machine, netns);
	let [at, sum, twinAt, twinSum] = [0, 0, 0, 0];
	return {
		perRun: CALL,
		engine: {
			run() {
				sum = (sum + loops.fibLoop(netns, at, CALL)) >>> 0;
				at = (at + CALL) % KEYS;
			},
			checksum: () => sum,
		},
		twin: {
			run() {
				let own = 0;
				for (let i = twinAt; i < twinAt + CALL; i++) own = (own + fib.lookup(copy[i] as number)) >>> 0;
				twinSum = (twinSum + own) >>> 0;
				twinAt = (twinAt + CALL) % KEYS;
			},
			checksum: () => twinSum,
		},
	};
}

async function pods(routes: number): Promise<Case> {
	return prepare(loadTopology(podRoutes(routes)), routes, (next) => podAddress(routes, next()));
}

async function bgp(routes: number): Promise<Case> {
	const network = internet(routes);
	const destination = destinations(network);
	return prepare(network, routes, (next) => destination(next(), next()));
}

/** Of everything that the FIBs of the node's network take, a route of the node. */
async function bytes(): Promise<number[]> {
	const { core } = await load(loadTopology(podRoutes(PODS)), PODS);
	return [(core.engine as Loops).fibBytes() / PODS];
}

export const fibs: readonly Subject[] = [
	{ name: "fib-pods", unit: "M/s", size: PODS, prepare: pods },
	{ name: "fib-bgp", unit: "M/s", size: 1_000_000, prepare: bgp },
];
export const fibBytes: Samples = { name: "fib-bytes", unit: "B", samples: bytes };
