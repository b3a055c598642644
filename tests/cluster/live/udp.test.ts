// Connections of UDP when their endpoint is gone: a kube-proxy's sync takes them out of conntrack, so that the next packet goes to an
// endpoint that is there (upstream: pkg/proxy/conntrack/cleanup.go and its tests). Of TCP they stay.

import { describe, expect, it } from "vitest";
import type { Service } from "../../../js/api/core.ts";
import type { EndpointSlice } from "../../../js/api/discovery.ts";
import { Cluster } from "../../../js/index.ts";
import { udpFrontends } from "../../../js/kube-proxy/conntrack.ts";

const MANIFESTS = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: dns}
spec:
  replicas: 1
  selector: {matchLabels: {app: dns}}
  template:
    metadata: {labels: {app: dns}}
    spec:
      terminationGracePeriodSeconds: 5
      containers: [{name: c, image: dns, ports: [{containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP}]}]
---
apiVersion: v1
kind: Service
metadata: {name: dns}
spec:
  type: NodePort
  clusterIP: 10.96.0.53
  externalIPs: [203.0.113.53]
  selector: {app: dns}
  ports: [{name: udp, port: 53, protocol: UDP, nodePort: 30053}, {name: tcp, port: 53, protocol: TCP, nodePort: 30054}]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: c, image: i}]}
