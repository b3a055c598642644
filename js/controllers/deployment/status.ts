// A Deployment's status, and what its condition Progressing says (pkg/controller/deployment/sync.go: calculateStatus;
// progress.go).

import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../api/apps.ts";
import { nanosOf, timeOf } from "../../api/time.ts";
import { withCondition, withoutCondition } from "../condition.ts";
import { withoutZeros } from "../omitempty.ts";
import { sum, sumOfSizes } from "./replicasets.ts";
import { maxUnavailable, progressDeadline, replicasOf } from "./spec.ts";

const SECOND = 1_000_000_000n;
const PROGRESSING = "Progressing";
const FAILURE = "ReplicaFailure";
const COMPLETE = "NewReplicaSetAvailable";
const TIMED_OUT = "ProgressDeadlineExceeded";

export interface Sets {
	/** The one of the current template. */
	current: ReplicaSet | undefined;
	/** All others. */
	old: readonly ReplicaSet[];
}

export const allOf = ({ current, old }: Sets): ReplicaSet[] => (current === undefined ? [...old] : [...old, current]);

/** `now`: ns. */
export function condition(
	type: string,
	status: DeploymentCondition["status"],
	reason: string,
	message: string,
	now: bigint,
): DeploymentCondition {
	const time = timeOf(now);
	return { type, status, reason, message, lastTransitionTime: time, lastUpdateTime: time };
}

export function progressing({ status }: { status?: DeploymentStatus }): DeploymentCondition | undefined {
	return status?.conditions?.find(({ type }) => type === PROGRESSING);
}

export function withProgressing(
	{ status = {} }: Deployment,
	state: DeploymentCondition["status"],
	reason: string,
	message: string,
	now: bigint,
): DeploymentStatus {
	const conditions = withCondition(status.conditions ?? [], condition(PROGRESSING, state, reason, message, now));
	return { ...status, conditions };
}

export function statusOf(deployment: Deployment, sets: Sets, now: bigint): DeploymentStatus {
	const all = allOf(sets);
	const available = sum(all, "availableReplicas");
	const counts = withoutZeros({
		observedGeneration: deployment.metadata.generation ?? 0,
		replicas: sum(all, "replicas"),
		updatedReplicas: sets.current?.status?.replicas ?? 0,
		readyReplicas: sum(all, "readyReplicas"),
		availableReplicas: available,
		unavailableReplicas: Math.max(0, sumOfSizes(all) - available),
	});
	const terminating = terminatingOf(all);
	const { collisionCount, conditions = [] } = deployment.status ?? {};
	const isEnough = available >= replicasOf(deployment) - maxUnavailable(deployment);
	const availability = isEnough
		? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
		: condition(
				"Available",
				"False",
				"MinimumReplicasUnavailable",
				"Deployment does not have minimum availability.",
				now,
			);
	return {
		...counts,
		...(terminating !== undefined && { terminatingReplicas: terminating }),
		...(collisionCount !== undefined && { collisionCount }),
		conditions: withCondition(conditions, availability),
	};
}

/** undefined where a ReplicaSet that was looked at does not tell. */
function terminatingOf(sets: readonly ReplicaSet[]): number | undefined {
	let total = 0;
	for (const { status } of sets) {
		if (status?.terminatingReplicas !== undefined) total += status.terminatingReplicas;
		else if (status?.observedGeneration) return undefined;
	}
	return total;
}

/** DeploymentComplete: all replicas are of the current template and available, and no other pod is there. */
export function isComplete(deployment: Deployment, status: DeploymentStatus = {}): boolean {
	const replicas = replicasOf(deployment);
	const { updatedReplicas = 0, replicas: there = 0, availableReplicas = 0, observedGeneration = 0 } = status;
	return (
		updatedReplicas === replicas &&
		there === replicas &&
		availableReplicas === replicas &&
		observedGeneration >= (deployment.metadata.generation ?? 0)
	);
}

function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
	const count = (status: DeploymentStatus) => ({
		updated: status.updatedReplicas ?? 0,
		old: (status.replicas ?? 0) - (status.updatedReplicas ?? 0),
		ready: status.readyReplicas ?? 0,
		available: status.availableReplicas ?? 0,
	});
	const [was, is] = [count(before), count(now)];
	return is.updated > was.updated || is.old < was.old || is.ready > was.ready || is.available > was.available;
}

