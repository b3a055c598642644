// RollingUpdate: pods of the current template as far as the surge allows, old ones away as far as enough are available
// (pkg/controller/deployment/rolling.go).

import type { ReplicaSet } from "../../api/apps.ts";
import { byAge, sizeOf, sum, sumOfSizes } from "./replicasets.ts";
import type { Rollout } from "./rollout.ts";
import { maxUnavailable, replicasOf } from "./spec.ts";
import { allOf, isComplete, rolloutStatus } from "./status.ts";

export function rollingUpdate(rollout: Rollout): void {
	rollout.syncRevision();
	rollout.create();
	if (!rollout.scaleCurrent() && !scaleDownOld(rollout) && isComplete(rollout.deployment, rollout.deployment.status))
		rollout.cleanUp();
	rollout.writeStatus(rolloutStatus(rollout.deployment, rollout.sets, rollout.now));
}

const active = (sets: readonly ReplicaSet[]) => sets.filter((set) => sizeOf(set) > 0).toSorted(byAge);
const availableOf = ({ status }: ReplicaSet) => status?.availableReplicas ?? 0;

/** Whether an old ReplicaSet lost pods (reconcileOldReplicaSets). */
function scaleDownOld(rollout: Rollout): boolean {
	const { current, old } = rollout.sets;
	if (current === undefined || sumOfSizes(old) === 0) return false;
	const { deployment } = rollout;
	const minAvailable = replicasOf(deployment) - maxUnavailable(deployment);
	const waiting = sizeOf(current) - availableOf(current);
	const most = sumOfSizes(allOf(rollout.sets)) - minAvailable - waiting;
	if (most <= 0) return false;
	const candidates = active(old);
	const unhealthy = removeUnhealthy(rollout, candidates, most);
	return unhealthy !== null && unhealthy + removeSpare(rollout, candidates, minAvailable) > 0;
}

/**
 * Those that are not available first: they would block the rollout (cleanupUnhealthyReplicas). null where a ReplicaSet's
 * status is older than its size: its turn comes when it is not.
 */
function removeUnhealthy(rollout: Rollout, old: readonly ReplicaSet[], most: number): number | null {
	let removed = 0;
	for (const set of old) {
		if (removed >= most) break;
		if (availableOf(set) > sizeOf(set)) return null;
		const count = Math.min(most - removed, sizeOf(set) - availableOf(set));
		if (count === 0) continue;
		rollout.scale(set, sizeOf(set) - count);
		removed += count;
	}
	return removed;
}

/** As many as are available beyond what must be (scaleDownOldReplicaSetsForRollingUpdate). */
function removeSpare(rollout: Rollout, candidates: readonly ReplicaSet[], minAvailable: number): number {
	const { current } = rollout.sets;
	const old = candidates.map((set) => rollout.latest(set));
	const spare = sum(current === undefined ? old : [...old, current], "availableReplicas") - minAvailable;
	let removed = 0;
	for (const set of old) {
		const count = Math.min(sizeOf(set), spare - removed);
		if (count <= 0) continue;
		rollout.scale(set, sizeOf(set) - count);
		removed += count;
	}
	return removed;
}
