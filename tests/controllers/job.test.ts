// The Job controller: completions, indexes, failures and their back-off, deadlines, suspension; no pod lost or counted twice.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Job, JobSpec } from "../../js/api/batch.ts";
import type { Pod } from "../../js/api/core.ts";
import { StatusError } from "../../js/apiserver/status.ts";
import { components } from "../../js/controllers/components.ts";
import { parseIndexes, printIndexes } from "../../js/controllers/job/indexes.ts";
import { runs } from "../runs.ts";
import { type KubeletOptions, kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { change, ending, job, pods } from "./workloads.ts";

const up = (options?: KubeletOptions) => running([...components(), kubelet(options)]);
const get = ({ store }: Running) => store.get<Job>("jobs.batch", "d", "task");
const conditions = (cluster: Running) =>
	(get(cluster)?.status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
const seconds = ({ simulation }: Running, since: bigint) => Number((simulation.clock.now() - since) / 1_000_000_000n);
const start = (cluster: Running, spec: Partial<JobSpec>) => cluster.store.create("jobs.batch", job(spec));

describe("a Job", () => {
	it("runs its pods to completion, as many at a time as its parallelism, and counts them", () => {
		const cluster = up();
		start(cluster, { completions: 4, parallelism: 2, template: ending(0) });
		const tooMany = () => pods(cluster).filter(({ status }) => status?.phase === "Running").length > 2;
		expect(cluster.simulation.runUntil(tooMany, 60_000)).toBe(false);
		expect(pods(cluster)).toHaveLength(4);
		expect(pods(cluster).every(({ metadata }) => metadata.finalizers === undefined)).toBe(true);
		expect(get(cluster)?.status).toEqual({
			succeeded: 4,
			ready: 0,
			terminating: 0,
			uncountedTerminatedPods: {},
			startTime: "2026-01-01T00:00:00Z",
			completionTime: "2026-01-01T00:00:04Z",
			conditions: [
				expect.objectContaining({ type: "SuccessCriteriaMet", status: "True", reason: "CompletionsReached" }),
				expect.objectContaining({
					type: "Complete",
					status: "True",
					message: "Reached expected number of succeeded pods",
				}),
			],
		});
		expect(cluster.events.at(-1)).toBe("Normal Completed Job d/task: Job completed");
	});

	it("keeps its pods by a finalizer until they are counted", () => {
		const cluster = up();
		start(cluster, { template: ending(0) });
		cluster.simulation.advance(1);
		expect(pods(cluster)[0]?.metadata.finalizers).toEqual(["batch.kubernetes.io/job-tracking"]);
		expect(pods(cluster)[0]?.metadata.labels).toMatchObject({ "batch.kubernetes.io/job-name": "task" });
	});

	it("gives each index a pod that succeeds", () => {
		const cluster = up();
		start(cluster, { completions: 3, parallelism: 3, completionMode: "Indexed", template: ending(0) });
		cluster.simulation.advance(1);
		const [first] = pods(cluster) as [Pod];
		expect(first.metadata.name).toMatch(/^task-0-.{5}$/);
		expect(first.metadata.annotations?.["batch.kubernetes.io/job-completion-index"]).toBe("0");
		expect(first.spec?.hostname).toBe("task-0");
		expect(first.spec?.containers[0]?.env?.map(({ name }) => name)).toEqual(["JOB_COMPLETION_INDEX"]);
		cluster.simulation.settle();
		expect(get(cluster)?.status).toMatchObject({ succeeded: 3, completedIndexes: "0-2" });
	});

	it("tries again after 10 s, then 20 s, and gives up above its backoffLimit", () => {
		const cluster = up();
		const began = cluster.simulation.clock.now();
		start(cluster, { backoffLimit: 2, template: ending(1) });
		const made: number[] = [];
		for (let n = 1; n <= 3; n++) {
			cluster.simulation.runUntil(() => pods(cluster).length === n);
			made.push(seconds(cluster, began));
		}
		// Each runs for 2 s.
		expect(made).toEqual([0, 12, 34]);
		cluster.simulation.settle();
		expect(get(cluster)?.status).toMatchObject({ failed: 3 });
		expect(conditions(cluster)).toEqual([
			"FailureTarget=True BackoffLimitExceeded",
			"Failed=True BackoffLimitExceeded",
		]);
		expect(cluster.events.at(-1)).toBe(
			"Warning BackoffLimitExceeded Job d/task: Job has reached the specified backoff limit",
		);
	});

	it("fails at its deadline, and ends when its pods have gone", () => {
		const cluster = up();
		start(cluster, { parallelism: 2, completions: 2, activeDeadlineSeconds: 30 });
		cluster.simulation.settle();
		expect(get(cluster)?.status).toMatchObject({ active: 2, ready: 2 });
		cluster.simulation.advance(28_500);
		expect(conditions(cluster)).toEqual(["FailureTarget=True DeadlineExceeded"]);
		cluster.simulation.settle();
		expect(conditions(cluster)).toEqual(["FailureTarget=True DeadlineExceeded", "Failed=True DeadlineExceeded"]);
		expect(pods(cluster)).toEqual([]);
		expect(get(cluster)?.status).toMatchObject({ failed: 2 });
	});

	it("is suspended and resumed; its time begins anew", () => {
		const cluster = up();
		start(cluster, { suspend: true, template: ending(0) });
		cluster.simulation.settle();
		expect(pods(cluster)).toEqual([]);
		expect(conditions(cluster)).toEqual(["Suspended=True JobSuspended"]);
		cluster.simulation.advance(10_000);
		change<Job>(cluster, "jobs.batch", "task", { suspend: false });
		cluster.simulation.settle();
		expect(get(cluster)?.status).toMatchObject({ startTime: "2026-01-01T00:00:10Z", succeeded: 1 });
		expect(cluster.events.map((event) => event.split(" ")[1])).toEqual([
			"Suspended",
			"SuccessfulCreate",
			"Resumed",
			"Completed",
		]);
	});

	it("obeys its podFailurePolicy: the Job fails by an exit code, or a disruption does not count", () => {
		const cluster = up();
		const podFailurePolicy: NonNullable<JobSpec["podFailurePolicy"]> = {
			rules: [
				{ action: "FailJob", onExitCodes: { containerName: "c", operator: "In", values: [42] } },
				{ action: "Ignore", onExitCodes: { operator: "In", values: [7] } },
			],
		};
		start(cluster, { podFailurePolicy, backoffLimit: 0, template: ending(7) });
		cluster.simulation.advance(5000);
		expect(get(cluster)?.status?.failed).toBeUndefined();
		expect(conditions(cluster)).toEqual([]);
		const other = up();
		start(other, { podFailurePolicy, template: ending(42) });
		other.simulation.settle();
		const [failed] = pods(other) as [Pod];
		expect(get(other)?.status?.conditions?.[0]).toMatchObject({
			type: "FailureTarget",
			reason: "PodFailurePolicy",
			message: `Container c for pod d/${failed.metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
		});
	});

	it("goes after its ttlSecondsAfterFinished", () => {
		const cluster = up();
		start(cluster, { ttlSecondsAfterFinished: 60, template: ending(0) });
		cluster.simulation.settle();
		cluster.simulation.advance(59_000);
		expect(get(cluster)?.metadata.deletionTimestamp).toBeUndefined();
		cluster.simulation.advance(2000);
		// The garbage collector, which is not there, would finish it.
		expect(get(cluster)?.metadata.deletionTimestamp).toBeDefined();
	});

	it("lets its pods go when it is deleted", () => {
		const cluster = up();
		const made = start(cluster, {});
		cluster.simulation.settle();
		cluster.store.delete("jobs.batch", made, { propagationPolicy: "Background" });
		cluster.store.delete("pods", pods(cluster)[0] as Pod);
		cluster.simulation.settle();
		expect(pods(cluster)).toEqual([]);
	});

	it("counts each pod once, whatever writes are refused and pods deleted on the way", () => {
		fc.assert(
			fc.property(
				fc.uniqueArray(fc.nat(60), { maxLength: 12 }),
				fc.array(fc.nat(9000), { maxLength: 3 }),
				fc.boolean(),
				(refused, kills, indexed) => {
					const cluster = up();
					const spec = { completions: 5, parallelism: 2, backoffLimit: 20, template: ending(0) };
					start(cluster, { ...spec, completionMode: indexed ? "Indexed" : "NonIndexed" });
					let writes = 0;
					let armed = true;
					const uids = new Set<string>();
					for (const method of ["create", "update", "updateStatus"] as const) {
						const original = cluster.store[method].bind(cluster.store) as (...args: unknown[]) => Pod;
						cluster.store[method] = ((resource: string, object: Pod) => {
							if (armed && refused.includes(writes++)) throw new StatusError(409, "Conflict", "modified");
							const written = original(resource, object);
							if (resource === "pods") uids.add(written.metadata.uid ?? "");
							return written;
						}) as never;
					}
					for (const ms of kills) {
						cluster.simulation.advance(ms);
						const running = pods(cluster).find(({ status }) => status?.phase === "Running");
						if (running !== undefined) cluster.store.delete("pods", running);
					}
					expect(cluster.simulation.settle()).toBe(true);
					armed = false;
					const { succeeded = 0, failed = 0, uncountedTerminatedPods } = get(cluster)?.status ?? {};
					expect(succeeded).toBe(5);
					expect(uncountedTerminatedPods).toEqual({});
					expect(succeeded + failed).toBe(uids.size);
					expect(conditions(cluster).at(-1)).toBe("Complete=True CompletionsReached");
				},
			),
			runs(60),
		);
	});
});

describe("completion indexes", () => {
	it.each([
		["", []],
		["0", [0]],
		["0,1", [0, 1]],
		["0-2", [0, 1, 2]],
		["1,3-5,7", [1, 3, 4, 5, 7]],
	])("%j", (text, indexes) => {
		expect(printIndexes(new Set(indexes))).toBe(text);
		expect([...parseIndexes(text, 10)]).toEqual(indexes);
	});

	it("beyond the completions do not count", () => {
		expect([...parseIndexes("0-9", 3)]).toEqual([0, 1, 2]);
	});
});
