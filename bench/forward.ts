// Whole path, one thread: packets of established connections through two nodes with DNAT. A packet counts once, though it
// crosses two nodes.

import * as L from "../assembly/layout.ts";
import { CachedNodes } from "./baseline/cache.ts";
import type { Contender, Subject } from "./figure.ts";
import { CALL, type Carrying, carrying, checksum, laps, TIME } from "./scenes/carrying.ts";
import { connections } from "./scenes/services.ts";

interface How {
	/** Packets that can be repeated are; else every packet is carried. */
	cached?: boolean;
	windows?: boolean;
}

function prepare({ cached = false, windows = false }: How): Subject["prepare"] {
	return async (count) => {
		const on = await carrying(count, 100, windows);
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
		const engine = laps(
			count,
			(at) => on.offer(ack, at),
			() => checksum(on),
		);
		const twin = cached ? cachedTwin(on, ack, count) : plainTwin(on, ack, count);
		// Once round, so that what is timed repeats something.
		if (cached) for (let i = 0; i < count; i += CALL) for (const side of [engine, twin]) side.run();
		return { perRun: CALL, engine, twin: windows ? null : twin };
	};
}

function plainTwin({ twin }: Carrying, rows: Uint8Array, count: number): Contender {
	const words = new Uint32Array(rows.buffer);
	return laps(
		count,
		(at) => twin.offer(words, at, CALL, TIME, false),
		() => twin.checksum(),
	);
}

function cachedTwin({ twin }: Carrying, rows: Uint8Array, count: number): Contender {
	const words = new Int32Array(rows.buffer);
	const cached = new CachedNodes(twin, 2 ** Math.ceil(Math.log2(count * 2)));
	return laps(
		count,
		(at) => cached.offer(words, at, CALL, TIME),
		() => cached.checksum(),
	);
}

const SIZES = { "1m": 1_000_000, "100k": 100_000, "10k": 10_000 };

/** Every packet carried, and every packet that can be repeated repeated. `size`: connections, whole thousands. */
export const established: Subject[] = [
	...Object.entries(SIZES).flatMap(([name, size]): Subject[] => [
		{ name: `forward-${name}`, unit: "Mpps", size, prepare: prepare({}) },
		{ name: `forward-cached-${name}`, unit: "Mpps", size, prepare: prepare({ cached: true }) },
	]),
	{ name: "forward-windows", unit: "Mpps", size: 1_000_000, prepare: prepare({ windows: true }) },
];