`;

async function cluster(): Promise<Cluster> {
	const made = await Cluster.create({ nodes: 2 });
	await made.apply(MANIFESTS);
	await made.settle();
	return made;
}

/** Who gets a packet of one and the same connection; what became of it where nobody does. */
function asked(made: Cluster, to = "10.96.0.53:53", proto: "udp" | "tcp" = "udp", from = "pod/default/client"): string {
	const { delivered, verdict } = made.trace({ from, to, proto, sport: 40_000 });
	return delivered?.name ?? verdict;
}

async function dnsPods({ api }: Cluster): Promise<string[]> {
	const { items } = await api.list("v1", "Pod", { namespace: "default", labelSelector: "app=dns" });
	return items
		.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
		.map(({ metadata }) => metadata.name ?? "");
}

/** The Deployment has another pod in place of its one, which is over. */
async function replaced(made: Cluster): Promise<string> {
	const [old = ""] = await dnsPods(made);
	await made.api.delete("v1", "Pod", old);
	await made.settle();
	await made.advance(2000);
	const [now = ""] = await dnsPods(made);
	expect(now).not.toBe(old);
	return now;
}

describe("a connection whose endpoint is gone", () => {
	it.each([
		["the ClusterIP", "10.96.0.53:53", "pod/default/client"],
		["an external address", "203.0.113.53:53", "pod/default/client"],
		["a NodePort", "node/node-1:30053", "pod/default/client"],
	])("moves to the new one: UDP to %s", async (_, to, from) => {
		const made = await cluster();
		const [first = ""] = await dnsPods(made);
		expect(asked(made, to, "udp", from)).toBe(first);
		expect(asked(made, to, "udp", from)).toBe(first);
		const next = await replaced(made);
		expect(asked(made, to, "udp", from)).toBe(next);
	});

	it("is left as it is: TCP", async () => {
		const made = await cluster();
		const [first = ""] = await dnsPods(made);
		expect(asked(made, "10.96.0.53:53", "tcp")).toBe(first);
		const next = await replaced(made);
		expect(asked(made, "10.96.0.53:53", "tcp")).not.toBe(next);
		expect(
			made.trace({ from: "pod/default/client", to: "10.96.0.53:53", proto: "tcp", sport: 40_001 }).delivered?.name,
		).toBe(next);
	});
});

describe("a connection to a Service", () => {
	it("stays with an endpoint that drains, and leaves one that does not serve any more", async () => {
		const made = await cluster();
		const [first = ""] = await dnsPods(made);
		await made.api.patch("v1", "Pod", first, { metadata: { annotations: { "podwire.dev/drains-for": "4s" } } });
		await made.settle();
		expect(asked(made)).toBe(first);
		await made.api.patch("apps/v1", "Deployment", "dns", { spec: { replicas: 2 } });
		await made.settle();
		await made.api.delete("v1", "Pod", first);
		await made.advance(2500);
		expect(asked(made)).toBe(first);
		await made.advance(10_000);
		expect(asked(made)).not.toBe(first);
		expect(await dnsPods(made)).toContain(asked(made));
	});

	it("that had no endpoint when it began moves to the first one", async () => {
		const made = await cluster();
		await made.api.patch("apps/v1", "Deployment", "dns", { spec: { replicas: 0 } });
		await made.advance(10_000);
		// Rules refuse it now; without them it would have gone out to nobody, and have its entry.
		expect(asked(made)).toBe("rejected");
		await made.api.patch("apps/v1", "Deployment", "dns", { spec: { replicas: 1 } });
		await made.settle();
		await made.advance(2000);
		expect(asked(made)).toBe((await dnsPods(made))[0]);
	});

	it("whose endpoints are all gone is left alone until there are others", async () => {
		const made = await cluster();
		const [first = ""] = await dnsPods(made);
		expect(asked(made)).toBe(first);
		await made.api.patch("apps/v1", "Deployment", "dns", { spec: { replicas: 0 } });
		await made.advance(10_000);
		expect(made.conntrack("node-1") + made.conntrack("node-2")).toContain("dst=10.96.0.53 sport=40000 dport=53");
		await made.api.patch("apps/v1", "Deployment", "dns", { spec: { replicas: 1 } });
		await made.settle();
		await made.advance(2000);
		expect(made.conntrack("node-1") + made.conntrack("node-2")).not.toContain("dst=10.96.0.53 sport=40000 dport=53");
		expect(await dnsPods(made)).toEqual([asked(made)]);
	});
});

describe("a replay", () => {
	const START = 1_800_000_000;

	it.each([true, false])("has a client of one port go on with the next endpoint, path cache %s", async (pathCache) => {
		const made = await cluster();
		const [first = ""] = await dnsPods(made);
		const client = made.topology.pods.find(({ name }) => name === "default/client");
		const rows = Array.from({ length: 40 }, (_, i) => `${START + i}.5,${client?.ip},40000,10.96.0.53,53,udp,1,80,0`);
		const bytes = new TextEncoder().encode(
			["time,src,sport,dst,dport,proto,packets,bytes,flags", ...rows, ""].join("\n"),
		);
		const source = {
			name: "flows.csv",
			async *open() {
				yield bytes;
			},
		};
		const timeNs = BigInt(START + 10) * 1_000_000_000n;
		const gone = { kind: "pod", namespace: "default", name: first };
		const actions = [{ timeNs, run: (_: unknown, acting: unknown) => (acting as Deleting).delete(timeNs, gone) }];
		const report = await made.replay(source, { live: true, pathCache, actions });
		const [next = ""] = await dnsPods(made);
		const served = Object.fromEntries(report.perPod.map(({ name, packets }) => [name, packets]));
		expect(served[next]).toBeGreaterThan(20);
		expect((served[first] ?? 0) + (served[next] ?? 0)).toBeGreaterThanOrEqual(38);
	});
});

interface Deleting {
	delete(timeNs: bigint, resource: { kind: string; namespace: string; name: string }): void;
}

describe("what UDP may lead to", () => {
	const service = (spec: object): Service =>
		({
			...{ apiVersion: "v1", kind: "Service", metadata: { namespace: "d", name: "s" } },
			spec: { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"], ipFamilies: ["IPv4"], ...spec } as Service["spec"],
		}) as Service;
	const slice = (...conditions: object[]): EndpointSlice => ({
		apiVersion: "discovery.k8s.io/v1",
		kind: "EndpointSlice",
		metadata: { namespace: "d", name: "s-1", labels: { "kubernetes.io/service-name": "s" } },
		addressType: "IPv4",
		ports: [{ name: "p", port: 53, protocol: "UDP" }],
		endpoints: conditions.map((one, i) => ({ addresses: [`10.244.0.${i + 2}`], conditions: one })),
	});
	const port = { name: "p", port: 5353, protocol: "UDP", nodePort: 30053 };
	const told = (spec: object, ...conditions: object[]) =>
		udpFrontends(new Map([["d/s", { service: service(spec), slices: [slice(...conditions)] }]]), "ipv4", true).map(
			({ address, port: at, endpoints }) => `${address ?? "*"}:${at} ${[...endpoints].join()}`,
		);

	it.each<[string, object, object[], string[]]>([
		[
			"all of its addresses, and its NodePort",
			{
				ports: [port],
				externalIPs: ["203.0.113.1"],
				type: "LoadBalancer",
			},
			[{ ready: true }],
			["10.96.0.9:5353 10.244.0.2", "203.0.113.1:5353 10.244.0.2", "*:30053 10.244.0.2"],
		],
		[
			"endpoints that serve, terminating or not",
			{ ports: [{ ...port, nodePort: 0 }] },
			[{ ready: false, serving: true, terminating: true }, { ready: false, serving: false }, {}],
			["10.96.0.9:5353 10.244.0.2,10.244.0.4"],
		],
		["nothing where none serves", { ports: [port] }, [{ ready: false, serving: false }], []],
		["nothing of TCP", { ports: [{ ...port, protocol: "TCP" }] }, [{ ready: true }], []],
		[
			"whatever the policies are",
			{ ports: [port], externalTrafficPolicy: "Local", type: "NodePort" },
			[{}],
			["10.96.0.9:5353 10.244.0.2", "*:30053 10.244.0.2"],
		],
	])("is %s", (_, spec, conditions, wanted) => {
		expect(told(spec, ...conditions)).toEqual(wanted);
	});
});
