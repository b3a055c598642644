// Pods to nodes, one after the other (pkg/scheduler): filter, then the best node. The real scheduler's score depends on
// load and chance; here it is, in this order: fewer intolerable PreferNoSchedule taints, more preferred affinity, fewer
// pods of the same controller on the node, then in its zone, fewer pods at all, the order of the nodes.

import type { Node, Pod, PodSpec } from "../api/core.ts";
import { ZONE } from "../api/labels.ts";
import { hostPorts, preference, tolerates } from "../api/placement.ts";
import { isFinished } from "../api/pod.ts";
import { allocatableOf, type ClusterState, type NodeState, needsOf, refusal } from "./filter.ts";
import { NodeOrder } from "./nodeorder.ts";
import { antiAffinityOf, Surroundings } from "./surroundings.ts";

export interface Unschedulable {
	pod: Pod;
	/** PodScheduled condition's reason: `Unschedulable` or `SchedulingGated`. */
	reason: "Unschedulable" | "SchedulingGated";
	/** In the scheduler's words: `0/3 nodes are available: …`. */
	message: string;
}

/** Whether the pod may run on a node. */
type Fits = (state: NodeState) => boolean;

export class Scheduler {
	private cluster: ClusterState;
	private byName = new Map<string, NodeState>();
	/** Number of pods by controller and zone. */
	private inZone = new Map<string, number>();
	/** Nodes that no pod dislikes. */
	private ordered = new NodeOrder<NodeState>();
	/** Those that some do (PreferNoSchedule). */
	private disliked = new Set<NodeState>();
	private nodesSeen = 0;

	/** `namespaces`: labels by name, for affinity terms that select namespaces. */
	constructor(nodes: readonly Node[], namespaces: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map()) {
		this.cluster = { nodes: [], namespaces, shy: [] };
		for (const node of nodes) this.setNode(node);
	}

	/** Counts a pod that runs already. */
	occupy(pod: Pod): void {
		const state = this.byName.get(pod.spec?.nodeName ?? "");
		if (state === undefined || isFinished(pod)) return;
		this.count(state, 1, pod, () => state.pods.push(pod));
		state.hostPorts.push(...needsOf(pod).hostPorts);
	}

	/** Takes a pod that was counted out again. */
	release(pod: Pod): void {
		const { state, at } = this.placeOf(pod);
		const counted = state?.pods[at];
		if (state === undefined || counted === undefined) return;
		this.count(state, -1, counted, () => state.pods.splice(at, 1));
		if (state.hostPorts.length > 0) state.hostPorts = state.pods.flatMap(hostPorts);
	}

	/** A pod that was counted is another object now, which takes no more and no less. */
	replace(pod: Pod): void {
		const { state, at } = this.placeOf(pod);
		if (state?.pods[at] !== undefined) state.pods[at] = pod;
	}

	private placeOf({ metadata, spec }: Pod): { state: NodeState | undefined; at: number } {
		const state = this.byName.get(spec?.nodeName ?? "");
		return { state, at: state?.pods.findIndex((pod) => pod.metadata.uid === metadata.uid) ?? -1 };
	}

	private count(state: NodeState, by: 1 | -1, pod: Pod, change: () => void): void {
		const isOrdered = !this.disliked.has(state);
		if (isOrdered) this.ordered.remove(state);
		change();
		if (isOrdered) this.ordered.add(state);
		const { cpu, memory } = needsOf(pod).requests;
		state.requested = { cpu: state.requested.cpu + by * cpu, memory: state.requested.memory + by * memory };
		const owner = ownerOf(pod);
		if (owner !== null) {
			count(state.siblings, owner, by);
			count(this.inZone, zoneKey(owner, state.zone), by);
		}
		if (antiAffinityOf(pod).length === 0) return;
		const { shy } = this.cluster;
		if (by === 1) shy.push({ pod, node: state.node });
		else this.cluster.shy = shy.filter((one) => one.pod.metadata.uid !== pod.metadata.uid);
	}

