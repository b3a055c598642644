// Which packets are offered again: the shop's capture against what really happened in it, and small cases one by one.

import { createReadStream, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildFrame, type FrameSpec } from "../../js/flows/frame.ts";
import { DUPLICATE, IGNORED, NO_FLOW, OFFER, Offers, type Ownership, REPLY } from "../../js/flows/offer.ts";
import { type FlowSource, openFlows } from "../../js/flows/open.ts";
import { PcapngWriter } from "../../js/flows/pcapng-writer.ts";
import { netnsOfTap } from "../../js/flows/taps.ts";
import { ipv4ToNumber } from "../../js/net/address.ts";
import { bytesOf } from "./capture.ts";
import { SHOP, source } from "./rows.ts";

interface Classified {
	kind: number;
	flow: number;
	netns: number;
	proto: number;
	key: string;
	timeNs: bigint;
	bytes: number;
}

/** Netns by name, each with its addresses; interfaces are found by their names. */
function ownership(flows: FlowSource, owners: Record<string, string[]>, forwarding: string[] = []): Ownership {
	const names = Object.keys(owners);
	const byAddress = new Map(
		names.flatMap((name, i) => (owners[name] as string[]).map((address) => [ipv4ToNumber(address), i] as const)),
	);
	return {
		netnsOfInterface: (i) => netnsOfTap(flows.interfaces.list[i]!, null, (netns) => names.indexOf(netns)),
		ownerOf: (family, address) => (family === 4 ? (byAddress.get(address) ?? -1) : -1),
		forwards: (netns) => forwarding.includes(names[netns] as string),
	};
}

async function classify(flows: FlowSource, owners: Ownership): Promise<{ rows: Classified[]; offers: Offers }> {
	const offers = new Offers(flows, owners);
	const rows: Classified[] = [];
	for await (const batch of flows) {
		offers.classify(batch);
		for (let i = 0; i < batch.count; i++) {
			rows.push({
				kind: batch.kind[i]!,
				flow: batch.flow[i]!,
				netns: batch.netns[i]!,
				proto: batch.proto[i]!,
				key: `${batch.src[i]}:${batch.sport[i]}>${batch.dst[i]}:${batch.dport[i]}/${batch.proto[i]}`,
				timeNs: batch.timeNs[i]!,
				bytes: batch.ipBytes[i]! * batch.repeat[i]!,
			});
		}
	}
	return { rows, offers };
}

