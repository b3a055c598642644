// Policies of Jobs: indexes that fail for themselves, what is success enough, which failures count, and when a pod that is going
// is replaced.

import { describe, expect, it } from "vitest";
import type { Job, JobSpec } from "../../js/api/batch.ts";
import type { Pod } from "../../js/api/core.ts";
import { components } from "../../js/controllers/components.ts";
import { successMessage } from "../../js/controllers/job/successpolicy.ts";
import { kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { ending, job, pods } from "./workloads.ts";

const FAILURES = "batch.kubernetes.io/job-index-failure-count";
const IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count";
const INDEX = "batch.kubernetes.io/job-completion-index";

/** `codes`: by index, how its pods end, in turn; the last one for all that come after. */
function up(spec: Partial<JobSpec>, codes: Readonly<Record<number, readonly number[]>> = {}): Running {
	const cluster = running([...components(), kubelet()]);
	const { create } = cluster.store;
	const tries = new Map<number, number>();
	cluster.store.create = ((resource: string, object: Pod) => {
		if (resource !== "pods") return create.call(cluster.store, resource, object);
		const index = Number(object.metadata.annotations?.[INDEX]);
		const nth = tries.get(index) ?? 0;
		tries.set(index, nth + 1);
		const ends = codes[index] ?? [0];
		const annotations = {
			...object.metadata.annotations,
			"test/exit-code": String(ends[Math.min(nth, ends.length - 1)]),
		};
		return create.call(cluster.store, resource, { ...object, metadata: { ...object.metadata, annotations } });
	}) as never;
	cluster.store.create("jobs.batch", job({ completionMode: "Indexed", template: ending(0), ...spec }));
	return cluster;
}
const status = ({ store }: Running) => store.get<Job>("jobs.batch", "d", "task")?.status;
const conditions = (cluster: Running) =>
	(status(cluster)?.conditions ?? []).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
const ofIndex = (cluster: Running, index: number) =>
	pods(cluster).filter(({ metadata }) => metadata.annotations?.[INDEX] === String(index));
const counts = (cluster: Running, index: number, annotation = FAILURES) =>
	ofIndex(cluster, index)
		.map(({ metadata }) => metadata.annotations?.[annotation])
		.sort();

describe("backoffLimitPerIndex", () => {
	const spec = { completions: 3, parallelism: 3, backoffLimitPerIndex: 1 };

	it("lets the other indexes go on; with one failed at the end the Job has failed", () => {
		const cluster = up(spec, { 1: [1] });
		cluster.simulation.settle();
		expect(status(cluster)).toMatchObject({ succeeded: 2, failed: 2, completedIndexes: "0,2", failedIndexes: "1" });
		expect(conditions(cluster)).toEqual([
			"FailureTarget FailedIndexes: Job has failed indexes",
			"Failed FailedIndexes: Job has failed indexes",
		]);
		expect(counts(cluster, 1)).toEqual(["0", "1"]);
		expect(cluster.events.at(-1)).toBe("Warning FailedIndexes Job d/task: Job has failed indexes");
	});

	it("counts on from pod to pod, after 10 s, and succeeds within the limit", () => {
		const cluster = up(spec, { 1: [1, 0] });
		cluster.simulation.advance(5000);
		// The failed one stays uncounted until its successor knows of it.
		const [failed] = ofIndex(cluster, 1) as [Pod];
		expect(failed.status?.phase).toBe("Failed");
		expect(failed.metadata.finalizers).toEqual(["batch.kubernetes.io/job-tracking"]);
		expect(status(cluster)).toMatchObject({ succeeded: 2, failedIndexes: "" });
		expect(status(cluster)?.failed).toBeUndefined();
		cluster.simulation.settle();
		expect(counts(cluster, 1)).toEqual(["0", "1"]);
		expect(status(cluster)).toMatchObject({ succeeded: 3, failed: 1, failedIndexes: "" });
		expect(conditions(cluster).at(-1)).toBe("Complete CompletionsReached: Reached expected number of succeeded pods");
	});

	it("has each index wait for itself: 10 s, then 20 s", () => {
		const cluster = up({ ...spec, backoffLimitPerIndex: 2 }, { 0: [1, 1, 0], 1: [0] });
		const began = cluster.simulation.clock.now();
		const made: number[] = [];
		for (let n = 1; n <= 3; n++) {
			cluster.simulation.runUntil(() => ofIndex(cluster, 0).length === n);
			made.push(Number((cluster.simulation.clock.now() - began) / 1_000_000_000n));
		}
		expect(made).toEqual([0, 12, 34]);
		expect(status(cluster)?.completedIndexes).toBe("1,2");
	});

	it("ends the Job at once above maxFailedIndexes, and what still runs counts as failed", () => {
		const cluster = up(
			{ ...spec, backoffLimitPerIndex: 0, maxFailedIndexes: 1, parallelism: 2, completions: 4 },
			{ 0: [1], 1: [1] },
		);
		cluster.simulation.settle();
		expect(conditions(cluster)[0]).toBe(
			"FailureTarget MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes",
		);
		expect(status(cluster)).toMatchObject({ failedIndexes: "0,1" });
	});

	it("is passed over by FailIndex, and not used up by Ignore", () => {
		const podFailurePolicy: NonNullable<JobSpec["podFailurePolicy"]> = {
			rules: [
				{ action: "FailIndex", onExitCodes: { operator: "In", values: [42] } },
				{ action: "Ignore", onExitCodes: { operator: "In", values: [7] } },
			],
		};
		const cluster = up({ ...spec, podFailurePolicy }, { 0: [42], 1: [7, 7, 1, 0] });
		cluster.simulation.settle();
		expect(status(cluster)).toMatchObject({ completedIndexes: "1,2", failedIndexes: "0", failed: 2 });
		expect(ofIndex(cluster, 0)).toHaveLength(1);
		expect(counts(cluster, 1)).toEqual(["0", "0", "0", "1"]);
		expect(counts(cluster, 1, IGNORED)).toEqual(["1", "2", "2", undefined]);
	});
});

describe("successPolicy", () => {
	const rules = [{ succeededIndexes: "0,2-3", succeededCount: 2 }, { succeededCount: 4 }, { succeededIndexes: "4" }];

	it.each([
		["nothing has succeeded", [], null],
		["one of two", [0], null],
		["two of the indexes of the first rule", [0, 3], "Matched rules at index 0"],
		["any four", [1, 5, 6, 7], "Matched rules at index 1"],
		["all of the last one's", [4], "Matched rules at index 2"],
		["the first that holds is named", [0, 2, 4], "Matched rules at index 0"],
	])("%s", (_, succeeded, message) => {
		const spec = { completions: 8, successPolicy: { rules }, template: {} };
		expect(successMessage(spec, new Set(succeeded))).toBe(message);
	});

	it("ends the Job as complete, and takes away what still runs", () => {
		const cluster = running([...components(), kubelet()]);
		const { create } = cluster.store;
		cluster.store.create = ((resource: string, object: Pod) => {
			const runs = object.metadata.annotations?.[INDEX] !== "0";
			const annotations = { ...object.metadata.annotations, ...(!runs && { "test/exit-code": "0" }) };
			return create.call(cluster.store, resource, { ...object, metadata: { ...object.metadata, annotations } });
		}) as never;
		const spec = { completions: 3, parallelism: 3, completionMode: "Indexed" as const };
		cluster.store.create("jobs.batch", job({ ...spec, successPolicy: { rules: [{ succeededIndexes: "0" }] } }));
		cluster.simulation.settle();
		expect(conditions(cluster)).toEqual([
			"SuccessCriteriaMet SuccessPolicy: Matched rules at index 0",
			"Complete SuccessPolicy: Matched rules at index 0",
		]);
		expect(status(cluster)).toMatchObject({ succeeded: 1, completedIndexes: "0", terminating: 0 });
		expect(status(cluster)?.failed).toBeUndefined();
		expect(pods(cluster).map(({ status }) => status?.phase)).toEqual(["Succeeded"]);
	});
});

describe("podReplacementPolicy", () => {
	/** How many pods there are while the first one is going. */
	function replaced(spec: Partial<JobSpec>): number {
		const cluster = running([...components(), kubelet({ goneMs: 20_000 })]);
		cluster.store.create("jobs.batch", job({ backoffLimit: 5, ...spec }));
		cluster.simulation.settle();
		cluster.store.delete("pods", pods(cluster)[0] as Pod);
		cluster.simulation.advance(15_000);
		return pods(cluster).length;
	}

	it.each([
		["TerminatingOrFailed: beside it", { podReplacementPolicy: "TerminatingOrFailed" as const }, 2],
		["Failed: after it", { podReplacementPolicy: "Failed" as const }, 1],
		[
			"a podFailurePolicy: after it",
			{
				podFailurePolicy: {
					rules: [{ action: "Count" as const, onExitCodes: { operator: "In" as const, values: [1] } }],
				},
			},
			1,
		],
	])("%s", (_, spec, count) => {
		expect(replaced(spec)).toBe(count);
	});

	it("Failed keeps an index's place until its pod is gone", () => {
		const cluster = running([...components(), kubelet({ goneMs: 20_000 })]);
		const spec = { completionMode: "Indexed" as const, completions: 3, parallelism: 2, backoffLimit: 5 };
		cluster.store.create("jobs.batch", job({ ...spec, podReplacementPolicy: "Failed" }));
		cluster.simulation.settle();
		cluster.store.delete("pods", ofIndex(cluster, 0)[0] as Pod);
		cluster.simulation.advance(15_000);
		expect(
			pods(cluster)
				.map(({ metadata }) => metadata.annotations?.[INDEX])
				.sort(),
		).toEqual(["0", "1"]);
	});
});

describe("validation", () => {
	const rule = (rest: object) => ({ podFailurePolicy: { rules: [rest] } }) as Partial<JobSpec>;
	const indexed = { completionMode: "Indexed", completions: 5 } as const;
	const exit = { operator: "In", values: [1] };

	it.each<[string, Partial<JobSpec>, string]>([
		[
			"a limit per index without indexes",
			{ backoffLimitPerIndex: 1 },
			"spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
		],
		[
			"failed indexes without a limit",
			{ ...indexed, maxFailedIndexes: 1 },
			"spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
		],
		[
			"more failed indexes than there are",
			{ ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 6 },
			"spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions",
		],
		[
			"very many indexes",
			{ ...indexed, completions: 200_000, backoffLimitPerIndex: 1 },
			"spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
		],
		[
			"an action without a limit per index",
			rule({ action: "FailIndex", onExitCodes: exit }),
			'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
		],
		[
			"another action",
			rule({ action: "Retry", onExitCodes: exit }),
			'spec.podFailurePolicy.rules[0].action: Unsupported value: "Retry": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
		],
		[
			"success as a failure",
			rule({ action: "FailJob", onExitCodes: { operator: "In", values: [0, 1] } }),
			"spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
		],
		[
			"codes out of order",
			rule({ action: "FailJob", onExitCodes: { operator: "In", values: [2, 1] } }),
			"spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1]: must be ordered",
		],
		[
			"a container that is not there",
			rule({ action: "FailJob", onExitCodes: { ...exit, containerName: "x" } }),
			'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
		],
		[
			"a rule for nothing",
			rule({ action: "Count" }),
			"spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
		],
		[
			"success without indexes",
			{ successPolicy: { rules: [{ succeededCount: 1 }] } },
			"requires indexed completion mode",
		],
		[
			"success without rules",
			{ ...indexed, successPolicy: { rules: [] } },
			"spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified",
		],
		[
			"success of too many",
			{ ...indexed, successPolicy: { rules: [{ succeededCount: 6 }] } },
			"spec.successPolicy.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)",
		],
		[
			"indexes that are not there",
			{ ...indexed, successPolicy: { rules: [{ succeededIndexes: "3-5" }] } },
			'error parsing succeededIndexes: too large index: "5"',
		],
		[
			"indexes out of order",
			{ ...indexed, successPolicy: { rules: [{ succeededIndexes: "3,1" }] } },
			"error parsing succeededIndexes: non-increasing order, previous: 3, current: 1",
		],
		[
			"a policy beside another replacement",
			{ ...rule({ action: "Count", onExitCodes: exit }), podReplacementPolicy: "TerminatingOrFailed" },
			'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
		],
	])("%s", (_, spec, message) => {
		expect(() => running([]).store.create("jobs.batch", job(spec))).toThrow(message);
	});
});
