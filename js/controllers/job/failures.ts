// When a Job's pods ended, how long the next one waits after failures, and what the podFailurePolicy makes of one
// (pkg/controller/job/backoff_utils.go, pod_failure_policy.go).

import type { Job, PodFailurePolicyRule } from "../../api/batch.ts";
import type { ContainerStatus, Pod } from "../../api/core.ts";
import { nanosOf } from "../../api/time.ts";

const MS = 1_000_000n;
const SECOND = 1000n * MS;
const BACKOFF_MS = 10_000;
const BACKOFF_MAX_MS = 600_000;

/** Failures since the last success. */
export interface Failures {
	count: number;
	/** ns; of the last one. */
	at: bigint;
}

export const NONE: Failures = { count: 0, at: 0n };

interface Terminated {
	exitCode?: number;
	finishedAt?: string;
}

const terminatedOf = ({ state }: ContainerStatus) => (state as { terminated?: Terminated } | undefined)?.terminated;

const latest = (times: readonly bigint[]) => times.toSorted((a, b) => (a < b ? -1 : 1)).at(-1) ?? 0n;

/** ns. */
export function finishedAt(pod: Pod): bigint {
	const { metadata, status } = pod;
	const ends = (status?.containerStatuses ?? []).map((one) => nanosOf(terminatedOf(one)?.finishedAt));
	if (ends.length > 0 && ends.every((end) => end !== null)) return latest(ends);
	const ready = status?.conditions?.find(({ type }) => type === "Ready");
	const unready = ready?.status === "False" ? nanosOf(ready.lastTransitionTime) : null;
	if (unready !== null) return unready;
	const deleted = nanosOf(metadata.deletionTimestamp);
	if (deleted !== null) return deleted - BigInt(metadata.deletionGracePeriodSeconds ?? 0) * SECOND;
	return nanosOf(metadata.creationTimestamp) ?? 0n;
}

/** With pods that have ended since. */
export function withEnded(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
	if (succeeded.length === 0 && failed.length === 0) return before;
	const lastSuccess = latest([-1n, ...succeeded.map(finishedAt)]);
	const since = failed.map(finishedAt).filter((at) => at > lastSuccess);
	if (since.length === 0) return succeeded.length > 0 ? NONE : before;
	return { count: (succeeded.length > 0 ? 0 : before.count) + since.length, at: latest(since) };
}

/** Milliseconds until the next pod may be made: 10 s after a failure, twice as long after each more, ten minutes at most. */
export function backoffLeft({ count, at }: Failures, now: bigint): number {
	if (count === 0) return 0;
	const backoff = Math.min(BACKOFF_MS * 2 ** (count - 1), BACKOFF_MAX_MS);
	return Math.max(0, backoff - Number((now - at) / MS));
}

export interface Judgement {
	counts: boolean;
	/** Why the whole Job fails. */
	failsJob?: string;
	failsIndex?: true;
}

/** The first rule that matches says; without one a failure counts. */
export function judge({ spec }: Job, pod: Pod): Judgement {
	for (const [index, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
		const why = matchOf(rule, pod);
		if (why === null) continue;
		if (rule.action === "Ignore") return { counts: false };
		if (rule.action === "FailJob") return { counts: true, failsJob: `${why} matching FailJob rule at index ${index}` };
		return rule.action === "FailIndex" ? { counts: true, failsIndex: true } : { counts: true };
	}
	return { counts: true };
}

function matchOf({ onExitCodes, onPodConditions }: PodFailurePolicyRule, { metadata, status }: Pod): string | null {
	const who = `${metadata.namespace}/${metadata.name}`;
	if (onExitCodes !== undefined) {
		const { containerName, operator, values } = onExitCodes;
		for (const container of [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]) {
			const code = terminatedOf(container)?.exitCode ?? 0;
			const isMeant = containerName === undefined || containerName === container.name;
			if (isMeant && code !== 0 && values.includes(code) === (operator === "In"))
				return `Container ${container.name} for pod ${who} failed with exit code ${code}`;
		}
		return null;
	}
	const condition = status?.conditions?.find((one) =>
		onPodConditions?.some(({ type, status: is = "True" }) => one.type === type && one.status === is),
	);
	return condition === undefined ? null : `Pod ${who} has condition ${condition.type}`;
}
