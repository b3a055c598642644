// The tables of upstream's own tests of workload controllers, row by row: sizes of ReplicaSets in a rollout and in proportion
// (pkg/controller/deployment: rolling_test.go, sync_test.go), what counts as progress (util/deployment_util_test.go), and how a
// DaemonSet's and a StatefulSet's updates go.

import { describe, expect, it } from "vitest";
import type { DaemonSet, Deployment, DeploymentStatus, ReplicaSet, StatefulSet } from "../../js/api/apps.ts";
import type { Node, Pod } from "../../js/api/core.ts";
import type { IntOrString } from "../../js/api/meta.ts";
import { isReady } from "../../js/api/pod.ts";
import { components } from "../../js/controllers/components.ts";
import { deployment as controller } from "../../js/controllers/deployment/component.ts";
import { isComplete, rolloutStatus, statusOf } from "../../js/controllers/deployment/status.ts";
import { kubelet } from "./kubelet.ts";
import { type Running, running, START } from "./running.ts";
import { alive, change, daemonSet, deployment, LABELS, pods, statefulSet, template } from "./workloads.ts";

interface SetRow {
	size: number;
	available?: number;
	/** Of the annotations; default: `was` of the table. */
	desired?: number;
	/** Of the template that the Deployment has. */
	current?: boolean;
}

/** Sizes after one look, oldest first, as the rows are. `was`: replicas and surge that the ReplicaSets were made for. */
function looked(
	spec: Partial<Deployment["spec"]>,
	was: { replicas: number; surge: number },
	sets: readonly SetRow[],
): number[] {
	const cluster = running([]);
	const { store, simulation, registry } = cluster;
	const made = store.create<Deployment>("deployments.apps", deployment(spec));
	const owner = {
		apiVersion: "apps/v1",
		kind: "Deployment",
		name: "web",
		uid: made.metadata.uid ?? "",
		controller: true,
	};
	for (const [i, { size, available = size, desired = was.replicas, current = false }] of sets.entries()) {
		simulation.advance(1000);
		const labels = { ...LABELS, "pod-template-hash": `v${i}` };
		const { metadata, spec: pod } = template(current ? "web:1" : `web:0.${i}`);
		const written = store.create<ReplicaSet>("replicasets.apps", {
			apiVersion: "apps/v1",
			kind: "ReplicaSet",
			metadata: {
				namespace: "d",
				name: `web-v${i}`,
				labels,
				ownerReferences: [owner],
				annotations: {
					"deployment.kubernetes.io/desired-replicas": String(desired),
					"deployment.kubernetes.io/max-replicas": String(desired + was.surge),
				},
			},
			spec: {
				replicas: size,
				selector: { matchLabels: labels },
				template: { metadata: { ...metadata, labels }, ...(pod && { spec: pod }) },
			},
		});
		const status = { replicas: size, readyReplicas: available, availableReplicas: available, observedGeneration: 1 };
		store.updateStatus("replicasets.apps", { ...written, status });
	}
	const recorder = { event() {} };
	controller.reconcile("d/web", { store, clock: simulation.clock, random: registry.random, recorder });
	return sets.map((_, i) => store.get<ReplicaSet>("replicasets.apps", "d", `web-v${i}`)?.spec?.replicas ?? -1);
}
const rolling = (maxSurge: IntOrString, maxUnavailable: IntOrString): NonNullable<Deployment["spec"]>["strategy"] => ({
	type: "RollingUpdate",
	rollingUpdate: { maxSurge, maxUnavailable },
});

describe("the current ReplicaSet grows and shrinks (reconcileNewReplicaSet)", () => {
	it.each([
		["no further without a surge", 10, 0, 10, 0, 0],
		["by the surge", 10, 2, 10, 0, 2],
		["by the surge and what is gone", 10, 2, 5, 0, 7],
		["no further than the surge", 10, 2, 10, 2, 2],
		["down to its size", 10, 2, 2, 11, 10],
	])("%s", (_, replicas, surge, old, now, expected) => {
		const sets = [{ size: old }, { size: now, available: 0, current: true }];
		const [, size] = looked({ replicas, strategy: rolling(surge, 1) }, { replicas, surge }, sets);
		expect(size).toBe(expected);
	});
});

