// What a PodDisruptionBudget says of itself (component-helpers apps/poddisruptionbudget): the condition that the disruption
// controller writes after it has counted, and the API server when an eviction has spent the last one.

import type { Condition } from "./meta.ts";
import { timeOf } from "./time.ts";

export interface BudgetStatus {
	currentHealthy: number;
	desiredHealthy: number;
	disruptionsAllowed: number;
	expectedPods: number;
	observedGeneration?: number;
	/** When pods were evicted that are still there. */
	disruptedPods?: Record<string, string>;
	conditions?: Condition[];
}

/** Type of the condition that says whether a pod may go. */
export const DISRUPTION_ALLOWED = "DisruptionAllowed";
/** Reason of one that could not be counted. */
export const SYNC_FAILED = "SyncFailed";

/** The status with its condition; `failed`: why nobody knows how many pods there should be. `now` in ns. */
export function withDisruptionAllowed(status: BudgetStatus, now: bigint, failed?: string): BudgetStatus {
	const enough = failed === undefined && status.disruptionsAllowed > 0;
	const condition: Condition = {
		type: DISRUPTION_ALLOWED,
		status: enough ? "True" : "False",
		lastTransitionTime: timeOf(now),
		observedGeneration: status.observedGeneration ?? 0,
		reason: failed === undefined ? (enough ? "SufficientPods" : "InsufficientPods") : SYNC_FAILED,
		message: failed ?? "",
	};
	const before = (status.conditions ?? []).find(({ type }) => type === condition.type);
	if (before?.status === condition.status && before.lastTransitionTime !== undefined)
		condition.lastTransitionTime = before.lastTransitionTime;
	const others = (status.conditions ?? []).filter(({ type }) => type !== condition.type);
	return { ...status, conditions: [...others, condition] };
}
