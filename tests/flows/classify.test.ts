// The engine's decision on every row against the slow one of `tests/reference/offer`: few machines and ports, so that packets
// meet each other as copies, answers, retransmissions and reused ports, at interfaces of known and unknown netns.

import fc from "fast-check";
import { expect, it } from "vitest";
import { buildPacket } from "../../js/flows/frame.ts";
import { Offers, type Ownership } from "../../js/flows/offer.ts";
import { ipv4ToNumber } from "../../js/net/address.ts";
import { type Classified, classified } from "../reference/offer.ts";
import { runs } from "../runs.ts";
import { bytesOf, pcapngBlocks } from "./capture.ts";
import { type Row, rowOf, source } from "./rows.ts";

const HOSTS = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.9"];
const T0 = 1_795_354_258_000_000_000n;

/** Gaps between packets, ns: within the window of copies, past it, past a UDP flow's patience. */
const gap = fc.oneof(
	{ weight: 12, arbitrary: fc.constantFrom(0, 1000, 50_000_000) },
	{ weight: 3, arbitrary: fc.constant(150_000_000) },
	{ weight: 1, arbitrary: fc.constant(31_000_000_000) },
);

const packet = fc.record({
	gap,
	at: fc.nat(3),
	direction: fc.nat(2),
	src: fc.nat(3),
	dst: fc.nat(3),
	sport: fc.constantFrom(80, 4000),
	dport: fc.constantFrom(80, 4000),
	proto: fc.constantFrom(6, 6, 6, 17, 1),
	flags: fc.constantFrom(2, 2, 18, 16, 17, 4, 20),
	seq: fc.nat(2),
	ipId: fc.nat(1),
	type: fc.constantFrom(8, 0, 13, 14, 3),
});

async function engine(bytes: Uint8Array, ownership: Ownership): Promise<{ rows: Row[]; kinds: Classified[] }> {
	const flows = source(bytes, { batchRows: 8 });
	const offers = new Offers(flows, ownership);
	const rows: Row[] = [];
	const kinds: Classified[] = [];
	for await (const batch of flows) {
		offers.classify(batch);
		for (let i = 0; i < batch.count; i++) {
			rows.push(rowOf(batch, i, (family, value) => flows.addresses.addressText(family, value)));
			kinds.push({ kind: batch.kind[i]!, flow: batch.flow[i]!, netns: batch.netns[i]! });
		}
	}
	return { rows, kinds };
}

it("is what the reference decides, for any packets at any interfaces", async () => {
	const netnses = fc.array(fc.constantFrom(-1, -1, -1, 0, 1, 2, 3), { minLength: 4, maxLength: 4 });
	const forwarding = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
	const met = new Set<number>();
	await fc.assert(
		fc.asyncProperty(fc.array(packet, { maxLength: 60 }), netnses, forwarding, async (packets, netns, forwards) => {
			const b = pcapngBlocks(true);
			let time = T0;
			const blocks = packets.map(({ gap, at, direction, src, dst, proto, flags, type, ...rest }) => {
				time += BigInt(gap);
				const spec = { ...rest, src: HOSTS[src]!, dst: HOSTS[dst]!, proto, tcpFlags: flags };
				const frame = buildPacket(proto === 1 ? { ...spec, dport: type << 8 } : spec);
				return b.packet(at, time, frame, direction === 0 ? [] : [[2, b.u32(direction)]]);
			});
			const interfaces = netns.map(() => b.interface(101, [[9, [9]]]));
			// 192.0.2.9 is nobody's.
			const owners = new Map(HOSTS.slice(0, 3).map((address, i) => [ipv4ToNumber(address), i]));
			const ownership: Ownership = {
				netnsOfInterface: (i) => netns[i]!,
				ownerOf: (_, address) => owners.get(address) ?? -1,
				forwards: (i) => forwards[i]!,
			};
			const { rows, kinds } = await engine(bytesOf(b.section(), ...interfaces, ...blocks), ownership);
			const seen = { ...ownership };
			// All four interfaces are described before any packet: their netns count as captured with or without one.
			const described = netns.map((_, i) => ({ ...ghost, interfaceIndex: i }));
			const expected = classified([...rows, ...described], seen, ipv4ToNumber, () => true).slice(0, rows.length);
			expect(kinds).toEqual(expected);
			for (const { kind } of kinds) met.add(kind);
		}),
		runs(1500),
	);
	expect([...met].sort()).toEqual([1, 2, 3, 4]);
});

/** A row that is ignored: it only says that there is an interface. */
const ghost = { shape: 8, interfaceIndex: 0 } as Row;
