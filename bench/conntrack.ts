// Conntrack: a live entry found by its tuple, and entries made (both tuples hashed, clashes looked for), by table size.
// A run of insertions begins with clearing the table, which its time includes.

import * as L from "../assembly/layout.ts";
import { Conntrack } from "./baseline/conntrack.ts";
import { type Loops, open } from "./build.ts";
import type { Case, Subject } from "./figure.ts";
import { shuffled, words } from "./inputs.ts";
import { podRoutes } from "./scenes/pods.ts";

const CALL = 1000;
const UDP = 17;

/** `count` distinct UDP tuples, four words each: src, dst, ports, zone and protocol. */
function tuples(count: number): Uint32Array {
	const next = words(2);
	const order = shuffled(count, 3);
	const keys = new Uint32Array(count * 4);
	for (const [i, n] of order.entries()) keys.set([0x0a400000 + n, 0x0a600000 + (next() & 0xffff), next(), UDP], i * 4);
	return keys;
}

async function tables(count: number): Promise<{ loops: Loops; keys: Uint32Array; twin: Conntrack }> {
	const slots = 2 ** Math.ceil(Math.log2(count * 4));
	const capacities = { [L.TABLE_CT]: count, [L.TABLE_TUPLE]: slots, [L.TABLE_SCRATCH]: count * 16 + 4096 };
	const { machine, loops } = await open(podRoutes(1), { capacities });
	machine.core.rows.setU32(machine.core.rows.at(L.TABLE_NETNS, 0) + L.NETNS_CT_MAX, 0);
	const keys = tuples(count);
	new Uint32Array(loops.memory.buffer, loops.table(L.TABLE_SCRATCH), keys.length).set(keys);
	return { loops, keys, twin: new Conntrack(count, slots) };
}

async function prepareInsert(count: number): Promise<Case> {
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

function insertTwin(twin: Conntrack, keys: Uint32Array, first: number, count: number): number {
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

async function prepareLookup(count: number): Promise<Case> {
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

const SIZES = { "10k": 10_000, "100k": 100_000, "1m": 1_000_000 };

/** `size`: entries, whole thousands. */
export const lookups: Subject[] = Object.entries(SIZES).map(([name, size]) => ({
	name: `conntrack-lookup-${name}`,
	unit: "M/s",
	size,
	prepare: prepareLookup,
}));

export const insertions: Subject[] = Object.entries(SIZES).map(([name, size]) => ({
	name: `conntrack-insert-${name}`,
	unit: "M/s",
	size,
	prepare: prepareInsert,
}));
