// What a Job's pods come to: how many have succeeded and failed by now, those included that no status counts yet, and which indexes
// are done (pkg/controller/job/job_controller.go: syncJobCtx).

import type { Job } from "../../api/batch.ts";
import type { Pod } from "../../api/core.ts";
import { isActive, isTerminating } from "../pod.ts";
import { type Failures, judge, withEnded } from "./failures.ts";
import { indexOf, parseIndexes, pendingIndexes } from "./indexes.ts";
import { awaitingSuccessors, failedIndexes, hasLimitPerIndex } from "./perindex.ts";
import { BURST, isFailed, isIndexed, isTracked, replacesFailedOnly } from "./pods.ts";

export class Tally {
	readonly job: Job;
	readonly pods: readonly Pod[];
	readonly active: readonly Pod[];
	readonly failures: Failures;
	readonly succeeded: number;
	readonly failed: number;
	/** Of an Indexed Job: those that the status has, and those of pods that have succeeded since. */
	readonly indexes: ReadonlySet<number>;
	/** Of a Job with backoffLimitPerIndex. */
	readonly failedIndexes: ReadonlySet<number> | null;
	/** By index, failed pods that stay until another one has taken their place. */
	readonly awaiting: ReadonlyMap<number, Pod>;

	/** `failures`: until the look before. */
	constructor(job: Job, pods: readonly Pod[], failures: Failures) {
		this.job = job;
		this.pods = pods;
		this.active = pods.filter(isActive);
		const { status = {}, spec } = job;
		const { succeeded: counting = [], failed: failing = [] } = status.uncountedTerminatedPods ?? {};
		const news = pods.filter((pod) => isTracked(pod) && this.fits(pod));
		const uidOf = ({ metadata }: Pod) => metadata.uid ?? "";
		const succeeded = news.filter((pod) => pod.status?.phase === "Succeeded" && !counting.includes(uidOf(pod)));
		const failed = news.filter((pod) => isFailed(pod, job) && !failing.includes(uidOf(pod)));
		this.failures = withEnded(failures, succeeded, failed);
		const known = parseIndexes(status.completedIndexes ?? "", spec?.completions ?? 0);
		this.indexes = isIndexed(job) ? new Set([...known, ...succeeded.map(indexOf)]) : known;
		this.succeeded = isIndexed(job) ? this.indexes.size : (status.succeeded ?? 0) + succeeded.length + counting.length;
		const counted = failed.filter((pod) => judge(job, pod).counts).length;
		this.failed = (status.failed ?? 0) + counted + failing.length;
		this.failedIndexes = hasLimitPerIndex(job) ? failedIndexes(job, pods) : null;
		const active = new Set(this.active.map(indexOf));
		const isSettled = (index: number) => active.has(index) || this.#isDone(index);
		this.awaiting = hasLimitPerIndex(job) ? awaitingSuccessors(job, pods, isSettled) : new Map();
	}

	/** Whether the pod is of an index that the Job has, where it has indexes. */
	fits(pod: Pod): boolean {
		if (!isIndexed(this.job)) return true;
		const index = indexOf(pod);
		return index >= 0 && index < (this.job.spec?.completions ?? 0);
	}

	/** Whether a failed pod's annotations are still to be taken over (canRemoveFinalizer). */
	awaits(pod: Pod): boolean {
		return this.awaiting.get(indexOf(pod))?.metadata.uid === pod.metadata.uid;
	}

	/** The lowest indexes that are to have a pod and have none (firstPendingIndexes). */
	pending(count: number): number[] {
		const going = replacesFailedOnly(this.job) ? this.pods.filter(isTerminating) : [];
		const taken = new Set([...this.active, ...going].map(indexOf));
		const isTaken = (index: number) => taken.has(index) || this.#isDone(index);
		return pendingIndexes(isTaken, Math.min(count, BURST), this.job.spec?.completions ?? 0);
	}

	#isDone(index: number): boolean {
		return this.indexes.has(index) || this.failedIndexes?.has(index) === true;
	}
}
