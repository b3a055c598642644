// Constraints and preferences of placement, plugin by plugin, and the order in which pods have their turns.

import { describe, expect, it } from "vitest";
import type { Affinity, Node, Pod, PodSpec, TopologySpreadConstraint } from "../../js/api/core.ts";
import { ZONE } from "../../js/api/labels.ts";
import { type AtWork, atWork } from "../cluster/running.ts";
import { container, make, places, pod, priority, scheduled, withResources } from "./nodes.ts";

const HOSTNAME = "kubernetes.io/hostname";
const PLENTY = { cpu: "8", memory: "32Gi", pods: "110" };
const selector = (app: string) => ({ matchLabels: { app } });

function spread(rest: Partial<TopologySpreadConstraint> = {}): Partial<PodSpec> {
	const whenUnsatisfiable = "DoNotSchedule";
	const constraint = {
		maxSkew: 1,
		topologyKey: ZONE,
		whenUnsatisfiable,
		labelSelector: selector("s"),
		...rest,
	} as const;
	return { topologySpreadConstraints: [constraint] };
}

function relabel(world: AtWork, name: string, labels: Record<string, string | null>): void {
	world.patch(`/api/v1/nodes/${name}`, { metadata: { labels } });
	world.simulation.settle();
}

const nodesOf = (world: AtWork) => world.pods().map(({ spec }) => spec?.nodeName);
const why = (world: AtWork, name: string) => scheduled(world.pod(name))?.message;
const labelled = (name: string, spec: Partial<PodSpec>, more = {}) => pod(name, spec, { app: "s", ...more });

describe("resources", () => {
	it("count sidecars with what runs, init containers one at a time, and the pod's overhead", () => {
		const world = withResources({ cpu: "1", memory: "1Gi", pods: "10" }, 1);
		const initContainers = [
			container({ cpu: "200m" }, { name: "side", restartPolicy: "Always" }),
			container({ cpu: "600m" }, { name: "init" }),
		];
		// 200m + 600m while it starts, 200m + 300m when it runs; 100m more.
		const spec = { initContainers, containers: [container({ cpu: "300m" })], overhead: { cpu: "100m" } };
		make(world, pod("a", { containers: [container({ cpu: "100m" })] }), pod("b", spec), pod("c", spec));
		expect(places(world)).toEqual(["a@node-1", "b@node-1", "c@-"]);
	});

	it("of the pod as a whole count instead of its containers'", () => {
		const world = withResources({ cpu: "1", memory: "1Gi", pods: "10" }, 1);
		const spec = { containers: [container({ cpu: "100m" })], resources: { requests: { cpu: "600m" } } };
		make(world, pod("a", spec), pod("b", spec));
		expect(places(world)).toEqual(["a@node-1", "b@-"]);
	});

	it("are all named that are short, extended ones too", () => {
		const world = withResources({ cpu: "1", memory: "1Gi", pods: "1" }, 1);
		const wanted = { cpu: "2", memory: "2Gi", "example.com/gpu": "1" };
		make(
			world,
			pod("a"),
			pod("b", { containers: [container(wanted, { resources: { requests: wanted, limits: wanted } })] }),
		);
		expect(why(world, "b")).toBe(
			"0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory, 1 Too many pods. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
		);
	});

	it("are tried again when a node has more", () => {
		const world = withResources({ cpu: "1", memory: "1Gi", pods: "10" }, 1);
		make(world, pod("a", { containers: [container({ cpu: "2" })] }));
		expect(places(world)).toEqual(["a@-"]);
		const node = world.store.get<Node>("nodes", "", "node-1") as Node;
		world.store.updateStatus("nodes", { ...node, status: { ...node.status, allocatable: { cpu: "4", pods: "10" } } });
		world.simulation.settle();
		expect(places(world)).toEqual(["a@node-1"]);
	});
});

