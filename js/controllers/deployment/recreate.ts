// Recreate: all old pods away, then the new ones (pkg/controller/deployment/recreate.go).

import type { Pod } from "../../api/core.ts";
import { isFinished } from "../../api/pod.ts";
import { ownedBy } from "../lookup.ts";
import { controllerOf } from "../pod.ts";
import { sizeOf, sum } from "./replicasets.ts";
import type { Rollout } from "./rollout.ts";
import { replicasOf } from "./spec.ts";
import { isComplete, rolloutStatus } from "./status.ts";

export function recreate(rollout: Rollout): void {
	// No ReplicaSet is made before the old ones are empty.
	rollout.syncRevision();
	const old = rollout.sets.old.filter((set) => sizeOf(set) > 0);
	const scaled = old.filter((set) => rollout.scale(set, 0)).length;
	if (scaled === 0 && !oldPodsRun(rollout)) {
		rollout.create();
		const { current } = rollout.sets;
		if (current !== undefined) rollout.scale(current, replicasOf(rollout.deployment));
		if (isComplete(rollout.deployment, rollout.deployment.status)) rollout.cleanUp();
	}
	rollout.writeStatus(rolloutStatus(rollout.deployment, rollout.sets, rollout.now));
}

function oldPodsRun({ world, sets }: Rollout): boolean {
	if (sum(sets.old, "replicas") > 0) return true;
	return sets.old.some(({ metadata }) =>
		ownedBy<Pod>(world.store, "pods", metadata.uid ?? "").some(
			(pod) => controllerOf(pod)?.uid === metadata.uid && !isFinished(pod),
		),
	);
}
