// DaemonSet to pods (pkg/controller/daemon): one on every node that nodeSelector, affinity and taints allow. The
// pod is pinned by node affinity on metadata.name and carries the tolerations that the controller adds.

import type { DaemonSet } from "../api/apps.ts";
import type { Node, Pod, PodSpec, Toleration } from "../api/core.ts";
import { matchesNode, untolerated } from "../api/placement.ts";
import type { Random } from "../ports.ts";
import { freeName, templateHash } from "./names.ts";
import { isActive, owns, podFromTemplate } from "./pod.ts";

/** One pod for each eligible node that has none. `names`: pod names taken in the namespace; new ones are added. */
export function missingPods(
	daemonSet: DaemonSet,
	nodes: readonly Node[],
	pods: readonly Pod[],
	names: Set<string>,
	random: Random,
): Pod[] {
	const spec = daemonSet.spec;
	if (spec === undefined) return [];
	const { name = "", namespace = "default" } = daemonSet.metadata;
	const owned = new Set(
		pods.filter((pod) => isActive(pod) && owns(daemonSet, spec.selector, pod)).map((pod) => pod.spec?.nodeName),
	);
	const labels = { "controller-revision-hash": templateHash(spec.template), "pod-template-generation": "1" };
	return nodes
		.filter((node) => shouldRun(daemonSet, node) && !owned.has(node.metadata.name))
		.map((node) => {
			const generateName = `${name}-`;
			const podName = freeName(generateName, random, names, namespace, node.metadata.name ?? "");
			const pod = podFromTemplate(daemonSet, spec.template, { name: podName, generateName, labels });
			if (pod.spec) pod.spec = pinned(pod.spec, node);
			return pod;
		});
}

export function shouldRun(daemonSet: DaemonSet, node: Node): boolean {
	const spec = daemonSet.spec?.template.spec;
	if (spec === undefined) return false;
	if (spec.nodeName && spec.nodeName !== node.metadata.name) return false;
	return (
		matchesNode(spec, node) && untolerated(node, [...(spec.tolerations ?? []), ...addedTolerations(spec)]) === undefined
	);
}

function addedTolerations(spec: PodSpec): Toleration[] {
	const added: Toleration[] = [
		{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
		{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
		{ key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
		{ key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
		{ key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
		{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
	];
	if (spec.hostNetwork === true)
		added.push({ key: "node.kubernetes.io/network-unavailable", operator: "Exists", effect: "NoSchedule" });
	return added;
}

/** The spec with the node pinned; every required term is narrowed to it. */
function pinned(spec: PodSpec, node: Node): PodSpec {
	const here = { key: "metadata.name", operator: "In" as const, values: [node.metadata.name ?? ""] };
	const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}];
	const required = {
		nodeSelectorTerms: terms.map((term) => ({ ...term, matchFields: [...(term.matchFields ?? []), here] })),
	};
	const nodeAffinity = { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required };
	return {
		...spec,
		affinity: { ...spec.affinity, nodeAffinity },
		tolerations: [...(spec.tolerations ?? []), ...addedTolerations(spec)],
	};
}

export function withStatus(daemonSet: DaemonSet, desired: number, scheduled: number, ready: number): DaemonSet {
	const status = {
		currentNumberScheduled: scheduled,
		desiredNumberScheduled: desired,
		numberMisscheduled: 0,
		numberReady: ready,
		numberAvailable: ready,
		numberUnavailable: desired - ready,
		updatedNumberScheduled: scheduled,
		observedGeneration: daemonSet.metadata.generation ?? 1,
	};
	return { ...daemonSet, status };
}
