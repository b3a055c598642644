// Controllers over a real registry on a virtual clock: what their tests stand on.

import type { KubernetesObject } from "../../js/api/meta.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { RegistryStore } from "../../js/cluster/store.ts";
import type { Component, Recorder, World } from "../../js/ports.ts";
import { Simulation, VirtualClock } from "../../js/sim/simulation.ts";
import { emptyRegistry } from "../apiserver/registry.ts";

export interface Running {
	registry: Registry;
	store: RegistryStore;
	simulation: Simulation;
	/** `TYPE REASON KIND NS/NAME: MESSAGE`, in order. */
	events: string[];
}

/** 2026-01-01T00:00:00Z. */
export const START = 1_767_225_600_000_000_000n;

/** Components at work over an API with one namespace more; nothing has happened yet. */
export function running(components: readonly Component[], namespace = "d"): Running {
	const clock = new VirtualClock(START);
	const registry = emptyRegistry(namespace, () => clock.now());
	const store = new RegistryStore(registry);
	const events: string[] = [];
	const recorder: Recorder = {
		event({ kind, metadata }: KubernetesObject, type, reason, message) {
			events.push(`${type} ${reason} ${kind} ${metadata.namespace ?? ""}/${metadata.name}: ${message}`);
		},
	};
	const world: World = { store, clock, random: registry.random, recorder };
	return { registry, store, simulation: new Simulation(components, world, store, clock), events };
}
