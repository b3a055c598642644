// The scene of two nodes in an engine and in its twin, with tables for as many connections as are asked for.

import * as L from "../../assembly/layout.ts";
import type { Instance } from "../../bindings/core.ts";
import type { Machine } from "../../bindings/machine.ts";
import { TwoNodes } from "../baseline/forward.ts";
import { hits, type Loops, open } from "../build.ts";
import type { Contender } from "../figure.ts";
import { CLIENTS, START_NS, twoNodes } from "./services.ts";

/** Packets of a call into the engine; sizes are multiples of it. */
export const CALL = 1000;
/** Of every packet, ns. */
export const TIME = Number(START_NS);

export interface Carrying {
	machine: Machine;
	loops: Loops;
	clients: number[];
	twin: TwoNodes;
	/** Hands rows `first` to `first + CALL` to the engine. */
	offer(rows: Uint8Array, first: number): void;
}

/** `windows`: TCP windows are tracked, which the twin does not do. */
export async function carrying(count: number, services: number, windows = false): Promise<Carrying> {
	const power = (least: number) => 2 ** Math.ceil(Math.log2(least));
	const entries = count * 2 + 64; // the last rows that died are not taken again at once
	const { machine, loops } = await open(twoNodes(services), {
		windows,
		capacities: {
			[L.TABLE_CT]: entries,
			[L.TABLE_TUPLE]: power(entries * 4),
			[L.TABLE_BYSOURCE]: power(count),
			[L.TABLE_FLOW]: count,
			[L.TABLE_LINE]: power(count * 2),
			[L.TABLE_OPENING]: Math.min(65_536, power(count * 1.25 + 1024)),
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
export function checksum({ machine, loops }: { machine: Machine; loops: Instance }): number {
	const { view } = machine.core.rows;
	loops.settleAll();
	let sum = hits(machine);
	for (let i = 0; i < loops.flowCount(); i++) {
		const at = loops.table(L.TABLE_FLOW) + i * L.FLOW_STRIDE;
		sum += view.getUint32(at + L.FLOW_SEEN_DST, true) + view.getUint32(at + L.FLOW_PACKETS, true);
	}
	return sum;
}

/** CALL connections a run, round and round. */
export function laps(count: number, run: (at: number) => void, sum: () => number): Contender {
	let at = 0;
	return {
		run() {
			run(at);
			at = (at + CALL) % count;
		},
		checksum: sum,
	};
}
