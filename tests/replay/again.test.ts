// Replays of one cluster one after the other use its engine again, emptied, and what reads a recording as well: each comes out as
// the first did, whatever lay between them, and where one failed.

import { describe, expect, it } from "vitest";
import { events, openShop, recording } from "../../examples/shop/recording.mjs";
import { Cluster } from "../../js/cluster.ts";
import type { ReplayRequest, ReplaySource } from "../../js/index.ts";
import type { FlowReport } from "../../js/replay/flow.ts";
import { bytes, records, TOPOLOGY } from "./network.ts";

/** All that can be seen of a replay. */
async function replayed(cluster: Cluster, source: ReplaySource, request: ReplayRequest = {}, node = "n1") {
	const flows: FlowReport[] = [];
	const report = await cluster.replay(source, { ...request, perFlow: (flow) => flows.push(flow) });
	const rules = cluster.iptables(node, { counters: true });
	return { report, flows, rules, conntrack: cluster.conntrack(node) };
}

const LINES = Array.from({ length: 2000 }, (_, i) => [
	`${i}.5,10.0.1.2,${40000 + i},10.96.0.1,80,tcp,5,300,27`,
	`${i}.6,10.0.1.2,${40000 + i},10.96.0.2,53,udp,2,120,0`,
	`${i}.7,203.0.113.${i % 50},${1024 + i},10.0.2.9,80,tcp,1,60,2`,
]).flat();
const few = records(...LINES.slice(0, 30));
const many = records(...LINES);
const damaged = records(...LINES.slice(0, 200), "not,a,record");

describe("a cluster that replays again", () => {
	it("says what it said, in the engine that it has", async () => {
		const cluster = await openShop(1);
		const before = await replayed(cluster, recording("client-side.pcapng"), {}, "node-1");
		const { machine } = cluster;
		for (let i = 0; i < 2; i++) {
			expect(await replayed(cluster, recording("client-side.pcapng"), {}, "node-1")).toEqual(before);
			expect(cluster.machine).toBe(machine);
		}
		const { actions } = await events();
		const reloaded = await replayed(cluster, recording("client-side.pcapng"), { actions }, "node-1");
		expect(reloaded.rules).not.toBe(before.rules);
		// Its rules are others now: the next one takes an engine of its own.
		expect(await replayed(cluster, recording("client-side.pcapng"), {}, "node-1")).toEqual(before);
		expect(cluster.machine).not.toBe(machine);
		expect(await replayed(cluster, recording("client-side.pcapng"), { actions }, "node-1")).toEqual(reloaded);
	});

	it("says what it said after other recordings, traces and time", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		const before = await replayed(cluster, many);
		const { machine } = cluster;
		await cluster.trace({ from: "pod/t/client", to: "10.96.0.1:80" });
		cluster.wire.advance(3_600_000_000_000n);
		expect(await replayed(cluster, many)).toEqual(before);
		expect(cluster.machine).toBe(machine);
		const other = await replayed(cluster, few, { replies: "none" });
		expect(await replayed(cluster, few, { replies: "none" })).toEqual(other);
		expect(await replayed(cluster, many)).toEqual(before);
	});

	it("says what it said after one that failed: given up, damaged, or by who listens", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		const before = await replayed(cluster, many);
		const { machine } = cluster;
		const stop = new AbortController();
		// Between the batches that are carried.
		const early = (_: number, total?: number) => total !== undefined && stop.abort(new Error("enough"));
		await expect(replayed(cluster, many, { signal: stop.signal, progress: early })).rejects.toThrow("enough");
		expect(await replayed(cluster, many)).toEqual(before);
		await expect(replayed(cluster, damaged)).rejects.toThrow(":202:13: a record of 3 fields");
		const late = (flow: FlowReport) => {
			if (flow.dport === 53) throw new Error("no more");
		};
		await expect(cluster.replay(many, { perFlow: late })).rejects.toThrow("no more");
		expect(await replayed(cluster, many)).toEqual(before);
		expect(cluster.machine).toBe(machine);
	});

	it("leaves flows alone that are still read", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		const { flows } = await replayed(cluster, many);
		const reader = cluster.replayFlows(many);
		const read: FlowReport[] = [];
		for (let next = await reader.next(); !next.done; next = await reader.next()) {
			read.push(next.value);
			if (read.length === 10) await cluster.replay(few);
		}
		expect(read).toEqual(flows);
	});

	it("does not need it: a disposed cluster's engines are given up, another one's are its own", async () => {
		const [one, other] = [await Cluster.fromNodes(TOPOLOGY), await Cluster.fromNodes(TOPOLOGY)];
		const [before] = await Promise.all([replayed(one, many), replayed(other, few)]);
		one.dispose();
		expect(() => one.machine).toThrow();
		expect(await replayed(other, many)).toEqual(before);
		const together = await Promise.all([
			replayed(other, many),
			replayed(await Cluster.fromNodes(TOPOLOGY), bytes(await text())),
		]);
		expect(together).toEqual([before, before]);
	});
});

async function text(): Promise<Uint8Array> {
	const parts: Uint8Array[] = [];
	for await (const part of many.open() as AsyncIterable<Uint8Array>) parts.push(part);
	return Buffer.concat(parts);
}
