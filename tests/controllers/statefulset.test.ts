// The StatefulSet controller: order, partitions, revisions, claims, and what it does without its Service.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ControllerRevision, StatefulSet } from "../../js/api/apps.ts";
import type { Pod } from "../../js/api/core.ts";
import { isReady } from "../../js/api/pod.ts";
import { components } from "../../js/controllers/components.ts";
import { runs } from "../runs.ts";
import { type KubeletOptions, kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { alive, change, pod, pods, statefulSet, template } from "./workloads.ts";

const up = (options?: KubeletOptions) => running([...components(), kubelet(options)]);
const get = ({ store }: Running) => store.get<StatefulSet>("statefulsets.apps", "d", "db") as StatefulSet;
const names = (cluster: Running) => pods(cluster).map(({ metadata }) => metadata.name);
const write = (cluster: Running, spec: Partial<StatefulSet["spec"]>) =>
	change<StatefulSet>(cluster, "statefulsets.apps", "db", spec);
const images = (cluster: Running) => pods(cluster).map(({ spec }) => spec?.containers[0]?.image);
const revisions = ({ store }: Running) => store.list<ControllerRevision>("controllerrevisions.apps", "d");
const told = ({ events }: Running) => events.map((event) => event.replace(/ StatefulSet d\/db:/, ""));
const claims = ({ store }: Running) => store.list("persistentvolumeclaims", "d");
const STORAGE = [
	{
		metadata: { name: "data" },
		spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
	},
];

/** Deletions and creations of pods, in order, while something runs. */
function order(cluster: Running): string[] {
	return told(cluster)
		.filter((event) => / (Create|Delete) Pod /.test(event))
		.map((event) => event.replace(/.*(Create|Delete) Pod (\S+).*/, "$1 $2"));
}

describe("a StatefulSet", () => {
	it("comes up in order, each pod when the one before is ready, though its Service is not there", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet());
		const ahead = () => {
			const [first, second] = pods(cluster);
			return second !== undefined && first !== undefined && !isReady(first);
		};
		expect(cluster.simulation.runUntil(ahead, 60_000)).toBe(false);
		expect(names(cluster)).toEqual(["db-0", "db-1", "db-2"]);
		expect(told(cluster)).toEqual(
			[0, 1, 2].map((n) => `Normal SuccessfulCreate Create Pod db-${n} in StatefulSet db successful`),
		);
		const [revision] = revisions(cluster) as [ControllerRevision];
		const { name = "" } = revision.metadata;
		expect(pods(cluster)[1]).toMatchObject({
			metadata: {
				labels: {
					"statefulset.kubernetes.io/pod-name": "db-1",
					"apps.kubernetes.io/pod-index": "1",
					"controller-revision-hash": name,
				},
			},
			spec: { hostname: "db-1", subdomain: "db" },
		});
		expect(get(cluster).status).toEqual({
			observedGeneration: 1,
			replicas: 3,
			readyReplicas: 3,
			availableReplicas: 3,
			currentReplicas: 3,
			updatedReplicas: 3,
			currentRevision: name,
			updateRevision: name,
			collisionCount: 0,
		});
	});

	it("comes up all at once in parallel, from its first ordinal on", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet({ podManagementPolicy: "Parallel", ordinals: { start: 5 } }));
		cluster.simulation.advance(1);
		expect(names(cluster)).toEqual(["db-5", "db-6", "db-7"]);
	});

	it("goes down from the highest ordinal, one after the other", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet());
		cluster.simulation.settle();
		write(cluster, { replicas: 1 });
		const both = () => alive(cluster).length < pods(cluster).length - 1;
		expect(cluster.simulation.runUntil(both, 60_000)).toBe(false);
		expect(names(cluster)).toEqual(["db-0"]);
		expect(order(cluster).slice(3)).toEqual(["Delete db-2", "Delete db-1"]);
	});

	it("waits in order for a pod that is not ready, up and down", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet({ template: template("web:1", { "test/never-ready": "" }) }));
		cluster.simulation.settle();
		expect(names(cluster)).toEqual(["db-0"]);
		expect(get(cluster).status).toMatchObject({ replicas: 1, availableReplicas: 0 });
	});

	it("updates from the highest ordinal down, and keeps two revisions' counts while it does", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet());
		cluster.simulation.settle();
		const { currentRevision } = get(cluster).status ?? {};
		write(cluster, { template: template("web:2") });
		const unready = () => pods(cluster).filter(isReady).length < 2;
		expect(cluster.simulation.runUntil(unready, 2000)).toBe(false);
		expect(get(cluster).status).toMatchObject({
			currentRevision,
			updateRevision: expect.not.stringMatching(currentRevision ?? ""),
		});
		expect(cluster.simulation.runUntil(unready, 60_000)).toBe(false);
		expect(images(cluster)).toEqual(["web:2", "web:2", "web:2"]);
		expect(order(cluster).slice(3)).toEqual([2, 1, 0].flatMap((n) => [`Delete db-${n}`, `Create db-${n}`]));
		const { status } = get(cluster);
		expect(status?.currentRevision).toBe(status?.updateRevision);
		expect(status?.currentRevision).not.toBe(currentRevision);
	});

	it("updates no pod below its partition; one that is made again there is of the old template", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet());
		cluster.simulation.settle();
		write(cluster, {
			template: template("web:2"),
			updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } },
		});
		cluster.simulation.settle();
		expect(images(cluster)).toEqual(["web:1", "web:1", "web:2"]);
		expect(get(cluster).status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
		cluster.store.delete("pods", pods(cluster)[0] as Pod);
		cluster.simulation.settle();
		expect(images(cluster)).toEqual(["web:1", "web:1", "web:2"]);
	});

	it("on OnDelete leaves pods as they are until they are deleted", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet({ updateStrategy: { type: "OnDelete" } }));
		cluster.simulation.settle();
		write(cluster, { template: template("web:2") });
		cluster.simulation.settle();
		expect(images(cluster)).toEqual(["web:1", "web:1", "web:1"]);
		cluster.store.delete("pods", pods(cluster)[1] as Pod);
		cluster.simulation.settle();
		expect(images(cluster)).toEqual(["web:1", "web:2", "web:1"]);
	});

	it("goes back to an earlier revision as the latest one, and keeps no more than its history", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet({ replicas: 1, revisionHistoryLimit: 1 }));
		cluster.simulation.settle();
		for (const image of ["web:2", "web:1", "web:3", "web:4"]) {
			write(cluster, { template: template(image) });
			cluster.simulation.settle();
		}
		// 1, 2; 1 again as 3; 4 (2 goes); 5 (1 goes): the one in use and one more.
		expect(
			revisions(cluster)
				.map(({ revision }) => revision)
				.sort(),
		).toEqual([4, 5]);
	});

	it("is available pod by pod after minReadySeconds", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet({ replicas: 2, minReadySeconds: 30 }));
		cluster.simulation.advance(20_000);
		expect(names(cluster)).toEqual(["db-0"]);
		cluster.simulation.settle();
		expect(get(cluster).status).toMatchObject({ readyReplicas: 2, availableReplicas: 2 });
	});

	it("replaces a pod that failed", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet({ replicas: 1 }));
		cluster.simulation.settle();
		const [one] = pods(cluster) as [Pod];
		cluster.store.updateStatus("pods", { ...one, status: { ...one.status, phase: "Failed" } });
		cluster.simulation.settle();
		expect(pods(cluster)[0]?.metadata.uid).not.toBe(one.metadata.uid);
		expect(order(cluster)).toEqual(["Create db-0", "Delete db-0", "Create db-0"]);
	});

	it("adopts a pod of its name, and none of another's", () => {
		const cluster = up();
		cluster.store.create("pods", pod("db-0"));
		cluster.store.create("pods", pod("other-1"));
		cluster.store.create("statefulsets.apps", statefulSet({ replicas: 1 }));
		cluster.simulation.settle();
		expect(names(cluster)).toEqual(["db-0", "other-1"]);
		const owned = pods(cluster).map(({ metadata }) => metadata.ownerReferences?.length ?? 0);
		expect(owned).toEqual([1, 0]);
	});
});

