// Conditions of a workload's status (pkg/controller/replicaset/replica_set_utils.go, deployment/util/deployment_util.go).

import type { Condition } from "../api/meta.ts";

/** The list with a condition; one that says the same already stays as it is, and a state that lasts keeps its time. */
export function withCondition<T extends Condition>(conditions: readonly T[], condition: T): T[] {
	const was = conditions.find(({ type }) => type === condition.type);
	const lasts = was?.status === condition.status;
	if (lasts && was.reason === condition.reason) return [...conditions];
	const { lastTransitionTime } = lasts ? was : condition;
	const next = lastTransitionTime === undefined ? condition : { ...condition, lastTransitionTime };
	return [...withoutCondition(conditions, condition.type), next];
}

export function withoutCondition<T extends Condition>(conditions: readonly T[], type: string): T[] {
	return conditions.filter((condition) => condition.type !== type);
}
