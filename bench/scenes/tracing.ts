// Traces through the two nodes of the end-to-end scene: each the first packet of a new connection of one client, every hop and
// rule written to the event ring. Every thousand traces the connections are forgotten.

import * as L from "../../assembly/layout.ts";
import type { Machine } from "../../bindings/machine.ts";
import { type Loops, open } from "../build.ts";
import { connections, START_NS, twoNodes } from "./services.ts";

/** Traces of a run. */
export const CALL = 1000;

export interface Tracing {
	machine: Machine;
	loops: Loops;
	/** Sends connection `i`'s first packet; the ring holds its events. */
	send(i: number): void;
	forget(): void;
}

export async function tracing(services: number): Promise<Tracing> {
	const { machine, loops } = await open(twoNodes(services));
	const client = machine.netnsRow("pod:bench/client-0");
	const nodes = ["node:a", "node:b"].map((name) => machine.netnsRow(name));
	const wire = connections(CALL, services, [client], L.TCP_SYN);
	const packet = machine.core.packetIn(0);
	const { view } = machine.core.rows;
	const row = new Uint8Array(view.buffer, packet, L.PACKET_STRIDE).fill(0);
	for (const field of [L.PACKET_IIF, L.PACKET_OIF, L.PACKET_PHYSIN, L.PACKET_PHYSOUT, L.PACKET_DMAC, L.PACKET_SMAC])
		view.setInt32(packet + field, -1, true);
	for (const field of [L.PACKET_FLOW, L.PACKET_RULE, L.PACKET_TUNNEL]) view.setInt32(packet + field, -1, true);
	view.setInt32(packet + L.PACKET_CT, L.CT_UNSEEN, true);
	view.setInt32(packet + L.PACKET_NETNS, client, true);
	return {
		machine,
		loops,
		send(i) {
			row.set(wire.subarray(i * L.BATCH_STRIDE, i * L.BATCH_STRIDE + 32));
			loops.send(0);
		},
		forget() {
			for (const node of nodes) loops.conntrackFlush(node, START_NS);
		},
	};
}
