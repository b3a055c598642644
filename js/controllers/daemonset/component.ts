// The DaemonSet controller (pkg/controller/daemon/daemon_controller.go).

import type { ControllerRevision, DaemonSet } from "../../api/apps.ts";
import type { Node, Pod } from "../../api/core.ts";
import { semanticEqual } from "../../api/equality.ts";
import { keyOf } from "../../api/key.ts";
import { reasonOf } from "../../api/reason.ts";
import { selects } from "../../api/selector.ts";
import type { Component, Later, Store, StoreChange, World } from "../../ports.ts";
import { untilAvailable } from "../availability.ts";
import { candidates, claim, type OwnerKind, objectAt, ownerKeys, ownKey } from "../claim.ts";
import { currentRevision, isOfTemplate, revisionsOf, truncateHistory } from "../history.ts";
import { createPod, deletePod, isEnding, slowStart } from "../podcontrol.ts";
import { byNode, daemonPod, HASH_LABEL, podsOn, statusOf } from "./pods.ts";
import { replacements } from "./rolling.ts";

const DAEMON_SET: OwnerKind = {
	kind: "DaemonSet",
	resource: "daemonsets.apps",
	selectorOf: (object) => (object as DaemonSet).spec?.selector,
};
/** Pods that one step makes or deletes at most (BurstReplicas). */
const BURST = 250;
const DEFAULT_HISTORY = 10;
// flowcontrol.NewBackOff(1 s, 15 min) of cmd/kube-controller-manager/app/apps.go.
const BACKOFF_MS = 1000;
const BACKOFF_MAX_MS = 900_000;
const MS = 1_000_000n;

interface Backoff {
	delayMs: number;
	/** ns. */
	at: bigint;
}

export class DaemonSetController implements Component {
	readonly name = "daemonset";
	readonly watches = { "daemonsets.apps": ownKey, pods: ownerKeys(DAEMON_SET), nodes: keysOfNode };
	/** Of pods that failed, by DaemonSet, generation and node. */
	readonly #backoff: Map<string, Backoff>;

	constructor(backoff: Map<string, Backoff> = new Map()) {
		this.#backoff = backoff;
	}

	get state(): Map<string, Backoff> {
		return new Map(this.#backoff);
	}

	of(state: Map<string, Backoff>): DaemonSetController {
		return new DaemonSetController(state);
	}

	reconcile(key: string, world: World): Later | undefined {
		const { store, clock } = world;
		const daemonSet = objectAt<DaemonSet>(store, "daemonsets.apps", key);
		if (daemonSet?.spec === undefined || daemonSet.metadata.deletionTimestamp !== undefined) return undefined;
		const now = clock.now();
		const nodes = store.list<Node>("nodes");
		const known = revisionsOf(store, daemonSet);
		const { revision, collisions } = currentRevision(store, daemonSet, known, HASH_LABEL);
		const hash = revision.metadata.labels?.[HASH_LABEL] ?? "";
		let later: Later | undefined;
		let refusal: unknown;
		try {
			later = this.#manage(daemonSet, nodes, hash, world);
			const { type = "RollingUpdate" } = daemonSet.spec.updateStrategy ?? {};
			if (type === "RollingUpdate") {
				const { remove, add } = replacements(daemonSet, nodes, byNode(podsOf(store, daemonSet)), hash, now);
				apply(daemonSet, remove, add, hash, world);
			}
			cleanUp(store, daemonSet, known);
		} catch (error) {
			if (reasonOf(error) === null) throw error;
			refusal = error;
		}
		const counted = byNode(podsOf(store, daemonSet));
		const status = {
			...statusOf(daemonSet, nodes, counted, hash, now),
			...(collisions > 0 && { collisionCount: collisions }),
		};
		if (!semanticEqual(status, daemonSet.status)) store.updateStatus("daemonsets.apps", { ...daemonSet, status });
		if (refusal !== undefined) throw refusal;
		const pods = [...counted.values()].flat();
		const available = untilAvailable(pods, daemonSet.spec.minReadySeconds ?? 0, now);
		const progress = [available, later?.progressMs].filter((ms) => ms !== null && ms !== undefined);
		return progress.length === 0 ? undefined : { progressMs: Math.min(...progress) };
	}

	/** Pods where they are missing, none where there are too many or none should be. */
	#manage(daemonSet: DaemonSet, nodes: readonly Node[], hash: string, world: World): Later | undefined {
		const now = world.clock.now();
		const pods = byNode(podsOf(world.store, daemonSet));
		const remove: Pod[] = [];
		const add: string[] = [];
		let progressMs = Number.POSITIVE_INFINITY;
		for (const node of nodes) {
			const { name = "" } = node.metadata;
			const { needs, excess, ended } = podsOn(daemonSet, node, pods.get(name), hash, now);
			if (needs) add.push(name);
			remove.push(...excess);
			for (const pod of ended) {
				const wait = this.#waitFor(daemonSet, pod, name, now);
				if (wait > 0) progressMs = Math.min(progressMs, wait);
				else {
					tellEnded(daemonSet, pod, name, world);
					remove.push(pod);
				}
			}
		}
		// Pods for a node that is gone, which no scheduler will place.
		const there = new Set(nodes.map(({ metadata }) => metadata.name ?? ""));
		for (const [node, list] of pods) if (!there.has(node)) remove.push(...list.filter(({ spec }) => !spec?.nodeName));
		apply(daemonSet, remove, add, hash, world);
		return Number.isFinite(progressMs) ? { progressMs } : undefined;
	}