	/** A node that is new, or another than it was; what runs there stays counted. */
	setNode(node: Node): void {
		const { name = "" } = node.metadata;
		const before = this.byName.get(name);
		const pods = [...(before?.pods ?? [])];
		if (before !== undefined) {
			for (const pod of pods) this.release(pod);
			this.leave(before);
		}
		const state = emptyState(node, before?.order ?? this.nodesSeen++);
		if (before === undefined) this.cluster.nodes.push(state);
		else this.cluster.nodes[this.cluster.nodes.indexOf(before)] = state;
		this.byName.set(name, state);
		if (isDisliked(node)) this.disliked.add(state);
		else this.ordered.add(state);
		for (const pod of pods) this.occupy(pod);
	}

	removeNode(name: string): void {
		const state = this.byName.get(name);
		if (state === undefined) return;
		for (const pod of [...state.pods]) this.release(pod);
		this.leave(state);
		this.cluster.nodes.splice(this.cluster.nodes.indexOf(state), 1);
		this.byName.delete(name);
	}

	private leave(state: NodeState): void {
		if (!this.disliked.delete(state)) this.ordered.remove(state);
	}

	/** `namespaces`: labels by name. */
	setNamespaces(namespaces: ClusterState["namespaces"]): void {
		this.cluster = { ...this.cluster, namespaces };
	}

	/** The same nodes and pods, with a future of its own. */
	fork(): Scheduler {
		const { nodes, namespaces, shy } = this.cluster;
		const copy = new Scheduler([], namespaces);
		copy.cluster.shy = [...shy];
		copy.inZone = new Map(this.inZone);
		copy.nodesSeen = this.nodesSeen;
		for (const state of nodes) {
			const { pods, hostPorts: ports, siblings } = state;
			const own = { ...state, pods: [...pods], hostPorts: [...ports], siblings: new Map(siblings) };
			copy.cluster.nodes.push(own);
			copy.byName.set(own.node.metadata.name ?? "", own);
			if (this.disliked.has(state)) copy.disliked.add(own);
			else copy.ordered.add(own);
		}
		return copy;
	}

	/** The pod bound to a node (and counted there), or why it cannot be. */
	place(pod: Pod): Pod | Unschedulable {
		const gates = pod.spec?.schedulingGates ?? [];
		if (gates.length > 0) {
			const message = `Scheduling is blocked due to non-empty scheduling gates: ${gates.map((gate) => gate.name).join(", ")}`;
			return { pod, reason: "SchedulingGated", message };
		}
		const needs = needsOf(pod);
		const around = new Surroundings(pod, this.cluster);
		const refusalOf = (state: NodeState) => refusal(pod, needs, state, around);
		const best = this.best(pod, (state) => refusalOf(state) === null);
		if (best === undefined) return { pod, reason: "Unschedulable", message: this.explain(refusalOf) };
		const bound: Pod = { ...pod, spec: { containers: [], ...pod.spec, nodeName: best.node.metadata.name ?? "" } };
		this.occupy(bound);
		return bound;
	}

	private explain(refusalOf: (state: NodeState) => string | null): string {
		const { nodes } = this.cluster;
		if (nodes.length === 0) return "no nodes available to schedule pods";
		const refusals = new Map<string, number>();
		for (const state of nodes) count(refusals, refusalOf(state) ?? "");
		const reasons = [...refusals].map(([reason, times]) => `${times} ${reason}`).sort();
		return `0/${nodes.length} nodes are available: ${reasons.join(", ")}.`;
	}

	private best(pod: Pod, fits: Fits): NodeState | undefined {
		const named = namedNodes(pod.spec);
		if (named !== null)
			return this.bestOf(
				pod,
				[...named].flatMap((name) => this.byName.get(name) ?? []),
				fits,
			);
		const { nodes } = this.cluster;
		if (pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.length)
			return this.bestOf(pod, nodes, fits);
		const first = this.firstAlone(pod, fits);
		return this.bestOf(pod, first === undefined ? nodes : [first, ...this.disliked], fits);
	}