describe("the shop's capture", () => {
	const truth = readFileSync(`${SHOP}truth.csv`, "utf8")
		.trim()
		.split("\n")
		.map((line) => line.split(","));
	const column = (row: string[], name: string) => row[truth[0]!.indexOf(name)] as string;
	const rows = truth.slice(1);
	const sum = (name: string, of = rows) => of.reduce((total, row) => total + Number(column(row, name)), 0);
	const open = () => openFlows({ name: "client-side.pcapng", stream: createReadStream(`${SHOP}client-side.pcapng`) });

	/** Owners as the interfaces describe themselves: `eth0 of pod NAME, ADDRESS on NODE`. */
	function described(flows: FlowSource): Ownership {
		const owner = new Map<number, number>();
		return {
			netnsOfInterface(i) {
				const address = /\d+\.\d+\.\d+\.\d+/.exec(flows.interfaces.list[i]!.description!)![0];
				owner.set(ipv4ToNumber(address), i);
				return i;
			},
			ownerOf: (_, address) => owner.get(address) ?? -1,
			forwards: () => false,
		};
	}

	it("is offered as its flows really were: every packet of an initiator, once", async () => {
		const flows = open();
		const { rows: packets, offers } = await classify(flows, described(flows));
		expect(offers.tally).toMatchObject({
			flows: 3514,
			offered: sum("pkts_out"),
			replies: sum("pkts_in"),
			icmpErrors: 42,
			laterFragments: 0,
			cut: 0,
		});
		expect(packets).toHaveLength(50560);
		const offered = packets.filter(({ kind }) => kind === OFFER);
		expect(offered.every(({ netns }) => netns >= 0)).toBe(true);
		expect(offered.reduce((total, { bytes }) => total + bytes, 0)).toBe(sum("bytes_out"));
		expect(packets.filter(({ kind }) => kind === REPLY).reduce((total, { bytes }) => total + bytes, 0)).toBe(
			sum("bytes_in"),
		);
		const flowsOf = (proto: number) =>
			new Set(offered.filter((packet) => packet.proto === proto).map(({ flow }) => flow)).size;
		const truthOf = (proto: string) => rows.filter((row) => column(row, "proto") === proto);
		expect(flowsOf(6)).toBe(truthOf("tcp").length);
		expect(flowsOf(1)).toBe(truthOf("icmp").length);
		// One row of truth is one question and its answer; a flow may hold several (A and AAAA share one).
		expect(offered.filter(({ proto }) => proto === 17)).toHaveLength(truthOf("udp").length);
	});

	it("begins each connection of truth.csv at its time, with its packets", async () => {
		const flows = open();
		const { rows: packets } = await classify(flows, described(flows));
		const perFlow = new Map<number, { time: bigint; key: string; out: number; in: number }>();
		for (const { kind, flow, key, timeNs } of packets) {
			if (kind === OFFER && !perFlow.has(flow)) perFlow.set(flow, { time: timeNs, key, out: 0, in: 0 });
			if (kind === OFFER) perFlow.get(flow)!.out++;
			if (kind === REPLY) perFlow.get(flow)!.in++;
		}
		const expected = rows
			.filter((row) => column(row, "proto") === "tcp")
			.map((row) => {
				const [sec, nsec] = column(row, "time").split(".") as [string, string];
				const end = (name: string, port: string) => `${ipv4ToNumber(column(row, name))}:${column(row, port)}`;
				return `${sec}${nsec} ${end("client_ip", "sport")}>${end("dst_ip", "dport")}/6 ${column(row, "pkts_out")} ${column(row, "pkts_in")}`;
			});
		const got = [...perFlow.values()]
			.filter(({ key }) => key.endsWith("/6"))
			.map((flow) => `${flow.time} ${flow.key} ${flow.out} ${flow.in}`);
		expect(got.sort()).toEqual(expected.sort());
	});

	it("is offered the same where nobody knows whose the interfaces are", async () => {
		const { offers } = await classify(open(), { netnsOfInterface: () => -1, ownerOf: () => -1, forwards: () => false });
		expect(offers.tally).toMatchObject({ flows: 3514, offered: sum("pkts_out"), orphans: 0 });
	});

	it("offers every flow record", async () => {
		const flows = openFlows({ name: "flows.csv", stream: createReadStream(`${SHOP}flows.csv`) });
		const { offers } = await classify(flows, { netnsOfInterface: () => -1, ownerOf: () => -1, forwards: () => false });
		expect(offers.tally).toMatchObject({ flows: 3514, offered: sum("pkts_out"), replies: 0, duplicates: 0 });
	});
});