	/** Milliseconds until a pod that failed may go; each time on a node twice as long. */
	#waitFor({ metadata, status }: DaemonSet, pod: Pod, node: string, now: bigint): number {
		if (pod.status?.phase !== "Failed") return 0;
		const key = `${metadata.uid}/${status?.observedGeneration ?? 0}/${node}`;
		const before = this.#backoff.get(key);
		const since = before === undefined ? 0 : Number((now - before.at) / MS);
		if (before !== undefined && since < before.delayMs) return before.delayMs - since;
		const isFresh = before === undefined || since > 2 * BACKOFF_MAX_MS;
		this.#backoff.set(key, { delayMs: isFresh ? BACKOFF_MS : Math.min(2 * before.delayMs, BACKOFF_MAX_MS), at: now });
		return 0;
	}
}

/** A node that comes, goes, or gets other labels or taints (addNode, updateNode). */
function keysOfNode({ type, object, previous }: StoreChange, store: Store): string[] {
	const [now, before] = [object, previous] as [Node, Node | undefined];
	const isSame =
		before !== undefined &&
		semanticEqual(now.metadata.labels ?? {}, before.metadata.labels ?? {}) &&
		semanticEqual(now.spec?.taints ?? [], before.spec?.taints ?? []);
	if (isSame && type === "MODIFIED") return [];
	return store.list<DaemonSet>("daemonsets.apps").map(keyOf);
}

function podsOf(store: Store, daemonSet: DaemonSet): Pod[] {
	return claim(store, {
		owner: daemonSet,
		resource: "pods",
		objects: candidates<Pod>(store, "pods", daemonSet),
		matches: (labels) => selects(daemonSet.spec?.selector, labels),
	});
}

function tellEnded(daemonSet: DaemonSet, { metadata, status }: Pod, node: string, { recorder }: World): void {
	const who = `daemon pod ${metadata.namespace}/${metadata.name} on node ${node}`;
	if (status?.phase === "Failed")
		recorder.event(daemonSet, "Warning", "FailedDaemonPod", `Found failed ${who}, will try to kill it`);
	else recorder.event(daemonSet, "Normal", "SucceededDaemonPod", `Found succeeded ${who}, will try to delete it`);
}

/** Throws the first refusal, after all were tried (syncNodes). */
function apply(daemonSet: DaemonSet, remove: readonly Pod[], add: readonly string[], hash: string, world: World): void {
	let next = 0;
	let refusal = slowStart(Math.min(add.length, BURST), () => {
		try {
			createPod(world, daemonSet, daemonPod(daemonSet, hash, add[next++] ?? ""));
		} catch (error) {
			if (!isEnding(error)) throw error;
		}
	});
	for (const pod of remove.slice(0, BURST)) {
		try {
			deletePod(world, daemonSet, pod);
		} catch (error) {
			if (reasonOf(error) === null) throw error;
			refusal ??= error;
		}
	}
	if (refusal !== undefined) throw refusal;
}

function cleanUp(store: Store, daemonSet: DaemonSet, known: readonly ControllerRevision[]): void {
	const live = new Set(podsOf(store, daemonSet).map(({ metadata }) => metadata.labels?.[HASH_LABEL]));
	const old = known.filter((revision) => !isOfTemplate(revision, daemonSet));
	const unused = old.filter(({ metadata }) => !live.has(metadata.labels?.[HASH_LABEL]));
	// Revisions that pods live by count, and stay.
	const limit = (daemonSet.spec?.revisionHistoryLimit ?? DEFAULT_HISTORY) - (old.length - unused.length);
	truncateHistory(store, unused, Math.max(0, limit));
}
