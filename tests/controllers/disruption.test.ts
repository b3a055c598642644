// PodDisruptionBudgets: what their status says, and what an eviction hears (pkg/controller/disruption).

import { describe, expect, it } from "vitest";
import type { Deployment } from "../../js/api/apps.ts";
import type { Pod } from "../../js/api/core.ts";
import type { IntOrString, KubernetesObject } from "../../js/api/meta.ts";
import { evict } from "../../js/apiserver/registry/eviction.ts";
import { StatusError } from "../../js/apiserver/status.ts";
import { components } from "../../js/controllers/components.ts";
import { kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { change, daemonSet, deployment, LABELS, pod, pods, template } from "./workloads.ts";

interface Status {
	currentHealthy: number;
	conditions?: { type: string; status: string; reason: string; message: string }[];
	disruptedPods?: Record<string, string>;
}

const budget = (spec: { minAvailable?: IntOrString; maxUnavailable?: IntOrString }): KubernetesObject => ({
	apiVersion: "policy/v1",
	kind: "PodDisruptionBudget",
	metadata: { namespace: "d", name: "budget" },
	spec: { selector: { matchLabels: LABELS }, ...spec },
});
const up = () => running([...components(), kubelet()]);
const statusOf = ({ store }: Running) =>
	store.get("poddisruptionbudgets.policy", "d", "budget")?.status as Status | undefined;
const create = ({ store }: Running, spec: Parameters<typeof budget>[0]) =>
	store.create("poddisruptionbudgets.policy", budget(spec));
function refusal(cluster: Running, { metadata }: Pod): StatusError["status"] | null {
	const resource = cluster.registry.catalogue.ofKind("v1", "Pod");
	if (resource === undefined) throw new Error("pods are not served");
	const eviction = {
		apiVersion: "policy/v1",
		kind: "Eviction",
		metadata: { name: metadata.name ?? "", namespace: "d" },
	};
	try {
		evict(cluster.registry, { resource, namespace: "d", name: metadata.name ?? "" }, eviction, {});
		return null;
	} catch (error) {
		if (error instanceof StatusError) return error.status;
		throw error;
	}
}

describe("a PodDisruptionBudget", () => {
	// Replicas, budget: expected, desired, allowed once all are ready.
	it.each([
		[3, { minAvailable: 2 }, 3, 2, 1],
		[3, { minAvailable: 3 }, 3, 3, 0],
		[3, { minAvailable: "50%" }, 3, 2, 1],
		[3, { maxUnavailable: 1 }, 3, 2, 1],
		[10, { maxUnavailable: "15%" }, 10, 8, 2],
		[2, { maxUnavailable: 5 }, 2, 0, 2],
		[0, { minAvailable: 1 }, 0, 1, 0],
	])("of %i replicas, %j", (replicas, spec, expectedPods, desiredHealthy, disruptionsAllowed) => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment({ replicas }));
		create(cluster, spec);
		cluster.simulation.settle();
		expect(statusOf(cluster)).toMatchObject({
			expectedPods,
			desiredHealthy,
			disruptionsAllowed,
			currentHealthy: replicas,
			observedGeneration: 1,
		});
		const enough = disruptionsAllowed > 0;
		expect(statusOf(cluster)?.conditions).toMatchObject([
			{
				type: "DisruptionAllowed",
				status: enough ? "True" : "False",
				reason: enough ? "SufficientPods" : "InsufficientPods",
				message: "",
			},
		]);
	});

	it("blocks a drain until another pod is ready", () => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment());
		create(cluster, { minAvailable: 2 });
		cluster.simulation.settle();
		const [first, second] = pods(cluster) as [Pod, Pod];
		expect(refusal(cluster, first)).toBeNull();
		cluster.simulation.advance(1);
		expect(refusal(cluster, second)).toMatchObject({
			code: 429,
			reason: "TooManyRequests",
			message: "Cannot evict pod as it would violate the pod's disruption budget.",
			details: { causes: [{ message: "The disruption budget budget needs 2 healthy pods and has 2 currently" }] },
		});
		cluster.simulation.settle();
		expect(refusal(cluster, second)).toBeNull();
	});

	it("counts an evicted pod that is not deleted as gone, for two minutes", () => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment());
		create(cluster, { minAvailable: 2 });
		cluster.simulation.settle();
		const [first] = pods(cluster) as [Pod];
		const now = cluster.store.get("poddisruptionbudgets.policy", "d", "budget") as KubernetesObject;
		const disruptedPods = { [first.metadata.name ?? ""]: "2026-01-01T00:00:02Z" };
		cluster.store.updateStatus("poddisruptionbudgets.policy", {
			...now,
			status: { ...(now.status as object), disruptedPods },
		});
		cluster.simulation.settle();
		expect(statusOf(cluster)).toMatchObject({ currentHealthy: 2, disruptedPods });
		cluster.simulation.advance(125_000);
		expect(statusOf(cluster)?.currentHealthy).toBe(3);
		expect(statusOf(cluster)?.disruptedPods).toBeUndefined();
	});

	it("tells of pods that nobody manages, and of owners that have no size", () => {
		const cluster = up();
		cluster.store.create("pods", pod("alone"));
		create(cluster, { maxUnavailable: 1 });
		cluster.simulation.settle();
		expect(cluster.events).toContainEqual(
			'Warning UnmanagedPods PodDisruptionBudget d/budget: Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.',
		);
		const other = up();
		other.store.create("nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
		other.store.create("daemonsets.apps", daemonSet());
		create(other, { maxUnavailable: 1 });
		other.simulation.settle();
		expect(statusOf(other)?.conditions).toMatchObject([
			{ status: "False", reason: "SyncFailed", message: "daemonsets.apps does not implement the scale subresource" },
		]);
	});

	it("says that it selects nothing, and follows a rollout", () => {
		const cluster = up();
		create(cluster, { minAvailable: 1 });
		cluster.simulation.settle();
		// At every look, as upstream says it: the second is at the status that the first wrote.
		const said = "Normal NoPods PodDisruptionBudget d/budget: No matching pods found";
		expect(cluster.events).toEqual([said, said]);
		cluster.store.create("deployments.apps", deployment());
		cluster.simulation.settle();
		change<Deployment>(cluster, "deployments.apps", "web", { template: template("web:2") });
		cluster.simulation.settle();
		expect(statusOf(cluster)).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 2 });
	});
});
