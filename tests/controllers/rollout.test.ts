// Rolling updates of all sizes and paces: within their bounds after every step, and the same again from the same start.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Deployment, ReplicaSet } from "../../js/api/apps.ts";
import { isReady } from "../../js/api/pod.ts";
import { StatusError } from "../../js/apiserver/status.ts";
import { fenceposts } from "../../js/controllers/bounds.ts";
import { components } from "../../js/controllers/components.ts";
import { runs } from "../runs.ts";
import { type KubeletOptions, kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { alive, change, deployment, pods, template } from "./workloads.ts";

const up = (options?: KubeletOptions) => running([...components(), kubelet(options)]);
const get = ({ store }: Running) => store.get<Deployment>("deployments.apps", "d", "web") as Deployment;
const sets = ({ store }: Running) => store.list<ReplicaSet>("replicasets.apps", "d");
const write = (cluster: Running, spec: Partial<Deployment["spec"]>) =>
	change<Deployment>(cluster, "deployments.apps", "web", spec);

/** `IMAGE: SIZE` of ReplicaSets that have one. */
const shape = (cluster: Running) =>
	Object.fromEntries(
		sets(cluster)
			.filter(({ spec }) => (spec?.replicas ?? 0) > 0)
			.map(({ spec }) => [spec?.template?.spec?.containers[0]?.image, spec?.replicas]),
	);

describe("a rolling update", () => {
	const share = fc.oneof(
		fc.nat(4),
		fc.nat(100).map((n) => `${n}%`),
	);

	it("keeps its bounds after every step, whatever else happens, and ends", () => {
		fc.assert(
			fc.property(
				fc.record({
					replicas: fc.integer({ min: 1, max: 8 }),
					surge: share,
					unavailable: share,
					readyMs: fc.integer({ min: 1, max: 5000 }),
					goneMs: fc.integer({ min: 1, max: 5000 }),
					at: fc.array(fc.nat(8000), { maxLength: 3 }),
				}),
				({ replicas, surge, unavailable, readyMs, goneMs, at }) => {
					fc.pre(!/^0%?$/.test(String(surge)) || !/^0%?$/.test(String(unavailable)));
					const [more, fewer] = fenceposts(surge, unavailable, replicas);
					const cluster = up({ readyMs, goneMs });
					const rollingUpdate = { maxSurge: surge, maxUnavailable: unavailable };
					cluster.store.create(
						"deployments.apps",
						deployment({ replicas, strategy: { type: "RollingUpdate", rollingUpdate } }),
					);
					cluster.simulation.settle();
					const within = () => {
						const there = alive(cluster);
						const ready = there.filter(isReady);
						return there.length <= replicas + more && ready.length >= replicas - Math.min(fewer, replicas);
					};
					let image = 1;
					for (const ms of at) {
						write(cluster, { template: template(`web:${++image}`) });
						expect(cluster.simulation.runUntil(() => !within(), ms)).toBe(false);
					}
					write(cluster, { template: template("web:last") });
					expect(cluster.simulation.runUntil(() => !within(), 600_000)).toBe(false);
					expect(shape(cluster)).toEqual({ "web:last": replicas });
					expect(get(cluster).status).toMatchObject({
						replicas,
						updatedReplicas: replicas,
						availableReplicas: replicas,
					});
				},
			),
			runs(60),
		);
	});

	it("converges where writes are refused as conflicts, and the same seed gives the same log", () => {
		const play = (refused: ReadonlySet<number>) => {
			const cluster = up();
			const log: string[] = [];
			let writes = 0;
			for (const method of ["create", "update", "updateStatus", "delete"] as const) {
				const original = cluster.store[method].bind(cluster.store) as (...args: unknown[]) => unknown;
				cluster.store[method] = ((resource: string, object: Deployment, ...rest: unknown[]) => {
					log.push(`${cluster.simulation.clock.now()} ${method} ${resource} ${object.metadata.name ?? ""}`);
					if (refused.has(writes++)) throw new StatusError(409, "Conflict", "the object has been modified");
					return original(resource, object, ...rest);
				}) as never;
			}
			const asClient = (act: () => void) => {
				for (;;) {
					try {
						act();
						return;
					} catch (error) {
						if (!(error instanceof StatusError)) throw error;
					}
				}
			};
			asClient(() => cluster.store.create("deployments.apps", deployment()));
			cluster.simulation.settle();
			asClient(() => write(cluster, { template: template("web:2"), replicas: 4 }));
			expect(cluster.simulation.settle({ withinMs: 60_000 })).toBe(true);
			expect(shape(cluster)).toEqual({ "web:2": 4 });
			expect(get(cluster).status).toMatchObject({ updatedReplicas: 4, availableReplicas: 4 });
			return { log, events: cluster.events, stored: JSON.stringify([get(cluster), sets(cluster), pods(cluster)]) };
		};
		fc.assert(
			fc.property(fc.uniqueArray(fc.nat(120), { maxLength: 40 }), (refused) => {
				expect(play(new Set(refused))).toEqual(play(new Set(refused)));
			}),
			runs(30),
		);
	});
});
