// ReplicaSet to pods (pkg/controller/replicaset): as many as `replicas` says, less those that it owns or adopts.
// Scaling down picks no victim here: pods that are there already stay.

import type { ReplicaSet } from "../api/apps.ts";
import type { Pod } from "../api/core.ts";
import type { Random } from "../ports.ts";
import { freeName } from "./names.ts";
import { isActive, owns, podFromTemplate } from "./pod.ts";

/** The pods that are missing. `pods`: all that are there. `names`: pod names taken in the namespace; new ones are added. */
export function missingPods(replicaSet: ReplicaSet, pods: readonly Pod[], names: Set<string>, random: Random): Pod[] {
	const { name = "", namespace = "default" } = replicaSet.metadata;
	const spec = replicaSet.spec;
	if (spec === undefined) return [];
	const owned = pods.filter((pod) => isActive(pod) && owns(replicaSet, spec.selector, pod)).length;
	const made: Pod[] = [];
	const generateName = `${name}-`;
	for (let i = owned; i < (spec.replicas ?? 1); i++) {
		const podName = freeName(generateName, random, names, namespace, i);
		made.push(podFromTemplate(replicaSet, spec.template ?? {}, { name: podName, generateName }));
	}
	return made;
}

export function withStatus(replicaSet: ReplicaSet, replicas: number, ready: number): ReplicaSet {
	const status = {
		replicas,
		fullyLabeledReplicas: replicas,
		readyReplicas: ready,
		availableReplicas: ready,
		observedGeneration: replicaSet.metadata.generation ?? 1,
	};
	return { ...replicaSet, status };
}
