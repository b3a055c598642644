// Pods that nobody else takes away: of a node that is gone, on one out of service, without a node, and too many that have ended.

import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../js/api/core.ts";
import { PodGC } from "../../js/controllers/podgc.ts";
import type { Component } from "../../js/ports.ts";
import { atWork } from "../cluster/running.ts";
import { type Running, running } from "./running.ts";
import { deployment, pod, pods } from "./workloads.ts";

const on = (name: string, node: string, rest: Partial<Pod["metadata"]> = {}): Pod => {
	const made = pod(name);
	return { ...made, metadata: { ...made.metadata, ...rest }, spec: { ...made.spec, nodeName: node } as Pod["spec"] };
};
const node = (name: string, ready: "True" | "Unknown" = "True", taint?: string): Node =>
	({
		apiVersion: "v1",
		kind: "Node",
		metadata: { name },
		...(taint !== undefined && { spec: { taints: [{ key: taint, effect: "NoExecute" }] } }),
		status: { conditions: [{ type: "Ready", status: ready }] },
	}) as Node;
const names = (cluster: Running) => pods(cluster).map(({ metadata }) => metadata.name);
function addNode({ store }: Running, made: Node): void {
	const { status } = made;
	store.updateStatus("nodes", { ...store.create("nodes", made), ...(status && { status }) });
}
function run({ store }: Running, name: string, phase: NonNullable<Pod["status"]>["phase"], reason?: string): void {
	const now = store.get<Pod>("pods", "d", name) as Pod;
	store.updateStatus("pods", { ...now, status: { ...now.status, phase, ...(reason && { reason }) } });
}
/** What is written to a pod on the way out. */
function watching(): { seen: Pod[]; component: Component } {
	const seen: Pod[] = [];
	const watch = ({ type, object }: { type: string; object: object }) => {
		if (type === "DELETED") seen.push(object as Pod);
		return [];
	};
	return { seen, component: { name: "watch", watches: { pods: watch }, reconcile: () => undefined } };
}

describe("a pod of a node that is gone", () => {
	it("goes 40 s after it was seen, as failed, with the condition that says why", () => {
		const { seen, component } = watching();
		const cluster = running([new PodGC(), component]);
		addNode(cluster, node("n1"));
		cluster.store.create("pods", on("a", "n1"));
		run(cluster, "a", "Running");
		cluster.simulation.advance(5000);
		cluster.store.delete("nodes", cluster.store.get<Node>("nodes", "", "n1") as Node);
		// The next look is at 20 s.
		cluster.simulation.advance(54_000);
		expect(names(cluster)).toEqual(["a"]);
		cluster.simulation.advance(2000);
		expect(names(cluster)).toEqual([]);
		expect(seen[0]?.status).toMatchObject({
			phase: "Failed",
			conditions: [
				{
					type: "DisruptionTarget",
					status: "True",
					reason: "DeletionByPodGC",
					message: "PodGC: node no longer exists",
					lastTransitionTime: "2026-01-01T00:01:00Z",
				},
			],
		});
	});

	it("goes at a time that is no whole millisecond either", () => {
		const cluster = running([new PodGC()]);
		cluster.simulation.advance(0.000_7);
		cluster.store.create("pods", on("a", "n1"));
		cluster.simulation.advance(59_999);
		expect(names(cluster)).toEqual(["a"]);
		cluster.simulation.advance(1);
		expect(names(cluster)).toEqual([]);
	});

	it("stays where the node comes back in time; the next loss begins anew", () => {
		const cluster = running([new PodGC()]);
		cluster.store.create("pods", on("a", "n1"));
		cluster.simulation.advance(30_000);
		addNode(cluster, node("n1"));
		cluster.simulation.advance(100_000);
		expect(names(cluster)).toEqual(["a"]);
		cluster.store.delete("nodes", cluster.store.get<Node>("nodes", "", "n1") as Node);
		cluster.simulation.advance(41_000);
		expect(names(cluster)).toEqual(["a"]);
		cluster.simulation.settle();
		expect(names(cluster)).toEqual([]);
	});

	it("keeps how it ended", () => {
		const { seen, component } = watching();
		const cluster = running([new PodGC(), component]);
		cluster.store.create("pods", on("a", "n1"));
		run(cluster, "a", "Succeeded");
		cluster.simulation.settle();
		expect(seen.map(({ status }) => [status?.phase, status?.conditions])).toEqual([["Succeeded", undefined]]);
	});

	it("is replaced elsewhere by its Deployment", () => {
		const cluster = atWork({ nodes: 2 });
		cluster.store.create("deployments.apps", deployment({ replicas: 2 }));
		cluster.simulation.settle();
		expect(new Set(cluster.pods().map(({ spec }) => spec?.nodeName))).toEqual(new Set(["node-1", "node-2"]));
		cluster.store.delete("nodes", cluster.store.get<Node>("nodes", "", "node-2") as Node);
		cluster.simulation.settle();
		expect(cluster.pods().map(({ spec, status }) => [spec?.nodeName, status?.phase])).toEqual([
			["node-1", "Running"],
			["node-1", "Running"],
		]);
	});
});

