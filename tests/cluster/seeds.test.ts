// Two thousand small scenes, each of a seed: what is there, what happens to it and when, what goes wrong meanwhile. A minute after the
// last of it the same holds of all. The API is made once, and forked for each.

import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { Running } from "../../js/cluster/running.ts";
import type { Fault } from "../../js/sim/faults.ts";
import { seededRandom } from "../../js/sim/random.ts";
import { broken } from "./invariants.ts";
import { atWork } from "./running.ts";
import { told } from "./tenminutes.ts";

const SEEDS = Number(process.env.SEEDS ?? 2000);
/** A test has that many, so that one that fails says where. */
const GROUP = 100;
/** One in so many is played twice. */
const AGAIN = 20;
const REST_MS = 60_000;
/** Not 1: a key that fails fifteen times in a row is left alone for minutes, as client-go's rate limiter has it. */
const SHARES = [0.2, 0.5, 0.8];

const COMPONENTS = [
	...["deployment", "replicaset", "statefulset", "endpoint-slice", "endpoint", "default-scheduler", "kubelet"],
	...["generic-garbage-collector", "node", "taint-eviction"],
];

/** Choices of one seed: each asked once, in order. */
class Chance {
	readonly #random;
	#asked = 0;

	constructor(seed: number) {
		this.#random = seededRandom(seed);
	}

	below(count: number): number {
		return this.#random.integer(count, this.#asked++);
	}

	of<T>(all: readonly T[]): T {
		return all[this.below(all.length)] as T;
	}
}

const template = (app: string, image: string) => ({
	metadata: { labels: { app } },
	spec: { containers: [{ name: "c", image, ports: [{ name: "http", containerPort: 80 }] }] },
});

function workload(kind: "Deployment" | "StatefulSet", name: string, replicas: number): KubernetesObject {
	const serviceName = kind === "StatefulSet" ? { serviceName: name } : {};
	const spec = { replicas, selector: { matchLabels: { app: name } }, template: template(name, "i:1"), ...serviceName };
	return { apiVersion: "apps/v1", kind, metadata: { namespace: "d", name }, spec } as KubernetesObject;
}

const service = (name: string, type: string) =>
	({
		...{ apiVersion: "v1", kind: "Service", metadata: { namespace: "d", name } },
		spec: { type, selector: { app: name }, ports: [{ port: 80, targetPort: "http" }] },
	}) as KubernetesObject;

const RESOURCES = { Deployment: "deployments.apps", StatefulSet: "statefulsets.apps" } as const;

/** One thing that a client or a node does. */
function act(chance: Chance, { store, simulation }: Running): void {
	const kind = chance.of(["Deployment", "StatefulSet"] as const);
	const resource = RESOURCES[kind];
	const name = kind === "Deployment" ? "web" : "db";
	const live = store.get<KubernetesObject & { spec: Record<string, unknown> }>(resource, "d", name);
	const pods = store.list("pods", "d");
	const does = chance.of(["scale", "roll", "delete", "delete", "service", "workload", "wait", "cordon"] as const);
	if (does === "scale" && live) store.update(resource, { ...live, spec: { ...live.spec, replicas: chance.below(5) } });
	if (does === "roll" && live) {
		const changed = template(name, `i:${chance.below(4)}`);
		store.update(resource, { ...live, spec: { ...live.spec, template: changed } } as KubernetesObject);
	}
	if (does === "delete" && pods.length > 0)
		store.delete("pods", chance.of(pods), { gracePeriodSeconds: chance.of([0, 1, 30]) });
	if (does === "service") {
		const known = store.get("services", "d", name);
		if (known) store.delete("services", known);
		else store.create("services", service(name, chance.of(["ClusterIP", "NodePort", "LoadBalancer"])));
	}
	if (does === "workload") {
		if (live) store.delete(resource, live, { propagationPolicy: chance.of(["Background", "Foreground"] as const) });
		else store.create(resource, workload(kind, name, 1 + chance.below(3)));
	}
	if (does === "cordon") {
		const node = store.get<KubernetesObject & { spec?: object }>("nodes", "", chance.of(["node-1", "node-2"]));
		if (node) store.update("nodes", { ...node, spec: { ...node.spec, unschedulable: chance.below(2) === 0 } } as never);
	}
	simulation.advance(chance.of([0, 0, 7, 400, 1500, 9000]));
}

/** What goes wrong, for 20 s at most. */
function faultOf(chance: Chance): Fault {
	const during = { afterMs: chance.below(8000), forMs: 1000 + chance.below(12_000) };
	const component = chance.of(COMPONENTS);
	const fault = chance.of(["lag", "lag", "watch", "watch", "conflict", "timeout", "node", "clock", "jump"] as const);
	if (fault === "lag") return { fault, component, lagMs: 1 + chance.below(5000), ...during };
	if (fault === "node") return { fault, node: chance.of(["node-1", "node-2", "node-3"]), ...during };
	if (fault === "conflict" || fault === "timeout") return { fault, component, share: chance.of(SHARES), ...during };
	if (fault === "jump") return { fault, afterMs: during.afterMs, byMs: chance.below(30_000) };
	return { fault, component, ...during };
}

describe(`${SEEDS} seeds`, () => {
	const origin = atWork({ nodes: 3 });
	const { store } = origin;
	store.create("services", service("web", "NodePort"));
	store.create("services", service("db", "ClusterIP"));
	store.create(RESOURCES.Deployment, workload("Deployment", "web", 2));
	store.create(RESOURCES.StatefulSet, workload("StatefulSet", "db", 1));
	const groups = Array.from({ length: Math.ceil(SEEDS / GROUP) }, (_, i) => i * GROUP + 1);

	/** A seed's scene, a minute after the last fault. */
	function played(seed: number): { world: Running; faults: Fault[] } {
		const chance = new Chance(seed);
		const world = origin.fork();
		// Half of them at rest first, half from the beginning on.
		if (chance.below(2) === 0) world.simulation.settle();
		const faults = Array.from({ length: chance.below(4) }, () => faultOf(chance));
		for (const fault of faults) world.simulation.inject(fault);
		for (let acts = 2 + chance.below(5); acts > 0; acts--) act(chance, world);
		for (let more = 0; !world.simulation.faults?.isOver(world.clock.now()); more++) {
			expect(more).toBeLessThan(60);
			world.simulation.advance(1000);
		}
		world.simulation.advance(REST_MS);
		return { world, faults };
	}

	it.each(groups)(
		"from %i on: a minute after the last fault all is as it should be, and the same the second time",
		(first) => {
			const wrong: string[] = [];
			for (let seed = first; seed < Math.min(first + GROUP, SEEDS + 1); seed++) {
				const { world, faults } = played(seed);
				wrong.push(...broken(world.store).map((what) => `seed ${seed}: ${what} (${JSON.stringify(faults)})`));
				// Not all of them: each costs as much as a seed.
				if (seed % AGAIN === 1 && told(played(seed).world, []) !== told(world, []))
					wrong.push(`seed ${seed}: is another one the second time`);
			}
			expect(wrong).toEqual([]);
		},
		120_000,
	);
});