describe("preferences", () => {
	it("go to the node with the most room", () => {
		const world = withResources(PLENTY);
		make(world, pod("big", { nodeName: "node-1", containers: [container({ cpu: "4", memory: "16Gi" })] }));
		make(world, pod("a", { containers: [container({ cpu: "1", memory: "4Gi" })] }));
		make(world, pod("b", { containers: [container({ cpu: "1", memory: "4Gi" })] }));
		expect(nodesOf(world).slice(0, 2).sort()).toEqual(["node-2", "node-3"]);
	});

	it("weigh node affinity, but not above everything", () => {
		const world = withResources(PLENTY);
		const prefers = (zone: string, weight: number) => ({
			weight,
			preference: { matchExpressions: [{ key: ZONE, operator: "In" as const, values: [zone] }] },
		});
		const affinity: Affinity = {
			nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [prefers("b", 1), prefers("c", 50)] },
		};
		make(world, pod("a", { affinity }));
		expect(nodesOf(world)).toEqual(["node-3"]);
	});

	it("avoid a node with a PreferNoSchedule taint, unless it is tolerated or the only one", () => {
		const world = withResources(PLENTY, 2);
		const taint = { key: "k", effect: "PreferNoSchedule" };
		world.patch("/api/v1/nodes/node-1", { spec: { taints: [taint] } });
		make(world, pod("a"), pod("b"), pod("c", { tolerations: [{ key: "k", operator: "Exists" }] }));
		expect(nodesOf(world)).toEqual(["node-2", "node-2", "node-1"]);
	});

	it("have pods near those they prefer, and those that prefer them, and far from the others", () => {
		const preferring = (kind: "podAffinity" | "podAntiAffinity", app: string): Partial<PodSpec> => ({
			affinity: {
				[kind]: {
					preferredDuringSchedulingIgnoredDuringExecution: [
						{ weight: 100, podAffinityTerm: { labelSelector: selector(app), topologyKey: HOSTNAME } },
					],
				},
			},
		});
		const near = withResources(PLENTY);
		make(near, pod("db", { nodeName: "node-2" }), pod("web", preferring("podAffinity", "db")));
		expect(near.pod("web")?.spec?.nodeName).toBe("node-2");
		const drawn = withResources(PLENTY);
		make(drawn, pod("fan", { nodeName: "node-3", ...preferring("podAffinity", "star") }), pod("star"));
		expect(drawn.pod("star")?.spec?.nodeName).toBe("node-3");
		const shy = withResources(PLENTY, 2);
		make(shy, pod("loner", { nodeName: "node-2", ...preferring("podAntiAffinity", "crowd") }));
		make(shy, pod("x", { nodeName: "node-1" }), pod("crowd"));
		expect(shy.pod("crowd")?.spec?.nodeName).toBe("node-1");
	});

	it("spread pods of one Service over nodes and zones, though nobody says so", () => {
		const world = withResources(PLENTY, 6);
		world.store.create("services", {
			...{ apiVersion: "v1", kind: "Service", metadata: { namespace: "d", name: "s" } },
			spec: { selector: { app: "s" }, ports: [{ port: 80 }] },
		} as never);
		// Otherwise node-1 would be the last to be chosen.
		make(world, pod("big", { nodeName: "node-4", containers: [container({ cpu: "1", memory: "4Gi" })] }));
		make(world, ...[1, 2, 3, 4, 5, 6].map((n) => labelled(`s-${n}`, {})));
		expect(new Set(nodesOf(world).slice(1)).size).toBe(6);
	});
});

