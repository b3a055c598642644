// Whole path, one thread: packets of established connections through two nodes with DNAT. A packet counts once, though it
// crosses two nodes.

import * as L from "../assembly/layout.ts";
import type { Subject } from "./figure.ts";
import { CALL, carrying, checksum, TIME } from "./scenes/carrying.ts";
import { connections } from "./scenes/services.ts";

function prepare(cached: boolean): Subject["prepare"] {
	return async (count) => {
		const on = await carrying(count, 100);
		const syn = connections(count, 100, on.clients, L.TCP_SYN);
		const ack = connections(count, 100, on.clients, L.TCP_ACK);
		on.loops.pathCache(cached ? 1 : 0);
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
	};
}

const SIZES = { "1m": 1_000_000, "100k": 100_000, "10k": 10_000 };

/** Every packet carried, and every packet that can be repeated repeated. `size`: connections, whole thousands. */
export const established: Subject[] = Object.entries(SIZES).flatMap(([name, size]): Subject[] => [
	{ name: `forward-${name}`, unit: "Mpps", size, prepare: prepare(false) },
	{ name: `forward-cached-${name}`, unit: "Mpps", size, prepare: prepare(true) },
]);
