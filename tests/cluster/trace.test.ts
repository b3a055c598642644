// Clusters from manifests answer as their nodes would: every verdict and reason that rules, routes and sockets can give,
// each from the packet's own way, and what the two ends see of each other.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { Cluster, type Hop, InputErrors, type TracePath, type TraceQuery } from "../../js/index.ts";

const scene = JSON.parse(readFileSync(new URL("../hash/scene.json", import.meta.url), "utf8"));

async function clusterOf(manifests: string, options = {}): Promise<Cluster> {
	const cluster = await Cluster.create(options);
	await cluster.apply(manifests);
	await cluster.settle();
	return cluster;
}

const translations = (path: TracePath): Hop[] => path.hops.filter(({ event }) => event === "nat");

describe("a packet and its answer", () => {
	let cluster: Cluster;
	const trace = (from: string, to: string, more: Partial<TraceQuery> = {}) => cluster.trace({ from, to, ...more });

	beforeAll(async () => {
		cluster = await clusterOf(scene.cluster.manifests);
	});

	it("is translated to an endpoint on the client's node, and back there", () => {
		const path = trace("pod/shop/client", "svc/shop/lb:80", { sport: 40001 });
		const [dnat] = translations(path);
		const vip = path.hops[0]?.packet.dst;
		expect(path.verdict).toBe("delivered");
		expect(dnat?.netns).toBe("node/node-1");
		expect(dnat?.hook).toBe("PREROUTING");
		expect(dnat?.packet).toMatchObject({ src: "10.244.0.2", sport: 40001, dst: path.delivered?.address, dport: 8080 });
		expect(path.hops.some(({ rule, netns }) => netns === "node/node-1" && rule?.includes("-j DNAT"))).toBe(true);
		expect(path.seen).toEqual({ source: "10.244.0.2", sourcePort: 40001 });
		expect(path.reply?.verdict).toBe("delivered");
		expect(path.reply?.seen).toEqual({ source: vip, sourcePort: 80 });
		expect(path.delivered).toMatchObject({ kind: "Pod", namespace: "shop", node: "node-2", port: 8080 });
	});

	it("crosses devices in pairs, and TTL falls by one where a stack forwards", () => {
		const { hops } = trace("pod/shop/client", "svc/shop/lb:80");
		const wires = hops.filter(({ event }) => event === "transmit" || event === "receive");
		expect(wires.map(({ netns, event, packet }) => `${event} ${netns} ${packet.ttl}`)).toEqual([
			"transmit pod/shop/client 64",
			"receive node/node-1 64",
			"receive node/node-1 64",
			"transmit node/node-1 63",
			"receive router 63",
			"transmit router 62",
			"receive node/node-2 62",
			"transmit node/node-2 61",
			"transmit node/node-2 61",
			expect.stringMatching(/^receive pod\/shop\/web-\S+ 61$/),
		]);
	});

	it.each([
		["pod/shop/client", "svc/shop/empty:80", "rejected", "no-endpoints", "delivered"],
		["node/node-1", "svc/shop/empty:80", "rejected", "no-endpoints", "delivered"],
		["pod/shop/client", "deploy/shop/web:9999", "rejected", "port-closed", "delivered"],
		["host/198.51.100.77", "203.0.113.1:80", "dropped", "source-range", undefined],
		["host/198.51.100.7", "203.0.113.1:80", "delivered", null, "delivered"],
		["host/198.51.100.7", "node/node-1:30080", "dropped", "no-local-endpoints", undefined],
		["host/198.51.100.7", "node/node-2:30080", "delivered", null, "delivered"],
		["host/198.51.100.7", "node/node-2:8081", "delivered", null, "delivered"],
		["pod/shop/client", "http://lb.shop.svc.cluster.local/x", "delivered", null, "delivered"],
	])("%s to %s: %s, %s", (from, to, verdict, reason, reply) => {
		const path = trace(from, to);
		expect([path.verdict, path.reason, path.reply?.verdict]).toEqual([verdict, reason, reply]);
	});

	it("keeps a client's address where the policy is Local, and hides it where it is not", () => {
		expect(trace("host/198.51.100.7", "node/node-2:30080").seen?.source).toBe("198.51.100.7");
		expect(trace("host/198.51.100.7", "203.0.113.1:80").seen?.source).not.toBe("198.51.100.7");
	});

	it("leaves the cluster with the node's address", () => {
		const path = trace("pod/shop/client", "8.8.8.8:443");
		expect(path.delivered).toMatchObject({ kind: "Host", name: "8.8.8.8", node: null });
		expect(path.seen?.source).toBe(cluster.topology.nodes[0]?.ip);
		expect(path.assumed).toContain("listens: 8.8.8.8, a machine outside, on any port");
	});

	it("takes a Service port's protocol, and echoes have no ports", () => {
		expect(trace("pod/shop/client", "svc/shop/dns:53").hops[0]?.packet.proto).toBe("udp");
		const echo = trace("pod/shop/client", "deploy/shop/web", { proto: "icmp" });
		expect([echo.verdict, echo.reply?.verdict, echo.delivered?.port]).toEqual(["delivered", "delivered", null]);
		expect(echo.reply?.hops.at(-1)?.packet.icmp).toBe("echo-reply");
	});

	it("leaves its entry in the node's table", () => {
		trace("pod/shop/client", "svc/shop/lb:80", { sport: 41999 });
		expect(cluster.conntrack("node-1")).toMatch(/^tcp .* SYN_RECV .*sport=41999 dport=80 .*dport=41999/m);
	});

	it.each([
		["pod/shop/clent", "8.8.8.8:1", "pod/shop/clent: there is no such pod (nearest: pod/shop/client)"],
		["pod/shop/client", "svc/shop/emty:80", "svc/shop/emty: there is no such Service (nearest: svc/shop/empty)"],
		["pod/shop/client", "8.8.8.8", "8.8.8.8: expected a port, as in 8.8.8.8:80"],
		["svc/shop/lb", "8.8.8.8:1", "svc/shop/lb: expected who sends: a pod, a node or host/IP"],
		[
			"node/node-9",
			"8.8.8.8:1",
			"node/node-9: there is no such node; there are node/node-1, node/node-2, node/node-3 (nearest: node/node-1)",
		],
	])("refuses %s to %s", (from, to, message) => {
		expect(() => trace(from, to)).toThrow(message);
	});
});

