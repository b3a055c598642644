// Failures that each index of a Job counts for itself (backoffLimitPerIndex; pkg/controller/job/indexed_job_utils.go): a pod
// carries how often its index has failed before, so a failed one stays until its successor has taken that over.

import type { Job } from "../../api/batch.ts";
import type { Pod } from "../../api/core.ts";
import { backoffLeft, finishedAt, judge } from "./failures.ts";
import { indexOf, parseIndexes } from "./indexes.ts";
import { isFailed, isTracked } from "./pods.ts";

const FAILED = "batch.kubernetes.io/job-index-failure-count";
const IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count";
const INT32_MOST = 2 ** 31 - 1;

export const hasLimitPerIndex = ({ spec }: Job) => spec?.backoffLimitPerIndex !== undefined;

function countOf({ metadata }: Pod, annotation: string): number {
	const text = metadata.annotations?.[annotation] ?? "";
	const count = /^\d+$/.test(text) ? Number(text) : 0;
	return count > INT32_MOST ? 0 : count;
}

/** All failures of a pod's index before it, those that the podFailurePolicy ignores as well. */
const failuresBefore = (pod: Pod) => countOf(pod, FAILED) + countOf(pod, IGNORED);

/** Indexes that get no other pod: those that the status has, and those of pods that have failed since. */
export function failedIndexes(job: Job, pods: readonly Pod[]): Set<number> {
	const { completions = 0, backoffLimitPerIndex = 0 } = job.spec ?? {};
	const failed = parseIndexes(job.status?.failedIndexes ?? "", completions);
	for (const pod of pods) {
		const index = indexOf(pod);
		if (index < 0 || index >= completions || !isTracked(pod) || !isFailed(pod, job)) continue;
		const { counts, failsIndex } = judge(job, pod);
		if (failsIndex === true || (counts && countOf(pod, FAILED) >= backoffLimitPerIndex)) failed.add(index);
	}
	return failed;
}

/** By index, the last pod that has failed of those that will get another one. */
export function awaitingSuccessors(
	job: Job,
	pods: readonly Pod[],
	isSettled: (index: number) => boolean,
): Map<number, Pod> {
	const { completions = 0 } = job.spec ?? {};
	const last = new Map<number, Pod>();
	for (const pod of pods) {
		const index = indexOf(pod);
		if (index < 0 || index >= completions || !isTracked(pod) || !isFailed(pod, job) || isSettled(index)) continue;
		const before = last.get(index);
		const isLater =
			before === undefined || (failuresBefore(before) <= failuresBefore(pod) && finishedAt(pod) >= finishedAt(before));
		if (isLater) last.set(index, pod);
	}
	return last;
}

/** What the successor of a pod, or the first of an index, carries. */
export function failureAnnotations(job: Job, before: Pod | undefined): Record<string, string> {
	if (before === undefined) return { [FAILED]: "0" };
	const { counts } = judge(job, before);
	const failed = countOf(before, FAILED) + (counts ? 1 : 0);
	const ignored = countOf(before, IGNORED) + (counts ? 0 : 1);
	return { [FAILED]: String(failed), ...(ignored > 0 && { [IGNORED]: String(ignored) }) };
}

/** Of indexes that lack a pod those that may have one now; and where none may, the milliseconds until one does. */
export function readyIndexes(
	indexes: readonly number[],
	awaiting: ReadonlyMap<number, Pod>,
	now: bigint,
): { indexes: number[]; waitMs: number } {
	const waits = indexes.map((index) => {
		const before = awaiting.get(index);
		if (before === undefined) return 0;
		return backoffLeft({ count: failuresBefore(before) + 1, at: finishedAt(before) }, now);
	});
	const ready = indexes.filter((_, i) => waits[i] === 0);
	return { indexes: ready, waitMs: ready.length > 0 || waits.length === 0 ? 0 : Math.min(...waits) };
}