describe("old ReplicaSets shrink (reconcileOldReplicaSets)", () => {
	it.each<[string, IntOrString, number, number, number, number, number]>([
		["one at a time where rounding leaves nothing", "1%", 10, 10, 0, 0, 9],
		["by what may be unavailable", 2, 10, 10, 0, 0, 8],
		["unhealthy ones first", 2, 10, 8, 0, 0, 8],
		["one unhealthy, one ready", 2, 10, 9, 0, 0, 8],
		["not for new ones that are not available", 2, 8, 8, 2, 0, 8],
	])("%s", (_, unavailable, old, oldReady, now, nowReady, expected) => {
		const sets = [
			{ size: old, available: oldReady },
			{ size: now, available: nowReady, current: true },
		];
		const [size] = looked({ replicas: 10, strategy: rolling(0, unavailable) }, { replicas: 10, surge: 0 }, sets);
		expect(size).toBe(expected);
	});
});

describe("sizes in proportion (scale)", () => {
	// Replicas and surge before and after; sizes by age, the last of the current template, or null where none is.
	it.each<[string, [number, number], [number, number], (number | null)[], (number | null)[]]>([
		["10 → 12", [10, 0], [12, 0], [10], [12]],
		["10 → 5", [10, 0], [5, 0], [10], [5]],
		["5 → 10", [5, 0], [10, 0], [3, 2], [6, 4]],
		["5 → 3", [5, 0], [3, 0], [3, 2], [2, 1]],
		["9 → 4", [9, 0], [4, 0], [1, 8], [0, 4]],
		["7 → 10", [7, 0], [10, 0], [2, 3, 2], [3, 4, 3]],
		["13 → 8", [13, 0], [8, 0], [3, 8, 2], [2, 5, 1]],
		["what is left goes to the newest of equals: 3 → 4", [3, 0], [4, 0], [1, 1, 1], [1, 1, 2]],
		["and is taken from the oldest: 3 → 2", [3, 0], [2, 0], [1, 1, 1], [0, 1, 1]],
		["without a current one: 4 → 5", [4, 0], [5, 0], [2, 2, null], [2, 3, null]],
		["6 → 0", [6, 0], [0, 0], [1, 2, 3], [0, 0, 0]],
		["from nothing: 0 → 6", [6, 0], [6, 0], [0, 0, 0], [0, 0, 6]],
		["with a surge", [10, 2], [20, 2], [6, 6], [11, 11]],
		["surge and size", [10, 3], [50, 6], [8, 5], [34, 22]],
		["size and template", [10, 0], [14, 0], [3, 7, null], [4, 10, null]],
		["saturated and broken: nothing", [2, 1], [2, 1], [1, 2], [1, 2]],
	])("%s", (_, [replicas, surge], [now, nowSurge], before, after) => {
		const rows = before.flatMap((size, i): SetRow[] =>
			size === null ? [] : [{ size, available: 0, current: i === before.length - 1 }],
		);
		const spec = { replicas: now, paused: true, strategy: rolling(nowSurge, 1) };
		expect(looked(spec, { replicas, surge }, rows)).toEqual(after.filter((size) => size !== null));
	});

	it("of one that was made for another size", () => {
		const rows = [{ size: 1 }, { size: 1, desired: 3 }, { size: 2, current: true }];
		const spec = { replicas: 5, paused: true, strategy: rolling(0, 1) };
		expect(looked(spec, { replicas: 5, surge: 0 }, rows)).toEqual([1, 2, 2]);
	});
});

describe("a rollout is complete (DeploymentComplete)", () => {
	it.each([
		["not all are available", 5, 5, 5, 4, false],
		["too few are", 5, 5, 5, 3, false],
		["all are", 5, 5, 5, 5, true],
		["not all are of the template", 5, 5, 4, 5, false],
		["an old pod is there", 1, 2, 1, 1, false],
		["its only pod never came up", 1, 1, 1, 0, false],
	])("%s", (_, replicas, there, updated, available, complete) => {
		const status: DeploymentStatus = { replicas: there, updatedReplicas: updated, availableReplicas: available };
		expect(isComplete(deployment({ replicas }), status)).toBe(complete);
	});
});

