// StatefulSet to pods where nothing ran before: NAME-0 … NAME-(replicas-1), from `ordinals.start` on, all at once.

import type { StatefulSet } from "../api/apps.ts";
import type { Pod } from "../api/core.ts";
import { revisionHash, revisionName } from "./history.ts";
import { newPod, replicasOf, startOf } from "./statefulset/identity.ts";

/** The pods whose names are not taken yet; theirs are added. */
export function missingPods(statefulSet: StatefulSet, names: Set<string>): Pod[] {
	const spec = statefulSet.spec;
	if (spec === undefined) return [];
	const revision = revisionName(statefulSet, revisionHash(spec.template));
	const made: Pod[] = [];
	for (let i = 0; i < replicasOf(statefulSet); i++) {
		const pod = newPod(statefulSet, spec.template, startOf(statefulSet) + i, revision);
		const { name = "" } = pod.metadata;
		if (names.has(name)) continue;
		names.add(name);
		made.push(pod);
	}
	return made;
}

export function withStatus(statefulSet: StatefulSet, replicas: number, ready: number): StatefulSet {
	const revision = revisionName(statefulSet, revisionHash(statefulSet.spec?.template));
	const status = {
		replicas,
		readyReplicas: ready,
		currentReplicas: replicas,
		updatedReplicas: replicas,
		availableReplicas: ready,
		currentRevision: revision,
		updateRevision: revision,
		observedGeneration: statefulSet.metadata.generation ?? 1,
	};
	return { ...statefulSet, status };
}
