// Pods that make room for one of higher priority: who has to go, from which node, and what is said.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Pod } from "../../js/api/core.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { AtWork } from "../cluster/running.ts";
import { runs } from "../runs.ts";
import { container, make, places, pod, priority, scheduled, withResources } from "./nodes.ts";

const asks = (cpu: string, priorityClassName?: string) => ({
	containers: [container({ cpu })],
	...(priorityClassName === undefined ? {} : { priorityClassName }),
});

function budget(world: AtWork, app: string, minAvailable: number): void {
	world.store.create("poddisruptionbudgets.policy", {
		...{ apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { namespace: "d", name: app } },
		spec: { selector: { matchLabels: { app } }, minAvailable },
	} as KubernetesObject);
	world.simulation.settle();
}

/** Node by node: a pod that fills it. */
function filled(nodes: number, script = {}): AtWork {
	const world = withResources({ cpu: "1", memory: "4Gi", pods: "10" }, nodes);
	priority(world, "high", 1000);
	priority(world, "mid", 500);
	for (let n = 1; n <= nodes; n++) {
		const low = pod(`low-${n}`, asks("800m"));
		make(world, { ...low, metadata: { ...low.metadata, annotations: script } });
	}
	return world;
}

describe("a pod of higher priority", () => {
	it("has one of lower priority go, and takes its place when that is gone", () => {
		const world = filled(1, { "podwire.dev/drains-for": "20s" });
		world.store.create("pods", pod("vip", asks("500m", "high")));
		world.simulation.advance(10_000);
		expect(world.pod("vip")?.status?.nominatedNodeName).toBe("node-1");
		expect(scheduled(world.pod("vip"))).toMatchObject({
			status: "False",
			reason: "Unschedulable",
			message: "0/1 nodes are available: 1 Insufficient cpu.",
		});
		expect(world.pod("low-1")?.metadata.deletionTimestamp).toBeDefined();
		expect(world.pod("low-1")?.status?.conditions?.find(({ type }) => type === "DisruptionTarget")).toMatchObject({
			status: "True",
			reason: "PreemptionByScheduler",
			message: "default-scheduler: preempting to accommodate a higher priority pod",
		});
		expect(world.heard).toContain(
			`Normal Preempted Pod d/low-1: Preempted by pod ${world.pod("vip")?.metadata.uid} on node node-1`,
		);
		world.simulation.settle();
		expect(places(world)).toEqual(["vip@node-1"]);
		expect(world.pod("vip")?.status?.nominatedNodeName).toBeUndefined();
	});

	it("asks once for the room: while its victim drains, it waits, and says why", () => {
		const world = filled(2, { "podwire.dev/drains-for": "20s" });
		world.store.create("pods", pod("vip", asks("500m", "high")));
		world.simulation.advance(5000);
		// Something changes that may help, and does not.
		make(world, pod("other", { nodeName: "node-2", ...asks("100m") }));
		world.store.delete("pods", world.pod("other") as Pod, { gracePeriodSeconds: 0 });
		world.simulation.advance(5000);
		expect(world.heard.filter((line) => line.includes("Preempted"))).toHaveLength(1);
		expect(world.heard).toContain(
			"Warning FailedScheduling Pod d/vip: 0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node.",
		);
	});

	it("keeps the room that was made for it from those of lower priority", () => {
		const world = filled(1, { "podwire.dev/drains-for": "20s" });
		world.store.create("pods", pod("vip", asks("500m", "high")));
		world.simulation.advance(1000);
		// What is left beside the one that drains would do, but not beside the one that comes: 200m, then 500m.
		make(world, pod("sly", asks("600m")));
		expect(places(world)).toEqual(["sly@-", "vip@node-1"]);
		world.store.delete("pods", world.pod("vip") as Pod);
		world.simulation.settle();
		expect(places(world)).toEqual(["sly@node-1"]);
	});

	it("takes the nomination of one of lower priority, which looks again", () => {
		const world = filled(1, { "podwire.dev/drains-for": "20s" });
		world.store.create("pods", pod("mid", asks("500m", "mid")));
		world.simulation.advance(1000);
		expect(world.pod("mid")?.status?.nominatedNodeName).toBe("node-1");
		world.store.create("pods", pod("vip", asks("900m", "high")));
		world.simulation.settle();
		expect(places(world)).toEqual(["mid@-", "vip@node-1"]);
		expect(scheduled(world.pod("mid"))?.message).toBe(
			"0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
		);
	});

	it("of a class that preempts nobody waits", () => {
		const world = filled(1);
		priority(world, "polite", 2000, "Never");
		make(world, pod("vip", asks("500m", "polite")));
		expect(places(world)).toEqual(["low-1@node-1", "vip@-"]);
		expect(scheduled(world.pod("vip"))?.message).toBe(
			"0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
		);
	});

	it("finds nobody where an empty node would not do either", () => {
		const world = filled(2);
		make(world, pod("vip", asks("3", "high")));
		expect(scheduled(world.pod("vip"))?.message).toBe(
			"0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
		);
		expect(places(world)).toEqual(["low-1@node-1", "low-2@node-2", "vip@-"]);
	});
});

