// Service and pods to EndpointSlices (staging/endpointslice reconciler.go): one group a family and resolved port set,
// at most 100 endpoints a slice, an empty slice where there is no endpoint. Where nothing was there before, slices are
// simply filled; the controller changes those that are there as little as it can.

import type { IPFamily, Node, Pod, Service } from "../api/core.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../api/discovery.ts";
import { PODS_BY_NODE } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
import { SERVICE_NAME, SLICE_MANAGED_BY, ZONE } from "../api/labels.ts";
import type { Component, Random, Store, World } from "../ports.ts";
import { objectAt } from "./claim.ts";
import {
	conditionsOf,
	hasFixedPorts,
	hasSelector,
	hostnameOf,
	podIP,
	podsOf,
	portsOf,
	selectedPods,
	serviceKeys,
	servicesOf,
} from "./endpoint.ts";
import { nearHints, prefersNear, type SliceSet, withoutHints } from "./hints.ts";
import { ownedBy } from "./lookup.ts";
import { freeName } from "./names.ts";
import { ownerReference } from "./pod.ts";
import { ENDPOINTS_MAX, type EndpointGroup, portsKey, reconcileSlices } from "./slices.ts";
import {
	isTopologyAuto,
	type TopologyEvent,
	TopologyHints,
	type TopologyHintsState,
	type ZoneShares,
	zoneShares,
} from "./topology.ts";

const CONTROLLER = "endpointslice-controller.k8s.io";
const SLICES = "endpointslices.discovery.k8s.io";

export interface SliceSurroundings {
	pods: readonly Pod[];
	/** By name. */
	nodeOf(name: string): Node | undefined;
	/** Slice names taken in the namespace; new ones are added. */
	names: Set<string>;
	random: Random;
	/** Of the cluster's nodes (`zoneShares`). */
	shares: ZoneShares | null;
	/** Told what becomes of hints by topology. */
	heard?: (event: TopologyEvent) => void;
}

/** The EndpointSlices of a Service with a selector. */
export function slicesOf(service: Service, surroundings: SliceSurroundings): EndpointSlice[] {
	const topology = new TopologyHints();
	const { shares, heard = () => {} } = surroundings;
	return familiesOf(service).flatMap((family) => {
		const update = slicesOfFamily(service, family, surroundings);
		const { slices, event } = hinted(service, family, { create: [], update, unchanged: [] }, topology, () => shares);
		if (event !== undefined) heard(event);
		return slices.update;
	});
}

/** With the hints that the Service asks for: the annotation counts before trafficDistribution (reconcileByAddressType). */
function hinted(
	service: Service,
	family: IPFamily,
	slices: SliceSet,
	topology: TopologyHints,
	shares: () => ZoneShares | null,
): { slices: SliceSet; event?: TopologyEvent | undefined } {
	const key = keyOf(service);
	if (isTopologyAuto(service)) return topology.add(key, family, slices, shares());
	const event = topology.drop(key, family);
	const distribution = service.spec?.trafficDistribution ?? "";
	return { event, slices: prefersNear(distribution) ? nearHints(slices, distribution) : withoutHints(slices) };
}

function familiesOf(service: Service): IPFamily[] {
	const families = service.spec?.ipFamilies;
	return families && families.length > 0 ? families : ["IPv4"];
}

function slicesOfFamily(service: Service, family: IPFamily, surroundings: SliceSurroundings): EndpointSlice[] {
	const groups = groupsOf(service, family, surroundings);
	if (groups.length === 0) return [sliceOf(service, family, [], [], 0, surroundings)];
	const slices: EndpointSlice[] = [];
	for (const { ports, endpoints } of groups) {
		for (let from = 0; from < endpoints.length; from += ENDPOINTS_MAX) {
			slices.push(
				sliceOf(service, family, ports, endpoints.slice(from, from + ENDPOINTS_MAX), slices.length, surroundings),
			);
		}
	}
	return slices;
}

/** Endpoints that the Service is to have, by the ports that they have. */
function groupsOf(
	service: Service,
	family: IPFamily,
	{ pods, nodeOf }: Pick<SliceSurroundings, "pods" | "nodeOf">,
): EndpointGroup[] {
	const groups = new Map<string, EndpointGroup>();
	const isFixed = hasFixedPorts(service);
	let only: EndpointGroup | undefined;
	for (const pod of podsOf(service, pods)) {
		const address = podIP(pod, family);
		if (address === undefined) continue;
		const node = nodeOf(pod.spec?.nodeName ?? "");
		if (node === undefined && service.spec?.publishNotReadyAddresses !== true) continue;
		const group = (isFixed ? only : undefined) ?? groupOf(groups, portsOf(service, pod));
		group.endpoints.push(endpointOf(service, pod, address, node));
		only = group;
	}
	return [...groups.values()];
}

function groupOf(groups: Map<string, EndpointGroup>, ports: EndpointPort[]): EndpointGroup {
	const key = portsKey(ports);
	const known = groups.get(key);
	if (known !== undefined) return known;
	const group: EndpointGroup = { ports, endpoints: [] };
	groups.set(key, group);
	return group;
}

