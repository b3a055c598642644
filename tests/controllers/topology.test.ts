// Hints of EndpointSlices: near endpoints by trafficDistribution, shares of CPUs by topology-mode. hints.json holds what upstream's
// topology cache (k8s.io/endpointslice 0.36) answers, where its answer does not depend on the order of a map.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Node, Pod, Service } from "../../js/api/core.ts";
import type { Endpoint, EndpointSlice } from "../../js/api/discovery.ts";
import { EndpointSliceController } from "../../js/controllers/endpointslice.ts";
import { TopologyHints, zoneShares } from "../../js/controllers/topology.ts";
import { type Running, running } from "./running.ts";
import { named, up as realised } from "./up.ts";
import { LABELS, pod } from "./workloads.ts";

interface Case {
	nodes: { zone: string; cpu: string; ready: boolean }[];
	/** By zone: ready ones, and others. */
	endpoints: Record<string, [number, number]>;
	hints?: Record<string, number>;
	event?: string;
}
const CASES: readonly Case[] = JSON.parse(readFileSync(new URL("./hints.json", import.meta.url), "utf8"));
const AUTO = "service.kubernetes.io/topology-mode";
const SLICES = "endpointslices.discovery.k8s.io";

function node(name: string, zone: string, cpu: string, ready = true): Node {
	return {
		apiVersion: "v1",
		kind: "Node",
		metadata: { name, labels: zone === "" ? {} : { "topology.kubernetes.io/zone": zone } },
		status: {
			...(cpu !== "" && { allocatable: { cpu } }),
			conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
		},
	} as Node;
}
const endpoint = (zone: string, ready: boolean): Endpoint => ({
	addresses: ["10.0.0.1"],
	conditions: { ready },
	...(zone !== "" && { zone }),
});

describe("hints by shares of CPUs", () => {
	it.each(CASES.map((one, i) => [i, one] as const))(
		"as upstream's, case %i",
		(_, { nodes, endpoints, hints = {}, event = "" }) => {
			const shares = zoneShares(nodes.map(({ zone, cpu, ready }, i) => node(`n${i}`, zone, cpu, ready)));
			const all = Object.keys(endpoints)
				.sort()
				.flatMap((zone) => {
					const [ready, others] = endpoints[zone] as [number, number];
					return [...Array(ready).fill(endpoint(zone, true)), ...Array(others).fill(endpoint(zone, false))];
				});
			const answer = new TopologyHints().add(
				"d/web",
				"IPv4",
				{ create: [{ ports: [], endpoints: all }], update: [], unchanged: [] },
				shares,
			);
			const counts: Record<string, number> = {};
			for (const one of answer.slices.create[0]?.endpoints ?? [])
				for (const { name } of one.hints?.forZones ?? []) counts[name] = (counts[name] ?? 0) + 1;
			const said = answer.event;
			expect(said === undefined ? "" : `${said.type} ${said.reason}: ${said.message}`).toBe(event);
			expect(counts).toEqual(hints);
		},
	);
});

/** Two zones of one node each; ready pods `a0`, `a1` … on one, `b0` … on the other. */
function up(
	service: { annotations?: Record<string, string>; distribution?: string },
	a: number,
	b: number,
	cpus: [string, string] = ["2", "2"],
): Running {
	const cluster = running([new EndpointSliceController()]);
	for (const [i, zone] of ["zone-a", "zone-b"].entries()) {
		const made = node(`node-${zone.at(-1)}`, zone, cpus[i] as string);
		const { status } = made;
		cluster.store.updateStatus("nodes", { ...cluster.store.create("nodes", made), ...(status && { status }) });
	}
	const { annotations, distribution } = service;
	cluster.store.create<Service>("services", {
		apiVersion: "v1",
		kind: "Service",
		metadata: { namespace: "d", name: "web", ...(annotations && { annotations }) },
		spec: { selector: LABELS, ports: [{ port: 80 }], ...(distribution && { trafficDistribution: distribution }) },
	} as Service);
	for (let i = 0; i < a; i++) addPod(cluster, `a${i}`, "node-a", `10.1.0.${i + 1}`);
	for (let i = 0; i < b; i++) addPod(cluster, `b${i}`, "node-b", `10.2.0.${i + 1}`);
	cluster.simulation.settle();
	return cluster;
}
function addPod({ store }: Running, name: string, nodeName: string, ip: string, ready = true): void {
	const made = pod(name);
	const placed = store.create<Pod>("pods", { ...made, spec: { ...made.spec, nodeName } as Pod["spec"] });
	const conditions = [{ type: "Ready", status: ready ? ("True" as const) : ("False" as const) }];
	store.updateStatus("pods", { ...placed, status: { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions } });
}
const hints = ({ store }: Running) =>
	Object.fromEntries(
		store
			.list<EndpointSlice>(SLICES, "d")
			.flatMap(({ endpoints }) => endpoints ?? [])
			.map(({ targetRef, hints: { forZones, forNodes } = {} }) => [
				targetRef?.name,
				[...(forZones ?? []), ...(forNodes ?? [])].map(({ name }) => name).join(" "),
			])
			.sort(),
	);
function annotate({ store }: Running, annotations: Record<string, string>): void {
	const now = store.get<Service>("services", "d", "web") as Service;
	store.update("services", { ...now, metadata: { ...now.metadata, annotations } });
}

