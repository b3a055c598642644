// Why a Job is at its end, other than by completions: in the order in which syncJob of pkg/controller/job/job_controller.go asks.

import type { Job, JobCondition, JobStatus } from "../../api/batch.ts";
import type { Pod } from "../../api/core.ts";
import { nanosOf } from "../../api/time.ts";
import { judge } from "./failures.ts";
import { isFailed, isIndexed } from "./pods.ts";
import { successMessage } from "./successpolicy.ts";
import type { Tally } from "./tally.ts";

const MS = 1_000_000n;
const DEFAULT_LIMIT = 6;

export type Finish = Pick<JobCondition, "reason" | "message"> & { type: "FailureTarget" | "SuccessCriteriaMet" };

/** `status`: as it is to be, with its startTime. `now`: ns. */
export function finishOf(tally: Tally, { conditions = [], startTime }: JobStatus, now: bigint): Finish | undefined {
	const { job, pods } = tally;
	const { backoffLimit: limit = DEFAULT_LIMIT, maxFailedIndexes = Infinity, completions = 0 } = job.spec ?? {};
	const said = conditions.find(
		({ type, status }) => (type === "FailureTarget" || type === "SuccessCriteriaMet") && status === "True",
	);
	if (said !== undefined) return said as Finish;
	const fail = (reason: string, message: string): Finish => ({ type: "FailureTarget", reason, message });
	for (const pod of pods) {
		const { failsJob } = isFailed(pod, job) ? judge(job, pod) : { failsJob: undefined };
		if (failsJob !== undefined) return fail("PodFailurePolicy", failsJob);
	}
	if (tally.failed > limit || hasRestarted(job, pods, limit))
		return fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
	const left = deadlineLeftMs(job, startTime, now);
	if (left !== null && left <= 0) return fail("DeadlineExceeded", "Job was active longer than specified deadline");
	const failed = tally.failedIndexes?.size ?? 0;
	if (failed > maxFailedIndexes)
		return fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
	if (failed > 0 && failed + tally.indexes.size >= completions) return fail("FailedIndexes", "Job has failed indexes");
	const message = isIndexed(job) && job.spec !== undefined ? successMessage(job.spec, tally.indexes) : null;
	return message === null ? undefined : { type: "SuccessCriteriaMet", reason: "SuccessPolicy", message };
}

/** pastBackoffLimitOnFailure: containers that start again in their pods count as well. */
function hasRestarted(job: Job, pods: readonly Pod[], limit: number): boolean {
	if (job.spec?.template.spec?.restartPolicy !== "OnFailure") return false;
	const running = pods.filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending");
	const statuses = running.flatMap(({ status }) => [
		...(status?.initContainerStatuses ?? []),
		...(status?.containerStatuses ?? []),
	]);
	const restarts = statuses.reduce((total, { restartCount = 0 }) => total + restartCount, 0);
	return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Milliseconds until activeDeadlineSeconds are over; null where none run. `now`: ns. */
export function deadlineLeftMs({ spec }: Job, startTime: string | undefined, now: bigint): number | null {
	const { activeDeadlineSeconds: deadline, suspend } = spec ?? {};
	const start = nanosOf(startTime);
	if (deadline === undefined || start === null || suspend === true) return null;
	return deadline * 1000 - Number((now - start) / MS);
}
