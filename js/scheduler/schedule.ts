// One pod to its node (pkg/scheduler/schedule_one.go): nodes that would do, and the best of them; where none does, why, and who
// would have to go.

import type { Node, Pod, PodSpec } from "../api/core.ts";
import { keyOf } from "../api/key.ts";
import { merged, withMember } from "../api/member.ts";
import { type Cycle, cycleOf, refusal } from "./filter.ts";
import { type NamespaceLabels, type NodeState, Occupancy, type OccupancyState } from "./occupancy.ts";
import { type Budget, type Preemption, preempt, priorityOf } from "./preempt.ts";
import { explain, type Refusal } from "./refusal.ts";
import { best } from "./score.ts";
import type { Siblings } from "./siblings.ts";

export interface Unschedulable {
	pod: Pod;
	/** PodScheduled condition's reason: `Unschedulable` or `SchedulingGated`. */
	reason: "Unschedulable" | "SchedulingGated";
	/** In the scheduler's words: `0/3 nodes are available: …`. */
	message: string;
	/** Who is to make room; null: nobody can. */
	preemption: Preemption | null;
}

export interface PlacementState {
	occupancy: OccupancyState;
	/** Pods that are to go to a node once there is room. */
	nominated: readonly Pod[];
	/** Where the next search begins. */
	start: number;
}

export class Scheduler {
	readonly #occupancy: Occupancy;
	readonly #siblings: Siblings;
	/** Pods that are to go to a node once there is room, by `NS/NAME`. */
	readonly #nominated = new Map<string, Pod>();
	/** Where the next search begins. */
	#start = 0;

	/** `namespaces`: labels by name, for affinity terms that select namespaces. */
	constructor(occupancy: Occupancy, siblings: Siblings) {
		this.#occupancy = occupancy;
		this.#siblings = siblings;
	}

	static over(nodes: readonly Node[], namespaces: NamespaceLabels, siblings: Siblings): Scheduler {
		return new Scheduler(new Occupancy(nodes, namespaces), siblings);
	}

	/** Counts a pod that has its node. */
	occupy(pod: Pod): void {
		this.#occupancy.occupy(pod);
	}

	/** Takes a pod that was counted out again. */
	release(pod: Pod): void {
		this.#occupancy.release(pod);
	}

	/** A pod that was counted is another object now, which takes no more and no less. */
	replace(pod: Pod): void {
		this.#occupancy.replace(pod);
	}

	setNode(node: Node): void {
		this.#occupancy.setNode(node);
	}

	removeNode(name: string): void {
		this.#occupancy.removeNode(name);
	}

	setNamespaces(namespaces: NamespaceLabels): void {
		this.#occupancy.namespaces = namespaces;
	}

	/** A pod that waits, as it is now: room is kept for it on the node that its status names. */
	nominate(pod: Pod): void {
		if (pod.status?.nominatedNodeName) this.#nominated.set(keyOf(pod), pod);
		else this.forget(pod);
	}

	/** It waits no more. */
	forget(pod: Pod): void {
		this.#nominated.delete(keyOf(pod));
	}

	/** Pods of lower priority that were to go to the node. */
	lesserOn(node: string, pod: Pod): Pod[] {
		return [...this.#nominated.values()].filter(
			(other) => other.status?.nominatedNodeName === node && priorityOf(other) < priorityOf(pod),
		);
	}

