// CronJobs (pkg/controller/cronjob/cronjob_controllerv2.go): a Job for each time of a schedule, and the end of those that are
// too many.

import type { CronJob, Job } from "../../api/batch.ts";
import type { ObjectReference } from "../../api/core.ts";
import { semanticEqual } from "../../api/equality.ts";
import { hasCause, NotYet, reasonOf } from "../../api/reason.ts";
import { parseSchedule, type Schedule } from "../../api/schedule.ts";
import { timeOf } from "../../api/time.ts";
import { isTimeZone, zonedTime } from "../../api/timezone.ts";
import type { Component, Later, StoreChange, World } from "../../ports.ts";
import { type OwnerKind, objectAt, ownerKeys, ownKey } from "../claim.ts";
import { endOf } from "../job/end.ts";
import { controllerOf, ownerReference } from "../pod.ts";
import { millisOf, Times } from "./times.ts";

const RESOURCE = "cronjobs.batch";
const JOBS = "jobs.batch";
const SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp";
const OWNER: OwnerKind = { kind: "CronJob", resource: RESOURCE, selectorOf: () => undefined };
const MINUTE_MS = 60_000;
const NS_PER_MS = 1_000_000n;

/** For what schedule, and when, a CronJob is looked at next. */
interface Queued {
	schedule: string;
	/** ms since the epoch. */
	at: number;
}

export class CronJobController implements Component {
	readonly name = "cronjob";
	readonly watches = {
		[RESOURCE]: ownKey,
		[JOBS]: (change: StoreChange, store: World["store"]) => ownerKeys(OWNER)(change, store),
	};
	/** By key. */
	readonly #queued: Map<string, Queued>;

	constructor(queued: Map<string, Queued> = new Map()) {
		this.#queued = queued;
	}

	get state(): Map<string, Queued> {
		return new Map(this.#queued);
	}

	of(state: Map<string, Queued>): CronJobController {
		return new CronJobController(state);
	}

	reconcile(key: string, world: World): Later | undefined {
		const cronJob = objectAt<CronJob>(world.store, RESOURCE, key);
		if (cronJob?.spec === undefined) {
			this.#queued.delete(key);
			return undefined;
		}
		const now = Number(world.clock.now() / NS_PER_MS);
		const schedule = `${cronJob.spec.timeZone ?? ""} ${cronJob.spec.schedule}`;
		const before = this.#queued.get(key);
		const isDelayed = before !== undefined && before.schedule !== schedule && before.at > now;
		const look = new Look(world, cronJob, now);
		// Another schedule has it looked at when that comes, or at the old one's next time, and not now (updateCronJob).
		const wait = isDelayed ? Math.min(before.at - now, look.times?.untilNext(now) ?? Infinity) : look.sync();
		if (wait === null) this.#queued.delete(key);
		else this.#queued.set(key, { schedule, at: now + wait });
		if (look.refusal !== undefined) throw look.refusal;
		return wait === null ? undefined : { idleMs: wait };
	}
}

/** One look at one CronJob. */
class Look {
	refusal: unknown;
	/** null: there is no such schedule or zone. */
	readonly times: Times | null;
	readonly #schedule: Schedule | string;
	readonly #world: World;
	readonly #cronJob: CronJob;
	readonly #spec: NonNullable<CronJob["spec"]>;
	readonly #now: number;
	/** In order of name. */
	readonly #jobs: Job[];
	#status: NonNullable<CronJob["status"]>;

