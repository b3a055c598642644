// Whole path, one thread: packets of established connections through two nodes with DNAT. A packet counts once, though it
// crosses two nodes.

import * as L from "../assembly/layout.ts";
import type { Case, Subject } from "./figure.ts";
import { CALL, carrying, checksum, TIME } from "./scenes/carrying.ts";
import { connections } from "./scenes/services.ts";

async function prepare(count: number): Promise<Case> {
	const on = await carrying(count, 100);
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

/** `size`: connections, whole thousands. */
export const established: Subject[] = [
	{ name: "forward-1m", unit: "Mpps", size: 1_000_000, prepare: prepare },
	{ name: "forward-100k", unit: "Mpps", size: 100_000, prepare: prepare },
	{ name: "forward-10k", unit: "Mpps", size: 10_000, prepare: prepare },
];
