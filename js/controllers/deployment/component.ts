// The Deployment controller (pkg/controller/deployment/deployment_controller.go: syncDeployment). The annotation
// `deprecated.deployment.rollback.to` of extensions/v1beta1 is not read: kubectl rolls back by the template.

import type { Deployment, ReplicaSet } from "../../api/apps.ts";
import type { Pod } from "../../api/core.ts";
import { keyOf } from "../../api/key.ts";
import { selects } from "../../api/selector.ts";
import type { Component, Later, Store, StoreChange, World } from "../../ports.ts";
import { candidates, claim, type OwnerKind, objectAt, ownerKeys, ownKey } from "../claim.ts";
import { ownedBy } from "../lookup.ts";
import { controllerOf } from "../pod.ts";
import { recreate } from "./recreate.ts";
import { rollingUpdate } from "./rolling.ts";
import { Rollout } from "./rollout.ts";
import { scale } from "./scale.ts";
import { isRollingUpdate } from "./spec.ts";
import { pausedStatus, statusOf, untilDeadline } from "./status.ts";

const DEPLOYMENT: OwnerKind = {
	kind: "Deployment",
	resource: "deployments.apps",
	selectorOf: (object) => (object as Deployment).spec?.selector,
};

export const deployment: Component = {
	name: "deployment",
	watches: { "deployments.apps": ownKey, "replicasets.apps": ownerKeys(DEPLOYMENT), pods: keysOfPod },
	reconcile,
};

/** The last pod of a Recreate is gone: the next may come (deletePod). */
function keysOfPod({ type, object }: StoreChange, store: Store): string[] {
	const controller = type === "DELETED" ? controllerOf(object) : undefined;
	if (controller?.kind !== "ReplicaSet") return [];
	const { namespace = "" } = object.metadata;
	const replicaSet = store.get<ReplicaSet>("replicasets.apps", namespace, controller.name);
	const owner = replicaSet && controllerOf(replicaSet);
	const found = owner && store.get<Deployment>("deployments.apps", namespace, owner.name);
	if (owner === undefined || found?.metadata.uid !== owner.uid || isRollingUpdate(found)) return [];
	const sets = ownedBy<ReplicaSet>(store, "replicasets.apps", owner.uid);
	return sets.some(({ metadata }) => ownedBy<Pod>(store, "pods", metadata.uid ?? "").length > 0) ? [] : [keyOf(found)];
}

function reconcile(key: string, world: World): Later | undefined {
	const { store } = world;
	const object = objectAt<Deployment>(store, "deployments.apps", key);
	if (object === undefined) return undefined;
	const { selector } = object.spec ?? {};
	const sets = claim<ReplicaSet>(store, {
		owner: object,
		resource: "replicasets.apps",
		objects: candidates(store, "replicasets.apps", object),
		matches: (labels) => selects(selector, labels),
	});
	const rollout = new Rollout(world, object, sets);
	if (object.metadata.deletionTimestamp !== undefined) {
		rollout.syncStatus();
		return undefined;
	}
	const paused = pausedStatus(object, rollout.now);
	if (paused !== undefined) rollout.writeStatus(paused);
	if (object.spec?.paused === true) {
		rollout.syncRevision();
		scale(rollout);
		rollout.cleanUp();
		rollout.syncStatus();
		return undefined;
	}
	rollout.syncRevision();
	if (rollout.isScaled()) {
		scale(rollout);
		rollout.syncStatus();
		return undefined;
	}
	if (isRollingUpdate(object)) rollingUpdate(rollout);
	else recreate(rollout);
	const left = untilDeadline(rollout.deployment, statusOf(rollout.deployment, rollout.sets, rollout.now), rollout.now);
	return left === null ? undefined : { idleMs: left };
}
