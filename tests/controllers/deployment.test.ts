// The Deployment controller: rolling updates within their bounds, history and rollback, pause, deadlines, sizes in proportion.

import { describe, expect, it } from "vitest";
import type { Deployment, ReplicaSet } from "../../js/api/apps.ts";
import { StatusError } from "../../js/apiserver/status.ts";
import { fenceposts } from "../../js/controllers/bounds.ts";
import { deployment as controller } from "../../js/controllers/deployment/component.ts";
import { replicaSetFor } from "../../js/controllers/deployment/replicasets.ts";
import { replicaset } from "../../js/controllers/replicaset/component.ts";
import { type KubeletOptions, kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { change, deployment, pods, template } from "./workloads.ts";

const REVISION = "deployment.kubernetes.io/revision";
const up = (options?: KubeletOptions) => running([replicaset, controller, kubelet(options)]);
const get = ({ store }: Running) => store.get<Deployment>("deployments.apps", "d", "web") as Deployment;
const sets = ({ store }: Running) => store.list<ReplicaSet>("replicasets.apps", "d");
const condition = (cluster: Running, type: string) => get(cluster).status?.conditions?.find((one) => one.type === type);
const write = (cluster: Running, spec: Partial<Deployment["spec"]>) =>
	change<Deployment>(cluster, "deployments.apps", "web", spec);
const scalings = ({ events }: Running) =>
	events.filter((event) => event.includes("ScalingReplicaSet")).map((event) => event.replace(/.*web: /, ""));

/** `IMAGE: SIZE` of ReplicaSets that have one. */
const shape = (cluster: Running) =>
	Object.fromEntries(
		sets(cluster)
			.filter(({ spec }) => (spec?.replicas ?? 0) > 0)
			.map(({ spec }) => [spec?.template?.spec?.containers[0]?.image, spec?.replicas]),
	);

describe("the bounds of a rolling update", () => {
	// The table of ResolveFenceposts, and the defaults at small sizes.
	it.each([
		[2, "0%", "1%", 0, 1],
		[1, "0%", "1%", 0, 1],
		[2, "1%", "25%", 1, 0],
		[1, "1%", "25%", 1, 0],
		[2, "1%", "0%", 1, 0],
		[1, "1%", "0%", 1, 0],
		[3, "25%", "25%", 1, 0],
		[4, "25%", "25%", 1, 1],
		[5, "25%", "25%", 2, 1],
		[10, "30%", 2, 3, 2],
		[10, 0, 0, 0, 1],
		[0, "25%", "25%", 0, 1],
	])("%i replicas, surge %s, unavailable %s: %i more, %i fewer", (replicas, surge, unavailable, more, fewer) => {
		expect(fenceposts(surge, unavailable, replicas)).toEqual([more, fewer]);
	});
});

describe("a Deployment", () => {
	it("comes up with one ReplicaSet, named by the hash of its template, and says how it went", () => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment());
		expect(cluster.simulation.settle()).toBe(true);
		const [set] = sets(cluster) as [ReplicaSet];
		const hash = set.metadata.labels?.["pod-template-hash"] ?? "";
		expect(set.metadata).toMatchObject({
			name: `web-${hash}`,
			annotations: {
				[REVISION]: "1",
				"deployment.kubernetes.io/desired-replicas": "3",
				"deployment.kubernetes.io/max-replicas": "4",
			},
		});
		expect(pods(cluster).map(({ metadata }) => metadata.labels?.["pod-template-hash"])).toEqual([hash, hash, hash]);
		expect(scalings(cluster)).toEqual([`Scaled up replica set web-${hash} from 0 to 3`]);
		expect(get(cluster).metadata).toMatchObject({ annotations: { [REVISION]: "1" }, generation: 1 });
		expect(get(cluster).status).toEqual({
			observedGeneration: 1,
			replicas: 3,
			updatedReplicas: 3,
			readyReplicas: 3,
			availableReplicas: 3,
			terminatingReplicas: 0,
			conditions: [
				expect.objectContaining({
					type: "Available",
					status: "True",
					reason: "MinimumReplicasAvailable",
					message: "Deployment has minimum availability.",
					lastTransitionTime: "2026-01-01T00:00:02Z",
				}),
				{
					type: "Progressing",
					status: "True",
					reason: "NewReplicaSetAvailable",
					message: `ReplicaSet "web-${hash}" has successfully progressed.`,
					lastTransitionTime: "2026-01-01T00:00:00Z",
					lastUpdateTime: "2026-01-01T00:00:02Z",
				},
			],
		});
	});

	it("rolls over step by step, keeps the old ReplicaSet, and rolls back to it", () => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment());
		cluster.simulation.settle();
		const [old] = sets(cluster) as [ReplicaSet];
		write(cluster, { template: template("web:2") });
		cluster.simulation.settle();
		expect(shape(cluster)).toEqual({ "web:2": 3 });
		const fresh = sets(cluster).find(({ metadata }) => metadata.name !== old.metadata.name) as ReplicaSet;
		const [one, two] = [old.metadata.name, fresh.metadata.name];
		expect(scalings(cluster).slice(1)).toEqual([
			`Scaled up replica set ${two} from 0 to 1`,
			`Scaled down replica set ${one} from 3 to 2`,
			`Scaled up replica set ${two} from 1 to 2`,
			`Scaled down replica set ${one} from 2 to 1`,
			`Scaled up replica set ${two} from 2 to 3`,
			`Scaled down replica set ${one} from 1 to 0`,
		]);
		// As kubectl rollout undo does.
		write(cluster, { template: template("web:1") });
		cluster.simulation.settle();
		expect(shape(cluster)).toEqual({ "web:1": 3 });
		expect(sets(cluster)).toHaveLength(2);
		const again = sets(cluster).find(({ metadata }) => metadata.name === one) as ReplicaSet;
		expect(again.metadata.annotations).toMatchObject({
			[REVISION]: "3",
			"deployment.kubernetes.io/revision-history": "1",
		});
		expect(get(cluster).metadata.annotations?.[REVISION]).toBe("3");
	});

	it("keeps as many old ReplicaSets as its history, the latest revisions", () => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment({ replicas: 1, revisionHistoryLimit: 2 }));
		for (let n = 1; n <= 5; n++) {
			write(cluster, { template: template(`web:${n}`) });
			cluster.simulation.settle();
		}
		expect(
			sets(cluster)
				.map(({ metadata }) => metadata.annotations?.[REVISION])
				.toSorted(),
		).toEqual(["3", "4", "5"]);
	});

	it("recreates: no new pod while an old one is there", () => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment({ strategy: { type: "Recreate" } }));
		cluster.simulation.settle();
		write(cluster, { template: template("web:2") });
		const images = () => new Set(pods(cluster).map(({ spec }) => spec?.containers[0]?.image));
		const mixed = cluster.simulation.runUntil(() => images().size > 1, 60_000);
		expect(mixed).toBe(false);
		expect([...images()]).toEqual(["web:2"]);
		expect(get(cluster).status).toMatchObject({ updatedReplicas: 3, availableReplicas: 3 });
	});

	it("does nothing while it is paused but what its size asks, and goes on", () => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment());
		cluster.simulation.settle();
		write(cluster, { paused: true, template: template("web:2") });
		cluster.simulation.settle();
		expect(shape(cluster)).toEqual({ "web:1": 3 });
		expect(condition(cluster, "Progressing")).toMatchObject({
			status: "Unknown",
			reason: "DeploymentPaused",
			message: "Deployment is paused",
		});
		write(cluster, { replicas: 5 });
		cluster.simulation.settle();
		expect(shape(cluster)).toEqual({ "web:1": 5 });
		write(cluster, { paused: false });
		cluster.simulation.settle();
		expect(shape(cluster)).toEqual({ "web:2": 5 });
		expect(condition(cluster, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
	});

	it("times out without progress, and says so once", () => {
		const cluster = up();
		const stuck = template("web:1", { "test/never-ready": "" });
		cluster.store.create("deployments.apps", deployment({ template: stuck, progressDeadlineSeconds: 60 }));
		cluster.simulation.settle();
		const { name } = (sets(cluster)[0] as ReplicaSet).metadata;
		expect(condition(cluster, "Progressing")).toMatchObject({
			reason: "ReplicaSetUpdated",
			message: `ReplicaSet "${name}" is progressing.`,
		});
		cluster.simulation.advance(57_000);
		expect(condition(cluster, "Progressing")?.reason).toBe("ReplicaSetUpdated");
		cluster.simulation.advance(5000);
		expect(condition(cluster, "Progressing")).toMatchObject({
			status: "False",
			reason: "ProgressDeadlineExceeded",
			message: `ReplicaSet "${name}" has timed out progressing.`,
		});
		expect(condition(cluster, "Available")).toMatchObject({
			status: "False",
			reason: "MinimumReplicasUnavailable",
			message: "Deployment does not have minimum availability.",
		});
		write(cluster, { template: template("web:2") });
		cluster.simulation.settle();
		expect(condition(cluster, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
	});

	it("is available only after minReadySeconds, pod by pod", () => {
		const cluster = up();
		cluster.store.create("deployments.apps", deployment({ minReadySeconds: 30 }));
		cluster.simulation.advance(10_000);
		expect(get(cluster).status).toMatchObject({ readyReplicas: 3, unavailableReplicas: 3 });
		cluster.simulation.settle();
		expect(get(cluster).status).toMatchObject({ availableReplicas: 3 });
		expect(get(cluster).status?.unavailableReplicas).toBeUndefined();
	});

	it("takes another hash where a ReplicaSet of another's has its name", () => {
		const cluster = up();
		const wanted = cluster.store.create("deployments.apps", deployment());
		const taken = replicaSetFor(wanted, 1, 1);
		const { ownerReferences: _, ...metadata } = taken.metadata;
		const other = {
			...taken.spec,
			template: { ...taken.spec?.template, spec: { containers: [{ name: "c", image: "other" }] } },
		};
		cluster.store.create("replicasets.apps", {
			...taken,
			metadata: { ...metadata, labels: {} },
			spec: { ...other, selector: taken.spec?.selector ?? {} },
		});
		cluster.simulation.settle();
		expect(get(cluster).status).toMatchObject({ collisionCount: 1, availableReplicas: 3 });
		expect(sets(cluster)).toHaveLength(2);
	});

	it("adopts ReplicaSets that it selects, and names why one cannot be made", () => {
		const cluster = up();
		const create = cluster.store.create.bind(cluster.store);
		let full = true;
		cluster.store.create = ((resource: string, object: ReplicaSet) => {
			if (resource === "replicasets.apps" && full) throw new StatusError(403, "Forbidden", "exceeded quota: q");
			return create(resource, object);
		}) as typeof cluster.store.create;
		cluster.store.create("deployments.apps", deployment());
		cluster.simulation.advance(1);
		const [event] = cluster.events as [string];
		expect(event).toMatch(
			/^Warning ReplicaSetCreateError Deployment d\/web: Failed to create new replica set "web-.*": exceeded quota: q$/,
		);
		expect(condition(cluster, "Progressing")).toMatchObject({ status: "False", reason: "ReplicaSetCreateError" });
		full = false;
		// What an earlier Deployment of the name left behind.
		const { ownerReferences: _, ...metadata } = replicaSetFor(get(cluster), 3, 7).metadata;
		create("replicasets.apps", { ...replicaSetFor(get(cluster), 3, 7), metadata });
		cluster.simulation.settle();
		expect(sets(cluster)).toHaveLength(1);
		expect(sets(cluster)[0]?.metadata.ownerReferences).toMatchObject([{ kind: "Deployment", name: "web" }]);
		expect(get(cluster).metadata.annotations?.[REVISION]).toBe("7");
		expect(get(cluster).status).toMatchObject({ availableReplicas: 3 });
	});

	it("passes on that pods cannot be made", () => {
		const cluster = up();
		const create = cluster.store.create.bind(cluster.store);
		cluster.store.create = ((resource: string, object: ReplicaSet) => {
			if (resource === "pods") throw new StatusError(403, "Forbidden", "exceeded quota: q");
			return create(resource, object);
		}) as typeof cluster.store.create;
		cluster.store.create("deployments.apps", deployment());
		cluster.simulation.advance(1000);
		expect(condition(cluster, "ReplicaFailure")).toMatchObject({
			status: "True",
			reason: "FailedCreate",
			message: "exceeded quota: q",
		});
	});
});