describe("a rollout makes progress (DeploymentProgressing, DeploymentTimedOut)", () => {
	const counts = ([replicas, updated, ready, available]: readonly number[]) => ({
		replicas: replicas ?? 0,
		updatedReplicas: updated ?? 0,
		readyReplicas: ready ?? 0,
		availableReplicas: available ?? 0,
	});
	/** ReplicaSets that count so. */
	function sets([replicas = 0, updated = 0, ready = 0, available = 0]: readonly number[]) {
		const set = (name: string, status: NonNullable<ReplicaSet["status"]>): ReplicaSet => ({
			apiVersion: "apps/v1",
			kind: "ReplicaSet",
			metadata: { name },
			spec: { replicas: status.replicas ?? 0, selector: {} },
			status,
		});
		return {
			current: set("new", { replicas: updated, readyReplicas: ready, availableReplicas: available }),
			old: [set("old", { replicas: replicas - updated })],
		};
	}
	const said = (conditions: DeploymentStatus["conditions"]) => conditions?.find(({ type }) => type === "Progressing");

	it.each([
		["more updated pods", [10, 4, 4, 4], [10, 6, 4, 4], true],
		["nothing", [10, 4, 4, 4], [10, 4, 4, 4], false],
		["old pods gone", [10, 4, 6, 6], [8, 4, 6, 6], true],
		["fewer new pods", [10, 7, 3, 3], [10, 6, 3, 3], false],
		["fewer in all, more new ones", [10, 4, 7, 7], [8, 8, 5, 5], true],
		["more ready pods", [10, 10, 9, 8], [10, 10, 10, 8], true],
		["more available pods", [10, 10, 10, 9], [10, 10, 10, 10], true],
	])("%s", (_, before, after, progresses) => {
		// 11 of them, so that none is complete.
		const made = { ...deployment({ replicas: 11, progressDeadlineSeconds: 10 }), status: counts(before) };
		expect(statusOf(made, sets(after), START)).toMatchObject(counts(after));
		expect(said(rolloutStatus(made, sets(after), START).conditions)?.reason).toBe(
			progresses ? "ReplicaSetUpdated" : undefined,
		);
	});

	it.each([
		["no deadline", undefined, 11, undefined],
		["an infinite one", 2_147_483_647, 11, undefined],
		["past it", 10, 11, "ProgressDeadlineExceeded"],
		["within it", 10, 9, "Waiting"],
	])("%s", (_, progressDeadlineSeconds, seconds, reason) => {
		const lastUpdateTime = "2026-01-01T00:00:00Z";
		const conditions = [{ type: "Progressing", status: "True" as const, reason: "Waiting", lastUpdateTime }];
		const status = { ...counts([10, 4, 4, 4]), conditions };
		const made = {
			...deployment({ replicas: 11, ...(progressDeadlineSeconds && { progressDeadlineSeconds }) }),
			status,
		};
		const now = START + BigInt(seconds) * 1_000_000_000n;
		expect(said(rolloutStatus(made, sets([10, 4, 4, 4]), now).conditions)?.reason).toBe(reason);
	});
});

describe("a DaemonSet's update", () => {
	const agents = (cluster: Running) => alive(cluster).filter(isReady);
	/** The fewest ready pods and the most pods on the way from one template to another, on ten nodes. */
	function extremes(maxUnavailable: IntOrString, maxSurge: IntOrString, minReadySeconds = 0): [number, number] {
		const cluster = running([...components(), kubelet()]);
		for (let i = 0; i < 10; i++)
			cluster.store.create<Node>("nodes", { apiVersion: "v1", kind: "Node", metadata: { name: `n${i}` } });
		const updateStrategy = { type: "RollingUpdate", rollingUpdate: { maxUnavailable, maxSurge } };
		cluster.store.create("daemonsets.apps", daemonSet({ updateStrategy, minReadySeconds }));
		cluster.simulation.settle();
		change<DaemonSet>(cluster, "daemonsets.apps", "agent", { template: template("web:2") });
		let [least, most] = [10, 10];
		const look = () => {
			least = Math.min(least, agents(cluster).length);
			most = Math.max(most, alive(cluster).length);
			return (
				alive(cluster).length === 10 && agents(cluster).every(({ spec }) => spec?.containers[0]?.image === "web:2")
			);
		};
		expect(cluster.simulation.runUntil(look, 600_000)).toBe(true);
		return [least, most];
	}

	it.each<[IntOrString, IntOrString, number, number]>([
		[1, 0, 9, 10],
		[3, 0, 7, 10],
		["15%", 0, 8, 10],
		["100%", 0, 0, 10],
		[0, 1, 10, 11],
		[0, "15%", 10, 12],
		[0, "100%", 10, 20],
	])("maxUnavailable %s, maxSurge %s of ten: %i ready at least, %i pods at most", (unavailable, surge, least, most) => {
		expect(extremes(unavailable, surge)).toEqual([least, most]);
	});

	it("waits for minReadySeconds of each pod", () => {
		expect(extremes(1, 0, 5)).toEqual([9, 10]);
	});
});