function endpointOf(service: Service, pod: Pod, address: string, node: Node | undefined): Endpoint {
	const { name = "", namespace = "default", uid } = pod.metadata;
	const endpoint: Endpoint = {
		addresses: [address],
		conditions: conditionsOf(pod, service.spec?.publishNotReadyAddresses === true),
		targetRef: uid ? { kind: "Pod", name, namespace, uid } : { kind: "Pod", name, namespace },
	};
	const hostname = hostnameOf(service, pod);
	if (hostname) endpoint.hostname = hostname;
	if (pod.spec?.nodeName) endpoint.nodeName = pod.spec.nodeName;
	const zone = node?.metadata.labels?.[ZONE];
	if (zone) endpoint.zone = zone;
	return endpoint;
}

function sliceOf(
	service: Service,
	family: IPFamily,
	ports: EndpointPort[],
	endpoints: Endpoint[],
	index: number,
	{ names, random }: SliceSurroundings,
): EndpointSlice {
	const { name = "", namespace = "default" } = service.metadata;
	const slice = bareSlice(service, family, { ports, endpoints });
	const free = freeName(`${name}-`, random, names, "EndpointSlice", namespace, family, index);
	return { ...slice, metadata: { name: free, ...slice.metadata } };
}

/** Without a name yet. */
function bareSlice(service: Service, family: IPFamily, { ports, endpoints }: EndpointGroup): EndpointSlice {
	const { name = "", namespace = "default" } = service.metadata;
	return {
		apiVersion: "discovery.k8s.io/v1",
		kind: "EndpointSlice",
		metadata: {
			generateName: `${name}-`,
			namespace,
			labels: labelsOf(service),
			ownerReferences: [ownerReference(service)],
		},
		addressType: family,
		endpoints,
		ports,
	};
}

function labelsOf({ metadata, spec }: Service): Record<string, string> {
	return {
		...metadata.labels,
		[SLICE_MANAGED_BY]: CONTROLLER,
		[SERVICE_NAME]: metadata.name ?? "",
		...(spec?.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {}),
	};
}

/** pkg/controller/endpointslice: keys are Services. */
export class EndpointSliceController implements Component {
	readonly name = "endpoint-slice";
	readonly watches: Component["watches"] = {
		services: ({ object }) => [keyOf(object)],
		pods: serviceKeys,
		[SLICES]: ({ type, object }) => {
			const { namespace = "", labels } = object.metadata;
			// Whoever takes a slice away, or changes it, has it come back.
			return labels?.[SLICE_MANAGED_BY] === CONTROLLER && type !== "ADDED"
				? [`${namespace}/${labels[SERVICE_NAME]}`]
				: [];
		},
		nodes: (change, store) => [
			...keysOfNode(change.object as Node, change.previous as Node | undefined, store),
			...(this.#topology.isUsed ? this.#topology.overloaded(zoneShares(store.list<Node>("nodes"))) : []),
		],
	};
	readonly #topology: TopologyHints;

	constructor(topology = new TopologyHints()) {
		this.#topology = topology;
	}

	get state(): TopologyHintsState {
		return this.#topology.state;
	}

	of(state: TopologyHintsState): EndpointSliceController {
		return new EndpointSliceController(new TopologyHints(state));
	}

	reconcile(key: string, world: World): undefined {
		const service = objectAt<Service>(world.store, "services", key);
		if (service !== undefined && hasSelector(service)) this.#reconcile(service, world);
		else if (service === undefined) this.#topology.forget(key);
	}

	#reconcile(service: Service, { store, recorder }: World): void {
		const { uid = "", deletionTimestamp } = service.metadata;
		const pods = selectedPods(service, store);
		const nodeOf = (node: string) => store.get<Node>("nodes", "", node);
		const shares = () => zoneShares(store.list<Node>("nodes"));
		const own = ownedBy<EndpointSlice>(store, SLICES, uid).filter(
			({ metadata }) => metadata.labels?.[SLICE_MANAGED_BY] === CONTROLLER,
		);
		const families = familiesOf(service);
		for (const slice of own) {
			if (families.includes(slice.addressType as IPFamily)) continue;
			this.#topology.remove(keyOf(service), slice.addressType);
			store.delete(SLICES, slice);
		}
		for (const family of families) {
			const existing = own.filter(({ addressType }) => addressType === family);
			const changes = reconcileSlices(existing, groupsOf(service, family, { pods, nodeOf }), labelsOf(service));
			const written = new Set([...changes.update, ...changes.delete].map(({ metadata }) => metadata.name));
			const unchanged = existing.filter(({ metadata }) => !written.has(metadata.name));
			const { slices, event } = hinted(service, family, { ...changes, unchanged }, this.#topology, shares);
			if (deletionTimestamp === undefined)
				for (const group of slices.create) store.create(SLICES, bareSlice(service, family, group));
			for (const slice of slices.update) store.update(SLICES, slice);
			for (const slice of changes.delete) store.delete(SLICES, slice);
			if (event !== undefined) recorder.event(service, event.type, event.reason, event.message);
		}
	}
}

/** Services with a pod on a node whose zone, or very being, is another one now. */
function keysOfNode(node: Node, previous: Node | undefined, store: Store): string[] {
	const zoneOf = (one: Node | undefined) => one?.metadata.labels?.[ZONE];
	if (previous !== undefined && store.get("nodes", "", node.metadata.name ?? "") !== undefined)
		if (zoneOf(node) === zoneOf(previous)) return [];
	return store.indexed(PODS_BY_NODE, node.metadata.name ?? "").flatMap((pod) => servicesOf(pod, store));
}
