// Whole path, one thread: packets a second through two nodes with DNAT, on established connections and on new ones.
// A packet counts once, though it crosses two nodes. New connections are one SYN each, then all are forgotten
// (`conntrack -F` on both nodes, and the flows), which the time includes.

import * as L from "../assembly/layout.ts";
import type { Machine } from "../bindings/machine.ts";
import { TwoNodes } from "./baseline/forward.ts";
import { hits, type Loops, open } from "./build.ts";
import type { Case, Subject } from "./figure.ts";
import { CLIENTS, connections, START_NS, twoNodes } from "./scenes/services.ts";

const CALL = 1000;
const TIME = Number(START_NS);

interface Scene {
	machine: Machine;
	loops: Loops;
	clients: number[];
	twin: TwoNodes;
	/** Hands rows `first` to `first + CALL` to the engine. */
	offer(rows: Uint8Array, first: number): void;
}

async function scene(count: number, services: number): Promise<Scene> {
	const power = (least: number) => 2 ** Math.ceil(Math.log2(least));
	const entries = count * 2 + 64; // the last rows that died are not taken again at once
	const { machine, loops } = await open(twoNodes(services), {
		capacities: {
			[L.TABLE_CT]: entries,
			[L.TABLE_TUPLE]: power(entries * 4),
			[L.TABLE_BYSOURCE]: power(count),
			[L.TABLE_FLOW]: count,
			[L.TABLE_FLOWHASH]: power(count),
			[L.TABLE_BATCH]: CALL,
		},
	});
	const clients = Array.from({ length: CLIENTS }, (_, i) => machine.netnsRow(`pod:bench/client-${i}`));
	const bytes = CALL * L.BATCH_STRIDE;
	const batch = new Uint8Array(loops.memory.buffer, loops.table(L.TABLE_BATCH), bytes);
	const offer = (rows: Uint8Array, first: number) => {
		batch.set(rows.subarray(first * L.BATCH_STRIDE, first * L.BATCH_STRIDE + bytes));
		loops.offer(CALL);
	};
	return { machine, loops, clients, twin: new TwoNodes(machine, count), offer };
}

/** As the twin's checksum. */
function checksum({ machine, loops }: Scene): number {
	const { view } = machine.core.rows;
	let sum = hits(machine);
	for (let i = 0; i < loops.flowCount(); i++) {
		const at = loops.table(L.TABLE_FLOW) + i * L.FLOW_STRIDE;
		sum += view.getUint32(at + L.FLOW_SEEN_DST, true) + view.getUint32(at + L.FLOW_PACKETS, true);
	}
	return sum;
}

async function prepareEstablished(count: number): Promise<Case> {
	const on = await scene(count, 100);
	const syn = connections(count, 100, on.clients, L.TCP_SYN);
	const ack = connections(count, 100, on.clients, L.TCP_ACK);
	on.loops.replayMode(L.REPLIES_MIRROR);
	for (const rows of [syn, ack]) {
		const words = new Uint32Array(rows.buffer);
		for (let i = 0; i < count; i += CALL) on.offer(rows, i);
		for (let i = 0; i < count; i += CALL) on.twin.offer(words, i, CALL, TIME, true);
	}
	on.loops.replayMode(L.REPLIES_NONE);
	const words = new Uint32Array(ack.buffer);
	let [at, twinAt] = [0, 0];
	return {
		perRun: CALL,
		engine: {
			run() {
				on.offer(ack, at);
				at = (at + CALL) % count;
			},
			checksum: () => checksum(on),
		},
		twin: {
			run() {
				on.twin.offer(words, twinAt, CALL, TIME, false);
				twinAt = (twinAt + CALL) % count;
			},
			checksum: () => on.twin.checksum(),
		},
	};
}

async function prepareNew(services: number): Promise<Case> {
	const on = await scene(CALL, services);
	const syn = connections(CALL, services, on.clients, L.TCP_SYN);
	const words = new Uint32Array(syn.buffer);
	const nodes = ["node:a", "node:b"].map((name) => on.machine.netnsRow(name));
	on.loops.replayMode(L.REPLIES_NONE);
	return {
		perRun: CALL,
		engine: {
			run() {
				for (const node of nodes) on.loops.conntrackFlush(node, START_NS);
				on.loops.flowsReset();
				on.offer(syn, 0);
			},
			checksum: () => checksum(on),
		},
		twin: {
			run() {
				on.twin.clear();
				on.twin.offer(words, 0, CALL, TIME, false);
			},
			checksum: () => on.twin.checksum(),
		},
	};
}

/** `size`: connections, whole thousands. */
export const established: Subject[] = [
	{ name: "forward-1m", unit: "Mpps", size: 1_000_000, prepare: prepareEstablished },
	{ name: "forward-100k", unit: "Mpps", size: 100_000, prepare: prepareEstablished },
	{ name: "forward-10k", unit: "Mpps", size: 10_000, prepare: prepareEstablished },
];

/** `size`: Services. */
export const opened: Subject[] = [{ name: "new-100", unit: "M/s", size: 100, prepare: prepareNew }];
