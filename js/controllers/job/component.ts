// The Job controller (pkg/controller/job/job_controller.go: syncJob). Batches of a second in which upstream collects the ends of
// pods, backoffLimitPerIndex and successPolicy are not modelled; a Job with one of the latter two is not run, and told so.

import type { Job, JobCondition, JobStatus } from "../../api/batch.ts";
import type { Pod } from "../../api/core.ts";
import { semanticEqual } from "../../api/equality.ts";
import { keyOf } from "../../api/key.ts";
import { isReady } from "../../api/pod.ts";
import { reasonOf } from "../../api/reason.ts";
import { selects } from "../../api/selector.ts";
import { nanosOf, timeOf } from "../../api/time.ts";
import type { Component, Later, Store, StoreChange, World } from "../../ports.ts";
import { candidates, claim, type OwnerKind, objectAt, ownerKeys, ownKey } from "../claim.ts";
import { withoutZeros } from "../omitempty.ts";
import { controllerOf, isActive, isTerminating } from "../pod.ts";
import { isOver } from "./end.ts";
import { backoffLeft, type Failures, judge, NONE, withEnded } from "./failures.ts";
import { indexOf, parseIndexes, pendingIndexes, printIndexes } from "./indexes.ts";
import { BURST, createPods, deletePods, isFailed, isIndexed, isTracked, podsToRemove, untrack } from "./pods.ts";

const JOB: OwnerKind = { kind: "Job", resource: "jobs.batch", selectorOf: (object) => (object as Job).spec?.selector };
const ORPHAN = "/orphan";
const MS = 1_000_000n;
const DEFAULT_LIMIT = 6;
const CONTROLLER = "kubernetes.io/job-controller";

export class JobController implements Component {
	readonly name = "job";
	readonly watches = {
		"jobs.batch": ownKey,
		pods: (change: StoreChange, store: Store) => [...ownerKeys(JOB)(change, store), ...orphanKeys(change, store)],
	};
	/** By uid of the Job. */
	readonly #failures = new Map<string, Failures>();