describe("pod affinity", () => {
	const required = (kind: "podAffinity" | "podAntiAffinity", app: string, more = {}): Partial<PodSpec> => ({
		affinity: {
			[kind]: {
				requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: selector(app), topologyKey: ZONE, ...more }],
			},
		},
	});

	it("waits for company, and follows it", () => {
		const world = atWork();
		make(world, pod("web", required("podAffinity", "db")));
		expect(why(world, "web")).toBe(
			"0/3 nodes are available: 3 node(s) didn't match pod affinity rules. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
		);
		make(world, pod("db", { nodeName: "node-3" }));
		expect(places(world)).toEqual(["db@node-3", "web@node-3"]);
	});

	it("against others is kept by those that run, too", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("loner", required("podAntiAffinity", "crowd")), pod("crowd"));
		expect(why(world, "crowd")).toBe(
			"0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
		);
		world.store.delete("pods", world.pod("loner") as Pod);
		world.simulation.settle();
		expect(places(world)).toEqual(["crowd@node-1"]);
	});

	it("with matchLabelKeys means those of its own revision", () => {
		const world = atWork({ nodes: 2 });
		const apart = required("podAntiAffinity", "s", { matchLabelKeys: ["rev"], topologyKey: HOSTNAME });
		const of = (name: string, rev: string) => labelled(name, apart, { rev });
		make(world, of("a", "1"), of("b", "1"), of("c", "2"), of("e", "2"), of("f", "2"));
		expect(places(world).map((place) => place.endsWith("-"))).toEqual([false, false, false, false, true]);
	});
});

describe("topology spread", () => {
	it("keeps zones even, and says so", () => {
		const world = atWork({ nodes: 2 });
		world.patch("/api/v1/nodes/node-2", { spec: { unschedulable: true } });
		make(world, labelled("a", spread()), labelled("b", spread()));
		expect(why(world, "b")).toBe(
			"0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) were unschedulable. preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
		);
		world.patch("/api/v1/nodes/node-2", { spec: { unschedulable: false } });
		world.simulation.settle();
		expect(places(world)).toEqual(["a@node-1", "b@node-2"]);
	});

	it("passes over zones whose taints count, with nodeTaintsPolicy Honor", () => {
		const world = atWork({ nodes: 2 });
		world.patch("/api/v1/nodes/node-2", { spec: { taints: [{ key: "k", effect: "NoSchedule" }] } });
		const honest = spread({ nodeTaintsPolicy: "Honor" });
		make(world, labelled("a", honest), labelled("b", honest), labelled("c", spread()));
		expect(places(world)).toEqual(["a@node-1", "b@node-1", "c@-"]);
	});

	it("counts zones that the pod may not use, with nodeAffinityPolicy Ignore", () => {
		const world = atWork({ nodes: 2 });
		const only = { nodeSelector: { [HOSTNAME]: "node-1" } };
		make(world, labelled("a", { ...spread(), ...only }), labelled("b", { ...spread(), ...only }));
		make(world, labelled("c", { ...spread({ nodeAffinityPolicy: "Ignore" }), ...only }));
		expect(places(world)).toEqual(["a@node-1", "b@node-1", "c@-"]);
	});

	it("with minDomains wants as many zones", () => {
		const world = atWork({ nodes: 2 });
		const wide = spread({ minDomains: 3 });
		make(world, labelled("a", wide), labelled("b", wide), labelled("c", wide));
		expect(places(world)).toEqual(["a@node-1", "b@node-2", "c@-"]);
	});

	it("with matchLabelKeys counts those of its own revision", () => {
		const world = atWork({ nodes: 2 });
		const own = spread({ matchLabelKeys: ["rev"] });
		make(world, ...["a", "b"].map((name) => labelled(name, { ...own, nodeName: "node-1" }, { rev: "1" })));
		make(world, ...["c", "e"].map((name) => labelled(name, own, { rev: "2" })));
		expect(nodesOf(world).slice(2).sort()).toEqual(["node-1", "node-2"]);
	});

	it("leaves out nodes without the label", () => {
		const world = atWork({ nodes: 2 });
		relabel(world, "node-2", { [ZONE]: null });
		make(world, labelled("a", spread()), labelled("b", { ...spread(), nodeSelector: { [HOSTNAME]: "node-2" } }));
		expect(why(world, "b")).toContain(
			"1 node(s) didn't match pod topology spread constraints (missing required label)",
		);
	});

	it("with ScheduleAnyway is a wish", () => {
		const world = atWork({ nodes: 2 });
		const soft = spread({ whenUnsatisfiable: "ScheduleAnyway" });
		make(world, labelled("a", { ...soft, nodeName: "node-1" }), labelled("b", soft));
		world.patch("/api/v1/nodes/node-2", { spec: { unschedulable: true } });
		make(world, labelled("c", soft), labelled("e", soft));
		expect(nodesOf(world)).toEqual(["node-1", "node-2", "node-1", "node-1"]);
	});
});

