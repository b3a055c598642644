// Sums over flows that are alike against sums over each: any flows, few values, so that many share a line or all but one word.

import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import { alikeFlows } from "../../bindings/alike.ts";
import { Core } from "../../bindings/core.ts";
import { type FlowRow, flowRows } from "../../bindings/flows.ts";
import { loadModule } from "../../bindings/node.ts";

const word = fc.constantFrom(-1, 0, 1, 0x7fffffff);
const address = fc.constantFrom(1, 0x0a000001, 0xffffffff);
const u16 = fc.constantFrom(0, 80, 65535);
const flow = fc.record({
	src: address,
	dst: address,
	sport: u16,
	dport: u16,
	proto: fc.constantFrom(6, 17),
	family: fc.constantFrom(4, 6),
	verdict: fc.constantFrom(0, 1),
	reason: fc.constantFrom(0, 255),
	flags: fc.constantFrom(0, 1),
	netns: word,
	server: word,
	seenSrc: address,
	seenDst: address,
	seenSport: u16,
	seenDport: u16,
	packets: fc.nat(1000),
	bytes: fc.bigInt(0n, 1n << 50n),
	rule: word,
	entryNode: word,
	second: word,
});
const MAX = 60;
let core: Core;

beforeAll(async () => {
	core = Core.create(await loadModule(), { [L.TABLE_FLOW]: MAX });
	// So many flows, whatever they are: their rows are written by the test.
	const view = core.rows.view;
	for (let i = 0; i < MAX; i++) {
		const at = core.batch(i);
		new Uint8Array(view.buffer, at, L.BATCH_STRIDE).fill(0);
		view.setUint32(at + L.PACKET_SRC, i + 1, true);
		view.setUint8(at + L.PACKET_FAMILY, 4);
		view.setUint8(at + L.BATCH_KIND, L.BATCH_OFFER);
	}
	core.engine.offer(MAX);
	expect(core.engine.flowCount()).toBe(MAX);
});

function write(index: number, one: typeof flow extends fc.Arbitrary<infer T> ? T : never): void {
	const { view } = core.rows;
	const at = core.engine.table(L.TABLE_FLOW) + index * L.FLOW_STRIDE;
	const u32 = { src: L.FLOW_SRC, dst: L.FLOW_DST, seenSrc: L.FLOW_SEEN_SRC, seenDst: L.FLOW_SEEN_DST } as const;
	for (const [name, offset] of Object.entries(u32)) view.setUint32(at + offset, one[name as keyof typeof u32], true);
	const ports = {
		sport: L.FLOW_SPORT,
		dport: L.FLOW_DPORT,
		seenSport: L.FLOW_SEEN_SPORT,
		seenDport: L.FLOW_SEEN_DPORT,
	};
	for (const [name, offset] of Object.entries(ports))
		view.setUint16(at + offset, one[name as keyof typeof ports], true);
	const u8 = { proto: L.FLOW_PROTO, verdict: L.FLOW_VERDICT, reason: L.FLOW_REASON, flags: L.FLOW_FLAGS };
	for (const [name, offset] of Object.entries(u8)) view.setUint8(at + offset, one[name as keyof typeof u8]);
	view.setUint8(at + L.FLOW_FAMILY, one.family);
	const i32 = {
		netns: L.FLOW_NETNS,
		server: L.FLOW_SERVER,
		rule: L.FLOW_RULE,
		entryNode: L.FLOW_ENTRY_NODE,
		second: L.FLOW_SECOND,
		packets: L.FLOW_PACKETS,
	};
	for (const [name, offset] of Object.entries(i32)) view.setInt32(at + offset, one[name as keyof typeof i32], true);
	view.setBigInt64(at + L.FLOW_BYTES, one.bytes, true);
}

/** All that a report looks at, as text. */
function same(row: FlowRow): string {
	const { index, src, sport, seenSport, packets, bytes, timeNs, lastNs, seenSrc, ...rest } = row;
	return JSON.stringify([rest, seenSrc === src ? "as sent" : seenSrc]);
}

it("adds up to what adding each flow adds up to", () => {
	fc.assert(
		fc.property(fc.array(flow, { minLength: MAX, maxLength: MAX }), (flows) => {
			for (const [index, one] of flows.entries()) write(index, one);
			const expected = new Map<string, { flows: number; packets: number; bytes: number; ports: Set<number> }>();
			for (const row of flowRows(core)) {
				const sum = expected.get(same(row)) ?? { flows: 0, packets: 0, bytes: 0, ports: new Set<number>() };
				expected.set(same(row), sum);
				sum.flows++;
				sum.packets += row.packets;
				sum.bytes += row.bytes;
				if (row.seenSrc !== row.src) sum.ports.add(row.seenSport);
			}
			const got = alikeFlows(core).map(({ row, ports, ...sums }) => [
				same(row),
				{ ...sums, ports: ports ?? new Set() },
			]);
			expect(got).toEqual([...expected]);
		}),
	);
});
