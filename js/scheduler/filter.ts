// May this pod run on this node now: the filter plugins of the default scheduler (pkg/scheduler/framework/plugins),
// each answering with its own words. Volumes, DRA and topology spread's minDomains are not modelled.

import type { Node, Pod } from "../api/core.ts";
import { type HostPort, hostPorts, hostPortsClash, matchesNode, untolerated } from "../api/placement.ts";
import { parseQuantity } from "../api/quantity.ts";
import type { Surroundings } from "./surroundings.ts";

/** A node and what runs on it. */
export interface NodeState {
	node: Node;
	/** Among the nodes. */
	readonly order: number;
	readonly zone: string;
	/** null: what there is no end of. */
	readonly allocatable: Readonly<Record<"pods" | "cpu" | "memory", number | null>>;
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
export function refusal(pod: Pod, needs: Needs, state: NodeState, around: Surroundings): string | null {
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
	return resourceRefusal(needs, state) ?? around.refusal(state);
}

function resourceRefusal({ requests: wanted }: Needs, { pods, allocatable, requested }: NodeState): string | null {
	const { cpu, memory } = allocatable;
	if (allocatable.pods !== null && pods.length + 1 > allocatable.pods) return "Too many pods";
	if (cpu !== null && wanted.cpu > 0 && requested.cpu + wanted.cpu > cpu + 1e-9) return "Insufficient cpu";
	if (memory !== null && wanted.memory > 0 && requested.memory + wanted.memory > memory) return "Insufficient memory";
	return null;
}

/** What a node has to give. */
export function allocatableOf({ status }: Node): NodeState["allocatable"] {
	const amount = (name: string) => parseQuantity(status?.allocatable?.[name]);
	return { pods: amount("pods"), cpu: amount("cpu"), memory: amount("memory") };
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
