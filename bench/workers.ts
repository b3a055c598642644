// An engine on two threads beside the same on one: packets of a million established connections that the path cache repeats,
// handed over as a replay does (`bindings/batch`), which writes the next batch while threads are at one. It takes two idle CPUs.

import { availableParallelism } from "node:os";
import * as L from "../assembly/layout.ts";
import type { EngineModule } from "../bindings/core.ts";
import { Machine } from "../bindings/machine.ts";
import { loadModule, startThreads } from "../bindings/node.ts";
import type { Threads } from "../bindings/threads.ts";
import { loadTopology } from "../js/lab.ts";
import type { Samples } from "./figure.ts";
import { CLIENTS, connections, twoNodes } from "./scenes/services.ts";

const COUNT = 1_000_000;
const SERVICES = 100;
const ROUNDS = 15;
/** Rows that one thread is handed at once. */
const CALL = 4096;
const POWER = 2 ** 21;
const CAPACITIES = {
	[L.TABLE_CT]: COUNT * 2 + 64,
	[L.TABLE_TUPLE]: POWER * 4,
	[L.TABLE_BYSOURCE]: POWER,
	[L.TABLE_FLOW]: COUNT,
	[L.TABLE_LINE]: POWER,
	[L.TABLE_OPENING]: 65_536,
	[L.TABLE_BATCH]: CALL,
};

/** An engine with the connections in it, and a packet of each offered. */
function side(module: EngineModule, threads: Threads | null) {
	const machine = new Machine(module, loadTopology(twoNodes(SERVICES)), { capacities: CAPACITIES });
	const { core } = machine;
	const { engine } = core;
	const clients = Array.from({ length: CLIENTS }, (_, i) => machine.netnsRow(`pod:bench/client-${i}`));
	const size = threads?.rows ?? CALL;
	const offer = (rows: Uint8Array) => {
		let at = 0;
		for (let first = 0; first < COUNT; first += size) {
			const part = rows.subarray(first * L.BATCH_STRIDE, Math.min(COUNT, first + size) * L.BATCH_STRIDE);
			new Uint8Array(engine.memory.buffer, core.batch(at), part.length).set(part);
			if (threads === null) engine.offer(part.length / L.BATCH_STRIDE);
			else {
				if (first > 0) threads.offered();
				threads.offerBegin(at, part.length / L.BATCH_STRIDE);
				at = size - at;
			}
		}
		threads?.offered();
	};
	engine.replayMode(L.REPLIES_MIRROR);
	offer(connections(COUNT, SERVICES, clients, L.TCP_SYN));
	const rows = connections(COUNT, SERVICES, clients, L.TCP_ACK);
	offer(rows);
	engine.replayMode(L.REPLIES_NONE);
	for (let i = 0; i < 3; i++) offer(rows);
	return { run: () => offer(rows), hits: () => engine.cacheHits() };
}

async function samples(): Promise<number[]> {
	const threads = await startThreads(2);
	const [one, two] = [side(await loadModule("wasm"), null), side(threads, threads)];
	const ratios: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const seconds = [one, two].map(({ run }) => {
			const began = performance.now();
			run();
			return performance.now() - began;
		}) as [number, number];
		ratios.push(seconds[0] / seconds[1]);
	}
	await threads.stop();
	if (one.hits() !== two.hits()) throw new Error(`workers-2: ${two.hits()} hits on two threads, ${one.hits()} on one`);
	return ratios;
}

/** How many times faster two threads are. Nothing where there is one CPU. */
export const workers: readonly Samples[] =
	availableParallelism() < 2 ? [] : [{ name: "workers-2", unit: "x", samples }];
