// Conntrack: a live entry found by its tuple, by table size.

import * as L from "../assembly/layout.ts";
import type { Conntrack } from "./baseline/conntrack.ts";
import type { Case, Subject } from "./figure.ts";
import { shuffled } from "./inputs.ts";
import { CALL, insertTwin, SIZES, tables, UDP } from "./scenes/tuples.ts";

async function prepare(count: number): Promise<Case> {
	const { loops, keys, twin } = await tables(count);
	loops.entriesClear();
	for (let i = 0; i < count; i += CALL) if (loops.insertLoop(i, CALL) === -1) throw new Error("a tuple came twice");
	for (let i = 0; i < count; i += CALL) insertTwin(twin, keys, i, CALL);
	// Asked in another order than they were made in: the next entry is nowhere near.
	const asked = new Uint32Array(keys.length);
	for (const [i, n] of shuffled(count, 4).entries()) asked.set(keys.subarray(n * 4, n * 4 + 4), i * 4);
	new Uint32Array(loops.memory.buffer, loops.table(L.TABLE_SCRATCH), asked.length).set(asked);
	let [at, sum, twinAt, twinSum] = [0, 0, 0, 0];
	return {
		perRun: CALL,
		engine: {
			run() {
				sum = (sum + loops.findLoop(at, CALL)) >>> 0;
				at = (at + CALL) % count;
			},
			checksum: () => sum,
		},
		twin: {
			run() {
				twinSum = (twinSum + findTwin(twin, asked, twinAt, CALL)) >>> 0;
				twinAt = (twinAt + CALL) % count;
			},
			checksum: () => twinSum,
		},
	};
}

function findTwin(twin: Conntrack, keys: Uint32Array, first: number, count: number): number {
	let sum = 0;
	for (let at = first * 4; at < (first + count) * 4; at += 4) {
		const found = twin.find(keys[at] as number, keys[at + 1] as number, keys[at + 2] as number, UDP, 1);
		sum = (sum + found) >>> 0;
	}
	return sum;
}

/** `size`: entries, whole thousands. */
export const lookups: Subject[] = Object.entries(SIZES).map(([name, size]) => ({
	name: `conntrack-lookup-${name}`,
	unit: "M/s",
	size,
	prepare,
}));
