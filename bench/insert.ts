// Conntrack: entries made, both tuples hashed, clashes looked for, by table size. A run begins with clearing the table,
// which its time includes.

import type { Case, Subject } from "./figure.ts";
import { CALL, insertTwin, SIZES, tables } from "./scenes/tuples.ts";

async function prepare(count: number): Promise<Case> {
	const { loops, keys, twin } = await tables(count);
	let [sum, twinSum] = [0, 0];
	return {
		perRun: count,
		engine: {
			run() {
				loops.entriesClear();
				for (let i = 0; i < count; i += CALL) sum = (sum + loops.insertLoop(i, CALL)) >>> 0;
			},
			checksum: () => sum,
		},
		twin: {
			run() {
				twin.clear();
				for (let i = 0; i < count; i += CALL) twinSum = (twinSum + insertTwin(twin, keys, i, CALL)) >>> 0;
			},
			checksum: () => twinSum,
		},
	};
}

/** `size`: entries, whole thousands. */
export const insertions: Subject[] = Object.entries(SIZES).map(([name, size]) => ({
	name: `conntrack-insert-${name}`,
	unit: "M/s",
	size,
	prepare,
}));
