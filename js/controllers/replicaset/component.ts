// The controllers of ReplicaSets and ReplicationControllers (pkg/controller/replicaset/replica_set.go, replication): as many
// active pods as `replicas` says. No expectations: what was written is read at once.

import type { ReplicaSet } from "../../api/apps.ts";
import type { Pod } from "../../api/core.ts";
import { semanticEqual } from "../../api/equality.ts";
import type { KubernetesObject, LabelSelector } from "../../api/meta.ts";
import { selects } from "../../api/selector.ts";
import type { Component, Later, World } from "../../ports.ts";
import { untilAvailable } from "../availability.ts";
import { candidates, claim, type OwnerKind, objectAt, ownerKeys, ownKey } from "../claim.ts";
import { ownedBy } from "../lookup.ts";
import { controllerOf, isActive, isTerminating, podFromTemplate, podPrefix } from "../pod.ts";
import { createPod, deletePod, isEnding, slowStart } from "../podcontrol.ts";
import { statusOf } from "./status.ts";
import { victims } from "./victims.ts";

/** Pods that one step makes or deletes at most (BurstReplicas). */
const BURST = 500;

interface ReplicaKind extends OwnerKind {
	tellsTerminating: boolean;
}

const REPLICA_SET: ReplicaKind = {
	kind: "ReplicaSet",
	resource: "replicasets.apps",
	selectorOf: (object) => (object as ReplicaSet).spec?.selector,
	tellsTerminating: true,
};

const REPLICATION_CONTROLLER: ReplicaKind = {
	kind: "ReplicationController",
	resource: "replicationcontrollers",
	selectorOf(object): LabelSelector | undefined {
		const { selector } = object.spec as { selector?: Record<string, string> };
		return selector && { matchLabels: selector };
	},
	tellsTerminating: false,
};

export const replicaset: Component = componentOf("replicaset", REPLICA_SET);
export const replication: Component = componentOf("replication", REPLICATION_CONTROLLER);

function componentOf(name: string, kind: ReplicaKind): Component {
	return {
		name,
		watches: { [kind.resource]: ownKey, pods: ownerKeys(kind) },
		reconcile: (key, world) => reconcile(kind, key, world),
	};
}

function reconcile(kind: ReplicaKind, key: string, world: World): Later | undefined {
	const { store } = world;
	// A ReplicationController has the same fields, but for the selector.
	const owner = objectAt<ReplicaSet>(store, kind.resource, key);
	const selector = owner && kind.selectorOf(owner);
	if (owner === undefined || selector === undefined) return undefined;
	const now = world.clock.now();
	const all = candidates<Pod>(store, "pods", owner);
	const matches = (labels: Pod["metadata"]["labels"]) => selects(selector, labels);
	const pods = claim(store, { owner, resource: "pods", objects: all.filter(isActive), matches });
	const refusal = owner.metadata.deletionTimestamp === undefined ? manage(kind, owner, pods, world) : undefined;
	const terminating = kind.tellsTerminating
		? all.filter((pod) => isTerminating(pod) && controllerOf(pod) !== undefined && matches(pod.metadata.labels)).length
		: undefined;
	const status = statusOf(owner, { pods, terminating, failure: refusal?.message, now });
	if (!semanticEqual(status, owner.status)) store.updateStatus(kind.resource, { ...owner, status });
	if (refusal !== undefined) throw refusal.error;
	const minReadySeconds = owner.spec?.minReadySeconds ?? 0;
	const progressMs = untilAvailable(pods, minReadySeconds, now);
	return progressMs === null ? undefined : { progressMs };
}

interface Refusal {
	error: unknown;
	message: string;
}

/** Makes what is missing, deletes what is too much. */
function manage(kind: ReplicaKind, owner: ReplicaSet, pods: readonly Pod[], world: World): Refusal | undefined {
	const excess = pods.length - (owner.spec?.replicas ?? 1);
	if (excess < 0) {
		const template = owner.spec?.template ?? {};
		const make = () => {
			try {
				createPod(world, owner, podFromTemplate(owner, template, { generateName: podPrefix(owner) }));
			} catch (error) {
				if (!isEnding(error)) throw error;
			}
		};
		const error = slowStart(Math.min(-excess, BURST), make);
		return error === undefined ? undefined : { error, message: (error as Error).message };
	}
	if (excess === 0) return undefined;
	let refusal: Refusal | undefined;
	for (const pod of victims(pods, relatedPods(kind, owner, world), Math.min(excess, BURST), world.clock.now())) {
		try {
			deletePod(world, owner, pod);
		} catch (error) {
			refusal ??= { error, message: `unable to delete pods: ${(error as Error).message}` };
		}
	}
	return refusal;
}

/** Pods that any ReplicaSet of the same owner selects (getIndirectlyRelatedPods). */
function relatedPods(kind: ReplicaKind, owner: ReplicaSet, { store }: World): Pod[] {
	const controller = controllerOf(owner);
	if (controller === undefined) return [];
	const siblings = ownedBy<KubernetesObject>(store, kind.resource, controller.uid);
	return siblings.flatMap((sibling) => {
		const selector = kind.selectorOf(sibling);
		const owned = ownedBy<Pod>(store, "pods", sibling.metadata.uid ?? "");
		return owned.filter((pod) => selects(selector, pod.metadata.labels));
	});
}