describe("whom it chooses", () => {
	it("those whom no budget protects, though they are more important", () => {
		const world = withResources({ cpu: "1", memory: "4Gi", pods: "10" }, 2);
		priority(world, "high", 1000);
		priority(world, "mid", 500);
		make(world, pod("guarded", asks("800m")), pod("mid", asks("800m", "mid")));
		budget(world, "guarded", 1);
		make(world, pod("vip", asks("500m", "high")));
		expect(places(world)).toEqual(["guarded@node-1", "vip@node-2"]);
	});

	it("the node whose most important victim is least so", () => {
		const world = withResources({ cpu: "1", memory: "4Gi", pods: "10" }, 2);
		priority(world, "high", 1000);
		priority(world, "mid", 500);
		make(world, pod("mid", asks("800m", "mid")), pod("low", asks("800m")));
		make(world, pod("vip", asks("500m", "high")));
		expect(places(world)).toEqual(["mid@node-1", "vip@node-2"]);
	});

	it("the fewest", () => {
		const world = withResources({ cpu: "1", memory: "4Gi", pods: "10" }, 2);
		priority(world, "high", 1000);
		const on = (nodeName: string, cpu: string) => ({ ...asks(cpu), nodeName });
		make(world, pod("a", on("node-1", "400m")), pod("b", on("node-1", "400m")), pod("c", on("node-2", "800m")));
		make(world, pod("vip", asks("900m", "high")));
		expect(places(world)).toEqual(["a@node-1", "b@node-1", "vip@node-2"]);
	});

	it("on a node no more than have to go, the least important", () => {
		const world = withResources({ cpu: "1", memory: "4Gi", pods: "10" }, 1);
		priority(world, "high", 1000);
		priority(world, "mid", 500);
		make(world, pod("a", asks("300m")), pod("b", asks("300m", "mid")), pod("c", asks("300m")));
		make(world, pod("vip", asks("300m", "high")));
		// a and c are alike but for their age: the younger one goes.
		expect(places(world)).toEqual(["a@node-1", "b@node-1", "vip@node-1"]);
	});

	it("who holds its host port", () => {
		const world = withResources({ cpu: "4", memory: "4Gi", pods: "10" }, 1);
		priority(world, "high", 1000);
		const ports = { ports: [{ containerPort: 80, hostPort: 80 }] };
		make(world, pod("a", { containers: [container({}, ports)] }), pod("b"));
		make(world, pod("vip", { containers: [container({}, ports)], priorityClassName: "high" }));
		expect(places(world)).toEqual(["b@node-1", "vip@node-1"]);
	});

	it("never one of its own priority or a higher one; nodes never hold more than they have; the highest run", () => {
		const one = fc.record({ cpu: fc.integer({ min: 1, max: 9 }), rank: fc.integer({ min: 0, max: 3 }) });
		fc.assert(
			fc.property(fc.array(one, { minLength: 1, maxLength: 14 }), (asked) => {
				const world = withResources({ cpu: "1", memory: "64Gi", pods: "99" }, 2);
				for (let rank = 1; rank <= 3; rank++) priority(world, `rank-${rank}`, rank * 100);
				const ranks = new Map<string, number>();
				for (const [i, { cpu, rank }] of asked.entries()) {
					ranks.set(`p-${i}`, rank);
					make(world, pod(`p-${i}`, asks(`${cpu}00m`, rank === 0 ? undefined : `rank-${rank}`)));
				}
				const cpuOf = (name: string) => asked[Number(name.slice(2))]?.cpu ?? 0;
				const on = new Map<string, string[]>();
				for (const { metadata, spec } of world.pods())
					on.set(spec?.nodeName ?? "", [...(on.get(spec?.nodeName ?? "") ?? []), metadata.name ?? ""]);
				for (const [node, names] of on)
					if (node !== "") expect(names.reduce((sum, name) => sum + cpuOf(name), 0)).toBeLessThanOrEqual(10);
				for (const line of world.heard.filter((text) => text.includes(" Preempted "))) {
					const [, victim = "", uid = ""] = /Pod d\/(\S+): Preempted by pod (\S+)/.exec(line) ?? [];
					const preemptor = world.pods().find(({ metadata }) => metadata.uid === uid)?.metadata.name;
					if (preemptor !== undefined) expect(ranks.get(victim)).toBeLessThan(ranks.get(preemptor) ?? -1);
				}
				// Who waits found no node that those below it would leave enough of.
				for (const waiting of on.get("") ?? [])
					for (const node of ["node-1", "node-2"]) {
						const staying = (on.get(node) ?? []).filter((name) => (ranks.get(name) ?? 0) >= (ranks.get(waiting) ?? 0));
						const held = staying.reduce((sum, name) => sum + cpuOf(name), 0);
						expect(held + cpuOf(waiting)).toBeGreaterThan(10);
					}
			}),
			runs(40),
		);
	});
});
