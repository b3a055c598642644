// All components over one API: that what they make of it fits together, whatever happens, and happens the same again.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplicaSet } from "../../js/api/apps.ts";
import type { Endpoints, Event, Node, Pod, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { replicaSet } from "../controllers/workloads.ts";
import { runs } from "../runs.ts";
import { type AtWork, atWork } from "./running.ts";

const SLICES = "endpointslices.discovery.k8s.io";
const RS = "/apis/apps/v1/namespaces/d/replicasets/web";
const service: Service = {
	apiVersion: "v1",
	kind: "Service",
	metadata: { namespace: "d", name: "web" },
	spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
};

function web(world: AtWork, replicas = 3): void {
	world.store.create("services", service);
	world.store.create("replicasets.apps", replicaSet({ replicas }));
	expect(world.simulation.settle()).toBe(true);
}

const endpointsOf = ({ store }: AtWork) =>
	store.list<EndpointSlice>(SLICES, "d").flatMap((slice) => slice.endpoints ?? []);
const isReady = ({ status }: Pod) =>
	status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");

/** At rest: as many ready pods as wanted, each with an address of its own, and those are the endpoints. */
function expectRest(world: AtWork, replicas: number): void {
	const pods = world.pods();
	expect(pods.length).toBe(replicas);
	const addresses = pods.map(({ status }) => status?.podIP ?? "");
	expect(new Set(addresses).size).toBe(replicas);
	const ready = pods.filter(isReady).map(({ status }) => status?.podIP);
	const serving = endpointsOf(world).flatMap(({ addresses: ips, conditions }) => (conditions?.ready ? ips : []));
	expect(serving.sort()).toEqual([...ready].sort());
	const endpoints = world.store.get<Endpoints>("endpoints", "d", "web");
	expect((endpoints?.subsets ?? []).flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => ip)).sort()).toEqual(
		[...ready].sort(),
	);
}

describe("a deleted pod", () => {
	it("is replaced by another one, and the others stay where they are", () => {
		const world = atWork();
		web(world);
		const before = world.pods();
		const [first, ...others] = before as [Pod, ...Pod[]];
		world.store.delete("pods", first);
		expect(world.simulation.settle()).toBe(true);
		expectRest(world, 3);
		const after = world.pods();
		for (const pod of others) expect(after).toContain(pod);
		const [fresh] = after.filter((pod) => !before.includes(pod)) as [Pod];
		expect(fresh.metadata.name).not.toBe(first.metadata.name);
		expect(fresh.metadata.uid).not.toBe(first.metadata.uid);
		expect(fresh.status?.podIP).not.toBe(first.status?.podIP);
		expect(fresh.spec?.nodeName).toBe(first.spec?.nodeName);
	});
});

describe("a scale by one", () => {
	it("changes one pod, one slice, and what counts them", () => {
		const world = atWork();
		web(world);
		const { revision } = world.store;
		world.patch(RS, { spec: { replicas: 4 } });
		world.simulation.settle();
		expectRest(world, 4);
		const touched = new Set(
			[...(world.store.since(revision) ?? [])].map(({ resource, object }) => `${resource} ${object.metadata.name}`),
		);
		expect([...touched].filter((one) => one.startsWith("pods ")).length).toBe(1);
		expect([...touched].filter((one) => one.startsWith(SLICES)).length).toBe(1);
	});
});

describe("at rest", () => {
	it("endpoints are the ready pods, whatever happened and in whatever order", () => {
		const act = fc.oneof(
			fc.record({ does: fc.constant("scale" as const), to: fc.nat(6) }),
			fc.record({ does: fc.constant("delete" as const), which: fc.nat(9), grace: fc.constantFrom(0, 1, 30) }),
			fc.record({ does: fc.constant("wait" as const), ms: fc.nat(4000) }),
			fc.record({ does: fc.constant("cordon" as const), node: fc.integer({ min: 1, max: 2 }), is: fc.boolean() }),
		);
		fc.assert(
			fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
				const world = atWork({ nodes: 3 });
				web(world);
				let replicas = 3;
				for (const each of acts) {
					if (each.does === "wait") world.simulation.advance(each.ms);
					if (each.does === "cordon")
						world.patch(`/api/v1/nodes/node-${each.node}`, { spec: { unschedulable: each.is } });
					if (each.does === "scale") {
						replicas = each.to;
						world.patch(RS, { spec: { replicas } });
					}
					const pod = each.does === "delete" ? world.pods()[each.which] : undefined;
					if (each.does === "delete" && pod !== undefined)
						world.store.delete("pods", pod, { gracePeriodSeconds: each.grace });
				}
				expect(world.simulation.settle()).toBe(true);
				expectRest(world, replicas);
			}),
			runs(60),
		);
	});

	it("is the same after the same, to the byte", () => {
		const told = () => {
			const world = atWork();
			web(world, 5);
			world.store.delete("pods", world.pods()[2] as Pod);
			world.patch(RS, { spec: { replicas: 2 } });
			world.simulation.settle();
			return JSON.stringify([world.heard, [...world.store.everything()].map(({ object }) => object)]);
		};
		expect(told()).toBe(told());
	});
});

