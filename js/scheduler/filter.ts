// May this pod run on this node now: the filter plugins of the default scheduler (pkg/scheduler/framework/plugins),
// each answering with its own words. Volumes, DRA and topology spread's minDomains are not modelled.

import type { Node, Pod, PodAffinityTerm } from "../api/core.ts";
import { type HostPort, hostPorts, hostPortsClash, matchesNode, untolerated } from "../api/placement.ts";
import { parseQuantity } from "../api/quantity.ts";
import { selects } from "../api/selector.ts";

/** A node and what runs on it. */
export interface NodeState {
	node: Node;
	pods: Pod[];
	hostPorts: HostPort[];
	requested: Resources;
	/** Number of pods by their controller. */
	siblings: Map<string, number>;
}

export interface Resources {
	cpu: number;
	memory: number;
}

/** What a pod takes on its node. */
export interface Needs {
	hostPorts: HostPort[];
	requests: Resources;
}

export function needsOf(pod: Pod): Needs {
	return { hostPorts: hostPorts(pod), requests: requests(pod) };
}

export interface ClusterState {
	nodes: NodeState[];
	/** Labels by namespace name. */
	namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
	/** Placed pods with required anti-affinity, and their nodes: they may refuse newcomers. */
	shy: { pod: Pod; node: Node }[];
}

const UNSCHEDULABLE = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" as const };

/** Why the pod cannot run on the node, in upstream's words; null where it can. `needs`: what it takes there. */
export function refusal(pod: Pod, needs: Needs, state: NodeState, cluster: ClusterState): string | null {
	const { node } = state;
	const spec = pod.spec;
	if (spec === undefined) return "pod has no spec";
	const tolerations = spec.tolerations ?? [];
	if (node.spec?.unschedulable === true && untolerated({ ...node, spec: { taints: [UNSCHEDULABLE] } }, tolerations))
		return "node(s) were unschedulable";
	const taint = untolerated(node, tolerations);
	if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
	if (!matchesNode(spec, node)) return "node(s) didn't match Pod's node affinity/selector";
	if (needs.hostPorts.some((port) => state.hostPorts.some((taken) => hostPortsClash(port, taken)))) {
		return "node(s) didn't have free ports for the requested pod ports";
	}
	return resourceRefusal(needs, state) ?? spreadRefusal(pod, state, cluster) ?? podAffinityRefusal(pod, state, cluster);
}

function resourceRefusal({ requests: wanted }: Needs, { node, pods, requested }: NodeState): string | null {
	const allocatable = node.status?.allocatable;
	if (allocatable === undefined) return null;
	const podsMax = parseQuantity(allocatable["pods"]);
	if (podsMax !== null && pods.length + 1 > podsMax) return "Too many pods";
	const cpu = parseQuantity(allocatable["cpu"]);
	if (cpu !== null && wanted.cpu > 0 && requested.cpu + wanted.cpu > cpu + 1e-9) return "Insufficient cpu";
	const memory = parseQuantity(allocatable["memory"]);
	if (memory !== null && wanted.memory > 0 && requested.memory + wanted.memory > memory) return "Insufficient memory";
	return null;
}

/** Requests of a pod: sum of its containers and sidecars, or its largest init container (KEP-753, without overhead). */
export function requests(pod: Pod): Resources {
	const total: Resources = { cpu: 0, memory: 0 };
	for (const name of ["cpu", "memory"] as const) {
		const of = (container: {
			resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
		}): number => parseQuantity(container.resources?.requests?.[name] ?? container.resources?.limits?.[name]) ?? 0;
		const init = pod.spec?.initContainers ?? [];
		const running = [
			...(pod.spec?.containers ?? []),
			...init.filter((container) => container.restartPolicy === "Always"),
		];
		const sum = running.reduce((all, container) => all + of(container), 0);
		total[name] = Math.max(sum, ...init.filter((container) => container.restartPolicy !== "Always").map(of));
	}
	return total;
}

