// A cluster at work: the components of a control plane and of its nodes over one API, on a clock of their own. Nothing here waits or
// looks at a wall clock: what is to come is in the simulation's agenda, so the same start and the same writes give the same
// future, and a fork goes its own way.

import type { Node, Pod } from "../api/core.ts";
import { keyOf } from "../api/key.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { isFinished } from "../api/pod.ts";
import type { Registry } from "../apiserver/registry/request.ts";
import { cloudNode } from "../cloud/node.ts";
import { cloudService } from "../cloud/service.ts";
import { PodAddresses } from "../cni/addresses.ts";
import { components as workloads } from "../controllers/components.ts";
import { endpoint } from "../controllers/endpoints.ts";
import { EndpointSliceController } from "../controllers/endpointslice.ts";
import { endpointSliceMirroring } from "../controllers/endpointslicemirroring.ts";
import { nodeIpam } from "../controllers/nodeipam.ts";
import { NodeLifecycle, taintEviction } from "../controllers/nodelifecycle.ts";
import { PodGC } from "../controllers/podgc.ts";
import { rootCACertPublisher, serviceAccount } from "../controllers/serviceaccount.ts";
import { serviceCIDRs } from "../controllers/servicecidr.ts";
import { KubeProxies } from "../kube-proxy/proxier.ts";
import { Kubelet } from "../kubelet/kubelet.ts";
import { isProbed } from "../kubelet/probe.ts";
import type { AddressPrefix } from "../net/address.ts";
import type { Component, Wire, World } from "../ports.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { Faults } from "../sim/faults.ts";
import { Simulation, type SimulationState, VirtualClock } from "../sim/simulation.ts";
import { garbageCollector, namespaceController } from "./collecting.ts";
import { FaultyStore } from "./faultystore.ts";
import { EventSink, type EventSinkState } from "./recorder.ts";
import { RegistryStore } from "./store.ts";

export interface RunningOptions {
	/** Pod networks of the cluster, at most one a family, and how much of them a node gets. */
	podCIDRs: readonly AddressPrefix[];
	nodeMask: { ipv4: number; ipv6: number };
	/** Of load balancers. */
	loadBalancerPool: AddressPrefix;
	/** Of kube-proxy. */
	minSyncPeriodMs?: number;
	syncPeriodMs?: number;
	/** PEM of the API server's authority, which every namespace is told; without: none is. */
	rootCA?: string;
	/** What kubelets dial on; absent: objects are all there is. */
	wire?: Wire | undefined;
	/** Told of everything that components say. */
	heard?: (about: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string) => void;
}

export interface RunningState {
	sink: EventSinkState;
	simulation: SimulationState;
}

/** Every component of a cluster, in the order in which they look at one change. */
function componentsOf(options: RunningOptions, addresses: PodAddresses): Component[] {
	const { podCIDRs, nodeMask, loadBalancerPool, minSyncPeriodMs = 1000, syncPeriodMs = 30_000, rootCA } = options;
	return [
		serviceAccount,
		...(rootCA === undefined ? [] : [rootCACertPublisher(rootCA)]),
		...workloads(),
		new EndpointSliceController(),
		endpoint,
		endpointSliceMirroring,
		nodeIpam({ clusterCIDRs: podCIDRs, maskIPv4: nodeMask.ipv4, maskIPv6: nodeMask.ipv6 }),
		new NodeLifecycle(),
		taintEviction,
		serviceCIDRs,
		new PodGC(),
		garbageCollector,
		namespaceController,
		new Scheduler(),
		new Kubelet(addresses),
		cloudNode,
		cloudService(loadBalancerPool),
		new KubeProxies(minSyncPeriodMs, syncPeriodMs),
		new Faults(),
	];
}

export class Running {
	readonly store: RegistryStore;
	readonly simulation: Simulation;
	readonly clock: VirtualClock;
	readonly #sink: EventSink;

	private constructor(
		store: RegistryStore,
		clock: VirtualClock,
		sink: EventSink,
		wire: Wire | undefined,
		simulationOf: (worldOf: (component: string) => World) => Simulation,
	) {
		this.clock = clock;
		this.store = store;
		this.#sink = sink;
		this.simulation = simulationOf(this.#worldOf(clock, wire));
	}

	/** `clock` is the registry's. What the registry holds by now is taken as it is: components look at what changes from here on. */
	static over(registry: Registry, clock: VirtualClock, options: RunningOptions): Running {
		const { heard = () => {} } = options;
		const store = new RegistryStore(registry);
		const running = new Running(store, clock, new EventSink(store, clock, heard), options.wire, (worldOf) => {
			const addresses = new PodAddresses();
			for (const pod of store.list<Pod>("pods"))
				addresses.reserve(pod, store.get<Node>("nodes", "", pod.spec?.nodeName ?? ""));
			return new Simulation(componentsOf(options, addresses), worldOf, store, clock, store.revision);
		});
		// Nothing of them changes, and they are asked for their health all the same.
		for (const pod of store.list<Pod>("pods"))
			if (isProbed(pod) && !isFinished(pod)) running.simulation.wake("kubelet", keyOf(pod), 0, true);
		return running;
	}

	/** All nodes' kube-proxies. */
	get proxies(): KubeProxies {
		return this.simulation.component("kube-proxy") as KubeProxies;
	}

	/** The same cluster, with a future of its own. `heard`, `wire`: as in `RunningOptions`. */
	fork(heard: NonNullable<RunningOptions["heard"]> = () => {}, wire?: Wire): Running {
		const clock = new VirtualClock(this.clock.now());
		const { registry } = this.store;
		const storage = registry.storage.fork();
		const catalogue = registry.catalogue.fork(storage);
		const store = this.store.fork({ ...registry, storage, catalogue, clock });
		const sink = new EventSink(store, clock, heard, this.#sink.state);
		return new Running(store, clock, sink, wire, (worldOf) => this.simulation.fork(worldOf, store, clock));
	}

	/** Beside what the store has, and `now`. */
	get state(): RunningState {
		return { sink: this.#sink.state, simulation: this.simulation.state };
	}

	/** Goes on where another one was, over a copy of its registry. `clock` is the registry's. */
	static of(state: RunningState, registry: Registry, clock: VirtualClock, options: RunningOptions): Running {
		const store = new RegistryStore(registry);
		const sink = new EventSink(store, clock, options.heard, state.sink);
		return new Running(store, clock, sink, options.wire, (worldOf) => {
			return Simulation.of(state.simulation, componentsOf(options, new PodAddresses()), worldOf, store, clock);
		});
	}

	#worldOf(clock: VirtualClock, wire: Wire | undefined): (component: string) => World {
		const { random } = this.store.registry;
		const worlds = new Map<string, World>();
		return (component) => {
			let world = worlds.get(component);
			if (world === undefined) {
				const faults = () => this.simulation.faults as Faults;
				const now = () => faults().timeOf(component, clock.now());
				const failing = (updates: boolean) => faults().failing(component, clock.now(), random, updates);
				const store = new FaultyStore(this.store, failing);
				const recorder = this.#sink.recorder(component);
				world = { store, clock: { now }, random, recorder, ...(wire === undefined ? {} : { wire }) };
				worlds.set(component, world);
			}
			return world;
		};
	}
}