describe("claims of a StatefulSet", () => {
	const policy = (whenDeleted: "Retain" | "Delete", whenScaled: "Retain" | "Delete") => ({ whenDeleted, whenScaled });
	const owners = (cluster: Running) =>
		claims(cluster).map(({ metadata }) =>
			(metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind} ${name}`).join(),
		);

	it("come before their pods and stay when they go", () => {
		const cluster = up();
		cluster.store.create("statefulsets.apps", statefulSet({ replicas: 2, volumeClaimTemplates: STORAGE }));
		cluster.simulation.settle();
		expect(claims(cluster).map(({ metadata }) => metadata.name)).toEqual(["data-db-0", "data-db-1"]);
		expect(told(cluster)[0]).toBe("Normal SuccessfulCreate Create Claim data-db-0 Pod db-0 in StatefulSet db success");
		expect(pods(cluster)[0]?.spec?.volumes).toEqual([
			{ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } },
		]);
		write(cluster, { replicas: 0 });
		cluster.simulation.settle();
		expect(owners(cluster)).toEqual(["", ""]);
	});

	// Owners of data-db-0, which stays, and data-db-1, whose pod is to go.
	it.each([
		["Retain", "Retain", ["", ""]],
		["Delete", "Retain", ["StatefulSet db", "StatefulSet db"]],
		["Retain", "Delete", ["", "Pod db-1"]],
		["Delete", "Delete", ["StatefulSet db", "Pod db-1"]],
	] as const)("when deleted %s, when scaled %s", (whenDeleted, whenScaled, expected) => {
		const cluster = up();
		const persistentVolumeClaimRetentionPolicy = policy(whenDeleted, whenScaled);
		const spec = { replicas: 2, volumeClaimTemplates: STORAGE, persistentVolumeClaimRetentionPolicy };
		cluster.store.create("statefulsets.apps", statefulSet(spec));
		cluster.simulation.settle();
		write(cluster, { replicas: 1 });
		cluster.simulation.settle();
		expect(owners(cluster)).toEqual(expected);
	});
});

describe("at rest", () => {
	it("a StatefulSet has its ordinals, each pod of the template that its partition says", () => {
		const write1 = fc.record({
			replicas: fc.nat(4),
			image: fc.integer({ min: 1, max: 3 }),
			partition: fc.nat(4),
			parallel: fc.boolean(),
			kill: fc.option(fc.nat(4)),
			waitMs: fc.nat(6000),
		});
		fc.assert(
			fc.property(fc.boolean(), fc.array(write1, { minLength: 1, maxLength: 5 }), (parallel, writes) => {
				const cluster = up();
				const podManagementPolicy = parallel ? "Parallel" : "OrderedReady";
				cluster.store.create("statefulsets.apps", statefulSet({ podManagementPolicy }));
				for (const { replicas, image, partition, kill, waitMs } of writes) {
					write(cluster, {
						replicas,
						template: template(`web:${image}`),
						updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition } },
					});
					cluster.simulation.advance(waitMs);
					const victim = cluster.store.get<Pod>("pods", "d", `db-${kill}`);
					if (victim !== undefined) cluster.store.delete("pods", victim);
				}
				expect(cluster.simulation.settle()).toBe(true);
				const last = writes.at(-1);
				expect(names(cluster)).toEqual(Array.from({ length: last?.replicas ?? 0 }, (_, n) => `db-${n}`));
				for (const [n, image] of images(cluster).entries())
					if (n >= (last?.partition ?? 0)) expect(image).toBe(`web:${last?.image}`);
				expect(pods(cluster).every(isReady)).toBe(true);
				expect(get(cluster).status).toMatchObject({ replicas: last?.replicas, availableReplicas: last?.replicas });
			}),
			runs(60),
		);
	});
});