describe("a fork", () => {
	it("has a future of its own, which is that of its origin where the same happens", () => {
		const world = atWork();
		web(world, 4);
		world.patch(RS, { spec: { replicas: 6 } });
		// In the middle of it: sandboxes are being made, containers start, probes and restarts are due.
		world.simulation.advance(600);
		const held = ({ store }: { store: AtWork["store"] }) =>
			JSON.stringify([...store.everything()].map(({ object }) => object));
		const before = held(world);
		const [same, other] = [world.fork(), world.fork()];
		expect(held(same)).toBe(before);
		other.store.delete("pods", other.store.list<Pod>("pods", "d")[0] as Pod);
		other.simulation.settle();
		expect(held(world)).toBe(before);
		for (const one of [world, same]) {
			one.store.delete("pods", one.store.list<Pod>("pods", "d")[3] as Pod);
			one.simulation.settle();
			one.simulation.advance(60_000);
		}
		expect(held(same)).toBe(held(world));
		expect(same.clock.now()).toBe(world.clock.now());
		expect(held(other)).not.toBe(held(world));
		expectRest(world, 6);
	});
});

describe("a node whose kubelet has stopped", () => {
	it("is not ready after 40 s, and its pods go five minutes later", () => {
		const world = atWork({ nodes: 2 });
		web(world, 2);
		const node = (name: string) => world.store.get<Node>("nodes", "", name);
		const lost = world.pods().find(({ spec }) => spec?.nodeName === "node-1") as Pod;
		world.patch("/api/v1/nodes/node-1", { metadata: { annotations: { "podwire.dev/kubelet": "stopped" } } });
		world.simulation.advance(39_000);
		expect(node("node-1")?.spec?.taints).toBeUndefined();
		world.simulation.advance(2000);
		expect(node("node-1")?.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({
			status: "Unknown",
			reason: "NodeStatusUnknown",
		});
		expect(node("node-1")?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
			"node.kubernetes.io/unreachable:NoSchedule",
			"node.kubernetes.io/unreachable:NoExecute",
		]);
		expect(
			endpointsOf(world)
				.map(({ conditions }) => conditions?.ready)
				.sort(),
		).toEqual([false, true]);
		expect(world.pod(lost.metadata.name ?? "")?.metadata.deletionTimestamp).toBeUndefined();
		world.simulation.advance(301_000);
		// Nobody on the node says that it has ended.
		expect(world.pod(lost.metadata.name ?? "")?.metadata.deletionTimestamp).toBeDefined();
		expect(
			world
				.pods()
				.filter(isReady)
				.map(({ spec }) => spec?.nodeName),
		).toEqual(["node-2", "node-2"]);
		world.patch("/api/v1/nodes/node-1", { metadata: { annotations: { "podwire.dev/kubelet": null } } });
		world.simulation.settle();
		expect(node("node-1")?.spec?.taints).toBeUndefined();
		expectRest(world, 2);
	});
});

