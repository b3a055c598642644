// Scene of the conntrack figures: one netns, distinct UDP tuples in a random order, tables that they just fit.

import * as L from "../../assembly/layout.ts";
import { Conntrack } from "../baseline/conntrack.ts";
import { type Loops, open } from "../build.ts";
import { shuffled, words } from "../inputs.ts";
import { podRoutes } from "./pods.ts";

/** Entries of a call into the engine; sizes are multiples of it. */
export const CALL = 1000;
export const UDP = 17;
export const SIZES = { "10k": 10_000, "100k": 100_000, "1m": 1_000_000 };

export interface Tables {
	loops: Loops;
	/** Four words each: src, dst, ports, zone and protocol; also in TABLE_SCRATCH. */
	keys: Uint32Array;
	twin: Conntrack;
}

/** `count` distinct UDP tuples, four words each: src, dst, ports, zone and protocol. */
function tuples(count: number): Uint32Array {
	const next = words(2);
	const order = shuffled(count, 3);
	const keys = new Uint32Array(count * 4);
	for (const [i, n] of order.entries()) keys.set([0x0a400000 + n, 0x0a600000 + (next() & 0xffff), next(), UDP], i * 4);
	return keys;
}

/** Empty tables of both sides. */
export async function tables(count: number): Promise<Tables> {
	const slots = 2 ** Math.ceil(Math.log2(count * 4));
	const capacities = { [L.TABLE_CT]: count, [L.TABLE_TUPLE]: slots, [L.TABLE_SCRATCH]: count * 16 + 4096 };
	const { machine, loops } = await open(podRoutes(1), { capacities });
	machine.core.rows.setU32(machine.core.rows.at(L.TABLE_NETNS, 0) + L.NETNS_CT_MAX, 0);
	const keys = tuples(count);
	new Uint32Array(loops.memory.buffer, loops.table(L.TABLE_SCRATCH), keys.length).set(keys);
	return { loops, keys, twin: new Conntrack(count, slots) };
}

/** Makes entries of keys: sum of the rows taken. */
export function insertTwin(twin: Conntrack, keys: Uint32Array, first: number, count: number): number {
	let sum = 0;
	for (let at = first * 4; at < (first + count) * 4; at += 4) {
		const [src, dst, ports] = [keys[at] as number, keys[at + 1] as number, keys[at + 2] as number];
		const index = twin.allocate(src, dst, ports, UDP);
		twin.setDeadline(index, Number.MAX_VALUE);
		const back = ((ports << 16) | (ports >>> 16)) >>> 0;
		if (twin.find(src, dst, ports, UDP, 0) >= 0 || twin.find(dst, src, back, UDP, 0) >= 0) return 0xffffffff;
		twin.insert(index);
		sum = (sum + index) >>> 0;
	}
	return sum;
}
