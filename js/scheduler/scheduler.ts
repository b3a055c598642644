// The default scheduler at work (pkg/scheduler/schedule_one.go, eventhandlers.go): pods without a node are placed one after the
// other, and those that no node takes are looked at again when something changed that may help. What runs where is kept as
// its informers keep it.

import type { Namespace, Node, Pod, Service } from "../api/core.ts";
import { keyOf } from "../api/key.ts";
import type { Condition, KubernetesObject } from "../api/meta.ts";
import { isFinished } from "../api/pod.ts";
import { reasonOf } from "../api/reason.ts";
import { timeOf } from "../api/time.ts";
import type { Component, Later, Store, StoreChange, World } from "../ports.ts";
import { type Budget, BY_SCHEDULER, type Preemption } from "./preempt.ts";
import { FLUSH_MS, SchedulingQueue, type SchedulingQueueState } from "./queue.ts";
import { Scheduler as Placement, type PlacementState, type Unschedulable } from "./schedule.ts";
import { Siblings, type SiblingsState } from "./siblings.ts";

const NAME = "default-scheduler";
const OWNERS: Readonly<Record<string, string>> = {
	ReplicaSet: "replicasets.apps",
	StatefulSet: "statefulsets.apps",
	ReplicationController: "replicationcontrollers",
};

interface SchedulerState {
	placement: PlacementState | null;
	queue: SchedulingQueueState;
	siblings: SiblingsState;
}

export class Scheduler implements Component {
	readonly name = NAME;
	readonly watches: Component["watches"] = {
		pods: (change, store) => this.#onPod(change, store),
		nodes: (change, store) => this.#onNode(change, store),
		namespaces: (_, store) => {
			this.#placement?.setNamespaces(labelsOf(store));
			return this.#queue.wake();
		},
		services: ({ object }) => {
			this.#siblings.forget(object.metadata.namespace ?? "");
			return [];
		},
	};
	/** What runs where; null until it is first asked for. */
	#placement: Placement | null = null;
	#queue = new SchedulingQueue();
	#store: Store | null = null;
	readonly #siblings: Siblings;

