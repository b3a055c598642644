// What a ReplicaSet says of its pods (pkg/controller/replicaset/replica_set_utils.go: calculateStatus).

import type { ReplicaSet } from "../../api/apps.ts";
import type { Pod } from "../../api/core.ts";
import { isReady } from "../../api/pod.ts";
import { selectsLabels } from "../../api/selector.ts";
import { timeOf } from "../../api/time.ts";
import { isAvailable } from "../availability.ts";
import { withCondition, withoutCondition } from "../condition.ts";
import { withoutZeros } from "../omitempty.ts";

const FAILURE = "ReplicaFailure";

export type ReplicaSetStatus = NonNullable<ReplicaSet["status"]>;

export interface Observed {
	/** Its active pods. */
	pods: readonly Pod[];
	/** How many of its pods are being deleted; undefined: not told (of a ReplicationController). */
	terminating: number | undefined;
	/** Why pods could not be made or deleted. */
	failure: string | undefined;
	/** ns. */
	now: bigint;
}

export function statusOf(
	{ spec, status = {}, metadata }: ReplicaSet,
	{ pods, terminating, failure, now }: Observed,
): ReplicaSetStatus {
	const labels = spec?.template?.metadata?.labels ?? {};
	const ready = pods.filter(isReady);
	const counts = withoutZeros({
		fullyLabeledReplicas: pods.filter((pod) => selectsLabels(labels, pod.metadata.labels)).length,
		readyReplicas: ready.length,
		availableReplicas: ready.filter((pod) => isAvailable(pod, spec?.minReadySeconds ?? 0, now)).length,
		observedGeneration: metadata.generation ?? 0,
	});
	const conditions = conditionsOf(status.conditions ?? [], pods.length - (spec?.replicas ?? 1), failure, now);
	return {
		replicas: pods.length,
		...counts,
		...(terminating !== undefined && { terminatingReplicas: terminating }),
		...(conditions.length > 0 && { conditions }),
	};
}

type Conditions = NonNullable<ReplicaSetStatus["conditions"]>;

// The first failure stays until there is none.
function conditionsOf(before: Conditions, excess: number, failure: string | undefined, now: bigint): Conditions {
	if (failure === undefined) return withoutCondition(before, FAILURE);
	if (before.some(({ type }) => type === FAILURE)) return [...before];
	const reason = excess < 0 ? "FailedCreate" : excess > 0 ? "FailedDelete" : "";
	return withCondition(before, {
		type: FAILURE,
		status: "True",
		reason,
		message: failure,
		lastTransitionTime: timeOf(now),
	});
}
