// The ReplicaSets of a Deployment: the one of the current template, and those of others (pkg/controller/deployment/sync.go:
// getNewReplicaSet; util/deployment_util.go: FindNewReplicaSet).

import type { Deployment, ReplicaSet } from "../../api/apps.ts";
import { semanticEqualBut } from "../../api/equality.ts";
import { templateHash } from "../names.ts";
import { ownerReference } from "../pod.ts";
import { currentAnnotations, sizeAnnotations } from "./annotations.ts";

const HASH_LABEL = "pod-template-hash";
/** Longest name: a DNS subdomain. */
const NAME_MAX = 253;

/** The ReplicaSet that a Deployment's template asks for, of a size. `revision`: the one after all others. */
export function replicaSetFor(deployment: Deployment, replicas: number, revision: number): ReplicaSet {
	const { metadata, spec, status } = deployment;
	const { name = "", namespace = "default" } = metadata;
	const template = spec?.template ?? {};
	const hash = templateHash(template, status?.collisionCount);
	const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
	return {
		apiVersion: "apps/v1",
		kind: "ReplicaSet",
		metadata: {
			name: `${name.slice(0, NAME_MAX - 1 - hash.length)}-${hash}`,
			namespace,
			labels,
			annotations: { ...currentAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) },
			ownerReferences: [ownerReference(deployment)],
		},
		spec: {
			replicas,
			...(spec?.minReadySeconds && { minReadySeconds: spec.minReadySeconds }),
			selector: { ...spec?.selector, matchLabels: { ...spec?.selector.matchLabels, [HASH_LABEL]: hash } },
			template: { ...template, metadata: { ...template.metadata, labels } },
		},
	};
}

/** Whether a ReplicaSet is of the Deployment's template, whatever hash it has (EqualIgnoreHash). */
export function isCurrent(replicaSet: ReplicaSet, { spec }: Deployment): boolean {
	const own = replicaSet.spec?.template ?? {};
	const wanted = spec?.template ?? {};
	const [metadata, other] = [own.metadata ?? {}, wanted.metadata ?? {}];
	return (
		semanticEqualBut(own, wanted, "metadata") &&
		// In a template nobody has made anything yet.
		semanticEqualBut(metadata, other, "labels", "creationTimestamp") &&
		semanticEqualBut(metadata.labels ?? {}, other.labels ?? {}, HASH_LABEL)
	);
}

/** Oldest first. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
	const [one, other] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ""} ${metadata.name ?? ""}`);
	return (one ?? "") < (other ?? "") ? -1 : 1;
}

export const sizeOf = ({ spec }: ReplicaSet) => spec?.replicas ?? 1;

/** What a count of the ReplicaSets' status adds up to. */
export function sum(sets: readonly ReplicaSet[], count: "replicas" | "readyReplicas" | "availableReplicas"): number {
	return sets.reduce((total, { status }) => total + (status?.[count] ?? 0), 0);
}

export function sumOfSizes(sets: readonly ReplicaSet[]): number {
	return sets.reduce((total, set) => total + sizeOf(set), 0);
}
