// What podwire writes, read back by its own reader: any packet, any comment, any interface name.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildFrame, buildPacket, type FrameSpec } from "../../js/flows/frame.ts";
import { type CapturedFrame, PcapngWriter, pcapngFile } from "../../js/flows/pcapng-writer.ts";
import { runs } from "../runs.ts";
import { frameSpec } from "./arbitrary.ts";
import { bytesOf, linked, pcap, pcapngBlocks } from "./capture.ts";
import { rowsOf, source } from "./rows.ts";

const T0 = 1_795_354_258_000_000_000n;

/** What the reader must find of a spec. */
function expected(spec: FrameSpec, frame: Uint8Array) {
	const v6 = spec.src.includes(":");
	const tagged = spec.vlan === undefined ? 0 : 4;
	const ports = [6, 17, 132].includes(spec.proto);
	const icmp = spec.proto === 1 || spec.proto === 58;
	const echo = icmp && [0, 8, 128, 129].includes(spec.dport! >>> 8);
	return {
		family: v6 ? 6 : 4,
		src: spec.src,
		dst: spec.dst,
		proto: spec.proto,
		sport: ports || echo ? spec.sport : 0,
		dport: ports || icmp ? spec.dport : 0,
		ttl: spec.ttl,
		tos: spec.tos,
		ipBytes: frame.length - 14 - tagged,
		tcpFlags: spec.proto === 6 || spec.proto === 132 ? spec.tcpFlags : 0,
		seq: spec.proto === 6 || spec.proto === 132 ? spec.seq : echo ? spec.seq! & 0xffff : 0,
		ack: spec.proto === 6 ? spec.ack : 0,
		window: spec.proto === 6 ? spec.window : 0,
		vlan: spec.vlan ?? 0,
	};
}

describe("a written capture", () => {
	it("is read back as it was", async () => {
		const record = fc.record({
			spec: frameSpec,
			delta: fc.nat(5_000_000),
			interface: fc.constantFrom("pod/shop/a/eth0", "node-1/cbr0", "näme/π", "x"),
			comment: fc.option(fc.string({ unit: "binary", maxLength: 40 }), { nil: undefined }),
			direction: fc.nat(2),
		});
		await fc.assert(
			fc.asyncProperty(fc.array(record, { maxLength: 30 }), fc.integer({ min: 1, max: 300 }), async (records, size) => {
				let timeNs = T0;
				const frames: CapturedFrame[] = records.map(({ spec, delta, ...rest }) => ({
					...rest,
					timeNs: (timeNs += BigInt(delta)),
					bytes: buildFrame(spec),
				}));
				const flows = source(pcapngFile(frames), { size });
				const rows = await rowsOf(flows);
				const names = rows.map((row) => flows.interfaces.list[row.interfaceIndex]!.name);
				expect(names).toEqual(frames.map((frame) => frame.interface));
				expect(rows).toMatchObject(
					records.map(({ spec }, i) => ({
						...expected(spec, frames[i]!.bytes),
						timeNs: frames[i]!.timeNs,
						direction: frames[i]!.direction,
					})),
				);
			}),
			runs(200),
		);
	});

	it("describes an interface, and says how long a snapped packet was", async () => {
		const writer = new PcapngWriter();
		const whole = buildFrame({ src: "10.0.0.1", dst: "10.0.0.2", proto: 6, payload: new Uint8Array(500) });
		const bytes = bytesOf(
			writer.header(),
			writer.declare("n/eth0", "uplink of n"),
			writer.declare("n/eth0"),
			writer.frame({ timeNs: T0, interface: "n/eth0", bytes: whole.subarray(0, 64), wireBytes: whole.length }),
		);
		const flows = source(bytes);
		expect(await rowsOf(flows)).toMatchObject([{ ipBytes: 540, payloadBytes: 500 }]);
		expect(flows.interfaces.list).toMatchObject([{ name: "n/eth0", description: "uplink of n", linktype: 1 }]);
	});
});