	constructor(siblings?: SiblingsState) {
		this.#siblings = new Siblings(
			{
				services: (namespace) => this.#store?.list<Service>("services", namespace) ?? [],
				owner: (kind, namespace, name) => this.#store?.get<KubernetesObject>(OWNERS[kind] ?? "", namespace, name),
			},
			siblings,
		);
	}

	/** A step for a key is the turn of whichever pod is next. */
	reconcile(key: string, world: World): Later | undefined {
		const now = world.clock.now();
		const placement = this.#placementOf(world.store);
		const flushed = this.#queue.flush(now).length > 0;
		const rest = this.#queue.restOf(key, now);
		const next = this.#queue.next(now);
		const later = next === undefined ? undefined : this.#schedule(next, placement, world);
		const isMore = flushed && this.#queue.next(now) !== undefined;
		if (rest === 0 && !isMore) return later;
		return { ...later, progressMs: isMore ? 0 : rest };
	}

	get state(): SchedulerState {
		const placement = this.#placement?.state ?? null;
		return { placement, queue: this.#queue.state, siblings: this.#siblings.state };
	}

	of({ placement, queue, siblings }: SchedulerState): Scheduler {
		const copy = new Scheduler(siblings);
		copy.#placement = placement === null ? null : Placement.of(placement, copy.#siblings);
		copy.#queue = new SchedulingQueue(queue);
		return copy;
	}

	#schedule(key: string, placement: Placement, world: World): Later | undefined {
		const { store, recorder, clock } = world;
		const [namespace = "", name = ""] = key.split("/");
		const pod = store.get<Pod>("pods", namespace, name);
		if (pod === undefined || !isToPlace(pod)) {
			this.#queue.drop(key);
			return undefined;
		}
		const placed = placement.place(pod, () => store.list<Budget>("poddisruptionbudgets.policy"));
		if ("kind" in placed) {
			const node = placed.spec?.nodeName ?? "";
			try {
				store.bind(pod, node);
			} catch (error) {
				placement.release(placed);
				throw error;
			}
			this.#queue.drop(key);
			placement.forget(pod);
			recorder.event(pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${node}`);
			return undefined;
		}
		const isGated = placed.reason === "SchedulingGated";
		// Gates are no failure: it is not in the queue, and nothing is said.
		if (isGated) this.#queue.drop(key);
		else {
			this.#queue.refused(key, clock.now());
			recorder.event(pod, "Warning", "FailedScheduling", placed.message);
		}
		this.#writeRefusal(pod, placed, world);
		if (placed.preemption !== null) this.#makeRoom(pod, placed.preemption, placement, world);
		return isGated ? undefined : { idleMs: FLUSH_MS };
	}

	#placementOf(store: Store): Placement {
		this.#store = store;
		if (this.#placement !== null) return this.#placement;
		const placement = Placement.over(store.list<Node>("nodes"), labelsOf(store), this.#siblings);
		this.#placement = placement;
		for (const pod of store.list<Pod>("pods")) {
			if (pod.spec?.nodeName) placement.occupy(pod);
			else if (isToPlace(pod)) {
				placement.nominate(pod);
				this.#queue.add(pod);
				this.#queue.refused(keyOf(pod), 0n);
			}
		}
		return placement;
	}

	/** A pod that goes, ends or comes makes room, or is company. */
	#onPod({ type, object, previous }: StoreChange, store: Store): string[] {
		const pod = object as Pod;
		const before = previous as Pod | undefined;
		const placement = this.#placementOf(store);
		if (type === "MODIFIED" && before !== undefined && isSameToNodes(pod, before)) placement.replace(pod);
		else {
			if (before !== undefined) placement.release(before);
			if (type !== "DELETED" && pod.spec?.nodeName) {
				placement.release(pod);
				placement.occupy(pod);
			}
		}
		const key = keyOf(pod);
		if (type === "DELETED" || !isToPlace(pod)) {
			this.#queue.drop(key);
			placement.forget(pod);
		} else {
			placement.nominate(pod);
			if (this.#queue.rests(key) && isSameSpec(pod, before)) return [];
			this.#queue.add(pod);
			return [key];
		}
		const helps =
			type === "DELETED" ||
			isFinished(pod) !== (before !== undefined && isFinished(before)) ||
			pod.spec?.nodeName !== before?.spec?.nodeName ||
			JSON.stringify(pod.metadata.labels) !== JSON.stringify(before?.metadata.labels);
		return helps ? this.#queue.wake() : [];
	}

	#onNode({ type, object, previous }: StoreChange, store: Store): string[] {
		const placement = this.#placementOf(store);
		const [node, before] = [object as Node, previous as Node | undefined];
		if (type === "DELETED") placement.removeNode(node.metadata.name ?? "");
		else if (!isSameToPods(node, before)) placement.setNode(node);
		else return [];
		return type === "DELETED" ? [] : this.#queue.wake();
	}

	#writeRefusal(pod: Pod, { reason, message, preemption }: Unschedulable, { store, clock }: World): void {
		const before = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
		const nominated = preemption?.node ?? pod.status?.nominatedNodeName;
		const isSame = before?.status === "False" && before.reason === reason && before.message === message;
		if (isSame && nominated === pod.status?.nominatedNodeName) return;
		const lastTransitionTime =
			before?.status === "False" ? (before.lastTransitionTime ?? timeOf(clock.now())) : timeOf(clock.now());
		const condition: Condition = { type: "PodScheduled", status: "False", lastTransitionTime, reason, message };
		const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
		const { nominatedNodeName: _, ...status } = pod.status ?? {};
		store.updateStatus("pods", {
			...pod,
			status: { ...status, conditions: [...others, condition], ...(nominated ? { nominatedNodeName: nominated } : {}) },
		});
	}

	/** Victims are told why and deleted; pods of lower priority that were to go there look for another node. */
	#makeRoom(pod: Pod, { node, victims }: Preemption, placement: Placement, { store, recorder, clock }: World): void {
		for (const lesser of placement.lesserOn(node, pod)) {
			const known = store.get<Pod>("pods", lesser.metadata.namespace ?? "", lesser.metadata.name ?? "");
			if (known?.status?.nominatedNodeName !== node) continue;
			const { nominatedNodeName: _, ...status } = known.status;
			store.updateStatus<Pod>("pods", { ...known, status });
		}
		for (const victim of victims) {
			if (victim.metadata.deletionTimestamp !== undefined) continue;
			const condition: Condition = {
				type: "DisruptionTarget",
				status: "True",
				lastTransitionTime: timeOf(clock.now()),
				reason: BY_SCHEDULER,
				message: `${NAME}: preempting to accommodate a higher priority pod`,
			};
			const known = store.get<Pod>("pods", victim.metadata.namespace ?? "", victim.metadata.name ?? "");
			if (known === undefined || known.metadata.uid !== victim.metadata.uid) continue;
			const others = (known.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
			try {
				const told = store.updateStatus<Pod>("pods", {
					...known,
					status: { ...known.status, conditions: [...others, condition] },
				});
				store.delete("pods", told);
			} catch (error) {
				if (reasonOf(error) !== "NotFound") throw error;
			}
			recorder.event(victim, "Normal", "Preempted", `Preempted by pod ${pod.metadata.uid} on node ${node}`);
		}
	}
}

/** Another scheduler's pods are not this one's. */
const isToPlace = (pod: Pod) =>
	!pod.spec?.nodeName &&
	pod.metadata.deletionTimestamp === undefined &&
	!isFinished(pod) &&
	(pod.spec?.schedulerName ?? NAME) === NAME;

const isSameSpec = (pod: Pod, previous: Pod | undefined) =>
	JSON.stringify([pod.spec, pod.metadata.labels]) === JSON.stringify([previous?.spec, previous?.metadata.labels]);

/** Whether it takes what it took, where it took it, and is whom it was: objects share what did not change. */
const isSameToNodes = (pod: Pod, before: Pod) =>
	pod.spec === before.spec &&
	pod.metadata.labels === before.metadata.labels &&
	pod.metadata.uid === before.metadata.uid &&
	pod.metadata.deletionTimestamp === before.metadata.deletionTimestamp &&
	isFinished(pod) === isFinished(before);

/** What filters look at. */
const isSameToPods = (node: Node, before: Node | undefined) =>
	JSON.stringify([node.spec, node.metadata.labels, node.status?.allocatable]) ===
	JSON.stringify([before?.spec, before?.metadata.labels, before?.status?.allocatable]);

function labelsOf(store: Store): ReadonlyMap<string, Readonly<Record<string, string>>> {
	const namespaces = store.list<Namespace>("namespaces");
	return new Map(namespaces.map(({ metadata }) => [metadata.name ?? "", metadata.labels ?? {}]));
}
