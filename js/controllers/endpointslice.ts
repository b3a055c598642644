// Service and pods to EndpointSlices (staging/endpointslice reconciler.go): one group a family and resolved port set,
// at most 100 endpoints a slice, an empty slice where there is no endpoint. Where nothing was there before, slices are
// simply filled; the controller changes those that are there as little as it can. topology-mode: Auto (hints by CPU share) is
// not modelled.

import type { IPFamily, Node, Pod, Service } from "../api/core.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../api/discovery.ts";
import { PODS_BY_NODE } from "../api/indexes.ts";
import { SERVICE_NAME, SLICE_MANAGED_BY, ZONE } from "../api/labels.ts";
import type { Component, Random, Store, World } from "../ports.ts";
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
import { ownedBy } from "./lookup.ts";
import { freeName } from "./names.ts";
import { ownerReference } from "./pod.ts";
import { ENDPOINTS_MAX, type EndpointGroup, portsKey, reconcileSlices } from "./slices.ts";

const CONTROLLER = "endpointslice-controller.k8s.io";
const SLICES = "endpointslices.discovery.k8s.io";

export interface SliceSurroundings {
	pods: readonly Pod[];
	/** By name. */
	nodeOf(name: string): Node | undefined;
	/** Slice names taken in the namespace; new ones are added. */
	names: Set<string>;
	random: Random;
}

/** The EndpointSlices of a Service with a selector. */
export function slicesOf(service: Service, surroundings: SliceSurroundings): EndpointSlice[] {
	return familiesOf(service).flatMap((family) => slicesOfFamily(service, family, surroundings));
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
		conditions: { ...conditionsOf(pod, service.spec?.publishNotReadyAddresses === true) },
		targetRef: { kind: "Pod", name, namespace },
	};
	if (uid && endpoint.targetRef) endpoint.targetRef.uid = uid;
	const hostname = hostnameOf(service, pod);
	if (hostname) endpoint.hostname = hostname;
	if (pod.spec?.nodeName) endpoint.nodeName = pod.spec.nodeName;
	const zone = node?.metadata.labels?.[ZONE];
	if (zone) endpoint.zone = zone;
	return withHints(service, endpoint);
}

/** trafficDistribution: ready endpoints name their own zone, with PreferSameNode also their node (KEP-3015). */
function withHints(service: Service, endpoint: Endpoint): Endpoint {
	const wanted = service.spec?.trafficDistribution;
	const zoned = wanted === "PreferClose" || wanted === "PreferSameZone" || wanted === "PreferSameNode";
	if (!zoned || endpoint.conditions?.ready !== true) return endpoint;
	const hints: Endpoint["hints"] = {};
	if (endpoint.zone) hints.forZones = [{ name: endpoint.zone }];
	if (wanted === "PreferSameNode" && endpoint.nodeName) hints.forNodes = [{ name: endpoint.nodeName }];
	return Object.keys(hints).length > 0 ? { ...endpoint, hints } : endpoint;
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
export const endpointSlice: Component = {
	name: "endpoint-slice",
	watches: {
		services: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`],
		pods: serviceKeys,
		[SLICES]: ({ type, object }) => {
			const { namespace = "", labels } = object.metadata;
			// Whoever takes a slice away, or changes it, has it come back.
			return labels?.[SLICE_MANAGED_BY] === CONTROLLER && type !== "ADDED"
				? [`${namespace}/${labels[SERVICE_NAME]}`]
				: [];
		},
		nodes: (change, store) => keysOfNode(change.object as Node, change.previous as Node | undefined, store),
	},
	reconcile(key, world) {
		const [namespace = "", name = ""] = key.split("/");
		const service = world.store.get<Service>("services", namespace, name);
		if (service !== undefined && hasSelector(service)) reconcile(service, world);
		return undefined;
	},
};

function reconcile(service: Service, { store }: World): void {
	const { uid = "", deletionTimestamp } = service.metadata;
	const pods = selectedPods(service, store);
	const nodeOf = (node: string) => store.get<Node>("nodes", "", node);
	const own = ownedBy<EndpointSlice>(store, SLICES, uid).filter(
		({ metadata }) => metadata.labels?.[SLICE_MANAGED_BY] === CONTROLLER,
	);
	const families = familiesOf(service);
	for (const slice of own) if (!families.includes(slice.addressType as IPFamily)) store.delete(SLICES, slice);
	for (const family of families) {
		const existing = own.filter(({ addressType }) => addressType === family);
		const changes = reconcileSlices(existing, groupsOf(service, family, { pods, nodeOf }), labelsOf(service));
		if (deletionTimestamp === undefined)
			for (const group of changes.create) store.create(SLICES, bareSlice(service, family, group));
		for (const slice of changes.update) store.update(SLICES, slice);
		for (const slice of changes.delete) store.delete(SLICES, slice);
	}
}

/** Services with a pod on a node whose zone, or very being, is another one now. */
function keysOfNode(node: Node, previous: Node | undefined, store: Store): string[] {
	const zoneOf = (one: Node | undefined) => one?.metadata.labels?.[ZONE];
	if (previous !== undefined && store.get("nodes", "", node.metadata.name ?? "") !== undefined)
		if (zoneOf(node) === zoneOf(previous)) return [];
	return store.indexed(PODS_BY_NODE, node.metadata.name ?? "").flatMap((pod) => servicesOf(pod, store));
}