describe("trafficDistribution", () => {
	it.each([
		["PreferClose", { a0: "zone-a", b0: "zone-b" }],
		["PreferSameZone", { a0: "zone-a", b0: "zone-b" }],
		["PreferSameNode", { a0: "zone-a node-a", b0: "zone-b node-b" }],
	])("%s", (distribution, wanted) => {
		expect(hints(up({ distribution }, 1, 1))).toEqual(wanted);
	});

	it("hints ready endpoints alone, and follows what changes", () => {
		const cluster = up({ distribution: "PreferClose" }, 1, 0);
		addPod(cluster, "c0", "node-b", "10.2.0.9", false);
		cluster.simulation.settle();
		expect(hints(cluster)).toEqual({ a0: "zone-a", c0: "" });
		const now = cluster.store.get<Service>("services", "d", "web") as Service;
		const { trafficDistribution: _, ...spec } = now.spec as NonNullable<Service["spec"]>;
		cluster.store.update("services", { ...now, spec });
		cluster.simulation.settle();
		expect(hints(cluster)).toEqual({ a0: "", c0: "" });
	});
});

describe("topology-mode: Auto", () => {
	it("keeps endpoints in their zones where that is fair, and says so once", () => {
		const cluster = up({ annotations: { [AUTO]: "Auto" } }, 3, 3);
		expect(hints(cluster)).toEqual({
			a0: "zone-a",
			a1: "zone-a",
			a2: "zone-a",
			b0: "zone-b",
			b1: "zone-b",
			b2: "zone-b",
		});
		expect(cluster.events.at(-1)).toBe(
			"Normal TopologyAwareHintsEnabled Service d/web: Topology Aware Hints has been enabled, addressType: IPv4",
		);
		expect(cluster.events.filter((event) => event.includes("Enabled"))).toHaveLength(1);
	});

	it("gives endpoints to a zone that has too few", () => {
		const cluster = up({ annotations: { [AUTO]: "auto" } }, 1, 5);
		expect(Object.values(hints(cluster)).filter((zone) => zone === "zone-a")).toHaveLength(3);
	});

	it("counts before trafficDistribution, and by its older name too", () => {
		expect(
			new Set(Object.values(hints(up({ annotations: { [AUTO]: "Auto" }, distribution: "PreferSameNode" }, 2, 2)))),
		).toEqual(new Set(["zone-a", "zone-b"]));
		const old = { "service.kubernetes.io/topology-aware-hints": "auto" };
		expect(new Set(Object.values(hints(up({ annotations: old }, 2, 2))))).toEqual(new Set(["zone-a", "zone-b"]));
	});

	it("is given up with too few endpoints, and when it is asked for no more", () => {
		const few = up({ annotations: { [AUTO]: "Auto" } }, 1, 0);
		expect(few.events.at(-1)).toBe(
			"Warning TopologyAwareHintsDisabled Service d/web: Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv4",
		);
		const cluster = up({ annotations: { [AUTO]: "Auto" } }, 2, 2);
		annotate(cluster, {});
		cluster.simulation.settle();
		expect(new Set(Object.values(hints(cluster)))).toEqual(new Set([""]));
		expect(cluster.events.at(-1)).toBe(
			"Warning TopologyAwareHintsDisabled Service d/web: Topology Aware Hints has been disabled, addressType: IPv4",
		);
	});

	it("is looked at again when nodes change so that a zone has too few", () => {
		const cluster = up({ annotations: { [AUTO]: "Auto" } }, 3, 3);
		const now = cluster.store.get<Node>("nodes", "", "node-b") as Node;
		cluster.store.updateStatus("nodes", { ...now, status: { ...now.status, allocatable: { cpu: "10" } } });
		cluster.simulation.settle();
		expect(Object.values(hints(cluster)).filter((zone) => zone === "zone-b")).toHaveLength(5);
		// A node that says nothing of its CPUs, and there are no hints.
		const again = cluster.store.get<Node>("nodes", "", "node-b") as Node;
		cluster.store.updateStatus("nodes", { ...again, status: { ...again.status, allocatable: {} } });
		cluster.simulation.settle();
		expect(new Set(Object.values(hints(cluster)))).toEqual(new Set([""]));
		expect(cluster.events.at(-1)).toContain("Insufficient Node information");
	});

	it("forks with what it knows", () => {
		const topology = new TopologyHints();
		const slices = {
			create: [{ ports: [], endpoints: [endpoint("zone-a", true), endpoint("zone-b", true)] }],
			update: [],
			unchanged: [],
		};
		topology.add(
			"d/web",
			"IPv4",
			slices,
			new Map([
				["zone-a", 0.5],
				["zone-b", 0.5],
			]),
		);
		const copy = new TopologyHints(topology.state);
		topology.forget("d/web");
		expect([topology.isUsed, copy.isUsed]).toEqual([false, true]);
	});
});

it("a standing start has the same hints", () => {
	const nodes = ["a", "b"].map(
		(zone) => `apiVersion: v1
kind: Node
metadata: {name: node-${zone}, labels: {topology.kubernetes.io/zone: zone-${zone}}}
status: {allocatable: {cpu: "2"}, conditions: [{type: Ready, status: "True"}]}
`,
	);
	const rest = `apiVersion: v1
kind: Service
metadata: {name: web, annotations: {${AUTO}: Auto}}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 4, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}}
`;
	const made = realised([...nodes, rest].join("---\n"));
	const [slice] = made.objects.filter(({ kind }) => kind === "EndpointSlice") as [EndpointSlice];
	expect(named(made, "Service", "web")).toBeDefined();
	expect(slice.endpoints?.map(({ zone, hints: own }) => own?.forZones?.[0]?.name === zone)).toEqual([
		true,
		true,
		true,
		true,
	]);
});
