// Virtual time: what settling waits for, what it does not, and that a fork goes its own way.

import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { StatusError } from "../../js/apiserver/status.ts";
import type { Component, StoreChange, World } from "../../js/ports.ts";
import { type Changes, NeverSettles, Simulation, VirtualClock } from "../../js/sim/simulation.ts";

const START = 1_000_000_000n;

class Log implements Changes {
	readonly changes: StoreChange[] = [];

	get revision(): number {
		return this.changes.length + 1;
	}

	since(revision: number): Iterable<StoreChange> {
		return this.changes.slice(revision - 1);
	}

	everything(): Iterable<StoreChange> {
		return this.changes;
	}

	add(name: string): void {
		const object: KubernetesObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "d", name } };
		this.changes.push({ type: "ADDED", resource: "configmaps", object, previous: undefined });
	}
}

type Seen = [ms: number, component: string, key: string];

function component(name: string, seen: Seen[], reconcile: Component["reconcile"] = () => undefined): Component {
	return {
		name,
		watches: { configmaps: ({ object }) => [`d/${object.metadata.name}`] },
		reconcile(key, world) {
			seen.push([Number((world.clock.now() - START) / 1_000_000n), name, key]);
			return reconcile(key, world);
		},
	};
}

function simulationOf(components: Component[]): { log: Log; simulation: Simulation } {
	const log = new Log();
	const clock = new VirtualClock(START);
	return { log, simulation: new Simulation(components, { clock } as unknown as World, log, clock) };
}

describe("a simulation", () => {
	it("tells each watcher of a change, once for many changes of one object", () => {
		const seen: Seen[] = [];
		const { log, simulation } = simulationOf([component("one", seen), component("two", seen)]);
		for (const name of ["a", "a", "b"]) log.add(name);
		expect(simulation.settle()).toBe(true);
		expect(seen).toEqual([
			[0, "one", "d/a"],
			[0, "two", "d/a"],
			[0, "one", "d/b"],
			[0, "two", "d/b"],
		]);
	});

	it("settles through progress, and leaves what is idle", () => {
		const seen: Seen[] = [];
		let left = 3;
		const { log, simulation } = simulationOf([
			component("starts", seen, () => (--left > 0 ? { progressMs: 1000 } : { idleMs: 10_000 })),
		]);
		log.add("a");
		expect(simulation.settle()).toBe(true);
		expect(seen.map(([ms]) => ms)).toEqual([0, 1000, 2000]);
		expect(simulation.pending().map(({ at, idle }) => [at - START, idle])).toEqual([[12_000_000_000n, true]]);
		simulation.advance(25_000);
		expect(seen.map(([ms]) => ms).slice(3)).toEqual([12_000, 22_000]);
		expect(simulation.clock.now() - START).toBe(27_000_000_000n);
	});

	it("tries again what the API refuses, later each time, and throws what is a fault", () => {
		const seen: Seen[] = [];
		let refusals = 3;
		const { log, simulation } = simulationOf([
			component("refused", seen, () => {
				if (refusals-- > 0) throw new StatusError(409, "Conflict", "modified");
				return undefined;
			}),
		]);
		log.add("a");
		expect(simulation.settle()).toBe(true);
		expect(seen.map(([ms]) => ms)).toEqual([0, 5, 15, 35]);
		const broken = simulationOf([
			component("broken", [], () => {
				throw new TypeError("broken");
			}),
		]);
		broken.log.add("a");
		expect(() => broken.simulation.settle()).toThrow(TypeError);
	});

	it("does not wait for ever", () => {
		const restless = component("restless", [], () => ({ progressMs: 0 }));
		const { log, simulation } = simulationOf([restless]);
		log.add("a");
		expect(() => simulation.settle({ steps: 100 })).toThrow(NeverSettles);
		const still = simulationOf([component("still", [], () => ({ idleMs: 0 }))]);
		still.log.add("a");
		expect(() => still.simulation.advance(1, 100)).toThrow(NeverSettles);
		const slow = simulationOf([component("slow", [], () => ({ progressMs: 60_000 }))]);
		slow.log.add("a");
		expect(slow.simulation.settle({ withinMs: 150_000 })).toBe(false);
	});

	it("runs until something holds", () => {
		const seen: Seen[] = [];
		const { log, simulation } = simulationOf([component("ticks", seen, () => ({ idleMs: 100 }))]);
		log.add("a");
		expect(simulation.runUntil(() => seen.length === 4)).toBe(true);
		expect(simulation.clock.now() - START).toBe(300_000_000n);
		expect(simulation.runUntil(() => false, 1000)).toBe(false);
	});

	it("forks: the copy's steps are not the original's", () => {
		const seen: Seen[] = [];
		const { log, simulation } = simulationOf([component("ticks", seen, () => ({ idleMs: 100 }))]);
		log.add("a");
		simulation.settle();
		const clock = new VirtualClock(simulation.clock.now());
		const copy = simulation.fork({ clock } as unknown as World, log, clock);
		copy.advance(250);
		expect(seen).toHaveLength(3);
		expect(simulation.clock.now()).toBe(START);
		expect(simulation.pending()).toHaveLength(1);
	});
});