describe("a reader", () => {
	const packet = buildPacket({
		src: "10.0.0.1",
		dst: "10.0.0.2",
		proto: 17,
		sport: 5,
		dport: 6,
		payload: new Uint8Array(9),
	});
	const packet6 = buildPacket({ src: "fd00::1", dst: "fd00::2", proto: 17, sport: 5, dport: 6 });

	it.each(
		[true, false].flatMap((nano) =>
			[true, false].flatMap((little) => [0, 1, 12, 101, 108, 113, 276].map((link) => ({ nano, little, link }))),
		),
	)("takes pcap: $link, nanoseconds $nano, little-endian $little", async ({ nano, little, link }) => {
		const packets = [packet, packet6].map((bytes) => ({ timeNs: T0 + 123_456_000n, frame: linked(link, bytes, 4) }));
		const rows = await rowsOf(source(pcap(packets, link, nano, little)));
		const direction = link === 113 || link === 276 ? 2 : 0;
		expect(rows).toMatchObject([
			{
				family: 4,
				src: "10.0.0.1",
				sport: 5,
				dport: 6,
				ipBytes: 37,
				payloadBytes: 9,
				timeNs: T0 + 123_456_000n,
				direction,
			},
			{
				family: 6,
				src: "fd00::1",
				sport: 5,
				dport: 6,
				ipBytes: 48,
				payloadBytes: 0,
				timeNs: T0 + 123_456_000n,
				direction,
			},
		]);
	});

	it.each([true, false])("takes sections, time units and every packet block, little-endian %s", async (little) => {
		const b = pcapngBlocks(little);
		const other = pcapngBlocks(!little);
		const frame = linked(1, packet);
		const offset = [...new Uint8Array(8)];
		new DataView(Uint8Array.from(offset).buffer);
		const seconds = new DataView(new ArrayBuffer(8));
		seconds.setBigInt64(0, 1_795_354_000n, little);
		const bytes = bytesOf(
			b.section(),
			b.interface(1),
			b.interface(1, [[9, [9]]]),
			b.interface(1, [[9, [0x80 | 20]]]),
			b.interface(1, [
				[9, [3]],
				[14, [...new Uint8Array(seconds.buffer)]],
			]),
			b.packet(0, T0 / 1000n, frame),
			b.packet(1, T0 + 1n, frame),
			b.packet(2, ((T0 / 1_000_000_000n) << 20n) + 1n, frame),
			b.packet(3, 258_001n, frame),
			b.obsolete(0, T0 / 1000n + 2000n, frame),
			b.block(0xbad, [[1, 2, 3, 4]]),
			other.section(),
			other.interface(101, [], 30),
			other.simple(packet.subarray(0, 30), packet.length),
			other.packet(0, T0 / 1000n + 3000n, packet),
		);
		const flows = source(bytes);
		const rows = await rowsOf(flows);
		expect(rows.map((row) => row.timeNs - T0).sort((x, y) => Number(x - y))).toEqual([
			0n,
			1n,
			953n,
			1_000_000n,
			2_000_000n,
			2_000_000n,
			3_000_000n,
		]);
		expect(rows.every((row) => row.sport === 5 && row.ipBytes === 37)).toBe(true);
		expect(flows.interfaces.list).toHaveLength(5);
	});

	it("gives Linux cooked v2 an interface an ifindex", async () => {
		const packets = [7, 9, 7].map((ifindex, i) => ({ timeNs: T0 + BigInt(i), frame: linked(276, packet, 0, ifindex) }));
		const flows = source(pcap(packets, 276, true, true));
		expect((await rowsOf(flows)).map((row) => [row.interfaceIndex, row.direction])).toEqual([
			[0, 1],
			[1, 1],
			[0, 1],
		]);
		expect(flows.interfaces.list.map(({ id }) => id)).toEqual([7, 9]);
	});

	it("looks behind tags, extension headers and IP options, and marks fragments", async () => {
		const mac = [2, 0, 0, 0, 0, 9];
		const qinq = bytesOf(mac, mac, [0x88, 0xa8, 0, 5, 0x81, 0, 0x20, 6, 8, 0], packet);
		const udp = packet6.subarray(40);
		const v6 = (next: number, body: number[]) => {
			const head = packet6.slice(0, 40);
			head[6] = next;
			head[5] = body.length + udp.length;
			return linked(1, bytesOf(head, body, udp));
		};
		const hops = v6(0, [60, 0, 0, 0, 0, 0, 0, 0, 17, 1, ...new Uint8Array(14)]);
		const first = v6(44, [17, 0, 0, 1, 0, 0, 0x12, 0x34]);
		const later = v6(44, [17, 0, 0, 8, 0, 0, 0x12, 0x34]);
		const optioned = bytesOf(
			[0x46, ...packet.subarray(1, 3), 41, ...packet.subarray(4, 20)],
			[1, 1, 1, 0],
			packet.subarray(20),
		);
		const fragment = packet.slice();
		fragment[6] = 0x20;
		fragment[7] = 3;
		const padded = bytesOf(linked(1, packet), new Uint8Array(9));
		const frames = [qinq, hops, first, later, linked(1, optioned), linked(1, fragment), padded];
		const rows = await rowsOf(
			source(
				pcap(
					frames.map((frame, i) => ({ timeNs: T0 + BigInt(i), frame })),
					1,
					true,
					true,
				),
			),
		);
		expect(rows).toMatchObject([
			{ vlan: 6, sport: 5 },
			{ proto: 17, sport: 5, ipBytes: 72, payloadBytes: 0 },
			{ proto: 17, sport: 5, shape: 1, ipId: 0x1234 },
			{ proto: 17, sport: 0, shape: 2 },
			{ sport: 5, ipBytes: 41, payloadBytes: 9 },
			{ sport: 0, shape: 3 },
			{ sport: 5, payloadBytes: 9 },
		]);
	});

	it("quotes what an ICMP error is about", async () => {
		const ping = buildPacket({ src: "10.0.0.1", dst: "10.0.0.2", proto: 1, sport: 77, dport: 0x0800 });
		const error = (payload: Uint8Array, dport = 0x0301) =>
			buildFrame({ src: "10.0.0.9", dst: "10.0.0.1", proto: 1, dport, payload });
		const six = buildFrame({ src: "fd00::9", dst: "fd00::1", proto: 58, dport: 0x0104, payload: packet6 });
		const frames = [error(packet), error(ping, 0x0b00), six, error(packet.subarray(0, 10))];
		const rows = await rowsOf(
			source(
				pcap(
					frames.map((frame, i) => ({ timeNs: T0 + BigInt(i), frame })),
					1,
					true,
					true,
				),
			),
		);
		expect(rows.map((row) => row.inner)).toEqual([
			{ proto: 17, src: "10.0.0.1", dst: "10.0.0.2", sport: 5, dport: 6 },
			{ proto: 1, src: "10.0.0.1", dst: "10.0.0.2", sport: 77, dport: 0x0800 },
			{ proto: 17, src: "fd00::1", dst: "fd00::2", sport: 5, dport: 6 },
			null,
		]);
	});

	it("counts what is no IP packet by its kind", async () => {
		const mac = [2, 0, 0, 0, 0, 9];
		const frames = [
			bytesOf(mac, mac, [8, 6], new Uint8Array(28)),
			bytesOf(mac, mac, [0x88, 0xcc], new Uint8Array(28)),
			bytesOf(mac, mac, [0, 38, 0x42, 0x42, 3], new Uint8Array(35)),
			bytesOf(mac, mac, [8, 0], new Uint8Array(28)),
			bytesOf(mac, mac, [8, 0], [0x45]),
			bytesOf(mac),
		];
		const flows = source(
			pcap(
				frames.map((frame, i) => ({ timeNs: T0 + BigInt(i), frame })),
				1,
				true,
				true,
			),
		);
		expect(await rowsOf(flows)).toEqual([]);
		expect(flows.tally.skipped).toEqual({ arp: 1, "ethertype 0x88cc": 1, llc: 1, malformed: 1, headless: 2 });
		expect(flows.tally.records).toBe(6);
	});
});
