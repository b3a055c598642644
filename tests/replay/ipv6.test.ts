// Captures of both families over a dual-stack cluster: each flow ends as a trace of its first packet does.

import { beforeAll, describe, expect, it } from "vitest";
import { DIRECTION_IN, DIRECTION_OUT } from "../../js/flows/columns.ts";
import { buildFrame } from "../../js/flows/frame.ts";
import { pcapngFile } from "../../js/flows/pcapng-writer.ts";
import { Cluster, type FlowReport, type ReplayReport, type ReplayRequest, type ReplaySource } from "../../js/index.ts";
import { DUAL_STACK } from "../cluster/manifests.ts";
import { bytes, records, replayOver, TOPOLOGY } from "./network.ts";

const [SYN, ACK] = [2, 16];
const OUTSIDE = "2001:db8:f::7";
const NEVER = "fd00:10:244:0:ffff::1";
const T0 = 1_700_000_000_000_000_000n;

interface Talk {
	from: string;
	to: string;
	port: number;
	proto?: 6 | 17 | 58;
}

describe.each(["routed", "l2"] as const)("a dual-stack cluster, %s", (fabric) => {
	let cluster: Cluster;
	let talks: Record<string, Talk>;

	const addressOf = (kind: string, name: RegExp, family: 4 | 6): string => {
		const object = cluster.objects.find((one) => one.kind === kind && name.test(one.metadata.name ?? ""));
		const { addresses = [], podIPs = [] } = (object as { status: Record<string, { address: string; ip: string }[]> })
			.status as Record<string, { address: string; ip: string }[]>;
		const all = [...addresses.map(({ address }) => address), ...podIPs.map(({ ip }) => ip)];
		return all.find((ip) => ip.includes(":") === (family === 6)) ?? "";
	};

	async function open(): Promise<Cluster> {
		const made = await Cluster.create({
			fabric,
			nodes: 2,
			podCIDR: "10.244.0.0/16,fd00:10:244::/56",
			serviceCIDR: "10.96.0.0/12,fd00:10:96::/112",
		});
		await made.apply(DUAL_STACK);
		await made.settle();
		return made;
	}

	beforeAll(async () => {
		cluster = await open();
		const client = addressOf("Pod", /^client$/, 6);
		const client4 = addressOf("Pod", /^client$/, 4);
		talks = {
			service: { from: client, to: "fd00:10:96::10", port: 80 },
			"service of IPv4": { from: client4, to: "10.96.0.10", port: 80 },
			pod: { from: client, to: addressOf("Pod", /^web-/, 6), port: 8080 },
			"closed port": { from: client, to: addressOf("Pod", /^web-/, 6), port: 81 },
			datagram: { from: client, to: "fd00:10:96::10", port: 80, proto: 17 },
			"datagram of IPv4": { from: client4, to: "10.96.0.10", port: 80, proto: 17 },
			"no endpoints": { from: client, to: "fd00:10:96::11", port: 80 },
			echo: { from: client, to: addressOf("Node", /^node-2$/, 6), port: 0, proto: 58 },
			"node port from outside": { from: OUTSIDE, to: addressOf("Node", /^node-1$/, 6), port: 30080 },
			nobody: { from: client, to: NEVER, port: 80 },
		};
	});

	/** A capture at no interface that anyone knows: the opening and ten more packets of each connection, with answers where `answered`. */
	function capture(answered: boolean): ReplaySource {
		const packets = Object.values(talks).flatMap(({ from, to, port, proto = 6 }, i) => {
			const sport = 40_000 + i;
			// Of many refusals of a datagram, the kernel's limit holds some back.
			return Array.from({ length: proto === 17 ? 1 : 11 }, (_, k) => {
				const flags = k === 0 ? SYN : ACK;
				const [there, back] = [i * 100_000 + k, i * 100_000 + 50_000 + k];
				const asked = { src: from, dst: to, sport, proto, seq: there, ack: k === 0 ? 0 : back };
				const timeNs = T0 + BigInt(k) * 10_000_000n + BigInt(i) * 10_000n;
				const frame =
					proto === 58
						? buildFrame({ ...asked, dport: 128 << 8, seq: k })
						: buildFrame({ ...asked, dport: port, tcpFlags: flags, payload: Uint8Array.of(i, k, 0, 0, 0, 0, 0, 0) });
				const answer = { src: to, dst: from, sport: port, dport: sport, proto, seq: back, ack: there + 1 };
				const reply =
					proto === 58
						? buildFrame({ ...asked, src: to, dst: from, dport: 129 << 8, seq: k })
						: buildFrame({ ...answer, tcpFlags: flags | ACK, payload: Uint8Array.of(i, k, 1, 0, 0, 0, 0, 0) });
				const out = { interface: "any", timeNs, bytes: frame, direction: DIRECTION_OUT };
				return answered ? [out, { ...out, timeNs: timeNs + 100n, bytes: reply, direction: DIRECTION_IN }] : [out];
			}).flat();
		});
		packets.sort((a, b) => Number(a.timeNs - b.timeNs));
		return bytes(pcapngFile(packets));
	}

	async function replayed(source: ReplaySource, request: ReplayRequest = {}) {
		const over = await open();
		const flows: FlowReport[] = [];
		const report = await over.replay(source, { ...request, perFlow: (flow) => flows.push(flow) });
		return { report, flows, over };
	}

	it.each([true, false])("ends each flow as a trace of its first packet, answers captured: %s", async (answered) => {
		const { report, flows } = await replayed(capture(answered));
		expect(report.recording).toMatchObject({ ipv6: 0, linkLocal: 0 });
		const ends = new Map(flows.map((flow) => [flow.sport, flow]));
		for (const [i, [name, { from, to, port, proto = 6 }]] of Object.entries(talks).entries()) {
			const sport = 40_000 + i;
			const target = port === 0 ? to : to.includes(":") ? `[${to}]:${port}` : `${to}:${port}`;
			const protocol = proto === 6 ? "tcp" : proto === 17 ? "udp" : "icmp";
			const host = from === OUTSIDE ? `host/${from}` : "pod/shop/client";
			const path = cluster.trace({ from: host, to: target, proto: protocol, ...(proto === 58 ? {} : { sport }) });
			const flow = ends.get(sport);
			expect([name, flow?.src, flow?.dst, flow?.proto]).toEqual([name, from, to, proto === 58 ? "icmpv6" : protocol]);
			// A flow's verdict is what its client notices: a refusal that does not come back is none.
			const lost = path.verdict !== "delivered" && path.reply !== null && path.reply.verdict !== "delivered";
			expect([name, flow?.verdict, flow?.reason]).toEqual([name, lost ? "dropped" : path.verdict, path.reason]);
			const [node, seen] = [path.delivered?.node, path.seen?.source];
			// Which of two endpoints it is, chance says.
			if (name !== "node port from outside") expect([name, flow?.seen?.source]).toEqual([name, seen]);
			if (name === "pod") expect([name, flow?.delivered?.node]).toEqual([name, node]);
		}
		expect(flows.find(({ dst }) => dst === "fd00:10:96::10")?.service).toBe("shop/web:80");
	});

	it("repeats packets of IPv6 from the path cache, and nothing shows it", async () => {
		const [cached, carried] = [await replayed(capture(true)), await replayed(capture(true), { pathCache: false })];
		expect(cached.over.machine.core.engine.cacheHits()).toBeGreaterThan(50);
		expect(cached.report).toEqual(carried.report);
		expect(cached.flows).toEqual(carried.flows);
	});

	it("is the same where another thread reads", async () => {
		const [here, there] = [
			await replayed(capture(true), { keptRows: 0 }),
			await replayed(capture(true), { keptRows: 0, jobs: 2, sharedMemory: false }),
		];
		expect(there.report).toEqual(here.report);
		expect(there.flows).toEqual(here.flows);
	});

	it("says which addresses and ports were masqueraded, and where flows ended", async () => {
		const { report } = await replayed(capture(false));
		const [snat] = report.snatPorts.filter(({ destination }) => destination.startsWith("["));
		if (snat !== undefined) expect(snat.destination).toMatch(/^\[fd00:10:244:.*\]:8080$/);
		expect(report.perEndpoint.some(({ address }) => address.includes(":"))).toBe(true);
	});
});

describe("IPv6 in a recording", () => {
	const row = (src: string, dst: string, proto = "tcp", dport = 80) => `1,${src},40000,${dst},${dport},${proto},1,60,2`;

	it("that does not leave its link is left out and counted", async () => {
		const lines = [
			row("fe80::1", "fe80::2"),
			row("fe80::1", "ff02::fb", "udp", 5353),
			row("::", "ff02::16", "ipv6-icmp", 143 << 8),
			row("fd00::1", "fd00::2", "ipv6-icmp", 135 << 8),
		];
		const { report } = await replayOver(TOPOLOGY, [records(...lines, row("10.0.1.2", "10.96.0.1"))]);
		expect(report).toMatchObject({ flows: 1, packets: 1, recording: { linkLocal: 4, ipv6: 0 } });
	});

	it("is left out and counted where the network has none", async () => {
		const { report } = await replayOver(TOPOLOGY, [records(row("fd00::1", "fd00::2"), row("10.0.1.2", "10.96.0.1"))]);
		expect(report satisfies ReplayReport).toMatchObject({ flows: 1, recording: { linkLocal: 0, ipv6: 1, unowned: 0 } });
	});
});