describe("a pod that is going", () => {
	it.each([
		["on a node out of service", node("n1", "Unknown", "node.kubernetes.io/out-of-service"), []],
		["on one that is ready all the same", node("n1", "True", "node.kubernetes.io/out-of-service"), ["a"]],
		["on one that is not ready", node("n1", "Unknown"), ["a"]],
	])("%s", (_, made, left) => {
		const cluster = running([new PodGC()]);
		addNode(cluster, made);
		cluster.store.create("pods", on("a", "n1"));
		cluster.store.delete("pods", pods(cluster)[0] as Pod);
		cluster.simulation.advance(100_000);
		expect(names(cluster)).toEqual(left);
	});

	it("goes when its node is taken out of service", () => {
		const cluster = running([new PodGC()]);
		addNode(cluster, node("n1", "Unknown"));
		cluster.store.create("pods", on("a", "n1"));
		cluster.store.delete("pods", pods(cluster)[0] as Pod);
		cluster.simulation.advance(100_000);
		const now = cluster.store.get<Node>("nodes", "", "n1") as Node;
		const taints = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" as const }];
		cluster.store.update("nodes", { ...now, spec: { ...now.spec, taints } });
		cluster.simulation.settle();
		expect(names(cluster)).toEqual([]);
	});

	it("without a node, which a finalizer holds, has failed", () => {
		const cluster = running([new PodGC()]);
		const made = pod("a");
		cluster.store.create("pods", { ...made, metadata: { ...made.metadata, finalizers: ["example.com/hold"] } });
		cluster.store.delete("pods", pods(cluster)[0] as Pod);
		cluster.simulation.settle();
		expect(pods(cluster).map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([["a", "Failed"]]);
	});
});

describe("pods that have ended", () => {
	it("stay up to the threshold; evicted ones go first, then the oldest", () => {
		const cluster = running([new PodGC(2)]);
		addNode(cluster, node("n1"));
		for (const name of ["a", "b", "c", "d", "e"]) {
			cluster.store.create("pods", on(name, "n1"));
			cluster.simulation.advance(1000);
		}
		run(cluster, "a", "Running");
		run(cluster, "b", "Succeeded");
		run(cluster, "c", "Failed");
		cluster.simulation.advance(60_000);
		expect(names(cluster)).toEqual(["a", "b", "c", "d", "e"]);
		run(cluster, "d", "Failed", "Evicted");
		run(cluster, "e", "Succeeded");
		cluster.simulation.settle();
		expect(names(cluster)).toEqual(["a", "c", "e"]);
	});

	it("all stay with a threshold of 0", () => {
		const cluster = running([new PodGC(0)]);
		addNode(cluster, node("n1"));
		cluster.store.create("pods", on("a", "n1"));
		run(cluster, "a", "Succeeded");
		cluster.simulation.settle();
		expect(names(cluster)).toEqual(["a"]);
	});
});
