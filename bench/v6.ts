// How much longer a packet of IPv6 takes: `forward` without the path cache, the same scene in both families, in turns.

import * as L from "../assembly/layout.ts";
import { open } from "./build.ts";
import { median, type Samples } from "./figure.ts";
import { CALL } from "./scenes/carrying.ts";
import { delivered, rowsIn6, twoNodes6 } from "./scenes/ipv6.ts";
import { CLIENTS, connections, twoNodes } from "./scenes/services.ts";
import { timed } from "./timing.ts";

const CONNECTIONS = 100_000;
const SERVICES = 100;
const RUNS = 5;
const POWER = 2 ** Math.ceil(Math.log2(CONNECTIONS * 2));

interface Side {
	run(): void;
	/** Packets that reached a server so far: the work of both sides is the same. */
	carried(): number;
}

async function side(six: boolean): Promise<Side> {
	const { machine, loops } = await open(six ? twoNodes6(SERVICES) : twoNodes(SERVICES), {
		capacities: {
			[L.TABLE_CT]: CONNECTIONS * 2 + 64,
			[L.TABLE_TUPLE]: POWER * 4,
			[L.TABLE_BYSOURCE]: POWER,
			[L.TABLE_FLOW]: CONNECTIONS,
			[L.TABLE_LINE]: POWER,
			[L.TABLE_BATCH]: CALL,
		},
	});
	const clients = Array.from({ length: CLIENTS }, (_, i) => machine.netnsRow(`pod:bench/client-${i}`));
	const rows = (tcp: number) => {
		const four = connections(CONNECTIONS, SERVICES, clients, tcp);
		return six ? rowsIn6(machine, four) : four;
	};
	loops.pathCache(0);
	const batch = new Uint8Array(loops.memory.buffer, loops.table(L.TABLE_BATCH), CALL * L.BATCH_STRIDE);
	const offer = (from: Uint8Array, first: number) => {
		batch.set(from.subarray(first * L.BATCH_STRIDE, (first + CALL) * L.BATCH_STRIDE));
		if (loops.offer(CALL) !== CALL) throw new Error("v6-over-v4: not every packet was carried");
	};
	const ack = rows(L.TCP_ACK);
	loops.replayMode(L.REPLIES_MIRROR);
	for (const opening of [rows(L.TCP_SYN), ack]) for (let i = 0; i < CONNECTIONS; i += CALL) offer(opening, i);
	loops.replayMode(L.REPLIES_NONE);
	let at = 0;
	return {
		run() {
			offer(ack, at);
			at = (at + CALL) % CONNECTIONS;
		},
		carried: () => delivered(loops),
	};
}

/** Time of IPv6 over time of IPv4, a run. */
async function samples(): Promise<number[]> {
	const [four, six] = [await side(false), await side(true)];
	if (four.carried() !== CONNECTIONS || six.carried() !== CONNECTIONS) {
		throw new Error(`v6-over-v4: ${four.carried()} and ${six.carried()} of ${CONNECTIONS} connections are delivered`);
	}
	const sides = [four, six].map(({ run }) => ({ run, checksum: () => 0 }));
	for (const { run } of sides) for (let i = 0; i < 3000; i++) run();
	const ratios: number[] = [];
	for (let i = 0; i < RUNS; i++) {
		const [fours = [], sixes = []] = await timed("v6-over-v4", sides, 1);
		ratios.push(median(sixes) / median(fours));
	}
	return ratios;
}

export const v6: Samples = { name: "v6-over-v4", unit: "x", samples };
