// What a replay makes of recordings, case by case: who answers, what the client notices, whose a packet is, what events change.

import { describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import { CapacityError } from "../../bindings/views.ts";
import { DIRECTION_IN, DIRECTION_OUT } from "../../js/flows/columns.ts";
import { parseEvents } from "../../js/flows/events.ts";
import { buildFrame, type FrameSpec } from "../../js/flows/frame.ts";
import { pcapngFile } from "../../js/flows/pcapng-writer.ts";
import { timedActions } from "../../js/replay/events.ts";
import { mappingOf } from "../../js/replay/mapping.ts";
import { SourceError } from "../../js/replay/survey.ts";
import { bytes, records, replayOver, TOPOLOGY } from "./network.ts";

const SYN = 2;
const RST = 4;
const ACK = 16;

describe("who answers", () => {
	it("a mirror, where no reverse record is there", async () => {
		const { flows, report } = await replayOver(TOPOLOGY, [records("1.5,10.0.1.2,40000,10.96.0.1,80,tcp,5,300,27")]);
		expect(flows).toEqual([
			{
				time: "1.500000000",
				last: "1.500000000",
				proto: "tcp",
				src: "10.0.1.2",
				sport: 40000,
				dst: "10.96.0.1",
				dport: 80,
				packets: 10,
				bytes: 500,
				verdict: "delivered",
				reason: null,
				broken: null,
				delivered: { kind: "Pod", namespace: "t", name: "web", node: "n2", address: "10.0.2.2", port: 8080 },
				seen: { source: "10.0.1.2", sourcePort: 40000 },
				entryNode: null,
				secondHop: false,
				service: null,
			},
		]);
		expect(report).toMatchObject({ flows: 1, packets: 5, verdicts: { delivered: 1 }, reasons: {}, seconds: 0 });
	});

	it("the reverse record; the SYN that it begins with answers at once, so that what follows meets a connection", async () => {
		const { flows, report, machine } = await replayOver(TOPOLOGY, [
			records("1,10.0.1.2,40000,10.96.0.1,80,tcp,4,240,27", "1.001,10.96.0.1,80,10.0.1.2,40000,tcp,3,900,27"),
		]);
		expect(flows).toHaveLength(1);
		expect(flows[0]).toMatchObject({ verdict: "delivered", packets: 7, bytes: 240 + 40 + 600, last: "1.001000000" });
		expect(report.recording).toMatchObject({ offered: 4, replies: 3, unanswerable: 0 });
		const entry = machine.core.engine.table(L.TABLE_CT);
		expect(machine.core.rows.view.getUint16(entry + L.CT_STATUS, true) & L.IPS_ASSURED).toBe(L.IPS_ASSURED);
	});

	it("nobody with replies none: what arrived counts", async () => {
		const { flows, report } = await replayOver(
			TOPOLOGY,
			[records("1,10.0.1.2,40000,10.96.0.1,80,tcp,2,120,2", "2,10.0.1.2,40001,10.96.0.9,80,tcp,1,60,2")],
			{ replies: "none" },
		);
		expect(flows.map(({ verdict, packets }) => [verdict, packets])).toEqual([
			["delivered", 2],
			["rejected", 1],
		]);
		expect(report.reasons).toEqual({ "no-endpoints": 1 });
	});

	it("the same where each packet is carried as where those that repeat are counted", async () => {
		const lines = ["1,10.0.1.2,1,10.96.0.1,80,tcp,40,2400,19", "2,10.0.1.2,9,10.96.0.2,53,udp,40,2800,0"];
		const counted = await replayOver(TOPOLOGY, [records(...lines)]);
		const carried = await replayOver(TOPOLOGY, [records(...lines)], { pathCache: false });
		expect(counted.machine.core.engine.cacheHits()).toBeGreaterThan(30);
		expect(carried.machine.core.engine.cacheHits()).toBe(0);
		expect(counted.report).toEqual(carried.report);
		expect(counted.flows).toEqual(carried.flows);
		expect(counted.machine.countedRuleset("node:n1")).toEqual(carried.machine.countedRuleset("node:n1"));
	});

	it("the stack itself: echoes", async () => {
		const { flows } = await replayOver(TOPOLOGY, [records(`1,10.0.1.2,7,10.0.2.2,${8 << 8},icmp,3,252,0`)]);
		expect(flows).toHaveLength(1);
		expect(flows[0]).toMatchObject({ proto: "icmp", verdict: "delivered", sport: 7, dport: 2048 });
		expect(flows[0]?.delivered).toMatchObject({ name: "web", port: null });
		expect(flows[0]?.seen).toEqual({ source: "10.0.1.2", sourcePort: null });
	});

	it("a listener for a connection whose beginning was not captured", async () => {
		const { flows } = await replayOver(TOPOLOGY, [records(`1,10.0.1.2,40000,10.0.2.2,8080,tcp,3,156,${ACK}`)]);
		expect(flows.map(({ verdict }) => verdict)).toEqual(["delivered"]);
	});
});

describe("what the client notices", () => {
	it.each([
		["a closed port", `10.0.1.2,1,10.0.2.2,81,tcp,1,60,${SYN}`, "rejected", "port-closed"],
		["a closed UDP port", "10.0.1.2,1,10.0.2.3,54,udp,1,60,0", "rejected", "port-closed"],
		["a Service without endpoints", `10.0.1.2,1,10.96.0.9,80,tcp,1,60,${SYN}`, "rejected", "no-endpoints"],
		["a rule that drops", `10.0.1.2,1,10.0.2.9,80,tcp,4,240,${SYN}`, "dropped", "drop-rule"],
		["no such pod", `10.0.1.2,1,10.0.2.77,80,tcp,1,60,${SYN}`, "unreachable", "neighbour-failed"],
	])("%s", async (_, line, verdict, reason) => {
		const { flows } = await replayOver(TOPOLOGY, [records(`1,${line}`)], { isOwnRange: () => true });
		expect(flows.map((flow) => [flow.verdict, flow.reason])).toEqual([[verdict, reason]]);
	});

	it("retransmissions into a drop are one flow, another connection from the same port is another", async () => {
		const { flows } = await replayOver(TOPOLOGY, [
			records(`1,10.0.1.2,1,10.0.2.9,80,tcp,4,240,${SYN}`, `9,10.0.1.2,1,10.0.2.9,80,tcp,2,120,${SYN}`),
		]);
		expect(flows.map(({ packets }) => packets)).toEqual([4, 2]);
	});

	it("the opening's end, whatever becomes of the packets after it", async () => {
		const { flows } = await replayOver(TOPOLOGY, [records(`1,10.0.1.2,1,10.0.2.2,81,tcp,5,300,${SYN | ACK | RST}`)]);
		expect(flows.map(({ verdict, reason, packets }) => [verdict, reason, packets])).toEqual([
			["rejected", "port-closed", 5],
		]);
	});

	it("a UDP exchange each time its entry has expired", async () => {
		const { flows } = await replayOver(TOPOLOGY, [
			records(
				"1,10.0.1.2,5353,10.96.0.2,53,udp,1,70,0",
				"1.1,10.0.1.2,5353,10.96.0.2,53,udp,1,70,0",
				"200,10.0.1.2,5353,10.96.0.2,53,udp,1,70,0",
			),
		]);
		expect(flows.map(({ packets, verdict }) => [packets, verdict])).toEqual([
			[4, "delivered"],
			[2, "delivered"],
		]);
	});
});

describe("whose a packet is", () => {
	it("machines outside come into being: sources, and what records say they send to", async () => {
		const { flows, machine } = await replayOver(TOPOLOGY, [
			records(`1,203.0.113.5,1,10.0.2.2,8080,tcp,1,60,${SYN}`, `2,10.0.1.2,1,203.0.113.6,443,tcp,1,60,${SYN}`),
		]);
		expect(machine.encoded.netnsNames.filter((name) => name.startsWith("host:"))).toEqual([
			"host:203.0.113.5",
			"host:203.0.113.6",
		]);
		expect(flows.map(({ verdict, entryNode }) => [verdict, entryNode])).toEqual([
			["delivered", "n2"],
			["delivered", null],
		]);
		expect(flows[1]?.delivered).toEqual({
			kind: "Host",
			namespace: null,
			name: "203.0.113.6",
			node: null,
			address: "203.0.113.6",
			port: 443,
		});
	});

	it("strict sources: an error that names it", async () => {
		const source = records(`1,203.0.113.5,1,10.0.2.2,8080,tcp,1,60,${SYN}`);
		await expect(replayOver(TOPOLOGY, [source], { strictSources: true })).rejects.toThrow(SourceError);
		await expect(replayOver(TOPOLOGY, [source], { strictSources: true })).rejects.toThrow(
			/nobody owns the source 203\.0\.113\.5/,
		);
	});

	it("mapped addresses are someone else's here", async () => {
		const { flows } = await replayOver(TOPOLOGY, [records(`1,172.16.3.4,1,172.17.0.1,8080,tcp,1,60,${SYN}`)], {
			mappings: [mappingOf("172.16.0.0/16", ["10.0.1.2"]), mappingOf("172.17.0.1", ["10.0.2.2"])],
			strictSources: true,
		});
		expect(flows.map(({ src, dst, verdict }) => [src, dst, verdict])).toEqual([["10.0.1.2", "10.0.2.2", "delivered"]]);
	});

	it("sources that only a Service has are counted, not offered", async () => {
		const virtual = (10 << 24) | (96 << 16) | 1;
		const { report } = await replayOver(TOPOLOGY, [records(`1,10.96.0.1,80,10.0.2.2,8080,tcp,2,120,${SYN}`)], {
			virtual: new Set([virtual]),
		});
		expect(report).toMatchObject({ flows: 0, packets: 0, recording: { unowned: 2 } });
	});

	it("a capture at the client and at the server holds each packet twice: one is offered", async () => {
		const syn: FrameSpec = {
			src: "10.0.1.2",
			dst: "10.96.0.1",
			proto: 6,
			sport: 40000,
			dport: 80,
			tcpFlags: SYN,
			seq: 7,
		};
		const far = { ...syn, dst: "10.0.2.2", dport: 8080, ttl: 61 };
		const answer = {
			...syn,
			src: "10.0.2.2",
			dst: "10.0.1.2",
			sport: 8080,
			dport: 40000,
			tcpFlags: SYN | ACK,
			seq: 9,
			ack: 8,
		};
		const near = { ...answer, src: "10.96.0.1", sport: 80, ttl: 61 };
		const seen = [
			["pod t/client", syn, DIRECTION_OUT],
			["pod t/web", far, DIRECTION_IN],
			["pod t/web", answer, DIRECTION_OUT],
			["pod t/client", near, DIRECTION_IN],
		] as const;
		const frames = seen.map(([name, spec, direction], i) => ({
			interface: name,
			timeNs: 1_000_000_000n + BigInt(i) * 1000n,
			bytes: buildFrame(spec),
			direction,
		}));
		const { flows, report } = await replayOver(TOPOLOGY, [bytes(pcapngFile(frames))]);
		expect(flows.map(({ packets, verdict }) => [packets, verdict])).toEqual([[2, "delivered"]]);
		expect(report.recording).toMatchObject({ offered: 1, replies: 1, duplicates: 2 });
	});
});

describe("events", () => {
	const at = (...lines: string[]) =>
		parseEvents(["time,done,kind,node,object,detail", ...lines].join("\n"), "events.csv");
	const text = (rules: string) => ({ restoreText: () => ({ file: "reload", text: rules }) });
	const syn = (time: number, sport: number) => `${time},10.0.1.2,${sport},10.96.0.1,80,tcp,1,60,${SYN}`;

	it("rules reloaded between packets", async () => {
		const reload = "*nat\n-I PREROUTING -d 10.96.0.1/32 -p tcp -j DNAT --to-destination 10.0.2.2:81\nCOMMIT\n";
		const actions = timedActions(at("1.5,1.5,iptables-restore,n1,x,"), text(reload));
		const { flows } = await replayOver(TOPOLOGY, [records(syn(1, 1), syn(1.5, 2), syn(2, 3))], { actions });
		expect(flows.map(({ verdict }) => verdict)).toEqual(["delivered", "rejected", "rejected"]);
	});

	it("a deleted entry: the next packet begins another flow", async () => {
		const udp = (time: number) => `${time},10.0.1.2,9,10.96.0.2,53,udp,1,70,0`;
		const actions = timedActions(at("1.5,,conntrack-delete,n1,x,UDP entries 10.96.0.2 -> 10.0.2.3"), text(""));
		const source = records(udp(1), udp(1.2), udp(2));
		const without = await replayOver(TOPOLOGY, [source]);
		expect(without.flows.map(({ packets }) => packets)).toEqual([6]);
		const { flows } = await replayOver(TOPOLOGY, [source], { actions });
		expect(flows.map(({ packets, verdict }) => [packets, verdict])).toEqual([
			[4, "delivered"],
			[2, "delivered"],
		]);
	});

	it("a machine outside that vanishes: what it sends still arrives, answers are lost", async () => {
		const from = (time: number, sport: number) => `${time},203.0.113.5,${sport},10.0.2.2,8080,tcp,1,60,${SYN}`;
		const actions = timedActions(at("1.5,,client-lost,router,c,203.0.113.0/24"), text(""));
		const { flows } = await replayOver(TOPOLOGY, [records(from(1, 1), from(2, 2))], { actions });
		expect(flows.map(({ verdict, reason }) => [verdict, reason])).toEqual([
			["delivered", null],
			["dropped", "reply-lost"],
		]);
		expect(flows[1]?.delivered).toMatchObject({ name: "web" });
	});

	it("objects cannot change where no cluster is replayed", () => {
		expect(() => timedActions(at("1,,delete,,Pod/t/web,"), text(""))).toThrow(
			/line 2: delete: objects can be changed only/,
		);
	});

	it("an unknown node is said with its line", async () => {
		const actions = timedActions(at("1,,iptables-restore,n9,x,"), text(""));
		await expect(replayOver(TOPOLOGY, [records(syn(2, 1))], { actions })).rejects.toThrow(
			"line 2: iptables-restore: there is no node n9",
		);
	});

	it("only what comes before a time", async () => {
		const { flows } = await replayOver(TOPOLOGY, [records(syn(1, 1), syn(2, 2))], { untilNs: 2_000_000_000n });
		expect(flows.map(({ sport }) => sport)).toEqual([1]);
	});
});

describe("limits", () => {
	it("a full flow table is an error, not a silence", async () => {
		const lines = Array.from({ length: 20 }, (_, i) => `${i + 1},10.0.1.2,${i + 1},10.0.2.2,8080,tcp,1,60,${SYN}`);
		const run = replayOver(TOPOLOGY, [records(...lines)], { capacities: { [L.TABLE_FLOW]: 10 } });
		await expect(run).rejects.toThrow(CapacityError);
	});

	it("a signal stops it", async () => {
		const signal = AbortSignal.abort(new Error("enough"));
		await expect(
			replayOver(TOPOLOGY, [records(`1,10.0.1.2,1,10.0.2.2,8080,tcp,1,60,${SYN}`)], { signal }),
		).rejects.toThrow("enough");
	});

	it("more packets than a batch holds are all carried", async () => {
		const { flows, report } = await replayOver(TOPOLOGY, [records("1,10.0.1.2,1,10.96.0.2,53,udp,5000,350000,0")]);
		expect(report.packets).toBe(5000);
		expect(flows.map(({ packets, bytes }) => [packets, bytes])).toEqual([[10000, 700000]]);
	});
});