/** The status during a rollout: with what it says of its progress and of pods that cannot be made (syncRolloutStatus). */
export function rolloutStatus(deployment: Deployment, sets: Sets, now: bigint): DeploymentStatus {
	const status = statusOf(deployment, sets, now);
	const { name } = deployment.metadata;
	const who = sets.current === undefined ? `Deployment "${name}"` : `ReplicaSet "${sets.current.metadata.name}"`;
	const before = progressing(deployment);
	let conditions = status.conditions ?? [];
	if (progressDeadline(deployment) === undefined) conditions = withoutCondition(conditions, PROGRESSING);
	else if (!(status.replicas === status.updatedReplicas && before?.reason === COMPLETE)) {
		if (isComplete(deployment, status)) {
			const message = `${who} has successfully progressed.`;
			conditions = withCondition(conditions, condition(PROGRESSING, "True", COMPLETE, message, now));
		} else if (hasProgressed(deployment.status ?? {}, status)) {
			const moved = condition(PROGRESSING, "True", "ReplicaSetUpdated", `${who} is progressing.`, now);
			if (before?.status === "True" && before.lastTransitionTime !== undefined)
				moved.lastTransitionTime = before.lastTransitionTime;
			// Each step of progress starts the deadline anew.
			conditions = [...withoutCondition(conditions, PROGRESSING), moved];
		} else if (hasTimedOut(deployment, status, now)) {
			const message = `${who} has timed out progressing.`;
			conditions = withCondition(conditions, condition(PROGRESSING, "False", TIMED_OUT, message, now));
		}
	}
	const failure = failureOf(sets);
	conditions = failure === undefined ? withoutCondition(conditions, FAILURE) : withCondition(conditions, failure);
	return { ...status, conditions };
}

/** Of the current ReplicaSet rather than of an old one. */
function failureOf({ current, old }: Sets): DeploymentCondition | undefined {
	for (const { status } of [...(current === undefined ? [] : [current]), ...old]) {
		const found = status?.conditions?.find(({ type }) => type === FAILURE);
		if (found === undefined) continue;
		const { lastTransitionTime } = found;
		return lastTransitionTime === undefined ? { ...found } : { ...found, lastUpdateTime: lastTransitionTime };
	}
	return undefined;
}

/** Nanoseconds from now until the deadline of the last sign of progress. */
function leftOf(deployment: Deployment, { lastUpdateTime }: DeploymentCondition, now: bigint): bigint {
	return (nanosOf(lastUpdateTime) ?? 0n) + BigInt(progressDeadline(deployment) ?? 0) * SECOND - now;
}

function hasTimedOut(deployment: Deployment, status: DeploymentStatus, now: bigint): boolean {
	const said = progressing({ status });
	if (said === undefined || said.reason === COMPLETE) return false;
	return said.reason === TIMED_OUT || leftOf(deployment, said, now) < 0n;
}

/** Milliseconds until a rollout without progress is to be looked at again (requeueStuckDeployment); null: it need not be. */
export function untilDeadline(deployment: Deployment, status: DeploymentStatus, now: bigint): number | null {
	const said = progressing(deployment);
	if (progressDeadline(deployment) === undefined || said === undefined) return null;
	if (isComplete(deployment, status) || said.reason === TIMED_OUT) return null;
	const left = leftOf(deployment, said, now);
	// Past it, and it has not timed out: it was complete once, and no deadline runs.
	if (left < 0n) return null;
	return left < SECOND ? Number(left) / 1e6 + 1 : Number(left + SECOND) / 1e6;
}

/** A pause is written down, and the end of one: neither is a lack of progress (checkPausedConditions). undefined: it is. */
export function pausedStatus(deployment: Deployment, now: bigint): DeploymentStatus | undefined {
	if (progressDeadline(deployment) === undefined) return undefined;
	const said = progressing(deployment);
	if (said?.reason === TIMED_OUT) return undefined;
	const isSaid = said?.reason === "DeploymentPaused";
	const isPaused = deployment.spec?.paused === true;
	if (isPaused === isSaid) return undefined;
	return isPaused
		? withProgressing(deployment, "Unknown", "DeploymentPaused", "Deployment is paused", now)
		: withProgressing(deployment, "Unknown", "DeploymentResumed", "Deployment is resumed", now);
}
