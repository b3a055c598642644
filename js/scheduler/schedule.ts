// Pods to nodes, one after the other (pkg/scheduler): filter, then the best node. The real scheduler's score depends on
// load and chance; here it is, in this order: fewer intolerable PreferNoSchedule taints, more preferred affinity, fewer
// pods of the same controller on the node, then in its zone, fewer pods at all, the order of the nodes.

import type { Node, Pod } from "../api/core.ts";
import { ZONE } from "../api/labels.ts";
import { hostPorts, preference, tolerates } from "../api/placement.ts";
import { isFinished } from "../api/pod.ts";
import { antiAffinityOf, type ClusterState, type NodeState, needsOf, refusal } from "./filter.ts";

export interface Unschedulable {
	pod: Pod;
	/** PodScheduled condition's reason: `Unschedulable` or `SchedulingGated`. */
	reason: "Unschedulable" | "SchedulingGated";
	/** In the scheduler's words: `0/3 nodes are available: …`. */
	message: string;
}

export class Scheduler {
	private cluster: ClusterState;
	private readonly byName = new Map<string, NodeState>();
	/** Number of pods by controller and zone. */
	private readonly inZone = new Map<string, number>();

	/** `namespaces`: labels by name, for affinity terms that select namespaces. */
	constructor(nodes: readonly Node[], namespaces: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map()) {
		const states = nodes.map(emptyState);
		for (const state of states) this.byName.set(state.node.metadata.name ?? "", state);
		this.cluster = { nodes: states, namespaces, shy: [] };
	}

	/** Counts a pod that runs already. */
	occupy(pod: Pod): void {
		const state = this.byName.get(pod.spec?.nodeName ?? "");
		if (state === undefined || isFinished(pod)) return;
		state.pods.push(pod);
		const needs = needsOf(pod);
		state.hostPorts.push(...needs.hostPorts);
		const { cpu, memory } = needs.requests;
		const owner = ownerOf(pod);
		if (owner !== null) {
			count(state.siblings, owner);
			count(this.inZone, zoneKey(owner, state.node));
		}
		if (antiAffinityOf(pod).length > 0) this.cluster.shy.push({ pod, node: state.node });
		state.requested = { cpu: state.requested.cpu + cpu, memory: state.requested.memory + memory };
	}

	/** Takes a pod that was counted out again. */
	release(pod: Pod): void {
		const state = this.byName.get(pod.spec?.nodeName ?? "");
		const at = state?.pods.findIndex(({ metadata }) => metadata.uid === pod.metadata.uid) ?? -1;
		if (state === undefined || at < 0) return;
		const [counted] = state.pods.splice(at, 1) as [Pod];
		const { cpu, memory } = needsOf(counted).requests;
		state.hostPorts = state.pods.flatMap(hostPorts);
		state.requested = { cpu: state.requested.cpu - cpu, memory: state.requested.memory - memory };
		const owner = ownerOf(counted);
		if (owner !== null) {
			count(state.siblings, owner, -1);
			count(this.inZone, zoneKey(owner, state.node), -1);
		}
		this.cluster.shy = this.cluster.shy.filter((shy) => shy.pod !== counted);
	}

	/** A node that is new, or another than it was; what runs there stays counted. */
	setNode(node: Node): void {
		const before = this.byName.get(node.metadata.name ?? "");
		const pods = before?.pods ?? [];
		if (before !== undefined) for (const pod of [...pods]) this.release(pod);
		const state = emptyState(node);
		if (before === undefined) this.cluster.nodes.push(state);
		else this.cluster.nodes[this.cluster.nodes.indexOf(before)] = state;
		this.byName.set(node.metadata.name ?? "", state);
		for (const pod of pods) this.occupy(pod);
	}

	removeNode(name: string): void {
		const state = this.byName.get(name);
		if (state === undefined) return;
		for (const pod of [...state.pods]) this.release(pod);
		this.cluster.nodes.splice(this.cluster.nodes.indexOf(state), 1);
		this.byName.delete(name);
	}

	/** `namespaces`: labels by name. */
	setNamespaces(namespaces: ClusterState["namespaces"]): void {
		this.cluster = { ...this.cluster, namespaces };
	}

	/** The same nodes and pods, with a future of its own. */
	fork(): Scheduler {
		const { nodes, namespaces } = this.cluster;
		const copy = new Scheduler(
			nodes.map(({ node }) => node),
			namespaces,
		);
		for (const { pods } of nodes) for (const pod of pods) copy.occupy(pod);
		return copy;
	}

	/** The pod bound to a node (and counted there), or why it cannot be. */
	place(pod: Pod): Pod | Unschedulable {
		const gates = pod.spec?.schedulingGates ?? [];
		if (gates.length > 0) {
			const message = `Scheduling is blocked due to non-empty scheduling gates: ${gates.map((gate) => gate.name).join(", ")}`;
			return { pod, reason: "SchedulingGated", message };
		}
		const fitting: NodeState[] = [];
		const refusals = new Map<string, number>();
		const needs = needsOf(pod);
		for (const state of this.cluster.nodes) {
			const reason = refusal(pod, needs, state, this.cluster);
			if (reason === null) fitting.push(state);
			else refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
		}
		const best = this.best(pod, fitting);
		if (best === undefined) return { pod, reason: "Unschedulable", message: this.explain(refusals) };
		const bound: Pod = { ...pod, spec: { containers: [], ...pod.spec, nodeName: best.node.metadata.name ?? "" } };
		this.occupy(bound);
		return bound;
	}

	private explain(refusals: ReadonlyMap<string, number>): string {
		if (this.cluster.nodes.length === 0) return "no nodes available to schedule pods";
		const reasons = [...refusals].map(([reason, count]) => `${count} ${reason}`).sort();
		return `0/${this.cluster.nodes.length} nodes are available: ${reasons.join(", ")}.`;
	}

	private best(pod: Pod, fitting: readonly NodeState[]): NodeState | undefined {
		const owner = ownerOf(pod);
		let best: NodeState | undefined;
		let bestScore: number[] = [];
		for (const state of fitting) {
			const onNode = owner === null ? 0 : (state.siblings.get(owner) ?? 0);
			const inZone = owner === null ? 0 : (this.inZone.get(zoneKey(owner, state.node)) ?? 0);
			const score = scoreOf(pod, state, onNode, inZone);
			if (best === undefined || less(score, bestScore)) {
				best = state;
				bestScore = score;
			}
		}
		return best;
	}
}

/** Smaller is better, the first number that differs decides. */
function scoreOf(pod: Pod, { node, pods }: NodeState, onNode: number, inZone: number): number[] {
	const tolerations = pod.spec?.tolerations ?? [];
	const disliked = (node.spec?.taints ?? []).filter(
		(taint) => taint.effect === "PreferNoSchedule" && !tolerations.some((toleration) => tolerates(toleration, taint)),
	).length;
	const preferred = pod.spec === undefined ? 0 : preference(pod.spec, node);
	return [disliked, -preferred, onNode, inZone, pods.length];
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

function zoneKey(owner: string, node: Node): string {
	return `${owner} ${node.metadata.labels?.[ZONE] ?? ""}`;
}

function count(counts: Map<string, number>, key: string, by = 1): void {
	const sum = (counts.get(key) ?? 0) + by;
	if (sum === 0) counts.delete(key);
	else counts.set(key, sum);
}

function emptyState(node: Node): NodeState {
	return { node, pods: [], hostPorts: [], requested: { cpu: 0, memory: 0 }, siblings: new Map() };
}