	get state(): PlacementState {
		return { occupancy: this.#occupancy.all, nominated: [...this.#nominated.values()], start: this.#start };
	}

	/** Goes on where another one was. */
	static of({ occupancy, nominated, start }: PlacementState, siblings: Siblings): Scheduler {
		const scheduler = new Scheduler(Occupancy.of(occupancy), siblings);
		for (const pod of nominated) scheduler.nominate(pod);
		scheduler.#start = start;
		return scheduler;
	}

	/** The pod bound to a node (and counted there), or why it cannot be. */
	place(pod: Pod, budgets: () => readonly Budget[] = () => []): Pod | Unschedulable {
		if ((pod.spec?.schedulingGates ?? []).length > 0) {
			const message = "Scheduling is blocked due to non-empty scheduling gates";
			return { pod, reason: "SchedulingGated", message, preemption: null };
		}
		const occupancy = this.#occupancy;
		const cycle = cycleOf(pod, occupancy);
		const refusals = new Map<string, Refusal>();
		const fitting = this.#nominatedNode(cycle) ?? this.#feasible(cycle, refusals);
		if (fitting.length === 0) return this.#refuse(pod, refusals, budgets);
		const { name } = occupancy.at(best(pod, cycle.needs, fitting, occupancy, this.#siblings.of(pod)));
		const bound = withMember(pod, "spec", merged<PodSpec>({ containers: [] }, pod.spec ?? {}, { nodeName: name }));
		occupancy.occupy(bound);
		return bound;
	}

	/** The node that its victims have left takes it before any other is looked at. */
	#nominatedNode(cycle: Cycle): Int32Array | null {
		const state = this.#occupancy.state(cycle.pod.status?.nominatedNodeName ?? "");
		return state !== undefined && this.#refusal(cycle, state) === null ? Int32Array.of(state.slot) : null;
	}

	/** Of large clusters as many nodes as are enough (numFeasibleNodesToFind), each search from where the last one ended. */
	#feasible(cycle: Cycle, refusals: Map<string, Refusal>): Int32Array {
		const { order, columns } = this.#occupancy;
		const enough = enoughOf(order.length);
		const isPlain = cycle.isPlain && this.#nominated.size === 0;
		const rated = columns.rated(cycle.needs.requests);
		const { cpu, memory } = cycle;
		const found = this.#occupancy.room.found(enough);
		let [looked, count, at] = [0, 0, this.#start];
		for (; looked < order.length && count < enough; looked++) {
			const slot = order[at] as number;
			at = at + 1 === order.length ? 0 : at + 1;
			if (isPlain && columns.takes(slot, rated, cpu, memory)) found[count++] = slot;
			else {
				const state = this.#occupancy.at(slot);
				const refused = this.#refusal(cycle, state);
				if (refused === null) found[count++] = slot;
				else refusals.set(state.name, refused);
			}
		}
		if (order.length > 0) this.#start = (this.#start + looked) % order.length;
		return found.subarray(0, count);
	}

	/** As it is, and as it is with those that are to come and have no lower priority (RunFilterPluginsWithNominatedPods). */
	#refusal(cycle: Cycle, state: NodeState): Refusal | null {
		const coming = this.#comingTo(state.name, cycle.pod);
		if (coming.length > 0) {
			const there = coming.map((pod): Pod => ({ ...pod, spec: { containers: [], ...pod.spec, nodeName: state.name } }));
			for (const pod of there) this.#occupancy.occupy(pod);
			const refused = refusal(cycleOf(cycle.pod, this.#occupancy), state);
			for (const pod of there) this.#occupancy.release(pod);
			if (refused !== null) return refused;
		}
		return refusal(cycle, state);
	}

	#comingTo(node: string, pod: Pod): Pod[] {
		if (this.#nominated.size === 0) return [];
		return [...this.#nominated.values()].filter(
			(other) =>
				other.status?.nominatedNodeName === node &&
				priorityOf(other) >= priorityOf(pod) &&
				other.metadata.uid !== pod.metadata.uid,
		);
	}

	#refuse(pod: Pod, refusals: ReadonlyMap<string, Refusal>, budgets: () => readonly Budget[]): Unschedulable {
		const occupancy = this.#occupancy;
		const message = explain(occupancy.size, refusals.values());
		if (occupancy.size === 0) return { pod, reason: "Unschedulable", message, preemption: null };
		const refusalOf = (state: NodeState) => this.#refusal(cycleOf(pod, occupancy), state);
		const room = preempt({ pod, occupancy, refusals, budgets: budgets(), refusalOf });
		if (typeof room !== "string") return { pod, reason: "Unschedulable", message, preemption: room };
		return { pod, reason: "Unschedulable", message: `${message} ${room}`, preemption: null };
	}
}

/** All of up to a hundred; of more a share that falls from 49 % to 5 %, and a hundred at least. */
function enoughOf(nodes: number): number {
	if (nodes <= 100) return nodes;
	const percent = Math.max(5, 50 - Math.floor(nodes / 125));
	return Math.max(100, Math.floor((nodes * percent) / 100));
}
