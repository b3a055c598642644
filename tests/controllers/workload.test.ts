// Workloads to pods, and who listens: the same seed gives the same cluster.

import { describe, expect, it } from "vitest";
import type { Deployment } from "../../js/api/apps.ts";
import type { Pod } from "../../js/api/core.ts";
import { join, named, node, of, service, up, workload } from "../controllers/up.ts";

describe("workloads", () => {
	it("is the same for the same seed, and another for another", () => {
		const text = join(workload("Deployment", "a", "replicas: 3"), service("a"));
		expect(up(text)).toEqual(up(text));
		const names = (seed: number) => of<Pod>(up(text, { seed }), "Pod").map((pod) => pod.metadata.name);
		expect(names(2)).not.toEqual(names(1));
	});

	it("names and orders StatefulSet pods, with their host names", () => {
		const realised = up(workload("StatefulSet", "db", "replicas: 2\n  serviceName: db\n  ordinals: {start: 5}"));
		const pods = of<Pod>(realised, "Pod");
		expect(pods.map((pod) => [pod.metadata.name, pod.spec?.hostname, pod.spec?.subdomain])).toEqual([
			["db-5", "db-5", "db"],
			["db-6", "db-6", "db"],
		]);
		expect(pods[0]?.metadata.labels?.["apps.kubernetes.io/pod-index"]).toBe("5");
	});

	it("runs a DaemonSet on every node that it may use, tainted and cordoned ones by its tolerations", () => {
		const nodes = [
			node("a"),
			node("b", "spec: {taints: [{key: dedicated, value: x, effect: NoSchedule}]}"),
			node("c", "spec: {unschedulable: true, taints: [{key: node.kubernetes.io/unschedulable, effect: NoSchedule}]}"),
			node("d", "", ", disk: ssd"),
		];
		const on = (podSpec: string) =>
			of<Pod>(up(join(...nodes, workload("DaemonSet", "agent", "", podSpec))), "Pod").map((pod) => pod.spec?.nodeName);
		expect(on("")).toEqual(["a", "c", "d"]);
		expect(on("tolerations: [{operator: Exists}]")).toEqual(["a", "b", "c", "d"]);
		expect(on("nodeSelector: {disk: ssd}")).toEqual(["d"]);
	});

	it("adopts a bare pod that a ReplicaSet selects", () => {
		const bare =
			"apiVersion: v1\nkind: Pod\nmetadata: {name: own, labels: {app: a}}\nspec: {containers: [{name: c}]}\n";
		expect(of<Pod>(up(join(bare, workload("ReplicaSet", "a", "replicas: 2"))), "Pod")).toHaveLength(2);
	});

	it("makes no pods of a paused Deployment, none of zero replicas, one by default", () => {
		const count = (spec: string) => of<Pod>(up(workload("Deployment", "a", spec)), "Pod").length;
		expect([count("paused: true"), count("replicas: 0"), count("")]).toEqual([0, 0, 1]);
	});

	it("writes the status back", () => {
		const realised = up(workload("Deployment", "a", "replicas: 3"), {
			ready: (pod) => pod.spec?.nodeName !== "node-2",
		});
		expect(named<Deployment>(realised, "Deployment", "a").status).toMatchObject({
			replicas: 3,
			readyReplicas: 2,
			unavailableReplicas: 1,
		});
	});
});

describe("listeners", () => {
	it("takes a pod that declares no port to listen on any, unless told to be strict", () => {
		const text = workload("Deployment", "a").replace(", ports: [{name: http, containerPort: 8080}]", "");
		expect(up(text).topology.pods[0]).toMatchObject({ listenAny: true, listen: [] });
		expect(up(text).assumed.some((line) => line.startsWith("listens: pod default/a-"))).toBe(true);
		expect(up(text, { strictPorts: true }).topology.pods[0]?.listenAny).toBeUndefined();
	});

	it("lets a hostNetwork pod listen on its node", () => {
		const { topology } = up(workload("DaemonSet", "agent", "", "hostNetwork: true"));
		expect(topology.pods).toEqual([]);
		expect(topology.nodes.every((entry) => entry.listen?.some((listener) => listener.port === 8080))).toBe(true);
	});
});
