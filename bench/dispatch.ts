// Finding one Service among many, nanoseconds a packet: KUBE-SERVICES, the Service's chain, its endpoint's, as far as the
// rule that would rewrite the destination. Packets go to Services at random; nothing is tracked.

import * as L from "../assembly/layout.ts";
import { Rules, WALKER } from "./baseline/rules.ts";
import { hits, open } from "./build.ts";
import type { Case, Subject } from "./figure.ts";
import { shuffled } from "./inputs.ts";
import { CLUSTER_IP, twoNodes } from "./scenes/services.ts";

const CALL = 1000;
const SRC = 0x0af40102;
const ROUNDS = 20;

async function prepare(services: number): Promise<Case> {
	const paths = 2 ** Math.ceil(Math.log2(services * 4));
	const capacities = {
		[L.TABLE_PATH]: paths,
		[L.TABLE_PATHRULE]: paths * 8,
		[L.TABLE_WALK]: Math.max(4096, paths / 2),
		[L.TABLE_SCRATCH]: CALL * ROUNDS * 4 + (1 << 16),
	};
	const { machine, loops } = await open(twoNodes(services), { capacities });
	const { view } = machine.core.rows;
	const netns = machine.netnsRow("node:a");
	const packet = machine.core.packetIn(0);
	view.setUint32(packet + L.PACKET_SRC, SRC, true);
	view.setUint16(packet + L.PACKET_DPORT, 80, true);
	view.setUint8(packet + L.PACKET_PROTO, L.PROTO_TCP);
	view.setInt32(packet + L.PACKET_NETNS, netns, true);
	for (const field of [L.PACKET_IIF, L.PACKET_OIF, L.PACKET_CT]) view.setInt32(packet + field, -1, true);
	const keys = new Uint32Array(view.buffer, loops.table(L.TABLE_SCRATCH), CALL * ROUNDS);
	for (let i = 0; i < keys.length; i += services) {
		keys.set(
			shuffled(services, i + 1)
				.subarray(0, keys.length - i)
				.map((service) => CLUSTER_IP + service),
			i,
		);
	}
	const destinations = keys.slice();
	const rules = new Rules(machine, { indexed: true, paths });
	const walker = { ...WALKER, src: SRC, dport: 80 };
	let [sum, twinSum, at, twinAt] = [0, 0, 0, 0];
	return {
		perRun: CALL,
		engine: {
			run() {
				sum += loops.dispatchLoop(L.HOOK_PREROUTING, L.XT_NAT, at, CALL);
				at = (at + CALL) % keys.length;
			},
			checksum: () => sum + hits(machine),
		},
		twin: {
			run() {
				for (let i = twinAt; i < twinAt + CALL; i++) {
					walker.dst = destinations[i] as number;
					twinSum += rules.walk(walker, netns, L.HOOK_PREROUTING, L.XT_NAT);
				}
				twinAt = (twinAt + CALL) % destinations.length;
			},
			checksum: () => twinSum + rules.paths.hits,
		},
	};
}

/** `size`: Services. */
export const dispatch: Subject[] = [
	{ name: "dispatch-100", unit: "ns", size: 100, prepare },
	{ name: "dispatch-10k", unit: "ns", size: 10_000, prepare },
];
