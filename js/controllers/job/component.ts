// The Job controller (pkg/controller/job/job_controller.go: syncJob). Batches of a second in which upstream collects the ends of
// pods are not modelled.

import type { Job, JobCondition, JobStatus } from "../../api/batch.ts";
import type { Pod } from "../../api/core.ts";
import { semanticEqual } from "../../api/equality.ts";
import { keyOf } from "../../api/key.ts";
import { isReady } from "../../api/pod.ts";
import { reasonOf } from "../../api/reason.ts";
import { selects } from "../../api/selector.ts";
import { timeOf } from "../../api/time.ts";
import type { Component, Later, Store, StoreChange, World } from "../../ports.ts";
import { candidates, claim, type OwnerKind, objectAt, ownerKeys, ownKey } from "../claim.ts";
import { withoutZeros } from "../omitempty.ts";
import { controllerOf, isTerminating } from "../pod.ts";
import { isOver } from "./end.ts";
import { backoffLeft, type Failures, judge, NONE } from "./failures.ts";
import { deadlineLeftMs, type Finish, finishOf } from "./finish.ts";
import { printIndexes } from "./indexes.ts";
import { failureAnnotations, hasLimitPerIndex, readyIndexes } from "./perindex.ts";
import {
	BURST,
	createPods,
	deletePods,
	isFailed,
	isIndexed,
	isTracked,
	podsToRemove,
	replacesFailedOnly,
	untrack,
} from "./pods.ts";
import { Tally } from "./tally.ts";

const JOB: OwnerKind = { kind: "Job", resource: "jobs.batch", selectorOf: (object) => (object as Job).spec?.selector };
const ORPHAN = "/orphan";
const CONTROLLER = "kubernetes.io/job-controller";

export class JobController implements Component {
	readonly name = "job";
	readonly watches = {
		"jobs.batch": ownKey,
		pods: (change: StoreChange, store: Store) => [...ownerKeys(JOB)(change, store), ...orphanKeys(change, store)],
	};
	/** By uid of the Job. */
	readonly #failures: Map<string, Failures>;

	constructor(failures: Map<string, Failures> = new Map()) {
		this.#failures = failures;
	}

	get state(): Map<string, Failures> {
		return new Map(this.#failures);
	}

	of(state: Map<string, Failures>): JobController {
		return new JobController(state);
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
		const pods = claim(world.store, {
			owner: job,
			resource: "pods",
			objects: candidates<Pod>(world.store, "pods", job),
			matches: (labels) => selects(job.spec?.selector, labels),
			finalizer: "batch.kubernetes.io/job-tracking",
		});
		const tally = new Tally(job, pods, this.#failures.get(uid) ?? NONE);
		const step = new Step(world, tally);
		const later = step.run();
		this.#failures.set(uid, tally.failures);
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

/** One look at one Job. */
class Step {
	refusal: unknown;
	readonly #world: World;
	readonly #tally: Tally;
	readonly #pods: readonly Pod[];
	readonly #active: readonly Pod[];
	readonly #now: bigint;
	#job: Job;

	constructor(world: World, tally: Tally) {
		this.#world = world;
		this.#tally = tally;
		this.#job = tally.job;
		this.#pods = tally.pods;
		this.#active = tally.active;
		this.#now = world.clock.now();
	}

	run(): Later | undefined {
		const { status = {}, spec } = this.#job;
		const isSuspended = spec?.suspend === true;
		const time = timeOf(this.#now);
		let next: JobStatus = { ...status };
		if (next.startTime === undefined && !isSuspended) next.startTime = time;
		let finish = finishOf(this.#tally, next, this.#now);
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
				active === 0 && (completions === undefined ? this.#tally.succeeded > 0 : this.#tally.succeeded >= completions);
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

	#deadline(status: JobStatus): Later | undefined {
		const left = deadlineLeftMs(this.#job, status.startTime, this.#now);
		return left === null || left <= 0 || isOver(this.#job) ? undefined : { idleMs: left };
	}

	/** As many active pods as there shall be (manageJob). */
	#manage(isSuspended: boolean, terminating: number): { made: number; deleted: readonly Pod[]; later?: Later } {
		const { completions, parallelism = 1 } = this.#job.spec ?? {};
		const active = this.#active.length;
		const left = completions === undefined ? parallelism : Math.max(0, completions - this.#tally.succeeded);
		const running = completions === undefined && this.#tally.succeeded > 0 ? active : Math.min(left, parallelism);
		const wanted = isSuspended ? 0 : running;
		const remove = podsToRemove(this.#job, this.#active, Math.max(0, active - wanted), this.#now).slice(0, BURST);
		if (remove.length > 0) {
			const { made, refusal } = deletePods(this.#world, this.#job, remove, false);
			this.refusal = refusal;
			return { made: 0, deleted: made === remove.length ? remove : remove.slice(0, made) };
		}
		const missing = wanted - (replacesFailedOnly(this.#job) ? terminating : 0) - active;
		if (missing <= 0) return { made: 0, deleted: [] };
		// Upstream counts no active pod while it waits.
		const wait = (progressMs: number) => ({ made: -active, deleted: [], later: { progressMs } });
		const backoff = hasLimitPerIndex(this.#job) ? 0 : backoffLeft(this.#tally.failures, this.#now);
		if (backoff > 0) return wait(backoff);
		let indexes: readonly number[] | undefined;
		if (isIndexed(this.#job)) {
			const pending = this.#tally.pending(missing);
			const { indexes: ready, waitMs } = readyIndexes(pending, this.#tally.awaiting, this.#now);
			if (waitMs > 0) return wait(waitMs);
			indexes = ready;
		}
		const annotationsOf = (index: number) =>
			hasLimitPerIndex(this.#job) ? failureAnnotations(this.#job, this.#tally.awaiting.get(index)) : {};
		const { made, refusal } = createPods(this.#world, this.#job, missing, indexes, annotationsOf);
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
			if (!isGoing && finish === undefined && !succeeded && (!failed || this.#tally.awaits(pod))) continue;
			go.push(pod);
			if (succeeded) {
				if (!isIndexed(this.#job) && !noted.succeeded.includes(uid)) noted.succeeded.push(uid);
			} else if (
				(failed || finish?.type === "FailureTarget") &&
				this.#tally.fits(pod) &&
				judge(this.#job, pod).counts &&
				!noted.failed.includes(uid)
			)
				noted.failed.push(uid);
		}
		let next: JobStatus = { ...status, uncountedTerminatedPods: noted };
		if (isIndexed(this.#job)) {
			const completedIndexes = printIndexes(this.#tally.indexes);
			const { completedIndexes: _, failedIndexes: __, ...rest } = next;
			const failed =
				this.#tally.failedIndexes === null ? {} : { failedIndexes: printIndexes(this.#tally.failedIndexes) };
			next = { ...rest, succeeded: this.#tally.indexes.size, ...(completedIndexes && { completedIndexes }), ...failed };
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
