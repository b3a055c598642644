// TCP windows in a replay: a capture's sequence numbers are judged as Linux judges them, flow records have none, and a flow
// whose other side was not captured is not held to data that nobody sent.

import { describe, expect, it } from "vitest";
import { conntrackEntries } from "../../bindings/conntrack.ts";
import { Machine } from "../../bindings/machine.ts";
import { loadModule } from "../../bindings/node.ts";
import { DIRECTION_IN, DIRECTION_OUT } from "../../js/flows/columns.ts";
import { buildFrame } from "../../js/flows/frame.ts";
import { pcapngFile } from "../../js/flows/pcapng-writer.ts";
import { Cluster, SequenceError } from "../../js/index.ts";
import { loadTopology } from "../../js/lab.ts";
import { capacitiesFor, replay } from "../../js/replay/replay.ts";
import { survey } from "../../js/replay/survey.ts";
import { bytes, records, replayOver, TOPOLOGY } from "./network.ts";

const SYN = 2;
const ACK = 16;
const CLIENT = { src: "10.0.1.2", sport: 40000, dst: "10.96.0.1", dport: 80 };

interface Segment {
	reply?: boolean;
	flags: number;
	seq: number;
	ack?: number;
	window?: number;
	payload?: number;
	/** Bytes of options, a multiple of four. */
	options?: readonly number[];
}

/** A segment as an Ethernet frame, with TCP options, which `buildFrame` leaves out. */
function frame({ reply = false, flags, seq, ack = 0, window = 64240, payload = 0, options = [] }: Segment): Uint8Array {
	const { src, sport, dst, dport } = CLIENT;
	const ends = reply ? { src: dst, sport: dport, dst: src, dport: sport } : CLIENT;
	const content = new Uint8Array(options.length + payload);
	content.set(options);
	const built = buildFrame({ ...ends, proto: 6, tcpFlags: flags, seq, ack, window, payload: content });
	// data offset, in words
	built[14 + 20 + 12] = ((20 + options.length) / 4) << 4;
	return built;
}

/** The client's capture of a connection to web, a segment every 10 ms. */
function capture(...segments: Segment[]) {
	return bytes(
		pcapngFile(
			segments.map((segment, i) => ({
				interface: "pod t/client",
				timeNs: 1_000_000_000n + BigInt(i) * 10_000_000n,
				bytes: frame(segment),
				direction: segment.reply ? DIRECTION_IN : DIRECTION_OUT,
			})),
		),
	);
}

const HANDSHAKE: Segment[] = [
	{ flags: SYN, seq: 1000 },
	{ reply: true, flags: SYN | ACK, seq: 9000, ack: 1001 },
	{ flags: ACK, seq: 1001, ack: 9001 },
];
/** Far beyond what the server said it would take. */
const BEYOND: Segment = { flags: ACK, seq: 1_000_000, ack: 9001, payload: 10 };

/** Packets that node n1 has counted in the client's direction. */
function counted(machine: Machine): number[] {
	return conntrackEntries(machine.core, 0n, machine.netnsRow("node:n1")).map((entry) => entry.origPackets);
}

