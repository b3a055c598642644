// Whole path, one thread: new connections, one SYN each through two nodes. Then all are forgotten (`conntrack -F` on both
// nodes, and the flows), which the time includes.

import * as L from "../assembly/layout.ts";
import type { Case, Subject } from "./figure.ts";
import { CALL, carrying, checksum, TIME } from "./scenes/carrying.ts";
import { connections, START_NS } from "./scenes/services.ts";

async function prepare(services: number): Promise<Case> {
	const on = await carrying(CALL, services);
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

/** `size`: Services. */
export const opened: Subject[] = Object.entries({ "100": 100, "1k": 1000, "10k": 10_000 }).map(([name, size]) => ({
	name: `new-${name}`,
	unit: "M/s",
	size,
	prepare,
}));