describe("small captures", () => {
	const SYN = 2;
	const SYNACK = 18;
	const ACK = 16;
	const RST = 4;
	const IN = 1;
	const OUT = 2;
	type Step = [device: string, direction: number, spec: Partial<FrameSpec>, atMs?: number];
	const owners = {
		"pod/shop/a": ["10.1.0.5"],
		"pod/shop/b": ["10.1.1.6"],
		"node/n1": ["192.0.2.1", "10.1.0.1"],
		"host/x": ["198.51.100.9"],
	};
	const kindNames = ["", "offer", "reply", "duplicate", "ignored"];

	async function kinds(steps: Step[]): Promise<string[]> {
		const writer = new PcapngWriter();
		const pieces = [writer.header(), ...new Set(steps.map(([name]) => name))].map((piece) =>
			typeof piece === "string" ? writer.declare(piece) : piece,
		);
		steps.forEach(([name, direction, spec, atMs], i) => {
			const timeNs = 1_795_354_258_000_000_000n + BigInt(atMs === undefined ? i * 10_000 : atMs * 1_000_000);
			const bytes = buildFrame({ src: "10.1.0.5", dst: "10.96.0.1", proto: 6, sport: 4000, dport: 80, ...spec });
			pieces.push(writer.frame({ timeNs, interface: name, bytes, direction }));
		});
		const flows = source(bytesOf(...pieces));
		const { rows } = await classify(flows, ownership(flows, owners, ["node/n1"]));
		return rows.map(({ kind, flow }) => `${kindNames[kind]}${flow === NO_FLOW ? "" : ` ${flow}`}`);
	}

	const A = "pod shop/a";
	const B = "pod shop/b";
	const ANY = "any";
	const back = { src: "10.96.0.1", sport: 80, dst: "10.1.0.5", dport: 4000 };
	const atB = { dst: "10.1.1.6", dport: 8080 };
	const fromB = { src: "10.1.1.6", sport: 8080, dst: "10.1.0.5", dport: 4000 };

	it("offer the sender's copy, take the client's copy of the answer, drop the server's two", async () => {
		expect(
			await kinds([
				[A, OUT, { tcpFlags: SYN, seq: 1, ipId: 9 }],
				[B, IN, { ...atB, tcpFlags: SYN, seq: 1, ipId: 9 }],
				[B, OUT, { ...fromB, tcpFlags: SYNACK, seq: 5, ack: 2 }],
				[A, IN, { ...back, tcpFlags: SYNACK, seq: 5, ack: 2 }],
				[A, OUT, { tcpFlags: ACK, seq: 2, ack: 6, ipId: 10 }],
				[B, IN, { ...atB, tcpFlags: ACK, seq: 2, ack: 6, ipId: 10 }],
			]),
		).toEqual(
			["offer 0", "duplicate", "duplicate", "reply 0", "offer 0", "duplicate"].map((kind, i) =>
				i === 1 || i === 2 || i === 5 ? expect.stringMatching(/^duplicate/) : kind,
			),
		);
	});

	it("recognise a masqueraded copy at the receiver by what NAT leaves alone", async () => {
		const masked = { src: "10.1.0.1", sport: 61000, ...atB };
		expect(
			await kinds([
				[A, OUT, { tcpFlags: SYN, seq: 1, ipId: 9 }],
				[B, IN, { ...masked, tcpFlags: SYN, seq: 1, ipId: 9 }],
				[B, OUT, { src: "10.1.1.6", sport: 8080, dst: "10.1.0.1", dport: 61000, tcpFlags: SYNACK, seq: 5, ack: 2 }],
				[A, IN, { ...back, tcpFlags: SYNACK, seq: 5, ack: 2 }],
			]),
		).toEqual(["offer 0", "duplicate 0", "duplicate 0", "reply 0"]);
	});

	it("offer what only the server saw, by whoever owns the source", async () => {
		const request = { src: "198.51.100.9", dst: "10.1.1.6", dport: 8080 };
		const answer = { src: "10.1.1.6", sport: 8080, dst: "198.51.100.9", dport: 4000 };
		expect(
			await kinds([
				[B, IN, { ...request, tcpFlags: SYN, seq: 1 }],
				[B, OUT, { ...answer, tcpFlags: SYNACK, seq: 3 }],
				[B, IN, { ...request, tcpFlags: ACK, seq: 2 }],
			]),
		).toEqual(["offer 0", "reply 0", "offer 0"]);
	});

	it("offer a node's own request to a pod although another of the node's interfaces is captured", async () => {
		expect(
			await kinds([
				["node n1", OUT, { src: "192.0.2.1", dst: "198.51.100.9", tcpFlags: SYN, seq: 8 }],
				[B, IN, { src: "10.1.0.1", ...atB, tcpFlags: SYN, seq: 1 }],
			]),
		).toEqual(["offer 0", "offer 1"]);
	});

	it("count ports used again as another flow, and a repeated SYN as the same", async () => {
		expect(
			await kinds([
				[A, OUT, { tcpFlags: SYN, seq: 1, ipId: 1 }, 0],
				[A, OUT, { tcpFlags: SYN, seq: 1, ipId: 2 }, 1000],
				[A, OUT, { tcpFlags: SYN, seq: 77, ipId: 3 }, 2000],
			]),
		).toEqual(["offer 0", "offer 0", "offer 1"]);
	});

	it("count a UDP flow after 30 s of silence as another, with the same roles", async () => {
		const udp = { proto: 17, dport: 53, payload: new Uint8Array(20) };
		const answer = { ...back, sport: 53, proto: 17, payload: new Uint8Array(40) };
		expect(
			await kinds([
				[A, OUT, udp, 0],
				[A, IN, answer, 1],
				[A, OUT, udp, 29_000],
				[A, OUT, udp, 60_000],
				[A, IN, answer, 60_001],
			]),
		).toEqual(["offer 0", "reply 0", "offer 0", "offer 1", "reply 1"]);
	});

	it("offer each packet of -i any once, before NAT, and answers by the name that NAT gave", async () => {
		expect(
			await kinds([
				[ANY, 0, { tcpFlags: SYN, seq: 1, ipId: 9, ttl: 64 }],
				[ANY, 0, { tcpFlags: SYN, seq: 1, ipId: 9, ttl: 64 }],
				[ANY, 0, { ...atB, tcpFlags: SYN, seq: 1, ipId: 9, ttl: 63 }],
				[ANY, 0, { ...fromB, tcpFlags: SYNACK, seq: 5, ack: 2 }],
				[ANY, 0, { ...back, tcpFlags: SYNACK, seq: 5, ack: 2, ttl: 63 }],
				[ANY, 0, { tcpFlags: ACK, seq: 2, ack: 6, ipId: 10 }],
				[ANY, 0, { ...atB, tcpFlags: ACK, seq: 2, ack: 6, ipId: 10 }],
			]),
		).toEqual(["offer 0", "duplicate 0", "duplicate 0", "reply 0", "duplicate 0", "offer 0", "duplicate 0"]);
	});

	it("take the same packet again after a while for a retransmission", async () => {
		const udp = { proto: 17, dport: 53, payload: new Uint8Array(20) };
		expect(
			await kinds([
				[ANY, 0, udp, 0],
				[ANY, 0, udp, 99],
				[ANY, 0, udp, 1000],
			]),
		).toEqual(["offer 0", "duplicate 0", "offer 0"]);
	});

	it("ignore ICMP errors, answers to nothing, and the RST that such an answer gets", async () => {
		expect(
			await kinds([
				[A, IN, { ...back, proto: 1, sport: 0, dport: 0x0303, payload: new Uint8Array(28) }],
				[A, IN, { ...fromB, tcpFlags: SYNACK, seq: 5, ack: 2 }],
				[A, OUT, { ...atB, tcpFlags: RST, seq: 2 }],
				[A, OUT, { ...atB, tcpFlags: ACK, seq: 2 }],
			]),
		).toEqual(["ignored", "ignored", "ignored", "offer 0"]);
	});

	it("pair pings by identifier, in both directions at once", async () => {
		const ping = (src: string, dst: string, type: number): Partial<FrameSpec> => ({
			src,
			dst,
			proto: 1,
			sport: 7,
			dport: type << 8,
		});
		expect(
			await kinds([
				[A, OUT, ping("10.1.0.5", "198.51.100.9", 8)],
				[A, IN, ping("198.51.100.9", "10.1.0.5", 0)],
				[A, IN, { ...ping("198.51.100.9", "10.1.0.5", 8), seq: 3 }],
				[A, OUT, { ...ping("10.1.0.5", "198.51.100.9", 0), seq: 3 }],
			]),
		).toEqual(["offer 0", "reply 0", "offer 1", "reply 1"]);
	});

	it("drop what a hairpin brings back to its sender", async () => {
		const own = { src: "10.1.0.5", dst: "10.1.0.5", dport: 8080 };
		expect(
			(
				await kinds([
					[A, OUT, { tcpFlags: SYN, seq: 1, ipId: 4 }],
					[A, IN, { ...own, tcpFlags: SYN, seq: 1, ipId: 4 }],
				])
			)[1],
		).toMatch(/^duplicate/);
	});

	it("know nothing of packets without ports", async () => {
		const writer = new PcapngWriter();
		const whole = buildFrame({ src: "10.1.0.5", dst: "10.96.0.1", proto: 6, sport: 1, dport: 2 });
		const bytes = bytesOf(
			writer.header(),
			writer.frame({ timeNs: 0n, interface: A, bytes: whole.subarray(0, 36), wireBytes: whole.length }),
		);
		const flows = source(bytes);
		const { rows, offers } = await classify(flows, ownership(flows, owners));
		expect(rows.map(({ kind }) => kind)).toEqual([IGNORED]);
		expect(offers.tally.cut).toBe(1);
		expect(rows[0]!.kind).not.toBe(DUPLICATE);
	});
});

describe("flow records of both directions", () => {
	it("are one flow: the first is offered, the other is its reply", async () => {
		const csv = [
			"time,src,sport,dst,dport,proto,packets,bytes,flags",
			"100.5,10.1.0.5,4000,10.96.0.1,80,tcp,5,400,27",
			"100.6,10.96.0.1,80,10.1.0.5,4000,tcp,4,900,27",
			"160.5,10.1.0.5,4000,10.96.0.1,80,tcp,1,60,2",
		].join("\n");
		const flows = source(csv);
		const { rows, offers } = await classify(flows, {
			netnsOfInterface: () => -1,
			ownerOf: () => -1,
			forwards: () => false,
		});
		expect(offers.tally).toMatchObject({ flows: 2, offered: 6, replies: 4, duplicates: 0 });
		expect(rows.at(-1)).toMatchObject({ kind: OFFER, flow: 1 });
	});
});
