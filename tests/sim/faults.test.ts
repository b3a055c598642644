// Faults one by one: what a component hears and when, what its writes come to, what its clock says.

import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { Component, StoreChange } from "../../js/ports.ts";
import { Faults } from "../../js/sim/faults.ts";
import { netOf } from "../../js/sim/hearing.ts";
import { atWork } from "../cluster/running.ts";
import { running, START } from "../controllers/running.ts";

const configMap = (name: string, data: Record<string, string> = {}) =>
	({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "d", name }, data }) as KubernetesObject;

/** Writes down what it hears and when, ms. */
function listener(name: string) {
	const heard: string[] = [];
	const component: Component = {
		name,
		watches: { configmaps: ({ type, object }) => [`${type} ${object.metadata.name}`] },
		reconcile(key, { clock }) {
			heard.push(`${(clock.now() - START) / 1_000_000n} ${key}`);
			return undefined;
		},
	};
	return { heard, component };
}

function heardBy(...names: string[]) {
	const listeners = names.map(listener);
	const world = running([...listeners.map(({ component }) => component), new Faults()]);
	world.simulation.settle();
	return { ...world, heard: listeners.map(({ heard }) => heard) };
}

describe("a watch that lags", () => {
	it("tells everything in order, that much later, and nobody else is late", () => {
		const { store, simulation, heard } = heardBy("slow", "quick");
		simulation.inject({ fault: "lag", component: "slow", lagMs: 300, forMs: 1000 });
		store.create("configmaps", configMap("a"));
		simulation.advance(100);
		store.create("configmaps", configMap("b"));
		simulation.advance(1000);
		store.create("configmaps", configMap("c"));
		simulation.advance(1000);
		expect(heard).toEqual([
			["300 ADDED a", "400 ADDED b", "1100 ADDED c"],
			["0 ADDED a", "100 ADDED b", "1100 ADDED c"],
		]);
	});

	it("is not overtaken when the fault ends", () => {
		const { store, simulation, heard } = heardBy("slow");
		simulation.inject({ fault: "lag", lagMs: 500, forMs: 100 });
		store.create("configmaps", configMap("a"));
		simulation.advance(200);
		store.create("configmaps", configMap("b"));
		simulation.advance(1000);
		expect(heard).toEqual([["500 ADDED a", "500 ADDED b"]]);
	});
});

describe("a watch that is broken", () => {
	it("ends in a list: what came and went is not heard of, what changed twice is heard of once", () => {
		const { store, simulation, heard } = heardBy("deaf");
		const old = store.create("configmaps", configMap("old"));
		const kept = store.create("configmaps", configMap("kept"));
		simulation.advance(10);
		heard[0]?.splice(0);
		simulation.inject({ fault: "watch", component: "deaf", forMs: 1000 });
		store.delete("configmaps", store.create("configmaps", configMap("fleeting")));
		store.delete("configmaps", old);
		const changed = store.update("configmaps", { ...kept, data: { a: "1" } } as KubernetesObject);
		simulation.advance(500);
		store.update("configmaps", { ...changed, data: { a: "2" } } as KubernetesObject);
		simulation.advance(1000);
		expect(heard).toEqual([["1010 DELETED old", "1010 MODIFIED kept"]]);
	});

	it("nets a deletion and a creation of the same name as a change", () => {
		const of = (type: StoreChange["type"], uid: string, previous?: string): StoreChange => {
			const object = (id: string) => ({ ...configMap("a"), metadata: { namespace: "d", name: "a", uid: id } });
			return { type, resource: "configmaps", object: object(uid), previous: previous ? object(previous) : undefined };
		};
		const [net, ...others] = netOf([of("DELETED", "1", "1"), of("ADDED", "2")]);
		expect(others).toEqual([]);
		expect(net).toMatchObject({
			type: "MODIFIED",
			object: { metadata: { uid: "2" } },
			previous: { metadata: { uid: "1" } },
		});
		expect(netOf([of("ADDED", "1"), of("DELETED", "1", "1")])).toEqual([]);
	});
});

