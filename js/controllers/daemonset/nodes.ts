// Where a DaemonSet's pods belong (pkg/controller/daemon/daemon_controller.go: NodeShouldRunDaemonPod;
// util/daemonset_util.go): nodeSelector, affinity and taints, with the tolerations that its pods are given.

import type { DaemonSet } from "../../api/apps.ts";
import type { Node, Pod, PodSpec, Toleration } from "../../api/core.ts";
import { matchesNode, untolerated } from "../../api/placement.ts";

export interface Place {
	/** A pod is made there. */
	shouldRun: boolean;
	/** One that is there may stay. */
	mayStay: boolean;
}

export function placeOn(daemonSet: DaemonSet, node: Node): Place {
	const spec = daemonSet.spec?.template.spec;
	const fits =
		spec !== undefined && (!spec.nodeName || spec.nodeName === node.metadata.name) && matchesNode(spec, node);
	if (!fits) return { shouldRun: false, mayStay: false };
	const tolerations = tolerationsOf(spec);
	if (untolerated(node, tolerations) === undefined) return { shouldRun: true, mayStay: true };
	return { shouldRun: false, mayStay: untolerated(node, tolerations, ["NoExecute"]) === undefined };
}

/** Taints that a node has for reasons of its own, and on which daemons run nevertheless. */
const TOLERATED: readonly Toleration[] = [
	{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
	{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
	{ key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
	{ key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
	{ key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
	{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const OF_HOST_NETWORK: Toleration = {
	key: "node.kubernetes.io/network-unavailable",
	operator: "Exists",
	effect: "NoSchedule",
};

/** The template's, and those that are added; of one key, effect and operator the added one counts. */
function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): Toleration[] {
	const added = hostNetwork === true ? [...TOLERATED, OF_HOST_NETWORK] : TOLERATED;
	const same = (a: Toleration, b: Toleration) =>
		a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? "") === (b.value ?? "");
	return [...tolerations.filter((own) => !added.some((one) => same(one, own))), ...added];
}

/** The spec with the node pinned: in place of what node affinity the template requires. */
export function pinned(spec: PodSpec, node: string): PodSpec {
	const matchFields = [{ key: "metadata.name", operator: "In" as const, values: [node] }];
	const required = { nodeSelectorTerms: [{ matchFields }] };
	const nodeAffinity = { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required };
	return { ...spec, affinity: { ...spec.affinity, nodeAffinity }, tolerations: tolerationsOf(spec) };
}

/** The node that a daemon pod runs on, or is pinned to; undefined where nothing says. */
export function targetNode({ spec }: Pod): string | undefined {
	if (spec?.nodeName) return spec.nodeName;
	const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
	const field = terms
		.flatMap(({ matchFields = [] }) => matchFields)
		.find(({ key, operator }) => key === "metadata.name" && operator === "In");
	return field?.values?.length === 1 ? field.values[0] : undefined;
}