describe.each(["l2", "vxlan"])("a fabric of kind %s", (fabric) => {
	it("carries a packet to another node and its answer back", async () => {
		const cluster = await clusterOf(scene.cluster.manifests, { fabric });
		const path = cluster.trace({ from: "pod/shop/client", to: "svc/shop/lb:80" });
		expect([path.verdict, path.reply?.verdict]).toEqual(["delivered", "delivered"]);
		const tunnelled = path.hops.some(({ packet }) => packet.encapsulated !== undefined);
		expect(tunnelled).toBe(fabric === "vxlan");
	});
});

describe("what is not evaluated", () => {
	const POLICY = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
`;
	it("marks the traces that it touches, and only those", async () => {
		const cluster = await clusterOf(`${scene.cluster.manifests}---${POLICY}`);
		expect(cluster.trace({ from: "pod/shop/client", to: "svc/shop/lb:80" }).notEvaluated).toEqual([
			"NetworkPolicy shop/web",
		]);
		expect(cluster.trace({ from: "pod/shop/client", to: "8.8.8.8:53" }).notEvaluated).toEqual([]);
	});
});

describe("apply", () => {
	it("takes all of an input or nothing", async () => {
		const cluster = await clusterOf(scene.cluster.manifests);
		const bad = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - port: 70000\n";
		const error = await cluster.apply([{ name: "bad.yaml", text: bad }]).catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(InputErrors);
		expect((error as InputErrors).errors[0]).toMatchObject({ file: "bad.yaml", line: 6, column: 11 });
		expect(cluster.trace({ from: "pod/shop/client", to: "svc/shop/lb:80" }).verdict).toBe("delivered");
	});

	it("is undone where settle finds what the controllers refuse", async () => {
		const cluster = await clusterOf(scene.cluster.manifests);
		const node = (name: string) => ({
			apiVersion: "v1",
			kind: "Node",
			metadata: { name },
			spec: { podCIDR: "10.1.0.0/24" },
			status: { addresses: [{ type: "InternalIP", address: `192.0.2.${name.length}` }] },
		});
		await cluster.apply([node("x"), node("yy")]);
		await expect(cluster.settle()).rejects.toThrow("10.1.0.0/24 is already the pod network of node x");
		expect(cluster.trace({ from: "pod/shop/client", to: "svc/shop/lb:80" }).verdict).toBe("delivered");
		await cluster.settle();
	});

	it("gives no answer between apply and settle", async () => {
		const cluster = await clusterOf(scene.cluster.manifests);
		await cluster.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: "more" } }]);
		expect(() => cluster.trace({ from: "pod/shop/client", to: "8.8.8.8:1" })).toThrow("settle()");
	});
});
