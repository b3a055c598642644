// The default scheduler at work (pkg/scheduler/schedule_one.go, eventhandlers.go): pods without a node are placed one after the
// other, and those that no node takes are looked at again when something changed that may help. What runs where is kept as
// its informers keep it. Preemption is not modelled.

import type { Namespace, Node, Pod } from "../api/core.ts";
import { keyOf } from "../api/key.ts";
import type { Condition } from "../api/meta.ts";
import { isFinished } from "../api/pod.ts";
import { timeOf } from "../api/time.ts";
import type { Component, Later, Store, StoreChange, World } from "../ports.ts";
import { Scheduler as Placement, type Unschedulable } from "./schedule.ts";

const NAME = "default-scheduler";

export class Scheduler implements Component {
	readonly name = NAME;
	readonly watches: Component["watches"] = {
		pods: (change, store) => this.#onPod(change, store),
		nodes: (change, store) => this.#onNode(change, store),
		namespaces: (_, store) => {
			this.#placement?.setNamespaces(labelsOf(store));
			return [];
		},
	};
	/** What runs where; null until it is first asked for. */
	#placement: Placement | null = null;
	/** Pods that no node took, `NS/NAME`. */
	#waiting = new Set<string>();

	reconcile(key: string, world: World): Later | undefined {
		const { store, recorder } = world;
		const [namespace = "", name = ""] = key.split("/");
		const pod = store.get<Pod>("pods", namespace, name);
		this.#waiting.delete(key);
		if (pod === undefined || !isToPlace(pod)) return undefined;
		const placed = this.#placementOf(store).place(pod);
		if ("kind" in placed) {
			const node = placed.spec?.nodeName ?? "";
			try {
				store.bind(pod, node);
			} catch (error) {
				this.#placementOf(store).release(placed);
				throw error;
			}
			recorder.event(pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${node}`);
			return undefined;
		}
		this.#waiting.add(key);
		this.#refuse(pod, placed, world);
		return undefined;
	}

	fork(): Scheduler {
		const copy = new Scheduler();
		copy.#placement = this.#placement?.fork() ?? null;
		copy.#waiting = new Set(this.#waiting);
		return copy;
	}

	#placementOf(store: Store): Placement {
		if (this.#placement !== null) return this.#placement;
		this.#placement = new Placement(store.list<Node>("nodes"), labelsOf(store));
		for (const pod of store.list<Pod>("pods")) {
			if (pod.spec?.nodeName) this.#placement.occupy(pod);
			else if (isToPlace(pod)) this.#waiting.add(keyOf(pod));
		}
		return this.#placement;
	}

	/** A pod that goes, ends or comes makes room, or is company. */
	#onPod({ type, object, previous }: StoreChange, store: Store): string[] {
		const pod = object as Pod;
		const placement = this.#placementOf(store);
		if (type === "MODIFIED" && isSameToNodes(pod, previous as Pod)) placement.replace(pod);
		else {
			if (previous !== undefined) placement.release(previous as Pod);
			if (type !== "DELETED" && pod.spec?.nodeName) {
				placement.release(pod);
				placement.occupy(pod);
			}
		}
		const key = keyOf(pod);
		if (type === "DELETED") this.#waiting.delete(key);
		else if (isToPlace(pod)) return this.#waiting.has(key) && isSameSpec(pod, previous) ? [] : [key];
		const before = previous as Pod | undefined;
		const helps = type === "DELETED" || isDone(pod) !== isDone(before) || pod.spec?.nodeName !== before?.spec?.nodeName;
		return helps ? [...this.#waiting] : [];
	}

	#onNode({ type, object, previous }: StoreChange, store: Store): string[] {
		const placement = this.#placementOf(store);
		const { name = "" } = object.metadata;
		if (type === "DELETED") placement.removeNode(name);
		else placement.setNode(object as Node);
		return type === "DELETED" || isSameToPods(object as Node, previous as Node | undefined) ? [] : [...this.#waiting];
	}

	#refuse(pod: Pod, { reason, message }: Unschedulable, { store, clock, recorder }: World): void {
		const before = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
		// Gates are no failure: the scheduler waits in silence.
		if (reason !== "SchedulingGated") recorder.event(pod, "Warning", "FailedScheduling", message);
		if (before?.status === "False" && before.reason === reason && before.message === message) return;
		const lastTransitionTime =
			before?.status === "False" ? (before.lastTransitionTime ?? timeOf(clock.now())) : timeOf(clock.now());
		const condition: Condition = { type: "PodScheduled", status: "False", lastTransitionTime, reason, message };
		const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
		store.updateStatus("pods", { ...pod, status: { ...pod.status, conditions: [...others, condition] } });
	}
}

const isDone = (pod: Pod | undefined) => pod !== undefined && isFinished(pod);

/** Another scheduler's pods are not this one's. */
const isToPlace = (pod: Pod) =>
	!pod.spec?.nodeName &&
	pod.metadata.deletionTimestamp === undefined &&
	!isDone(pod) &&
	(pod.spec?.schedulerName ?? NAME) === NAME;

const isSameSpec = (pod: Pod, previous: StoreChange["previous"]) =>
	JSON.stringify([pod.spec, pod.metadata.labels]) === JSON.stringify([previous?.spec, previous?.metadata.labels]);

/** Whether it takes what it took, where it took it: objects share what did not change. */
const isSameToNodes = (pod: Pod, previous: Pod) =>
	pod.spec === previous.spec && pod.metadata.uid === previous.metadata.uid && isDone(pod) === isDone(previous);

/** What filters look at. */
const isSameToPods = (node: Node, before: Node | undefined) =>
	JSON.stringify([node.spec, node.metadata.labels, node.status?.allocatable]) ===
	JSON.stringify([before?.spec, before?.metadata.labels, before?.status?.allocatable]);

function labelsOf(store: Store): ReadonlyMap<string, Readonly<Record<string, string>>> {
	const namespaces = store.list<Namespace>("namespaces");
	return new Map(namespaces.map(({ metadata }) => [metadata.name ?? "", metadata.labels ?? {}]));
}