describe("writes that fail", () => {
	const rs = {
		...{ apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { namespace: "d", name: "web" } },
		spec: {
			...{ replicas: 3, selector: { matchLabels: { a: "b" } } },
			template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } },
		},
	} as KubernetesObject;

	it("are tried again until they are done, and an unanswered one is done once", () => {
		for (const fault of ["conflict", "timeout"] as const) {
			const world = atWork({ nodes: 2 });
			world.simulation.inject({ fault, share: 0.5, forMs: 20_000 });
			world.store.create("replicasets.apps", rs);
			world.simulation.advance(20_000);
			expect(world.simulation.settle()).toBe(true);
			expect(world.pods().map(({ status }) => status?.phase)).toEqual(["Running", "Running", "Running"]);
		}
	});

	it("stop a component where all of them do", () => {
		const world = atWork({ nodes: 2 });
		world.simulation.inject({ fault: "conflict", component: "default-scheduler", share: 1, forMs: 5000 });
		world.store.create("replicasets.apps", rs);
		world.simulation.advance(4900);
		expect(world.pods().map(({ spec }) => spec?.nodeName)).toEqual([undefined, undefined, undefined]);
		world.simulation.advance(10_000);
		expect(world.pods().every(({ spec }) => spec?.nodeName !== undefined)).toBe(true);
	});
});

describe("time", () => {
	it("stands for one component, and jumps to what it is", () => {
		const times: string[] = [];
		const ticking: Component = {
			name: "ticking",
			watches: {},
			reconcile(_, { clock }) {
				times.push(String((clock.now() - START) / 1_000_000n));
				return { idleMs: 100 };
			},
		};
		const { simulation } = running([ticking, new Faults()]);
		simulation.wake("ticking", "x");
		expect(() => simulation.inject({ fault: "clock", component: "tocking", forMs: 1 })).toThrow(
			"there is no component tocking",
		);
		simulation.advance(250);
		expect(times).toEqual(["0", "100", "200"]);
	});

	it("of a kubelet that stands delays what is due by it, not for ever", () => {
		const world = atWork({ nodes: 1 });
		world.simulation.inject({ fault: "clock", component: "kubelet", forMs: 8000 });
		world.store.create("pods", {
			...{ apiVersion: "v1", kind: "Pod", metadata: { namespace: "d", name: "a" } },
			spec: { containers: [{ name: "c", image: "i" }] },
		} as KubernetesObject);
		world.simulation.advance(7900);
		expect(world.pod("a")?.status?.phase).toBe("Pending");
		world.simulation.advance(5000);
		expect(world.pod("a")?.status?.phase).toBe("Running");
	});

	it("jumps for everybody: what was due by then is late", () => {
		const { store, simulation, heard } = heardBy("one");
		simulation.inject({ fault: "jump", afterMs: 100, byMs: 5000 });
		simulation.advance(200);
		store.create("configmaps", configMap("a"));
		simulation.settle();
		expect(heard).toEqual([["5100 ADDED a"]]);
	});
});

describe("a node that is lost", () => {
	it("is silent for so long, and comes back", () => {
		const world = atWork({ nodes: 2 });
		const ready = () =>
			world.store.get<KubernetesObject & { spec?: { taints?: object[] } }>("nodes", "", "node-1")?.spec?.taints;
		world.simulation.inject({ fault: "node", node: "node-1", afterMs: 1000, forMs: 60_000 });
		world.simulation.advance(50_000);
		expect(ready()?.length).toBe(2);
		world.simulation.advance(12_000);
		expect(ready()).toBeUndefined();
		expect(world.simulation.faults?.isOver(world.clock.now())).toBe(true);
	});
});

it("refuses what makes no sense", () => {
	const { simulation } = heardBy("one");
	expect(() => simulation.inject({ fault: "conflict", share: 2, forMs: 1 })).toThrow(
		"fault conflict: share: expected a number from 0 to 1, got 2",
	);
	expect(() => simulation.inject({ fault: "jump", byMs: -1 })).toThrow("fault jump: byMs: expected a number from 0");
});