describe("a StatefulSet", () => {
	/** Names of pods in the order in which they were made and deleted, from an update on. */
	function updated(spec: Partial<NonNullable<StatefulSet["spec"]>>, rollingUpdate: object = {}): [string[], string[]] {
		const cluster = running([...components(), kubelet()]);
		cluster.store.create("statefulsets.apps", statefulSet({ replicas: 4, ...spec }));
		cluster.simulation.settle();
		const from = cluster.events.length;
		change<StatefulSet>(cluster, "statefulsets.apps", "db", {
			template: template("web:2"),
			updateStrategy: { type: "RollingUpdate", rollingUpdate },
		});
		cluster.simulation.settle();
		const gone = cluster.events.slice(from).flatMap((event) => /Delete Pod (\S+)/.exec(event)?.[1] ?? []);
		const images = pods(cluster).flatMap(({ metadata, spec: pod }) =>
			pod?.containers[0]?.image === "web:2" ? [metadata.name ?? ""] : [],
		);
		return [gone, images];
	}
	const db = (...ordinals: number[]) => ordinals.map((ordinal) => `db-${ordinal}`);

	it.each<[string, Partial<NonNullable<StatefulSet["spec"]>>, object, number[]]>([
		["all, from the highest ordinal on", {}, {}, [3, 2, 1, 0]],
		["those from the partition on", {}, { partition: 2 }, [3, 2]],
		["none with a partition beyond them", {}, { partition: 9 }, []],
		["in parallel also one after the other", { podManagementPolicy: "Parallel" }, {}, [3, 2, 1, 0]],
		[
			"maxUnavailable changes nothing, its gate is off",
			{ podManagementPolicy: "Parallel" },
			{ maxUnavailable: 3 },
			[3, 2, 1, 0],
		],
		["a partition counts from the first ordinal", { ordinals: { start: 5 } }, { partition: 3 }, [8]],
	])("updates %s", (_, spec, rollingUpdate, ordinals) => {
		expect(updated(spec, rollingUpdate)).toEqual([db(...ordinals), db(...ordinals).sort()]);
	});

	it.each<[string, Partial<NonNullable<StatefulSet["spec"]>>, number[]]>([
		["one after the other", {}, [1, 2, 2]],
		["each after minReadySeconds of the one before", { minReadySeconds: 3 }, [1, 1, 1]],
		["all at once", { podManagementPolicy: "Parallel" }, [4, 4, 4]],
	])("comes up %s", (_, spec, counts) => {
		const cluster = running([...components(), kubelet()]);
		cluster.store.create("statefulsets.apps", statefulSet({ replicas: 4, ...spec }));
		const seen = counts.map(() => {
			cluster.simulation.advance(1000);
			return pods(cluster).length;
		});
		expect(seen).toEqual(counts);
	});

	it.each([
		["OrderedReady", "the highest first, one after the other", [2, 1]],
		["Parallel", "all at once", [2, 1]],
	] as const)("goes down %s: %s", (podManagementPolicy, _, ordinals) => {
		const cluster = running([...components(), kubelet({ goneMs: 5000 })]);
		cluster.store.create("statefulsets.apps", statefulSet({ replicas: 3, podManagementPolicy }));
		cluster.simulation.settle();
		change<StatefulSet>(cluster, "statefulsets.apps", "db", { replicas: 1 });
		cluster.simulation.advance(2000);
		const going = pods(cluster).filter(({ metadata }: Pod) => metadata.deletionTimestamp !== undefined);
		expect(going.map(({ metadata }) => metadata.name)).toEqual(podManagementPolicy === "Parallel" ? db(1, 2) : db(2));
		cluster.simulation.settle();
		const gone = cluster.events.flatMap((event) => /Delete Pod (\S+)/.exec(event)?.[1] ?? []);
		expect(gone).toEqual(db(...ordinals));
	});
});
