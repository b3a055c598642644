// StatefulSet to pods (pkg/controller/statefulset): NAME-0 … NAME-(replicas-1), from `ordinals.start` on, each with a
// stable name that its governing Service resolves. Ordered start-up and partitions are the running controller's.

import type { StatefulSet } from "../api/apps.ts";
import type { Pod } from "../api/core.ts";
import { templateHash } from "./names.ts";
import { podFromTemplate } from "./pod.ts";

/** The pods whose names are not taken yet; theirs are added. */
export function missingPods(statefulSet: StatefulSet, names: Set<string>): Pod[] {
	const { name = "" } = statefulSet.metadata;
	const spec = statefulSet.spec;
	if (spec === undefined) return [];
	const revision = `${name}-${templateHash(spec.template)}`;
	const start = spec.ordinals?.start ?? 0;
	const made: Pod[] = [];
	for (let ordinal = start; ordinal < start + (spec.replicas ?? 1); ordinal++) {
		const podName = `${name}-${ordinal}`;
		if (names.has(podName)) continue;
		names.add(podName);
		const labels = {
			"apps.kubernetes.io/pod-index": String(ordinal),
			"controller-revision-hash": revision,
			"statefulset.kubernetes.io/pod-name": podName,
		};
		const pod = podFromTemplate(statefulSet, spec.template, { name: podName, generateName: `${name}-`, labels });
		if (pod.spec) {
			pod.spec.hostname = podName;
			if (spec.serviceName) pod.spec.subdomain = spec.serviceName;
		}
		made.push(pod);
	}
	return made;
}

export function withStatus(statefulSet: StatefulSet, replicas: number, ready: number): StatefulSet {
	const revision = `${statefulSet.metadata.name}-${templateHash(statefulSet.spec?.template)}`;
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