/** Hard topology spread constraints: placing it here must not raise the skew above maxSkew. */
function spreadRefusal(pod: Pod, state: NodeState, cluster: ClusterState): string | null {
	for (const constraint of pod.spec?.topologySpreadConstraints ?? []) {
		if (constraint.whenUnsatisfiable !== "DoNotSchedule") continue;
		const here = state.node.metadata.labels?.[constraint.topologyKey];
		if (here === undefined) return "node(s) didn't match pod topology spread constraints (missing required label)";
		const counts = new Map<string, number>();
		for (const candidate of cluster.nodes) {
			const domain = candidate.node.metadata.labels?.[constraint.topologyKey];
			if (domain === undefined || (pod.spec !== undefined && !matchesNode(pod.spec, candidate.node))) continue;
			const matching = candidate.pods.filter(
				(other) =>
					other.metadata.namespace === pod.metadata.namespace &&
					selects(constraint.labelSelector, other.metadata.labels),
			);
			counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
		}
		const self = selects(constraint.labelSelector, pod.metadata.labels) ? 1 : 0;
		if ((counts.get(here) ?? 0) + self - Math.min(...counts.values()) > constraint.maxSkew)
			return "node(s) didn't match pod topology spread constraints";
	}
	return null;
}

function podAffinityRefusal(pod: Pod, state: NodeState, cluster: ClusterState): string | null {
	const affinity = pod.spec?.affinity;
	for (const term of affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
		if (inDomain(pod, term, state, cluster)) continue;
		// The first pod of a group that wants its own company may start one.
		const selfMatches =
			selectedBy(term, pod, pod, cluster) && state.node.metadata.labels?.[term.topologyKey] !== undefined;
		const anywhere = cluster.nodes.some((candidate) =>
			candidate.pods.some((other) => selectedBy(term, other, pod, cluster)),
		);
		if (!selfMatches || anywhere) return "node(s) didn't match pod affinity rules";
	}
	for (const term of antiAffinityOf(pod)) {
		if (inDomain(pod, term, state, cluster)) return "node(s) didn't match pod anti-affinity rules";
	}
	return shunned(pod, state, cluster) ? "node(s) didn't satisfy existing pods anti-affinity rules" : null;
}

/** Whether a pod that runs in a shared domain does not want this one. */
function shunned(pod: Pod, state: NodeState, cluster: ClusterState): boolean {
	return cluster.shy.some(({ pod: other, node }) =>
		antiAffinityOf(other).some((term) => {
			const domain = node.metadata.labels?.[term.topologyKey];
			return (
				domain !== undefined &&
				domain === state.node.metadata.labels?.[term.topologyKey] &&
				selectedBy(term, pod, other, cluster)
			);
		}),
	);
}

export function antiAffinityOf(pod: Pod): PodAffinityTerm[] {
	return pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** Whether a pod that the term selects runs in the node's domain. */
function inDomain(pod: Pod, term: PodAffinityTerm, state: NodeState, cluster: ClusterState): boolean {
	const domain = state.node.metadata.labels?.[term.topologyKey];
	if (domain === undefined) return false;
	return cluster.nodes.some(
		(candidate) =>
			candidate.node.metadata.labels?.[term.topologyKey] === domain &&
			candidate.pods.some((other) => selectedBy(term, other, pod, cluster)),
	);
}

/** Whether `owner`'s term selects `other`: by namespace, then by labels. */
function selectedBy(term: PodAffinityTerm, other: Pod, owner: Pod, cluster: ClusterState): boolean {
	const namespace = other.metadata.namespace ?? "default";
	const named = term.namespaces ?? [];
	const bySelector =
		term.namespaceSelector !== undefined && selects(term.namespaceSelector, cluster.namespaces.get(namespace));
	const own = named.length === 0 && term.namespaceSelector === undefined && namespace === owner.metadata.namespace;
	return (own || bySelector || named.includes(namespace)) && selects(term.labelSelector, other.metadata.labels);
}
