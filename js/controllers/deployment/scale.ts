// A Deployment of another size in the middle of a rollout, or while it is paused: its ReplicaSets grow and shrink in
// proportion (pkg/controller/deployment/sync.go: scale; util/deployment_util.go: GetReplicaSetProportion).

import type { Deployment, ReplicaSet } from "../../api/apps.ts";
import { desiredReplicas, maxReplicas } from "./annotations.ts";
import { byAge, sizeOf, sumOfSizes } from "./replicasets.ts";
import type { Rollout } from "./rollout.ts";
import { isRollingUpdate, maxSurge, replicasOf } from "./spec.ts";
import { allOf } from "./status.ts";

export function scale(rollout: Rollout): void {
	const { sets, deployment } = rollout;
	const replicas = replicasOf(deployment);
	const active = allOf(sets).filter((set) => sizeOf(set) > 0);
	if (active.length < 2) {
		const only = active[0] ?? sets.current ?? sets.old.toSorted(byAge).at(-1);
		if (only !== undefined) rollout.scale(only, replicas);
		return;
	}
	if (sets.current !== undefined && isSaturated(deployment, sets.current)) {
		for (const set of active) if (set !== sets.current) rollout.scale(set, 0);
		return;
	}
	if (!isRollingUpdate(deployment)) return;
	for (const [set, size] of sizes(deployment, active)) rollout.scale(set, size, true);
}

/** All the Deployment's pods are this ReplicaSet's, and it was meant so. */
function isSaturated(deployment: Deployment, current: ReplicaSet): boolean {
	const replicas = replicasOf(deployment);
	return (
		sizeOf(current) === replicas &&
		desiredReplicas(current) === replicas &&
		(current.status?.availableReplicas ?? 0) === replicas
	);
}

/** The size of each active ReplicaSet, largest first; what rounding leaves is the largest one's. */
export function sizes(deployment: Deployment, active: readonly ReplicaSet[]): [ReplicaSet, number][] {
	const replicas = replicasOf(deployment);
	const allowed = replicas > 0 ? replicas + maxSurge(deployment) : 0;
	const missing = allowed - sumOfSizes(active);
	if (missing === 0) return active.map((set) => [set, sizeOf(set)]);
	const order = active.toSorted((a, b) => sizeOf(b) - sizeOf(a) || (missing > 0 ? byAge(b, a) : byAge(a, b)));
	let added = 0;
	const sized = order.map((set): [ReplicaSet, number] => {
		const share = proportion(deployment, set, missing, added);
		added += share;
		return [set, sizeOf(set) + share];
	});
	const [largest] = sized;
	if (largest !== undefined) largest[1] = Math.max(0, largest[1] + missing - added);
	return sized;
}

function proportion(deployment: Deployment, set: ReplicaSet, missing: number, added: number): number {
	if (missing === added) return 0;
	const share = fraction(deployment, set);
	return missing > 0 ? Math.min(share, missing - added) : Math.max(share, missing - added);
}

function fraction(deployment: Deployment, set: ReplicaSet): number {
	const replicas = replicasOf(deployment);
	const size = sizeOf(set);
	if (replicas === 0) return -size;
	const before = maxReplicas(set) || (deployment.status?.replicas ?? 0);
	if (before === 0) return 0;
	return Math.round((size * (replicas + maxSurge(deployment))) / before) - size;
}
