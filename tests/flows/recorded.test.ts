// Real captures: what index.json says of the small ones, what the shop's capture is known to hold.

import { createReadStream, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openFlows } from "../../js/flows/open.ts";
import { hasShared, rowsOf, SHARED, SHOP, source } from "./rows.ts";

interface IndexPacket {
	sec: number;
	nsec: number;
	src?: string;
	dst?: string;
	ttl?: number;
	proto?: number;
	totalLength?: number;
	sport?: number;
	dport?: number;
	flags?: string;
	vni?: number;
	arp?: boolean;
	inner?: IndexPacket;
}

interface Index {
	captures: { file: string; format: string; linktype: number; packets: IndexPacket[] }[];
}

const LETTERS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 };
const index: Index = hasShared ? JSON.parse(readFileSync(`${SHARED}pcap/index.json`, "utf8")) : { captures: [] };

/** The same facts, from the index and from a row. */
const facts = (packet: IndexPacket, time: IndexPacket = packet) => ({
	timeNs: BigInt(time.sec) * 1_000_000_000n + BigInt(time.nsec),
	src: packet.src,
	dst: packet.dst,
	ttl: packet.ttl,
	proto: packet.proto,
	ipBytes: packet.totalLength,
	...(packet.sport === undefined ? {} : { sport: packet.sport, dport: packet.dport }),
	...(packet.flags === undefined
		? {}
		: { tcpFlags: [...packet.flags].reduce((sum, flag) => sum | (LETTERS[flag] as number), 0) }),
});

describe.skipIf(!hasShared)("small captures (skipped, no shared data)", () => {
	it.each(index.captures)("reads $file as its index says", async ({ file, packets, linktype }) => {
		const flows = source(readFileSync(`${SHARED}pcap/${file}`), { name: file });
		const rows = await rowsOf(flows);
		expect(flows.tally.records).toBe(packets.length);
		expect(flows.interfaces.list[0]?.linktype).toBe(linktype);
		expect(rows).toMatchObject(packets.map((packet) => facts(packet)));
	});

	it.each(index.captures.filter(({ packets }) => packets.some((packet) => packet.inner)))(
		"sees inside the tunnels of $file",
		async ({ file, packets }) => {
			const flows = source(readFileSync(`${SHARED}pcap/${file}`), { decapsulate: true });
			const rows = await rowsOf(flows);
			const inner = packets.filter((packet) => !packet.inner?.arp);
			expect(rows).toMatchObject(
				inner.map((packet) => ({ ...facts(packet.inner as IndexPacket, packet), vni: packet.vni })),
			);
			expect(flows.tally).toMatchObject({ arp: packets.length - inner.length, tunnelled: inner.length });
		},
	);
});

describe("the shop's capture", () => {
	const open = () => openFlows({ name: "client-side.pcapng", stream: createReadStream(`${SHOP}client-side.pcapng`) });

	it("holds 51,319 packets, 759 of them ARP, of 26 interfaces", async () => {
		const flows = open();
		let rows = 0;
		const directions = [0, 0, 0];
		const interfaces = new Set<number>();
		let lastNs = 0n;
		let backwards = 0;
		for await (const batch of flows) {
			rows += batch.count;
			for (let i = 0; i < batch.count; i++) {
				directions[batch.direction[i] as number]!++;
				interfaces.add(batch.interfaceIndex[i] as number);
				if (batch.timeNs[i]! < lastNs) backwards++;
				lastNs = batch.timeNs[i] as bigint;
			}
		}
		expect(flows.tally).toMatchObject({
			records: 51319,
			arp: 759,
			rows: 50560,
			malformed: 0,
			headless: 0,
			cut: 0,
			damageCount: 0,
		});
		expect([rows, backwards]).toEqual([50560, 0]);
		expect(directions[0]).toBe(0);
		expect(interfaces.size).toBe(26);
		expect(flows.interfaces.list).toHaveLength(26);
		expect(flows.interfaces.list.filter(({ name }) => /^pod \S+\/\S+$/.test(name ?? ""))).toHaveLength(20);
		expect(flows.interfaces.list.filter(({ name }) => /^host \S+$/.test(name ?? ""))).toHaveLength(6);
	});

	it("reads the same from gzip", async () => {
		const plain = createReadStream(`${SHOP}client-side.pcapng`);
		const zipped = (plain as unknown as AsyncIterable<Uint8Array<ArrayBuffer>>)[Symbol.asyncIterator]();
		const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
			async pull(controller) {
				const { done, value } = await zipped.next();
				if (done) controller.close();
				else controller.enqueue(value);
			},
		}).pipeThrough(new CompressionStream("gzip"));
		const flows = openFlows({ name: "client-side.pcapng.gz", stream });
		let packets = 0;
		for await (const batch of flows) packets += batch.count;
		expect(packets).toBe(50560);
	});

	it("has flow records of the same traffic", async () => {
		const flows = openFlows({ name: "flows.csv", stream: createReadStream(`${SHOP}flows.csv`) });
		let packets = 0;
		let bytes = 0;
		for await (const batch of flows) {
			for (let i = 0; i < batch.count; i++) {
				packets += batch.repeat[i] as number;
				bytes += (batch.repeat[i] as number) * (batch.ipBytes[i] as number);
			}
		}
		const lines = readFileSync(`${SHOP}flows.csv`, "utf8")
			.trim()
			.split("\n")
			.slice(1)
			.map((line) => line.split(","));
		expect(flows.tally.records).toBe(3514);
		expect(packets).toBe(lines.reduce((sum, fields) => sum + Number(fields[6]), 0));
		expect(bytes).toBe(lines.reduce((sum, fields) => sum + Number(fields[7]), 0));
	});
});