	fork(): JobController {
		const copy = new JobController();
		for (const [uid, failures] of this.#failures) copy.#failures.set(uid, failures);
		return copy;
	}

	reconcile(key: string, world: World): Later | undefined {
		if (key.endsWith(ORPHAN)) {
			const pod = objectAt<Pod>(world.store, "pods", key.slice(0, -ORPHAN.length));
			if (pod !== undefined && isOrphan(pod, world.store)) untrack(world, pod);
			return undefined;
		}
		const job = objectAt<Job>(world.store, "jobs.batch", key);
		if (job?.spec === undefined || (job.spec.managedBy ?? CONTROLLER) !== CONTROLLER) return undefined;
		const { uid = "" } = job.metadata;
		if (isOver(job)) {
			this.#failures.delete(uid);
			return undefined;
		}
		const unknown = (["backoffLimitPerIndex", "successPolicy"] as const).find(
			(field) => job.spec?.[field] !== undefined,
		);
		if (unknown !== undefined) {
			world.recorder.event(job, "Warning", "NotModelled", `spec.${unknown} is not modelled: the Job is not run`);
			return undefined;
		}
		const pods = claim(world.store, {
			owner: job,
			resource: "pods",
			objects: candidates<Pod>(world.store, "pods", job),
			matches: (labels) => selects(job.spec?.selector, labels),
			finalizer: "batch.kubernetes.io/job-tracking",
		});
		const step = new Step(world, job, pods, this.#failures.get(uid) ?? NONE);
		const later = step.run();
		this.#failures.set(uid, step.failures);
		if (step.refusal !== undefined) throw step.refusal;
		return later;
	}
}

/** A pod whose Job is gone, or is over: nobody will count it (syncOrphanPod). */
function isOrphan(pod: Pod, store: Store): boolean {
	if (!isTracked(pod)) return false;
	const reference = controllerOf(pod);
	if (reference?.kind !== "Job") return true;
	const job = store.get<Job>("jobs.batch", pod.metadata.namespace ?? "", reference.name);
	return job?.metadata.uid !== reference.uid || (job !== undefined && isOver(job));
}

function orphanKeys({ type, object }: StoreChange, store: Store): string[] {
	return type !== "DELETED" && isOrphan(object as Pod, store) ? [`${keyOf(object)}${ORPHAN}`] : [];
}

type Finish = Pick<JobCondition, "reason" | "message"> & { type: "FailureTarget" | "SuccessCriteriaMet" };

/** One look at one Job. */
class Step {
	refusal: unknown;
	failures: Failures;
	readonly #world: World;
	readonly #pods: readonly Pod[];
	readonly #active: readonly Pod[];
	readonly #now: bigint;
	#job: Job;
	#succeeded: number;
	#failed: number;
	/** Of an Indexed Job: those that the status has, and those of pods that have succeeded since. */
	readonly #indexes: Set<number>;

	constructor(world: World, job: Job, pods: readonly Pod[], failures: Failures) {
		this.#world = world;
		this.#job = job;
		this.#pods = pods;
		this.#active = pods.filter(isActive);
		this.#now = world.clock.now();
		const { status = {}, spec } = job;
		const { succeeded: counting = [], failed: failing = [] } = status.uncountedTerminatedPods ?? {};
		const fits = (pod: Pod) => !isIndexed(job) || (indexOf(pod) >= 0 && indexOf(pod) < (spec?.completions ?? 0));
		const news = pods.filter((pod) => isTracked(pod) && fits(pod));
		const uidOf = ({ metadata }: Pod) => metadata.uid ?? "";
		const succeeded = news.filter((pod) => pod.status?.phase === "Succeeded" && !counting.includes(uidOf(pod)));
		const failed = news.filter((pod) => isFailed(pod, job) && !failing.includes(uidOf(pod)));
		this.failures = withEnded(failures, succeeded, failed);
		this.#indexes = parseIndexes(status.completedIndexes ?? "", spec?.completions ?? 0);
		if (isIndexed(job)) for (const pod of succeeded) this.#indexes.add(indexOf(pod));
		this.#succeeded = isIndexed(job)
			? this.#indexes.size
			: (status.succeeded ?? 0) + succeeded.length + counting.length;
		const counted = failed.filter((pod) => judge(job, pod).counts).length;
		this.#failed = (status.failed ?? 0) + counted + failing.length;
	}

	run(): Later | undefined {
		const { status = {}, spec } = this.#job;
		const isSuspended = spec?.suspend === true;
		const time = timeOf(this.#now);
		let next: JobStatus = { ...status };
		if (next.startTime === undefined && !isSuspended) next.startTime = time;
		let finish = this.#finish(next);
		let later: Later | undefined;
		let active = this.#active.length;
		let terminating = this.#pods.filter(isTerminating).length;
		let ready = this.#active.filter(isReady).length;
		if (finish !== undefined) {
			const { made, refusal } = deletePods(this.#world, this.#job, this.#active, true);
			this.refusal = refusal;
			if (made === active) ready = 0;
			else finish = undefined;
			active -= made;
			terminating += made;
		} else {
			if (this.#job.metadata.deletionTimestamp === undefined) {
				const managed = this.#manage(isSuspended, terminating);
				later = managed.later;
				terminating += managed.deleted.length;
				ready -= managed.deleted.filter(isReady).length;
				active += managed.made - managed.deleted.length;
			}
			const completions = spec?.completions;
			const isComplete =
				active === 0 && (completions === undefined ? this.#succeeded > 0 : this.#succeeded >= completions);
			if (isComplete)
				finish = {
					type: "SuccessCriteriaMet",
					reason: "CompletionsReached",
					message: "Reached expected number of succeeded pods",
				};
			else next = this.#suspended(next, isSuspended);
		}
		this.#write({ ...next, active, ready, terminating }, finish, terminating);
		return later ?? this.#deadline(next);
	}

	/** Why the Job is at its end, other than by completions. */
	#finish(status: JobStatus): Finish | undefined {
		const { spec } = this.#job;
		const said = (status.conditions ?? []).find(
			({ type, status: is }) => (type === "FailureTarget" || type === "SuccessCriteriaMet") && is === "True",
		);
		if (said !== undefined) return said as Finish;
		const fail = (reason: string, message: string): Finish => ({ type: "FailureTarget", reason, message });
		for (const pod of this.#pods) {
			const { failsJob } = isFailed(pod, this.#job) ? judge(this.#job, pod) : { failsJob: undefined };
			if (failsJob !== undefined) return fail("PodFailurePolicy", failsJob);
		}
		const limit = spec?.backoffLimit ?? DEFAULT_LIMIT;
		if (this.#failed > limit || this.#restarted(limit))
			return fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
		const left = this.#leftMs(status);
		return left !== null && left <= 0
			? fail("DeadlineExceeded", "Job was active longer than specified deadline")
			: undefined;
	}

	/** pastBackoffLimitOnFailure: containers that start again in their pods count as well. */
	#restarted(limit: number): boolean {
		if (this.#job.spec?.template.spec?.restartPolicy !== "OnFailure") return false;
		const running = this.#pods.filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending");
		const statuses = running.flatMap(({ status }) => [
			...(status?.initContainerStatuses ?? []),
			...(status?.containerStatuses ?? []),
		]);
		const restarts = statuses.reduce((total, { restartCount = 0 }) => total + restartCount, 0);
		return limit === 0 ? restarts > 0 : restarts >= limit;
	}

	/** Milliseconds until activeDeadlineSeconds are over; null where none run. */
	#leftMs({ startTime }: JobStatus): number | null {
		const { activeDeadlineSeconds: deadline, suspend } = this.#job.spec ?? {};
		const start = nanosOf(startTime);
		if (deadline === undefined || start === null || suspend === true) return null;
		return deadline * 1000 - Number((this.#now - start) / MS);
	}

	#deadline(status: JobStatus): Later | undefined {
		const left = this.#leftMs(status);
		return left === null || left <= 0 || isOver(this.#job) ? undefined : { idleMs: left };
	}

	/** As many active pods as there shall be (manageJob). */
	#manage(isSuspended: boolean, terminating: number): { made: number; deleted: readonly Pod[]; later?: Later } {
		const { completions, parallelism = 1, podReplacementPolicy, podFailurePolicy } = this.#job.spec ?? {};
		const active = this.#active.length;
		const left = completions === undefined ? parallelism : Math.max(0, completions - this.#succeeded);
		const running = completions === undefined && this.#succeeded > 0 ? active : Math.min(left, parallelism);
		const wanted = isSuspended ? 0 : running;
		const remove = podsToRemove(this.#job, this.#active, Math.max(0, active - wanted), this.#now).slice(0, BURST);
		if (remove.length > 0) {
			const { made, refusal } = deletePods(this.#world, this.#job, remove, false);
			this.refusal = refusal;
			return { made: 0, deleted: made === remove.length ? remove : remove.slice(0, made) };
		}
		const waits = podReplacementPolicy === "Failed" || podFailurePolicy !== undefined ? terminating : 0;
		const missing = wanted - waits - active;
		if (missing <= 0) return { made: 0, deleted: [] };
		const backoff = backoffLeft(this.failures, this.#now);
		if (backoff > 0) return { made: 0, deleted: [], later: { progressMs: backoff } };
		const indexes = isIndexed(this.#job)
			? pendingIndexes(this.#active, this.#indexes, missing, completions ?? 0)
			: undefined;
		const { made, refusal } = createPods(this.#world, this.#job, missing, indexes);
		this.refusal = refusal;
		return { made, deleted: [] };
	}

	/** Says that the Job is suspended, or resumed; its time begins anew. */
	#suspended(status: JobStatus, isSuspended: boolean): JobStatus {
		const { conditions = [] } = status;
		const said = conditions.find(({ type }) => type === "Suspended");
		if ((said?.status === "True") === isSuspended) return status;
		const reason = isSuspended ? "JobSuspended" : "JobResumed";
		const message = isSuspended ? "Job suspended" : "Job resumed";
		this.#world.recorder.event(this.#job, "Normal", isSuspended ? "Suspended" : "Resumed", message);
		const condition = this.#condition("Suspended", isSuspended ? "True" : "False", reason, message);
		const { startTime: _, ...rest } = status;
		const others = conditions.filter(({ type }) => type !== "Suspended");
		return { ...rest, ...(!isSuspended && { startTime: timeOf(this.#now) }), conditions: [...others, condition] };
	}

	#condition(type: string, status: JobCondition["status"], reason: string, message: string): JobCondition {
		const time = timeOf(this.#now);
		return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
	}

	/**
	 * Counts pods that have ended, so that none is lost or counted twice: noted, then let go, then counted; and ends the Job once
	 * all are (trackJobStatusAndRemoveFinalizers).
	 */
	#write(status: JobStatus, finish: Finish | undefined, terminating: number): void {
		const { uncountedTerminatedPods: before = {} } = status;
		const noted = { succeeded: [...(before.succeeded ?? [])], failed: [...(before.failed ?? [])] };
		const isGoing = this.#job.metadata.deletionTimestamp !== undefined;
		const go: Pod[] = [];
		for (const pod of this.#pods.filter(isTracked)) {
			const { uid = "" } = pod.metadata;
			const failed = isFailed(pod, this.#job);
			const succeeded = pod.status?.phase === "Succeeded";
			if (!isGoing && finish === undefined && !succeeded && !failed) continue;
			go.push(pod);
			if (succeeded) {
				if (!isIndexed(this.#job) && !noted.succeeded.includes(uid)) noted.succeeded.push(uid);
			} else if (
				(failed || finish?.type === "FailureTarget") &&
				judge(this.#job, pod).counts &&
				!noted.failed.includes(uid)
			)
				noted.failed.push(uid);
		}
		let next: JobStatus = { ...status, uncountedTerminatedPods: noted };
		if (isIndexed(this.#job)) {
			const completedIndexes = printIndexes(this.#indexes);
			next = { ...next, succeeded: this.#indexes.size, ...(completedIndexes && { completedIndexes }) };
		}
		if (finish !== undefined && !(next.conditions ?? []).some(({ type }) => type === finish.type)) {
			const condition = this.#condition(finish.type, "True", finish.reason ?? "", finish.message ?? "");
			next = { ...next, conditions: [...(next.conditions ?? []), condition] };
		}
		if (go.length > 0) this.#store(next);
		for (const pod of go) untrack(this.#world, pod);
		next = {
			...next,
			uncountedTerminatedPods: {},
			succeeded: (next.succeeded ?? 0) + noted.succeeded.length,
			failed: (next.failed ?? 0) + noted.failed.length,
		};
		// One that is still going would be a pod without a Job that minds it.
		const over = finish !== undefined && terminating === 0 ? finish : undefined;
		if (over !== undefined) next = this.#ended(next, over);
		this.#store(next);
		if (over !== undefined) this.#tellEnd(over);
	}

	#ended(status: JobStatus, { type, reason = "", message = "" }: Finish): JobStatus {
		const isComplete = type === "SuccessCriteriaMet";
		const condition = this.#condition(isComplete ? "Complete" : "Failed", "True", reason, message);
		const conditions = [...(status.conditions ?? []), condition];
		return { ...status, conditions, ...(isComplete && { completionTime: timeOf(this.#now) }) };
	}

	#tellEnd({ type, reason = "", message = "" }: Finish): void {
		const { recorder } = this.#world;
		if (type === "FailureTarget") {
			recorder.event(this.#job, "Warning", reason, message);
			return;
		}
		const { completions } = this.#job.spec ?? {};
		if (completions !== undefined && (this.#job.status?.succeeded ?? 0) > completions)
			recorder.event(
				this.#job,
				"Warning",
				"TooManySucceededPods",
				"Too many succeeded pods running after completion count reached",
			);
		recorder.event(this.#job, "Normal", "Completed", "Job completed");
	}

	#store({ active = 0, succeeded = 0, failed = 0, uncountedTerminatedPods: noted = {}, ...rest }: JobStatus): void {
		const { succeeded: counting = [], failed: failing = [] } = noted;
		const status: JobStatus = {
			...rest,
			...withoutZeros({ active, succeeded, failed }),
			uncountedTerminatedPods: {
				...(counting.length > 0 && { succeeded: counting }),
				...(failing.length > 0 && { failed: failing }),
			},
		};
		if (semanticEqual(status, this.#job.status)) return;
		try {
			this.#job = this.#world.store.updateStatus("jobs.batch", { ...this.#job, status });
		} catch (error) {
			if (reasonOf(error) !== "NotFound") throw error;
		}
	}
}