	/** The best of the nodes in order that have no pod of the same controller; undefined where none of them fits. */
	private firstAlone(pod: Pod, fits: Fits): NodeState | undefined {
		const owner = ownerOf(pod);
		const byCount = new Map<number, string[]>();
		for (const zone of this.ordered.zones) {
			const siblings = owner === null ? 0 : (this.inZone.get(zoneKey(owner, zone)) ?? 0);
			const known = byCount.get(siblings);
			if (known === undefined) byCount.set(siblings, [zone]);
			else known.push(zone);
		}
		for (const [, zones] of [...byCount].sort(([a], [b]) => a - b))
			for (const state of this.ordered.emptiest(zones))
				if ((owner === null || !state.siblings.has(owner)) && fits(state)) return state;
		return undefined;
	}

	private bestOf(pod: Pod, states: readonly NodeState[], fits: Fits): NodeState | undefined {
		const owner = ownerOf(pod);
		let best: NodeState | undefined;
		let bestScore: number[] = [];
		for (const state of states) {
			const onNode = owner === null ? 0 : (state.siblings.get(owner) ?? 0);
			const inZone = owner === null ? 0 : (this.inZone.get(zoneKey(owner, state.zone)) ?? 0);
			const score = scoreOf(pod, state, onNode, inZone);
			if ((best === undefined || less(score, bestScore)) && fits(state)) {
				best = state;
				bestScore = score;
			}
		}
		return best;
	}
}

/** The nodes that required affinity names, as a DaemonSet's pods do (PreFilter of NodeAffinity); null: any. */
function namedNodes(spec: PodSpec | undefined): ReadonlySet<string> | null {
	const { nodeSelectorTerms = [] } = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? {};
	const names = new Set<string>();
	for (const { matchFields = [] } of nodeSelectorTerms) {
		const own = matchFields.find(({ key, operator }) => key === "metadata.name" && operator === "In");
		if (own === undefined) return null;
		for (const name of own.values ?? []) names.add(name);
	}
	return nodeSelectorTerms.length === 0 ? null : names;
}

const isDisliked = ({ spec }: Node) => (spec?.taints ?? []).some(({ effect }) => effect === "PreferNoSchedule");

/** Smaller is better, the first number that differs decides. */
function scoreOf(pod: Pod, { node, pods, order }: NodeState, onNode: number, inZone: number): number[] {
	const tolerations = pod.spec?.tolerations ?? [];
	const disliked = (node.spec?.taints ?? []).filter(
		(taint) => taint.effect === "PreferNoSchedule" && !tolerations.some((toleration) => tolerates(toleration, taint)),
	).length;
	const preferred = pod.spec === undefined ? 0 : preference(pod.spec, node);
	return [disliked, -preferred, onNode, inZone, pods.length, order];
}

function less(a: readonly number[], b: readonly number[]): boolean {
	const i = a.findIndex((value, index) => value !== b[index]);
	return i >= 0 && (a[i] ?? 0) < (b[i] ?? 0);
}

/** What makes pods siblings: their controller. A bare pod has none. */
function ownerOf(pod: Pod): string | null {
	const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
	return owner === undefined ? null : `${pod.metadata.namespace}/${owner.kind}/${owner.name}`;
}

const zoneKey = (owner: string, zone: string) => `${owner} ${zone}`;

function count(counts: Map<string, number>, key: string, by = 1): void {
	const sum = (counts.get(key) ?? 0) + by;
	if (sum === 0) counts.delete(key);
	else counts.set(key, sum);
}

function emptyState(node: Node, order: number): NodeState {
	const zone = node.metadata.labels?.[ZONE] ?? "";
	const requested = { cpu: 0, memory: 0 };
	return {
		...{ node, order, zone, allocatable: allocatableOf(node), requested },
		...{ pods: [], hostPorts: [], siblings: new Map() },
	};
}
