// Rules that do not match, nanoseconds a rule: read one by one (the list is the truth, and this is its price), and passed
// over by their columns, four at a time.

import * as L from "../assembly/layout.ts";
import { Rules, WALKER } from "./baseline/rules.ts";
import { hits, open } from "./build.ts";
import type { Case, Subject } from "./figure.ts";
import { blocklist } from "./scenes/blocklist.ts";

const WALKS = 64;
const SRC = 0x0af40102;
const DST = 0x0af40202;

async function prepare(count: number, length: 31 | 32, index: boolean): Promise<Case> {
	const { machine, loops } = await open(blocklist(count, length), { index });
	const { view } = machine.core.rows;
	const netns = machine.netnsRow("node:a");
	const packet = machine.core.packetIn(0);
	view.setUint32(packet + L.PACKET_SRC, SRC, true);
	view.setUint32(packet + L.PACKET_DST, DST, true);
	view.setUint16(packet + L.PACKET_DPORT, 443, true);
	view.setUint8(packet + L.PACKET_PROTO, L.PROTO_TCP);
	view.setInt32(packet + L.PACKET_NETNS, netns, true);
	for (const field of [L.PACKET_IIF, L.PACKET_OIF, L.PACKET_CT]) view.setInt32(packet + field, -1, true);
	const rules = new Rules(machine);
	const walker = { ...WALKER, src: SRC, dst: DST, dport: 443 };
	let [sum, twinSum] = [0, 0];
	return {
		perRun: WALKS * count,
		engine: {
			run() {
				sum += loops.walkLoop(L.HOOK_FORWARD, L.XT_FILTER, WALKS);
			},
			checksum: () => sum + hits(machine),
		},
		twin: {
			run() {
				for (let i = 0; i < WALKS; i++) twinSum += rules.walk(walker, netns, L.HOOK_FORWARD, L.XT_FILTER);
			},
			checksum: () => twinSum + rules.paths.hits,
		},
	};
}

export const rules: Subject[] = [
	{ name: "rule-walk", unit: "ns", size: 1000, prepare: (count) => prepare(count, 32, false) },
	{ name: "rule-scan", unit: "ns", size: 1000, prepare: (count) => prepare(count, 31, true) },
];
