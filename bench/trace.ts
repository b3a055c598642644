// Traces a second: the first packet of a new connection through the two nodes of the end-to-end scene, every hop and rule
// written to the event ring, nothing decoded. Every thousand traces the connections are forgotten, which the time includes.

import * as L from "../assembly/layout.ts";
import { open } from "./build.ts";
import type { Case, Subject } from "./figure.ts";
import { connections, START_NS, twoNodes } from "./scenes/services.ts";

const CALL = 1000;

async function prepare(services: number): Promise<Case> {
	const { machine, loops } = await open(twoNodes(services));
	const client = machine.netnsRow("pod:bench/client-0");
	const nodes = ["node:a", "node:b"].map((name) => machine.netnsRow(name));
	const wire = connections(
		CALL,
		services,
		Array.from({ length: 16 }, () => client),
		L.TCP_SYN,
	);
	const packet = machine.core.packetIn(0);
	const { view } = machine.core.rows;
	const row = new Uint8Array(view.buffer, packet, L.PACKET_STRIDE).fill(0);
	for (const field of [L.PACKET_IIF, L.PACKET_OIF, L.PACKET_PHYSIN, L.PACKET_PHYSOUT, L.PACKET_DMAC, L.PACKET_SMAC])
		view.setInt32(packet + field, -1, true);
	for (const field of [L.PACKET_FLOW, L.PACKET_RULE, L.PACKET_TUNNEL]) view.setInt32(packet + field, -1, true);
	view.setInt32(packet + L.PACKET_CT, L.CT_UNSEEN, true);
	view.setInt32(packet + L.PACKET_NETNS, client, true);
	let [events, delivered] = [0, 0];
	return {
		perRun: CALL,
		engine: {
			run() {
				for (let i = 0; i < CALL; i++) {
					row.set(wire.subarray(i * L.BATCH_STRIDE, i * L.BATCH_STRIDE + 32));
					// The one client sends them all: its own address, whatever the row says.
					view.setUint32(packet + L.PACKET_SRC, 0, true);
					view.setUint16(packet + L.PACKET_SPORT, 1024 + i, true);
					loops.send(0);
					const count = loops.eventCount();
					const last = loops.table(L.TABLE_EVENT) + (count - 1) * L.EVENT_STRIDE;
					if (view.getUint8(last + L.EVENT_KIND) === L.EVENT_DELIVER) delivered++;
					events += count;
					loops.eventsReset();
				}
				if (delivered % CALL !== 0) throw new Error(`${delivered} traces were delivered, expected whole thousands`);
				for (const node of nodes) loops.conntrackFlush(node, START_NS);
			},
			checksum: () => events + delivered,
		},
		twin: null,
	};
}

/** `size`: Services. */
export const trace: Subject = { name: "trace", unit: "k/s", size: 100, prepare };
