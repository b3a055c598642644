// A fork of a cluster: the same past, in objects, pending work, time, connections and counters, and a future of its own.

import { describe, expect, it } from "vitest";
import type { Pod } from "../../js/api/core.ts";
import { Cluster } from "../../js/index.ts";
import { QUESTION, served, web } from "./manifests.ts";

async function running(options: Parameters<typeof Cluster.create>[0] = {}): Promise<Cluster> {
	const cluster = await Cluster.create({ nodes: 3, ...options });
	await cluster.apply(served(3, "web:1"));
	await cluster.settle();
	return cluster;
}

const CLIENT = "client";
const podsOf = (cluster: Cluster) =>
	cluster.objects.filter(({ kind, metadata }) => kind === "Pod" && metadata.name !== CLIENT) as Pod[];

/** Everything that can be asked of a cluster, as bytes. */
function told(cluster: Cluster): string {
	const nodes = cluster.topology.nodes.map(({ name }) => name);
	const texts = nodes.map((node) => [
		cluster.iptables(node, { counters: true }),
		cluster.conntrack(node),
		cluster.routes(node),
	]);
	const { objects, events, assumed, warnings, now } = cluster;
	return JSON.stringify([objects, events, assumed, warnings, String(now), texts], null, 1);
}

/** The same commands to one cluster: a rollout, packets on the way, a pod that goes. */
async function goOn(cluster: Cluster): Promise<string> {
	const traces: string[] = [];
	await cluster.advance(700);
	traces.push(JSON.stringify(cluster.trace(QUESTION)));
	const [pod] = podsOf(cluster) as [Pod];
	await cluster.api.delete("v1", "Pod", pod.metadata.name ?? "");
	await cluster.advance(2000);
	for (let i = 0; i < 3; i++) traces.push(JSON.stringify(cluster.trace(QUESTION)));
	await cluster.settle();
	await cluster.advance(60_000);
	traces.push(
		JSON.stringify(cluster.trace({ ...QUESTION, from: "host/198.51.100.7", to: "node/node-1", proto: "icmp" })),
	);
	return [told(cluster), ...traces].join("\n");
}

describe("a fork in the middle of a rollout", () => {
	it("has the same future where the same happens, to the byte", async () => {
		const cluster = await running();
		for (let i = 0; i < 4; i++) cluster.trace(QUESTION);
		await cluster.apply(web(5, "web:2"));
		await cluster.advance(900);
		const fork = cluster.fork();
		const [one, other] = [await goOn(cluster), await goOn(fork)];
		expect(other).toBe(one);
		expect(one).toContain("web:2");
	});

	it("is not seen by its origin, and does not see it", async () => {
		const cluster = await running();
		await cluster.apply(web(5, "web:2"));
		await cluster.advance(900);
		const fork = cluster.fork();
		const before = told(cluster);
		await goOn(fork);
		await fork.apply(web(1, "web:3"));
		await fork.settle();
		expect(told(cluster)).toBe(before);
		const after = told(fork);
		await goOn(cluster);
		expect(told(fork)).toBe(after);
		expect(podsOf(fork).length).toBe(1);
	});
});

describe("a fork of a network at rest", () => {
	it("has its connections and counters, and counts on alone", async () => {
		const cluster = await running();
		for (let i = 0; i < 5; i++) cluster.trace(QUESTION);
		const [node] = podsOf(cluster).map(({ spec }) => spec?.nodeName ?? "") as [string];
		const connections = cluster.conntrack(node);
		const fork = cluster.fork();
		expect(connections).not.toBe("");
		expect(fork.conntrack(node)).toBe(connections);
		const counted = cluster.iptables(node, { counters: true });
		expect(fork.iptables(node, { counters: true })).toBe(counted);
		for (let i = 0; i < 5; i++) fork.trace(QUESTION);
		fork.wire.advance(200_000_000_000n);
		expect(cluster.conntrack(node)).toBe(connections);
		expect(cluster.iptables(node, { counters: true })).toBe(counted);
		expect(fork.iptables(node, { counters: true })).not.toBe(counted);
	});

	it("is chosen for by the same chance", async () => {
		const cluster = await running();
		const fork = cluster.fork();
		const chosen = (of: Cluster) => Array.from({ length: 20 }, () => of.trace(QUESTION).delivered?.name);
		const those = chosen(cluster);
		expect(chosen(fork)).toEqual(those);
		expect(new Set(those).size).toBeGreaterThan(1);
	});

	it("takes what is applied and not settled along", async () => {
		const cluster = await Cluster.create();
		await cluster.apply(served(2, "web:1"));
		const fork = cluster.fork();
		await cluster.settle();
		await fork.settle();
		expect(JSON.stringify(fork.objects)).toBe(JSON.stringify(cluster.objects));
	});

	it("goes on when its origin has been given up", async () => {
		const cluster = await running();
		const fork = cluster.fork();
		cluster.dispose();
		expect(fork.trace(QUESTION).verdict).toBe("delivered");
	});
});
