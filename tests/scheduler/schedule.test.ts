// Where pods go, and what is said of those that go nowhere.

import { describe, expect, it } from "vitest";
import type { Pod } from "../../js/api/core.ts";
import type { Realised } from "../../js/realise.ts";
import { join, node, of, up, workload } from "../controllers/up.ts";

describe("scheduler", () => {
	const placed = (podSpec: string, nodes: string[], spec = "replicas: 1") =>
		up(join(...nodes, workload("Deployment", "a", spec, podSpec)));
	const messages = (realised: Realised) => realised.events.map((event) => `${event.reason}: ${event.message}`);

	it.each([
		[
			"a node selector",
			"nodeSelector: {disk: ssd}",
			[
				"FailedScheduling: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
			],
		],
		[
			"required affinity",
			"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: NotIn, values: [n1, n2]}]}]}}}",
			[
				"FailedScheduling: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
			],
		],
		[
			"a gate",
			"schedulingGates: [{name: wait}]",
			["SchedulingGated: Scheduling is blocked due to non-empty scheduling gates"],
		],
	])("says why not: %s", (_name, podSpec, expected) => {
		const realised = placed(podSpec, [node("n1"), node("n2")]);
		expect(messages(realised)).toEqual(expected);
		expect(of<Pod>(realised, "Pod")[0]?.status?.phase).toBe("Pending");
		expect(realised.topology.pods).toEqual([]);
	});

	it("counts reasons over nodes", () => {
		const nodes = [
			node("n1", "spec: {taints: [{key: k, value: v, effect: NoExecute}]}"),
			node("n2", "spec: {unschedulable: true}"),
			node("n3", "status: {allocatable: {cpu: 100m, memory: 1Gi, pods: '110'}}"),
		];
		const realised = placed("", nodes, "replicas: 1").events;
		expect(realised).toEqual([]);
		const hungry = workload("Deployment", "a").replace("image: i", "image: i, resources: {requests: {cpu: 200m}}");
		expect(messages(up(join(...nodes, hungry)))).toEqual([
			"FailedScheduling: 0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
		]);
	});

	it("gives a host port to one pod a node", () => {
		const text = workload("Deployment", "a", "replicas: 4").replace(
			"containerPort: 8080",
			"containerPort: 8080, hostPort: 80",
		);
		const realised = up(text);
		expect(new Set(of<Pod>(realised, "Pod").map((pod) => pod.spec?.nodeName)).size).toBe(4);
		expect(messages(realised)).toEqual([
			"FailedScheduling: 0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
		]);
		expect([...realised.portmap.keys()]).toEqual(["node-1", "node-2", "node-3"]);
		const pod = of<Pod>(realised, "Pod").find((candidate) => candidate.spec?.nodeName === "node-1");
		expect(realised.portmap.get("node-1")).toContain(
			`-p tcp -m tcp --dport 80 -j DNAT --to-destination ${pod?.status?.podIP}:8080`,
		);
	});

	it("keeps pods apart and together as they ask", () => {
		const apart =
			"affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: a}}, topologyKey: kubernetes.io/hostname}]}}";
		expect(messages(up(workload("Deployment", "a", "replicas: 4", apart)))).toEqual([
			"FailedScheduling: 0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
		]);
		const together = apart.replace("podAntiAffinity", "podAffinity");
		const nodes = of<Pod>(up(workload("Deployment", "a", "replicas: 3", together)), "Pod").map(
			(pod) => pod.spec?.nodeName,
		);
		expect(new Set(nodes).size).toBe(1);
	});

	it("spreads the pods of one controller evenly over nodes and zones", () => {
		const nodes = Array.from({ length: 6 }, (_, i) => node(`n${i}`, "", `, topology.kubernetes.io/zone: z${i % 2}`));
		const pods = of<Pod>(
			up(join(...nodes, workload("Deployment", "a", "replicas: 4"), workload("Deployment", "b", "replicas: 9"))),
			"Pod",
		);
		const a = pods.filter((pod) => pod.metadata.labels?.app === "a").map((pod) => pod.spec?.nodeName ?? "");
		expect(new Set(a).size).toBe(4);
		expect(a.filter((name) => Number(name.slice(1)) % 2 === 0)).toHaveLength(2);
	});
});
