// The ReplicaSet controller: counts, events, adoption, refusals; and at rest the count, whatever happened.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplicaSet } from "../../js/api/apps.ts";
import type { Pod } from "../../js/api/core.ts";
import { StatusError } from "../../js/apiserver/status.ts";
import { replicaset, replication } from "../../js/controllers/replicaset/component.ts";
import type { Store } from "../../js/ports.ts";
import { runs } from "../runs.ts";
import { kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { alive, change, LABELS, pod, pods, replicaSet, template } from "./workloads.ts";

const up = () => running([replicaset, replication, kubelet()]);
const statusOf = ({ store }: Running, name = "web") => store.get<ReplicaSet>("replicasets.apps", "d", name)?.status;
const owners = ({ metadata }: Pod) => (metadata.ownerReferences ?? []).map(({ name }) => name);

describe("a ReplicaSet", () => {
	it("makes its pods, says so, and counts them", () => {
		const cluster = up();
		cluster.store.create("replicasets.apps", replicaSet());
		expect(cluster.simulation.settle()).toBe(true);
		const made = pods(cluster);
		expect(made).toHaveLength(3);
		expect(cluster.events.toSorted()).toEqual(
			made.map(({ metadata }) => `Normal SuccessfulCreate ReplicaSet d/web: Created pod: ${metadata.name}`).toSorted(),
		);
		for (const one of made) {
			expect(one.metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
			expect(one.metadata.labels).toEqual(LABELS);
			expect(one.metadata.ownerReferences).toMatchObject([{ kind: "ReplicaSet", name: "web", controller: true }]);
		}
		expect(statusOf(cluster)).toEqual({
			replicas: 3,
			fullyLabeledReplicas: 3,
			readyReplicas: 3,
			availableReplicas: 3,
			terminatingReplicas: 0,
			observedGeneration: 1,
		});
	});

	it("makes again what goes or fails, and tells of those that are going", () => {
		const cluster = up();
		cluster.store.create("replicasets.apps", replicaSet());
		cluster.simulation.settle();
		const [first] = pods(cluster);
		cluster.store.delete("pods", first as Pod);
		cluster.simulation.advance(10);
		expect(alive(cluster)).toHaveLength(3);
		expect(statusOf(cluster)).toMatchObject({ replicas: 3, readyReplicas: 2, terminatingReplicas: 1 });
		cluster.simulation.settle();
		expect(pods(cluster)).toHaveLength(3);
		expect(statusOf(cluster)).toMatchObject({ readyReplicas: 3, terminatingReplicas: 0 });
	});

	it("deletes what is too much: first the one that was never placed", () => {
		const cluster = running([replicaset, kubelet()]);
		cluster.store.create("replicasets.apps", replicaSet());
		cluster.simulation.settle();
		const before = pods(cluster).map(({ metadata }) => metadata.name);
		change<ReplicaSet>(cluster, "replicasets.apps", "web", { replicas: 4 });
		// The kubelet has not seen the fourth when it goes again.
		cluster.simulation.runUntil(() => pods(cluster).length === 4);
		change<ReplicaSet>(cluster, "replicasets.apps", "web", { replicas: 3 });
		cluster.simulation.settle();
		expect(pods(cluster).map(({ metadata }) => metadata.name)).toEqual(before);
		expect(cluster.events.filter((event) => event.includes("SuccessfulDelete"))).toHaveLength(1);
	});

	it("is available once it is ready for minReadySeconds", () => {
		const cluster = up();
		cluster.store.create("replicasets.apps", replicaSet({ minReadySeconds: 30 }));
		cluster.simulation.advance(10_000);
		expect(statusOf(cluster)).toMatchObject({ readyReplicas: 3 });
		expect(statusOf(cluster)?.availableReplicas).toBeUndefined();
		cluster.simulation.settle();
		expect(statusOf(cluster)).toMatchObject({ readyReplicas: 3, availableReplicas: 3 });
	});

	it("adopts orphans that it selects, and no other controller's pods", () => {
		const cluster = up();
		cluster.store.create("replicasets.apps", replicaSet({ replicas: 2 }, "other"));
		cluster.simulation.settle();
		cluster.store.create("pods", pod("orphan"));
		cluster.store.create("pods", pod("stranger", { app: "db" }));
		// Its selector matches the other's pods too.
		cluster.store.create("replicasets.apps", replicaSet({ replicas: 2 }));
		cluster.simulation.settle();
		const count = (name: string) => pods(cluster).filter((one) => owners(one).includes(name)).length;
		expect(pods(cluster)).toHaveLength(5);
		expect([count("other"), count("web")]).toEqual([2, 2]);
		expect(owners(cluster.store.get<Pod>("pods", "d", "stranger") as Pod)).toEqual([]);
		expect(pods(cluster).map(owners)).toContainEqual(["web"]);
	});

	it("lets go a pod whose labels were changed, and makes another", () => {
		const cluster = up();
		cluster.store.create("replicasets.apps", replicaSet());
		cluster.simulation.settle();
		const [first] = pods(cluster) as [Pod];
		cluster.store.update("pods", { ...first, metadata: { ...first.metadata, labels: { app: "debug" } } });
		cluster.simulation.settle();
		expect(pods(cluster)).toHaveLength(4);
		expect(owners(cluster.store.get<Pod>("pods", "d", first.metadata.name ?? "") as Pod)).toEqual([]);
	});

	it("says why it cannot make pods, tries again, and takes it back", () => {
		const cluster = up();
		const made = cluster.store.create.bind(cluster.store) as Store["create"];
		let full = true;
		cluster.store.create = ((resource: string, object: Pod) => {
			if (resource === "pods" && full)
				throw new StatusError(403, "Forbidden", 'pods "web-" is forbidden: exceeded quota: q');
			return made(resource, object);
		}) as typeof cluster.store.create;
		cluster.store.create("replicasets.apps", replicaSet());
		cluster.simulation.advance(4);
		expect(cluster.events).toEqual([
			'Warning FailedCreate ReplicaSet d/web: Error creating: pods "web-" is forbidden: exceeded quota: q',
			'Warning FailedCreate ReplicaSet d/web: Error creating: pods "web-" is forbidden: exceeded quota: q',
		]);
		expect(statusOf(cluster)?.conditions).toEqual([
			{
				type: "ReplicaFailure",
				status: "True",
				reason: "FailedCreate",
				message: 'pods "web-" is forbidden: exceeded quota: q',
				lastTransitionTime: "2026-01-01T00:00:00Z",
			},
		]);
		full = false;
		cluster.simulation.settle();
		expect(statusOf(cluster)).toMatchObject({ readyReplicas: 3 });
		expect(statusOf(cluster)?.conditions).toBeUndefined();
	});

	it("does the same as a ReplicationController", () => {
		const cluster = up();
		cluster.store.create("replicationcontrollers", {
			apiVersion: "v1",
			kind: "ReplicationController",
			metadata: { namespace: "d", name: "old" },
			spec: { replicas: 2, selector: LABELS, template: template() },
		});
		cluster.simulation.settle();
		expect(pods(cluster).map(owners)).toEqual([["old"], ["old"]]);
		expect(cluster.store.get("replicationcontrollers", "d", "old")?.status).toEqual({
			replicas: 2,
			fullyLabeledReplicas: 2,
			readyReplicas: 2,
			availableReplicas: 2,
			observedGeneration: 1,
		});
	});
});

const ACTION = fc.oneof(
	fc.record({ does: fc.constant("scale" as const), set: fc.nat(2), to: fc.nat(6) }),
	fc.record({ does: fc.constant("delete" as const), pod: fc.nat(20) }),
	fc.record({ does: fc.constant("relabel" as const), pod: fc.nat(20) }),
	fc.record({ does: fc.constant("orphan" as const), n: fc.nat(1000), set: fc.nat(2) }),
	fc.record({ does: fc.constant("wait" as const), ms: fc.nat(5000) }),
);

type Action = typeof ACTION extends fc.Arbitrary<infer A> ? A : never;

const SETS = ["a", "b", "c"];

function act(cluster: Running, action: Action): void {
	const all = pods(cluster);
	switch (action.does) {
		case "scale":
			change<ReplicaSet>(cluster, "replicasets.apps", SETS[action.set] ?? "", { replicas: action.to });
			break;
		case "delete": {
			const one = all[action.pod % Math.max(1, all.length)];
			if (one !== undefined) cluster.store.delete("pods", one);
			break;
		}
		case "relabel": {
			const one = all[action.pod % Math.max(1, all.length)];
			if (one !== undefined)
				cluster.store.update("pods", { ...one, metadata: { ...one.metadata, labels: { set: "none" } } });
			break;
		}
		case "orphan": {
			const name = `o${action.n}`;
			if (cluster.store.get("pods", "d", name) === undefined)
				cluster.store.create("pods", pod(name, { set: SETS[action.set] ?? "" }));
			break;
		}
		case "wait":
			cluster.simulation.advance(action.ms);
	}
}

describe("at rest", () => {
	it("every ReplicaSet has its count, whatever happened, and a second run is the same", () => {
		const play = (actions: Action[]) => {
			const cluster = up();
			for (const set of SETS) {
				const labels = { set };
				const spec = {
					replicas: 2,
					selector: { matchLabels: labels },
					template: { ...template(), metadata: { labels } },
				};
				cluster.store.create("replicasets.apps", replicaSet(spec, set));
			}
			for (const action of actions) act(cluster, action);
			expect(cluster.simulation.settle()).toBe(true);
			return cluster;
		};
		fc.assert(
			fc.property(fc.array(ACTION, { maxLength: 30 }), (actions) => {
				const cluster = play(actions);
				for (const name of SETS) {
					const { spec, status } = cluster.store.get<ReplicaSet>("replicasets.apps", "d", name) as ReplicaSet;
					const own = pods(cluster).filter((one) => owners(one).includes(name));
					expect(own).toHaveLength(spec?.replicas ?? 0);
					expect(status).toMatchObject({ replicas: own.length, terminatingReplicas: 0 });
					expect([status?.readyReplicas ?? 0, status?.availableReplicas ?? 0]).toEqual([own.length, own.length]);
				}
				const again = play(actions);
				expect(again.events).toEqual(cluster.events);
				expect(JSON.stringify(pods(again))).toBe(JSON.stringify(pods(cluster)));
			}),
			runs(100),
		);
	});
});
