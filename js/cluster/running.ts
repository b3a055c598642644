// A cluster at work: the components of a control plane and of its nodes over one API, on a clock of their own. Nothing here waits or
// looks at a wall clock: what is to come is in the simulation's agenda, so the same start and the same writes give the same
// future, and a fork goes its own way.

import type { Node, Pod } from "../api/core.ts";
import type { KubernetesObject } from "../api/meta.ts";
import type { Registry } from "../apiserver/registry/request.ts";
import { cloudNode } from "../cloud/node.ts";
import { cloudService } from "../cloud/service.ts";
import { PodAddresses } from "../cni/addresses.ts";
import { components as workloads } from "../controllers/components.ts";
import { endpoint } from "../controllers/endpoints.ts";
import { endpointSlice } from "../controllers/endpointslice.ts";
import { endpointSliceMirroring } from "../controllers/endpointslicemirroring.ts";
import { nodeIpam } from "../controllers/nodeipam.ts";
import { NodeLifecycle, taintEviction } from "../controllers/nodelifecycle.ts";
import { Kubelet } from "../kubelet/kubelet.ts";
import type { AddressPrefix } from "../net/address.ts";
import type { Component, World } from "../ports.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { Simulation, type VirtualClock } from "../sim/simulation.ts";
import { GarbageCollector, namespaceController } from "./collecting.ts";
import { EventSink } from "./recorder.ts";
import { RegistryStore } from "./store.ts";

export interface RunningOptions {
	/** Pod networks of the cluster, at most one a family, and how much of them a node gets. */
	podCIDRs: readonly AddressPrefix[];
	nodeMask: { ipv4: number; ipv6: number };
	/** Of load balancers. */
	loadBalancerPool: AddressPrefix;
	/** Told of everything that components say. */
	heard?: (about: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string) => void;
}

/** Every component of a cluster, in the order in which they look at one change. */
function componentsOf({ podCIDRs, nodeMask, loadBalancerPool }: RunningOptions, addresses: PodAddresses): Component[] {
	return [
		...workloads(),
		endpointSlice,
		endpoint,
		endpointSliceMirroring,
		nodeIpam({ clusterCIDRs: podCIDRs, maskIPv4: nodeMask.ipv4, maskIPv6: nodeMask.ipv6 }),
		new NodeLifecycle(),
		taintEviction,
		new GarbageCollector(),
		namespaceController,
		new Scheduler(),
		new Kubelet(addresses),
		cloudNode,
		cloudService(loadBalancerPool),
	];
}

export class Running {
	readonly store: RegistryStore;
	readonly simulation: Simulation;
	readonly #registry: Registry;
	readonly #sink: EventSink;

	/** `clock` is the registry's. What the registry holds by now is taken as it is: components look at what changes from here on. */
	constructor(registry: Registry, clock: VirtualClock, options: RunningOptions) {
		this.#registry = registry;
		this.store = new RegistryStore(registry);
		const { heard = () => {} } = options;
		this.#sink = new EventSink(this.store, clock, (_, about, type, reason, message) =>
			heard(about, type, reason, message),
		);
		const addresses = new PodAddresses();
		for (const pod of this.store.list<Pod>("pods"))
			addresses.reserve(pod, this.store.get<Node>("nodes", "", pod.spec?.nodeName ?? ""));
		const components = componentsOf(options, addresses);
		this.simulation = new Simulation(components, this.#worldOf(clock), this.store, clock, this.store.revision);
	}

	#worldOf(clock: VirtualClock): (component: string) => World {
		const { random } = this.#registry;
		const worlds = new Map<string, World>();
		return (component) => {
			let world = worlds.get(component);
			if (world === undefined) {
				world = { store: this.store, clock, random, recorder: this.#sink.recorder(component) };
				worlds.set(component, world);
			}
			return world;
		};
	}
}