describe("turns", () => {
	it("come by priority, then by age", () => {
		const world = withResources({ cpu: "1", memory: "1Gi", pods: "1" }, 1);
		priority(world, "high", 10);
		for (const one of [pod("a"), pod("b"), pod("c", { priorityClassName: "high" })]) world.store.create("pods", one);
		world.simulation.settle();
		expect(places(world)).toEqual(["a@-", "b@-", "c@node-1"]);
		world.store.delete("pods", world.pod("c") as Pod);
		world.simulation.settle();
		expect(places(world)).toEqual(["a@node-1", "b@-"]);
	});

	it("of one that was refused come back after a second, then later and later", () => {
		const world = withResources({ cpu: "1", memory: "1Gi", pods: "10" }, 1);
		make(world, pod("a", { containers: [container({ cpu: "2" })] }));
		const begin = world.now();
		const tries: number[] = [];
		for (let ms = 0; ms < 40_000; ms += 500) {
			const before = world.heard.length;
			// A node that gets another label may be another one.
			world.patch("/api/v1/nodes/node-1", { metadata: { labels: { tick: String(ms) } } });
			world.simulation.advance(500);
			if (world.heard.length > before) tries.push(world.now() - begin);
		}
		expect(tries.map((at, i) => at - (tries[i - 1] ?? 0))).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
	});

	it("come again after five minutes in which nothing happened", () => {
		const world = atWork({ nodes: 1 });
		world.patch("/api/v1/nodes/node-1", { spec: { unschedulable: true } });
		make(world, pod("a"));
		const said = () => world.heard.filter((line) => line.includes("FailedScheduling")).length;
		world.simulation.advance(299_000);
		expect(said()).toBe(1);
		world.simulation.advance(2000);
		expect(said()).toBe(2);
	});

	it("of gated pods come when the last gate is gone", () => {
		const world = atWork({ nodes: 1 });
		make(world, pod("a", { schedulingGates: [{ name: "example.com/wait" }] }));
		expect(scheduled(world.pod("a"))).toMatchObject({
			status: "False",
			reason: "SchedulingGated",
			message: "Scheduling is blocked due to non-empty scheduling gates",
		});
		expect(world.heard).toEqual([]);
		world.patch("/api/v1/namespaces/d/pods/a", { spec: { schedulingGates: [] } });
		world.simulation.settle();
		expect(places(world)).toEqual(["a@node-1"]);
	});

	it("name the nodes that a DaemonSet's pod is not for", () => {
		const world = atWork({ nodes: 3 });
		world.patch("/api/v1/nodes/node-2", { spec: { unschedulable: true } });
		const nodeSelectorTerms = [
			{ matchFields: [{ key: "metadata.name", operator: "In" as const, values: ["node-2"] }] },
		];
		const affinity: Affinity = {
			nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
		};
		make(world, pod("a", { affinity }));
		expect(why(world, "a")).toBe(
			"0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
		);
	});

	it("find the same nodes again, to the byte", () => {
		const told = () => {
			const world = withResources(PLENTY, 5);
			make(world, ...Array.from({ length: 12 }, (_, i) => pod(`p-${i}`, i % 3 === 0 ? spread() : {})));
			const fork = world.fork();
			for (const one of [world, fork]) one.store.create("pods", pod("last"));
			world.simulation.settle();
			fork.simulation.settle();
			expect(fork.store.get<Pod>("pods", "d", "last")?.spec?.nodeName).toBe(world.pod("last")?.spec?.nodeName);
			return places(world);
		};
		expect(told()).toEqual(told());
	});
});
