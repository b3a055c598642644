// Sums over flows that are alike against sums over each: any flows, few values, so that many share a line or all but one word.

import fc from "fast-check";
import { expect, it } from "vitest";
import type { FlowRow } from "../../bindings/flows.ts";
import { Likenesses } from "../../js/replay/alike.ts";

const word = fc.constantFrom(-1, 0, 1, 0x7fffffff);
const address = fc.constantFrom(1, 0x0a000001, 0xffffffff);
const flow: fc.Arbitrary<FlowRow> = fc.record({
	index: fc.nat(),
	src: address,
	dst: address,
	sport: fc.nat(65535),
	dport: fc.constantFrom(0, 80, 65535),
	proto: fc.constantFrom(6, 17),
	family: fc.constant(4),
	verdict: fc.constantFrom(0, 1),
	reason: fc.constantFrom(0, 255),
	flags: fc.constantFrom(0, 1),
	netns: word,
	server: word,
	seenSrc: address,
	seenDst: address,
	seenSport: fc.constantFrom(0, 1, 65535),
	seenDport: fc.constantFrom(0, 80, 65535),
	packets: fc.nat(1000),
	bytes: fc.nat(100_000),
	timeNs: fc.bigInt(),
	lastNs: fc.bigInt(),
	rule: word,
	entryNode: word,
	second: word,
});

/** All that a report looks at, as text. */
function same(row: FlowRow): string {
	const { index, src, sport, seenSport, packets, bytes, timeNs, lastNs, seenSrc, family, ...rest } = row;
	return JSON.stringify([rest, seenSrc === src ? "as sent" : seenSrc]);
}

it("adds up to what adding each flow adds up to", () => {
	fc.assert(
		fc.property(fc.array(flow, { maxLength: 60 }), (flows) => {
			const expected = new Map<string, { flows: number; packets: number; bytes: number; ports: Set<number> }>();
			const likenesses = new Likenesses();
			const row = {} as FlowRow;
			for (const one of flows) {
				likenesses.add(Object.assign(row, one));
				const sum = expected.get(same(one)) ?? { flows: 0, packets: 0, bytes: 0, ports: new Set<number>() };
				expected.set(same(one), sum);
				sum.flows++;
				sum.packets += one.packets;
				sum.bytes += one.bytes;
				if (one.seenSrc !== one.src) sum.ports.add(one.seenSport);
			}
			const got = likenesses.all.map(({ row, ports, ...sums }) => [same(row), { ...sums, ports: ports ?? new Set() }]);
			expect(got).toEqual([...expected]);
		}),
	);
});