describe("the scheduler", () => {
	it("says why, and tries again when something changed", () => {
		const world = atWork({ nodes: 1 });
		world.patch("/api/v1/nodes/node-1", { spec: { unschedulable: true } });
		web(world, 1);
		const [pod] = world.pods() as [Pod];
		expect(pod.status?.conditions).toMatchObject([
			{
				type: "PodScheduled",
				status: "False",
				reason: "Unschedulable",
				message:
					"0/1 nodes are available: 1 node(s) were unschedulable. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
			},
		]);
		world.patch("/api/v1/nodes/node-1", { spec: { unschedulable: null } });
		world.simulation.settle();
		expectRest(world, 1);
		expect(world.heard.filter((line) => line.includes("FailedScheduling")).length).toBe(1);
	});

	it("places a pod where another one has left", () => {
		const world = atWork({ nodes: 1 });
		const spec = { containers: [{ name: "c", image: "i", ports: [{ containerPort: 80, hostPort: 8080 }] }] };
		const pod = (name: string) => ({ apiVersion: "v1", kind: "Pod", metadata: { namespace: "d", name }, spec }) as Pod;
		world.store.create("pods", pod("a"));
		world.store.create("pods", pod("b"));
		world.simulation.settle();
		expect(world.pod("b")?.spec?.nodeName).toBeUndefined();
		world.store.delete("pods", world.pod("a") as Pod);
		world.simulation.settle();
		expect(world.pod("b")?.status?.phase).toBe("Running");
	});
});

describe("objects that come later", () => {
	it("get what they lack: a node its networks, a Service its load balancer", () => {
		const world = atWork({ nodes: 1 });
		world.store.create("nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "late" } } as Node);
		world.simulation.settle();
		const node = world.store.get<Node>("nodes", "", "late");
		expect(node?.spec?.podCIDR).toBe("10.244.1.0/24");
		expect(node?.status?.addresses).toEqual([{ type: "InternalIP", address: "192.0.2.12" }]);
		web(world, 1);
		world.patch("/api/v1/namespaces/d/services/web", { spec: { type: "LoadBalancer" } });
		world.simulation.settle();
		const ingress = () => world.store.get<Service>("services", "d", "web")?.status?.loadBalancer?.ingress;
		expect(ingress()).toEqual([{ ip: "203.0.113.1", ipMode: "VIP" }]);
		world.patch("/api/v1/namespaces/d/services/web", { spec: { type: "ClusterIP", ports: [{ port: 80 }] } });
		world.simulation.settle();
		expect(ingress()).toBeUndefined();
	});
});

describe("events", () => {
	const events = (world: AtWork, reason: string) =>
		world.store.list<Event>("events", "d").filter((event) => event.reason === reason);

	it("say who, what and when, and count up", () => {
		const world = atWork({ nodes: 1 });
		world.store.create("pods", {
			apiVersion: "v1",
			kind: "Pod",
			metadata: {
				namespace: "d",
				name: "a",
				annotations: { "podwire.dev/exits-after": "1s", "podwire.dev/exit-code": "1" },
			},
			spec: { containers: [{ name: "c", image: "i" }] },
		} as Pod);
		world.simulation.advance(30_000);
		const [started] = events(world, "Started") as [Event];
		const { uid } = world.pod("a")?.metadata ?? {};
		expect(started).toMatchObject({
			involvedObject: { kind: "Pod", namespace: "d", name: "a", uid, apiVersion: "v1" },
			type: "Normal",
			message: "Container started",
			source: { component: "kubelet", host: "node-1" },
			reportingComponent: "kubelet",
			firstTimestamp: "2026-01-01T00:00:01Z",
			count: 3,
		});
		expect(started.metadata.name).toMatch(/^a\.[0-9a-f]{16}$/);
		expect(events(world, "Scheduled")[0]?.source).toEqual({ component: "default-scheduler" });
	});

	it("alike are combined, and too many of one object are dropped", () => {
		const world = atWork({ nodes: 1 });
		world.store.create("replicasets.apps", replicaSet({ replicas: 40 }));
		world.simulation.settle();
		const created = events(world, "SuccessfulCreate");
		expect(created.length).toBe(10);
		const combined = created.filter(({ message }) => message?.startsWith("(combined from similar events): "));
		expect(combined.map(({ count }) => count)).toEqual([16]);
		expect(world.heard.filter((line) => line.includes("SuccessfulCreate")).length).toBe(40);
	});
});

describe("a namespace that is deleted", () => {
	it("goes when its pods have ended", () => {
		const world = atWork();
		web(world);
		const rs = world.store.get<ReplicaSet>("replicasets.apps", "d", "web");
		expect(rs).toBeDefined();
		const namespace = world.store.get("namespaces", "", "d");
		world.store.delete("namespaces", namespace as never);
		expect(world.simulation.settle()).toBe(true);
		expect(world.store.get("namespaces", "", "d")).toBeUndefined();
		expect(world.pods()).toEqual([]);
	});
});