describe("TCP windows in a replay", () => {
	it("are on for captures: what is out of its window is INVALID, and counts for no connection", async () => {
		const { report, machine } = await replayOver(TOPOLOGY, [capture(...HANDSHAKE, BEYOND)]);
		expect(report.tcpWindows).toBe(true);
		expect(counted(machine)).toEqual([2]);
	});

	it("are off on request: every number is in its window", async () => {
		const { report, machine } = await replayOver(TOPOLOGY, [capture(...HANDSHAKE, BEYOND)], { tcpWindows: false });
		expect(report.tcpWindows).toBe(false);
		expect(counted(machine)).toEqual([3]);
	});

	it("take the scale that both SYNs carry", async () => {
		const scale = [3, 3, 7, 1];
		const scaled = [
			{ flags: SYN, seq: 1000, options: scale },
			{ reply: true, flags: SYN | ACK, seq: 9000, ack: 1001, options: scale },
			{ flags: ACK, seq: 1001, ack: 9001 },
			{ reply: true, flags: ACK, seq: 9001, ack: 1001, window: 64000 },
		];
		const data = (seq: number): Segment => ({ flags: ACK, seq, ack: 9001, payload: 10 });
		expect(counted((await replayOver(TOPOLOGY, [capture(...scaled, data(8_000_000))])).machine)).toEqual([3]);
		expect(counted((await replayOver(TOPOLOGY, [capture(...scaled, data(9_000_000))])).machine)).toEqual([2]);
		const bare = scaled.map((segment) => ({ ...segment, options: [] }));
		expect(counted((await replayOver(TOPOLOGY, [capture(...bare, data(8_000_000))])).machine)).toEqual([2]);
	});

	it("let a selective acknowledgement reach as far as its highest block", async () => {
		const permitted = [4, 2, 1, 1];
		const block = (left: number, right: number) => [1, 1, 5, 10, ...word(left), ...word(right)];
		const start: Segment[] = [
			{ flags: SYN, seq: 1000, options: permitted },
			{ reply: true, flags: SYN | ACK, seq: 9000, ack: 1001, options: permitted },
			{ flags: ACK, seq: 1001, ack: 9001 },
			{ reply: true, flags: ACK, seq: 9001, ack: 1001, payload: 1000 },
		];
		const sack = (right: number): Segment => ({ flags: ACK, seq: 1001, ack: 9001, options: block(9501, right) });
		expect(counted((await replayOver(TOPOLOGY, [capture(...start, sack(10001))])).machine)).toEqual([3]);
		// data that the server has not sent yet
		expect(counted((await replayOver(TOPOLOGY, [capture(...start, sack(10501))])).machine)).toEqual([2]);
	});

	it("do not judge a flow whose answers were not captured", async () => {
		const { machine, flows } = await replayOver(TOPOLOGY, [
			capture(
				{ flags: SYN, seq: 1000 },
				{ flags: ACK, seq: 1001, ack: 9001, payload: 100 },
				{ flags: ACK, seq: 1101, ack: 500_000 },
			),
		]);
		expect(counted(machine)).toEqual([3]);
		expect(flows.map(({ verdict }) => verdict)).toEqual(["delivered"]);
	});

	it("come out the same where each packet is carried as where those that repeat are counted", async () => {
		const recorded = [conversation(0), conversation(60_000)].map((segments) => capture(...segments));
		for (const one of recorded) {
			const counted = await replayOver(TOPOLOGY, [one]);
			const carried = await replayOver(TOPOLOGY, [one], { pathCache: false });
			expect(counted.machine.core.engine.cacheHits()).toBeGreaterThan(20);
			expect(counted.report).toEqual(carried.report);
			expect(counted.flows).toEqual(carried.flows);
			const entries = ({ machine }: typeof counted) => conntrackEntries(machine.core, 0n);
			expect(entries(counted)).toEqual(entries(carried));
		}
	});

	it("come out the same from rows that were kept as from files read again, as often as one likes", async () => {
		const sources = [capture(...conversation(0)), capture(...conversation(60_000))];
		const surveyed = await survey(loadTopology(TOPOLOGY), sources);
		expect(surveyed.kept?.batches.map(({ count }) => count)).toEqual([surveyed.packets]);
		const ends = [];
		for (const kept of [surveyed.kept, null, surveyed.kept]) {
			const network = loadTopology(TOPOLOGY);
			const machine = new Machine(await loadModule(), network, { capacities: capacitiesFor(surveyed), windows: true });
			const report = await replay(machine, { ...surveyed, kept });
			ends.push([report, conntrackEntries(machine.core, 0n), machine.countedRuleset("node:n1")]);
		}
		expect(ends[1]).toEqual(ends[0]);
		expect(ends[2]).toEqual(ends[0]);
	});

	it("are off for flow records, and refused where they are asked for", async () => {
		const recorded = records(`1,10.0.1.2,40000,10.96.0.1,80,tcp,5,300,${SYN | ACK}`);
		expect((await replayOver(TOPOLOGY, [recorded])).report.tcpWindows).toBe(false);
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		await expect(cluster.replay(recorded, { tcpWindows: true })).rejects.toThrow(SequenceError);
		expect((await cluster.replay(capture(...HANDSHAKE))).tcpWindows).toBe(true);
		expect((await cluster.replay([recorded, capture(...HANDSHAKE)])).tcpWindows).toBe(false);
	});
});

/** Data both ways with retransmissions, holes that are filled, SACK blocks, and now and then a segment far `beyond`. */
function conversation(beyond: number): Segment[] {
	const options = [4, 2, 1, 1, 3, 3, 7, 1];
	const segments: Segment[] = [
		{ flags: SYN, seq: 1000, options },
		{ reply: true, flags: SYN | ACK, seq: 9000, ack: 1001, options },
		{ flags: ACK, seq: 1001, ack: 9001, window: 500 },
	];
	const next: [number, number] = [1001, 9001];
	const acked: [number, number] = [1001, 9001];
	for (let i = 0; i < 100; i++) {
		const reply = i % 3 === 2;
		const [own, other] = reply ? ([1, 0] as const) : ([0, 1] as const);
		const far = beyond > 0 && i % 10 === 9 ? beyond * 1000 : 0;
		const segment = { reply, flags: ACK, seq: next[own] + far, ack: acked[other], window: 500, payload: 100 };
		segments.push(segment);
		if (i % 7 === 0) segments.push(segment);
		if (i % 11 === 0) {
			const blocks = [1, 1, 5, 10, ...word(next[other] - 50), ...word(next[other])];
			segments.push({ ...segment, payload: 0, options: blocks });
		}
		if (far === 0) next[own] += 100;
		if (i % 5 !== 0) acked[own] = next[own];
	}
	return segments;
}

function word(value: number): number[] {
	return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