	/** `now`: ms since the epoch. */
	constructor(world: World, cronJob: CronJob, now: number) {
		this.#world = world;
		this.#cronJob = cronJob;
		this.#spec = cronJob.spec as NonNullable<CronJob["spec"]>;
		this.#status = { ...cronJob.status };
		this.#now = now;
		const { namespace = "", name } = cronJob.metadata;
		this.#jobs = world.store.list<Job>(JOBS, namespace).filter((job) => controllerOf(job)?.name === name);
		this.#schedule = parseSchedule(this.#spec.schedule);
		const isKnown = typeof this.#schedule !== "string" && isTimeZone(this.#spec.timeZone ?? "");
		this.times = isKnown ? new Times(cronJob, this.#schedule as Schedule) : null;
	}

	/** Milliseconds until the next look; null: none until something changes. What the API refused is in `refusal`. */
	sync(): number | null {
		this.#cleanUp();
		let wait: number | null = null;
		try {
			wait = this.#run();
		} catch (error) {
			if (reasonOf(error) === null) throw error;
			this.refusal = error;
		}
		if (!semanticEqual(this.#status, this.#cronJob.status ?? {}))
			this.#world.store.updateStatus(RESOURCE, { ...this.#cronJob, status: this.#status });
		return wait;
	}

	#run(): number | null {
		this.#follow();
		if (this.#cronJob.metadata.deletionTimestamp !== undefined) return null;
		const { schedule, timeZone = "", suspend, startingDeadlineSeconds: deadline } = this.#spec;
		if (!isTimeZone(timeZone)) {
			const why = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`;
			this.#say("Warning", "UnknownTimeZone", why);
			return null;
		}
		if (suspend === true) return null;
		if (this.times === null) {
			const why = `unparseable schedule: ${JSON.stringify(schedule)} : ${this.#schedule}`;
			this.#say("Warning", "UnparseableSchedule", why);
			return null;
		}
		const recent = this.times.recent(this.#now, true);
		if (typeof recent === "string") {
			this.#say("Warning", "InvalidSchedule", `invalid schedule: ${schedule} : ${recent}`);
			return null;
		}
		const at = recent.latest;
		if (at === null) return this.times.untilNext(this.#now);
		if (recent.missed === "many")
			this.#say(
				"Warning",
				"TooManyMissedTimes",
				"too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
			);
		if (deadline !== undefined && at + deadline * 1000 < this.#now) {
			this.#say("Warning", "MissSchedule", `Missed scheduled time to start a job: ${rfc1123z(at)}`);
			return this.times.untilNext(this.#now);
		}
		return this.#start(at, this.times);
	}

	/** What has become of its Jobs since. */
	#follow(): void {
		const uids = new Set(this.#jobs.map(({ metadata }) => metadata.uid));
		for (const job of this.#jobs) {
			const { name = "", uid } = job.metadata;
			const isActive = this.#active.some((one) => one.uid === uid);
			const end = endOf(job);
			if (end === undefined) {
				const what = `Saw a job that the controller did not create or forgot: ${name}`;
				if (!isActive) this.#say("Warning", "UnexpectedJob", what);
				continue;
			}
			if (isActive) {
				this.#forget(uid);
				this.#say("Normal", "SawCompletedJob", `Saw completed job: ${name}, condition: ${end}`);
			}
			if (end === "Complete") this.#succeeded(job);
		}
		for (const { namespace = "", name = "", uid } of this.#active) {
			if (uids.has(uid) || this.#world.store.get(JOBS, namespace, name) !== undefined) continue;
			this.#say("Normal", "MissingJob", `Active job went missing: ${name}`);
			this.#forget(uid);
		}
	}

	#succeeded({ status }: Job): void {
		const { lastSuccessfulTime } = this.#status;
		const { completionTime } = status ?? {};
		if (completionTime === undefined) return;
		if (lastSuccessfulTime === undefined || millisOf(completionTime) > millisOf(lastSuccessfulTime))
			this.#status = { ...this.#status, lastSuccessfulTime: completionTime };
	}

	#start(at: number, times: Times): number | null {
		const { concurrencyPolicy } = this.#spec;
		const { name: own = "", namespace = "" } = this.#cronJob.metadata;
		const name = `${own}-${Math.floor(at / MINUTE_MS)}`;
		const lastScheduleTime = timeOf(BigInt(at) * NS_PER_MS);
		const isDone = this.#status.lastScheduleTime === lastScheduleTime;
		if (isDone || this.#active.some((one) => one.name === name && one.namespace === namespace))
			return times.untilNext(this.#now);
		if (concurrencyPolicy === "Forbid" && this.#active.length > 0) {
			const why = "Not starting job because prior execution is running and concurrency policy is Forbid";
			this.#say("Normal", "JobAlreadyActive", why);
			return times.untilNext(this.#now);
		}
		if (concurrencyPolicy === "Replace") this.#replace();
		const job = this.#create(name, at);
		if (job === null) return null;
		const { apiVersion, kind, metadata } = job;
		const { uid = "", resourceVersion = "" } = metadata;
		const reference = { kind, namespace, name, uid, apiVersion, resourceVersion };
		this.#status = { ...this.#status, active: [...this.#active, reference], lastScheduleTime };
		return times.untilNext(this.#now);
	}

	/** Throws what the API refused. */
	#replace(): void {
		for (const { namespace = "", name = "" } of this.#active) {
			const job = this.#world.store.get<Job>(JOBS, namespace, name);
			if (job === undefined) {
				this.#say("Warning", "FailedGet", `Get job: jobs.batch ${JSON.stringify(name)} not found`);
				throw new NotYet(`jobs.batch ${JSON.stringify(name)} not found`);
			}
			if (!this.#delete(job)) throw new NotYet(`could not replace job ${namespace}/${name}`);
		}
	}

	/** The Job of a time, as it is now; null where somebody else has made it, or it is noted already. */
	#create(name: string, at: number): Job | null {
		const { store } = this.#world;
		const { namespace = "", uid } = this.#cronJob.metadata;
		try {
			const made = store.create<Job>(JOBS, this.#job(name, at));
			this.#say("Normal", "SuccessfulCreate", `Created job ${name}`);
			return made;
		} catch (error) {
			const reason = reasonOf(error);
			if (reason === "AlreadyExists") {
				const job = store.get<Job>(JOBS, namespace, name);
				const isOurs = job !== undefined && controllerOf(job)?.uid === uid;
				return isOurs && !this.#active.some((one) => one.uid === job.metadata.uid) ? job : null;
			}
			if (reason !== null && !hasCause(error, "NamespaceTerminating"))
				this.#say("Warning", "FailedCreate", `Error creating job: ${(error as Error).message}`);
			throw error;
		}
	}

	#job(name: string, at: number): Job {
		const { timeZone = "", jobTemplate } = this.#spec;
		const { labels, annotations } = jobTemplate.metadata ?? {};
		const { namespace = "" } = this.#cronJob.metadata;
		return {
			apiVersion: "batch/v1",
			kind: "Job",
			metadata: {
				name,
				namespace,
				...(labels && { labels: { ...labels } }),
				annotations: { ...annotations, [SCHEDULED_AT]: zonedTime(at, timeZone) },
				ownerReferences: [ownerReference(this.#cronJob)],
			},
			...(jobTemplate.spec && { spec: jobTemplate.spec }),
		};
	}

	/** Jobs that are over, beyond those to keep, go: the oldest first (cleanupFinishedJobs). */
	#cleanUp(): void {
		const { successfulJobsHistoryLimit: successful, failedJobsHistoryLimit: failed } = this.#spec;
		for (const [end, limit] of [
			["Complete", successful],
			["Failed", failed],
		] as const) {
			if (limit === undefined) continue;
			const over = this.#jobs.filter((job) => endOf(job) === end).sort(byStart);
			for (const job of over.slice(0, Math.max(0, over.length - limit))) this.#delete(job);
		}
	}

	#delete(job: Job): boolean {
		try {
			this.#world.store.delete(JOBS, job, { propagationPolicy: "Background" });
		} catch (error) {
			if (reasonOf(error) === null) throw error;
			this.#say("Warning", "FailedDelete", `Deleted job: ${(error as Error).message}`);
			return false;
		}
		this.#forget(job.metadata.uid);
		this.#say("Normal", "SuccessfulDelete", `Deleted job ${job.metadata.name}`);
		return true;
	}

	get #active(): readonly ObjectReference[] {
		return this.#status.active ?? [];
	}

	#forget(uid: string | undefined): void {
		const { active = [], ...rest } = this.#status;
		const left = active.filter((one) => one.uid !== uid);
		this.#status = left.length > 0 ? { ...rest, active: left } : rest;
	}

	#say(type: "Normal" | "Warning", reason: string, message: string): void {
		this.#world.recorder.event(this.#cronJob, type, reason, message);
	}
}

/** Those that have not started come last; of one moment, by name. */
function byStart(a: Job, b: Job): number {
	const [one, other] = [a, b].map(({ status }) => status?.startTime);
	if (one !== other) return one === undefined || (other !== undefined && one > other) ? 1 : -1;
	return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}

/** `Thu, 01 Jan 2026 00:00:00 +0000`. */
const rfc1123z = (at: number) => new Date(at).toUTCString().replace("GMT", "+0000");
