// CronJobs: which time makes which Job, what holds one back, what stays of them, and what is told. The clock begins at
// 2026-01-01T00:00:00Z, a Thursday.

import { describe, expect, it } from "vitest";
import type { CronJob, Job } from "../../js/api/batch.ts";
import { timeOf } from "../../js/api/time.ts";
import { StatusError } from "../../js/apiserver/status.ts";
import { components } from "../../js/controllers/components.ts";
import { atWork } from "../cluster/running.ts";
import { kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { change, ending, job } from "./workloads.ts";

type Spec = NonNullable<CronJob["spec"]>;
const RESOURCE = "cronjobs.batch";
const MINUTE = 60_000;
/** 2026-01-01T00:00Z in minutes. */
const MIDNIGHT = 29_453_760;

/** Its pods end well after 2 s. */
const cronJob = (spec: Partial<Spec> = {}, code = 0): CronJob => ({
	apiVersion: "batch/v1",
	kind: "CronJob",
	metadata: { namespace: "d", name: "tick" },
	spec: { schedule: "* * * * *", jobTemplate: template(code), ...spec },
});
const template = (code: number | null): Spec["jobTemplate"] => {
	const { spec } = job(code === null ? {} : { template: ending(code), backoffLimit: 0 });
	return { metadata: { labels: { of: "tick" }, annotations: { a: "b" } }, ...(spec && { spec }) };
};
const RUNS_ON = template(null);

function up(spec?: Partial<Spec>, code?: number): Running {
	const cluster = running([...components(), kubelet()]);
	cluster.store.create(RESOURCE, cronJob(spec, code));
	return cluster;
}
const jobs = ({ store }: Running) => store.list<Job>("jobs.batch", "d");
const names = (cluster: Running) => jobs(cluster).map(({ metadata }) => metadata.name);
const get = ({ store }: Running) => store.get<CronJob>(RESOURCE, "d", "tick") as CronJob;
const told = ({ events }: Running) => events.filter((event) => event.includes(" CronJob d/tick: "));
const minutes = (...after: number[]) => after.map((minute) => `tick-${MIDNIGHT + minute}`);
const now = ({ simulation }: Running) => timeOf(simulation.clock.now());

describe("a CronJob", () => {
	it("makes a Job for each time, named by its minute, and remembers it", () => {
		const cluster = up();
		cluster.simulation.settle();
		expect(jobs(cluster)).toEqual([]);
		expect(now(cluster)).toBe("2026-01-01T00:00:00Z");
		cluster.simulation.advance(MINUTE + 100);
		const [made] = jobs(cluster) as [Job];
		expect(made.metadata).toMatchObject({
			name: `tick-${MIDNIGHT + 1}`,
			labels: { of: "tick" },
			annotations: { a: "b", "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T00:01:00Z" },
			ownerReferences: [
				{ apiVersion: "batch/v1", kind: "CronJob", name: "tick", controller: true, blockOwnerDeletion: true },
			],
		});
		const { name, namespace, uid } = made.metadata;
		expect(get(cluster).status).toEqual({
			active: [expect.objectContaining({ apiVersion: "batch/v1", kind: "Job", name, namespace, uid })],
			lastScheduleTime: "2026-01-01T00:01:00Z",
		});
		expect(told(cluster)).toEqual([`Normal SuccessfulCreate CronJob d/tick: Created job ${name}`]);
		cluster.simulation.settle();
		expect(get(cluster).status).toEqual({
			lastScheduleTime: "2026-01-01T00:01:00Z",
			lastSuccessfulTime: made.status === undefined ? undefined : "2026-01-01T00:01:02Z",
		});
		expect(told(cluster).at(-1)).toBe(
			`Normal SawCompletedJob CronJob d/tick: Saw completed job: ${name}, condition: Complete`,
		);
		cluster.simulation.advance(MINUTE);
		expect(names(cluster)).toEqual(minutes(1, 2));
	});

	it("goes by the clocks of its time zone", () => {
		const cluster = up({ schedule: "30 6 * * *", timeZone: "Asia/Kolkata" });
		cluster.simulation.advance(61 * MINUTE);
		expect(names(cluster)).toEqual(minutes(60));
		expect(jobs(cluster)[0]?.metadata.annotations).toMatchObject({
			"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T06:30:00+05:30",
		});
	});

	it("counts @every from its creation, and from its last time", () => {
		const cluster = up({ schedule: "@every 90s" });
		cluster.simulation.advance(5 * MINUTE);
		expect(
			jobs(cluster).map(({ metadata }) => metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"]),
		).toEqual(["2026-01-01T00:01:30Z", "2026-01-01T00:03:00Z", "2026-01-01T00:04:30Z"]);
	});

	it("keeps three Jobs that succeeded and one that failed, the latest", () => {
		const cluster = up();
		cluster.simulation.advance(5.5 * MINUTE);
		expect(names(cluster)).toEqual(minutes(3, 4, 5));
		expect(told(cluster).filter((event) => event.includes("SuccessfulDelete"))).toEqual(
			minutes(1, 2).map((name) => `Normal SuccessfulDelete CronJob d/tick: Deleted job ${name}`),
		);
		const failing = up({}, 1);
		failing.simulation.advance(3.5 * MINUTE);
		expect(names(failing)).toEqual(minutes(3));
		expect(told(failing)).toContain(
			`Normal SawCompletedJob CronJob d/tick: Saw completed job: ${minutes(3)[0]}, condition: Failed`,
		);
		expect(get(failing).status?.lastSuccessfulTime).toBeUndefined();
		const keeping = up({ successfulJobsHistoryLimit: 0 });
		keeping.simulation.advance(2.5 * MINUTE);
		expect(names(keeping)).toEqual([]);
	});
});

describe("a Job that runs when the next is due", () => {
	it("runs beside it under Allow", () => {
		const cluster = up({ jobTemplate: RUNS_ON });
		cluster.simulation.advance(2.5 * MINUTE);
		expect(names(cluster)).toEqual(minutes(1, 2));
		expect(get(cluster).status?.active?.map(({ name }) => name)).toEqual(minutes(1, 2));
	});

	it("holds it back under Forbid; once over, the latest time missed is made up for", () => {
		const cluster = up({ jobTemplate: RUNS_ON, concurrencyPolicy: "Forbid" });
		cluster.simulation.advance(3.5 * MINUTE);
		expect(names(cluster)).toEqual(minutes(1));
		const why = "Not starting job because prior execution is running and concurrency policy is Forbid";
		expect(told(cluster).slice(1)).toEqual([2, 3].map(() => `Normal JobAlreadyActive CronJob d/tick: ${why}`));
		cluster.store.delete("jobs.batch", jobs(cluster)[0] as Job, { propagationPolicy: "Background" });
		cluster.simulation.advance(1000);
		expect(names(cluster)).toEqual(minutes(3));
		expect(told(cluster).slice(3)).toEqual([
			`Normal MissingJob CronJob d/tick: Active job went missing: ${minutes(1)[0]}`,
			`Normal SuccessfulCreate CronJob d/tick: Created job ${minutes(3)[0]}`,
		]);
	});

	it("goes for it under Replace", () => {
		const cluster = up({ jobTemplate: RUNS_ON, concurrencyPolicy: "Replace" });
		cluster.simulation.advance(2.5 * MINUTE);
		expect(names(cluster)).toEqual(minutes(2));
		expect(get(cluster).status?.active?.map(({ name }) => name)).toEqual(minutes(2));
		expect(told(cluster).slice(1)).toEqual([
			`Normal SuccessfulDelete CronJob d/tick: Deleted job ${minutes(1)[0]}`,
			`Normal SuccessfulCreate CronJob d/tick: Created job ${minutes(2)[0]}`,
		]);
	});
});

describe("times that passed", () => {
	/** Suspended for so long, and then not. */
	function resumed(after: number, spec: Partial<Spec> = {}): Running {
		const cluster = up({ suspend: true, ...spec });
		cluster.simulation.advance(after);
		expect(jobs(cluster)).toEqual([]);
		change<CronJob>(cluster, RESOURCE, "tick", { suspend: false });
		cluster.simulation.advance(1000);
		return cluster;
	}

	it("are made up for once, by the latest", () => {
		const cluster = resumed(10.5 * MINUTE);
		expect(names(cluster)).toEqual(minutes(10));
		expect(told(cluster)).toHaveLength(1);
	});

	it("are told where there are more than a hundred, and the latest is run all the same", () => {
		expect(told(resumed(100.5 * MINUTE)).map((event) => event.split(" ")[1])).toEqual(["SuccessfulCreate"]);
		const cluster = resumed(101.5 * MINUTE);
		expect(names(cluster)).toEqual(minutes(101));
		expect(told(cluster)[0]).toBe(
			"Warning TooManyMissedTimes CronJob d/tick: too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
		);
	});

	it("are not made up for after startingDeadlineSeconds", () => {
		const cluster = resumed(30 * MINUTE, { schedule: "0 * * * *", startingDeadlineSeconds: 60 });
		expect(names(cluster)).toEqual([]);
		const late = resumed(90 * MINUTE, { schedule: "0 * * * *", startingDeadlineSeconds: 60 });
		expect(names(late)).toEqual([]);
		expect(told(late)).toEqual([]);
		const within = resumed(60.5 * MINUTE, { schedule: "0 * * * *", startingDeadlineSeconds: 60 });
		expect(names(within)).toEqual(minutes(60));
	});

	it("are tried again while the API refuses them", () => {
		const cluster = up({ jobTemplate: RUNS_ON });
		const { create } = cluster.store;
		cluster.store.create = ((resource: string, object: Job) => {
			if (resource === "jobs.batch") throw new StatusError(403, "Forbidden", "not now");
			return create.call(cluster.store, resource, object);
		}) as never;
		cluster.simulation.advance(1.1 * MINUTE);
		expect(told(cluster)[0]).toBe("Warning FailedCreate CronJob d/tick: Error creating job: not now");
		expect(get(cluster).status).toEqual({});
		cluster.store.create = create;
		cluster.simulation.advance(0.5 * MINUTE);
		expect(names(cluster)).toEqual(minutes(1));
	});

	it("of another schedule are not made up for when it changes", () => {
		const cluster = up({ schedule: "0 0 * * *" });
		cluster.simulation.advance(30.5 * MINUTE);
		change<CronJob>(cluster, RESOURCE, "tick", { schedule: "* * * * *" });
		cluster.simulation.advance(20_000);
		expect(names(cluster)).toEqual([]);
		cluster.simulation.advance(20_000);
		expect(names(cluster)).toEqual(minutes(31));
	});
});

describe("a schedule that comes to nothing", () => {
	it("is told, and not looked at again", () => {
		const cluster = up({ schedule: "0 0 31 2 *" });
		cluster.simulation.settle();
		expect(told(cluster)).toEqual([
			"Warning InvalidSchedule CronJob d/tick: invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second",
		]);
		expect(cluster.simulation.pending()).toEqual([]);
	});

	it.each([
		["61 * * * *", undefined, 'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61'],
		[
			"TZ=UTC * * * * *",
			undefined,
			'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
		],
		[
			"@hourly",
			"Local",
			'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
		],
		["@hourly", "Mars/Olympus", 'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'],
		["@hourly", "", 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'],
	])("is refused: %s in %s", (schedule, timeZone, message) => {
		const cluster = running([]);
		const asked = cronJob({ schedule, ...(timeZone !== undefined && { timeZone }) });
		expect(() => cluster.store.create(RESOURCE, asked)).toThrow(message);
	});

	it("is refused where its Jobs' names would be too long", () => {
		const { metadata, ...rest } = cronJob();
		const long = { ...rest, metadata: { ...metadata, name: "x".repeat(53) } };
		expect(() => running([]).store.create(RESOURCE, long)).toThrow("must be no more than 52 characters");
	});
});

it("a fork has a future of its own, and knows what its CronJobs wait for", () => {
	const cluster = atWork();
	cluster.store.create(RESOURCE, cronJob({ schedule: "0 0 * * *" }));
	cluster.simulation.advance(30.5 * MINUTE);
	const fork = cluster.fork();
	const now = fork.store.get<CronJob>(RESOURCE, "d", "tick") as CronJob;
	fork.store.update<CronJob>(RESOURCE, { ...now, spec: { ...(now.spec as Spec), schedule: "* * * * *" } });
	const made = ({ store }: Pick<Running, "store">) =>
		store.list<Job>("jobs.batch", "d").map(({ metadata }) => metadata.name);
	fork.simulation.advance(20_000);
	expect(made(fork)).toEqual([]);
	fork.simulation.advance(20_000);
	expect(made(fork)).toEqual(minutes(31));
	cluster.simulation.advance(40_000);
	expect(made(cluster)).toEqual([]);
});
