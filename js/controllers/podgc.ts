// Pods that nobody else takes away (pkg/controller/podgc): those of a node that is gone, those that go on a node that is out of
// service, those that go and never had a node, and of those that have ended the oldest beyond a threshold. Upstream looks
// every 20 s; here it looks at those moments, where there is something to see.

import type { Node, Pod } from "../api/core.ts";
import { type Index, PODS_BY_NODE } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
import type { Condition } from "../api/meta.ts";
import { isFinished } from "../api/pod.ts";
import { reasonOf } from "../api/reason.ts";
import { nanosOf, timeOf } from "../api/time.ts";
import type { Component, Later, StoreChange, World } from "../ports.ts";
import { objectAt } from "./claim.ts";
import { withCondition } from "./condition.ts";

const MS = 1_000_000n;
/** gcCheckPeriod, quarantineTime. */
const PERIOD = 20_000n * MS;
const QUARANTINE = 40_000n * MS;
/** --terminated-pod-gc-threshold */
const THRESHOLD = 12_500;
const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";

const ENDED = "ended";
const NODE = "node ";

const ENDED_PODS: Index<Pod> = {
	name: "ended",
	resource: "pods",
	valuesOf: (pod) => (isFinished(pod) ? [ENDED] : []),
};

/** Keys are pods that go, nodes that are gone (`node NAME`), and the pods that have ended (`ended`). */
export class PodGC implements Component {
	readonly name = "pod-garbage-collector";
	readonly watches: Component["watches"] = {
		pods: podKeys,
		nodes: ({ type, object }, store) => {
			const { name = "" } = object.metadata;
			if (type === "DELETED") return [NODE + name];
			if (!isOutOfService(object as Node)) return [];
			return store.indexed(PODS_BY_NODE, name).filter(isGoing).map(keyOf);
		},
	};
	readonly #threshold: number;
	/** By the name of a node that is gone: ns, from when on its pods are orphans. */
	readonly #quarantine: Map<string, bigint>;

	/** `threshold`: how many pods that have ended stay; 0: all. */
	constructor(threshold = THRESHOLD, quarantine: Map<string, bigint> = new Map()) {
		this.#threshold = threshold;
		this.#quarantine = quarantine;
	}

	get state(): Map<string, bigint> {
		return new Map(this.#quarantine);
	}

	of(state: Map<string, bigint>): PodGC {
		return new PodGC(this.#threshold, state);
	}

	reconcile(key: string, world: World): Later | undefined {
		const now = world.clock.now();
		const wait = (PERIOD - (now % PERIOD)) % PERIOD;
		if (key === ENDED) return this.#ended(world, wait);
		if (key.startsWith(NODE)) return this.#orphans(key.slice(NODE.length), world, now, wait);
		const pod = objectAt<Pod>(world.store, "pods", key);
		if (pod === undefined || !isStranded(pod, world)) return undefined;
		if (wait > 0n) return later(wait);
		take(world, pod);
		return undefined;
	}

	#ended(world: World, wait: bigint): Later | undefined {
		const { store } = world;
		const surplus = store.countIndexed(ENDED_PODS, ENDED) - this.#threshold;
		if (this.#threshold === 0 || surplus <= 0) return undefined;
		if (wait > 0n) return later(wait);
		for (const pod of [...store.indexed(ENDED_PODS, ENDED)].sort(byAge).slice(0, surplus)) take(world, pod);
		return undefined;
	}

	#orphans(name: string, world: World, now: bigint, wait: bigint): Later | undefined {
		const { store, clock } = world;
		const orphans = store.indexed(PODS_BY_NODE, name);
		if (store.get("nodes", "", name) !== undefined || orphans.length === 0) {
			this.#quarantine.delete(name);
			return undefined;
		}
		if (wait > 0n) return later(wait);
		const until = this.#quarantine.get(name) ?? now + QUARANTINE;
		this.#quarantine.set(name, until);
		if (until > now) return later(until - now);
		this.#quarantine.delete(name);
		for (const pod of orphans)
			take(world, pod, {
				type: "DisruptionTarget",
				status: "True",
				lastTransitionTime: timeOf(clock.now()),
				reason: "DeletionByPodGC",
				message: "PodGC: node no longer exists",
			});
		return undefined;
	}
}

function podKeys({ type, object, previous }: StoreChange, store: World["store"]): string[] {
	if (type === "DELETED") return [];
	const pod = object as Pod;
	const node = pod.spec?.nodeName ?? "";
	const keys: string[] = [];
	if (isFinished(pod) && (previous === undefined || !isFinished(previous as Pod))) keys.push(ENDED);
	if (isGoing(pod)) keys.push(keyOf(pod));
	if (node !== "" && store.get("nodes", "", node) === undefined) keys.push(NODE + node);
	return keys;
}

/** To the nanosecond: what is left of a millisecond would be looked at over and over. */
const later = (ns: bigint): Later => ({ progressMs: Number(ns) / Number(MS) });

const isGoing = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;

/** gcTerminating: no kubelet will end what runs there. */
function isOutOfService({ spec, status }: Node): boolean {
	const isReady = status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;
	return !isReady && spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true;
}

function isStranded(pod: Pod, { store }: World): boolean {
	if (!isGoing(pod)) return false;
	const name = pod.spec?.nodeName ?? "";
	if (name === "") return true;
	const node = store.get<Node>("nodes", "", name);
	return node !== undefined && isOutOfService(node);
}

/** markFailedAndDeletePodWithCondition. */
function take({ store }: World, pod: Pod, condition?: Condition): void {
	try {
		let gone = pod;
		if (!isFinished(pod)) {
			const conditions = pod.status?.conditions ?? [];
			const said = condition === undefined ? conditions : withCondition(conditions, condition);
			gone = store.updateStatus<Pod>("pods", { ...pod, status: { ...pod.status, phase: "Failed", conditions: said } });
		}
		store.delete("pods", gone, { gracePeriodSeconds: 0 });
	} catch (error) {
		if (reasonOf(error) !== "NotFound") throw error;
	}
}

/** Evicted ones first, then the oldest. */
function byAge(a: Pod, b: Pod): number {
	const [one, other] = [a, b].map(({ metadata, status }) => ({
		isEvicted: status?.phase === "Failed" && status.reason === "Evicted",
		at: nanosOf(metadata.creationTimestamp) ?? 0n,
		name: metadata.name ?? "",
	})) as [Aged, Aged];
	if (one.isEvicted !== other.isEvicted) return one.isEvicted ? -1 : 1;
	if (one.at !== other.at) return one.at < other.at ? -1 : 1;
	return one.name < other.name ? -1 : 1;
}

interface Aged {
	isEvicted: boolean;
	/** ns; of the creation. */
	at: bigint;
	name: string;
}
