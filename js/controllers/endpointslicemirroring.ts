// Endpoints that people write for a Service without a selector become EndpointSlices (pkg/controller/
// endpointslicemirroring): one slice a subset and family, at most 1000 addresses of a subset, 100 endpoints a slice.

import type { EndpointAddress, EndpointSubset, Endpoints, Node, Service } from "../api/core.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../api/discovery.ts";
import { SERVICE_NAME, SLICE_MANAGED_BY, ZONE } from "../api/labels.ts";
import { familyOf } from "../net/address.ts";
import type { Component, Random, World } from "../ports.ts";
import { hasSelector } from "./endpoint.ts";
import { labelled } from "./lookup.ts";
import { freeName } from "./names.ts";
import { ownerReference } from "./pod.ts";
import { ENDPOINTS_MAX, type EndpointGroup, portsKey, reconcileSlices } from "./slices.ts";

const ADDRESSES_MAX = 1000;
const SLICES = "endpointslices.discovery.k8s.io";
const CONTROLLER = "endpointslicemirroring-controller.k8s.io";

/** Whether the object is to be mirrored at all. */
export function mirrors(endpoints: Endpoints): boolean {
	const { labels, annotations } = endpoints.metadata;
	if (labels?.["endpointslice.kubernetes.io/skip-mirror"] === "true") return false;
	return annotations?.["control-plane.alpha.kubernetes.io/leader"] === undefined;
}

/** `names`: slice names taken in the namespace; new ones are added. `zoneOf`: by a node's name. */
export function mirroredSlices(
	endpoints: Endpoints,
	zoneOf: (node: string) => string | undefined,
	names: Set<string>,
	random: Random,
): EndpointSlice[] {
	const slices: EndpointSlice[] = [];
	for (const subset of endpoints.subsets ?? []) {
		for (const family of ["IPv4", "IPv6"] as const) {
			const members = membersOf(subset, family, zoneOf).slice(0, ADDRESSES_MAX);
			for (let from = 0; from < members.length; from += ENDPOINTS_MAX) {
				slices.push(
					sliceOf(
						endpoints,
						family,
						portsOf(subset),
						members.slice(from, from + ENDPOINTS_MAX),
						slices.length,
						names,
						random,
					),
				);
			}
		}
	}
	return slices;
}

function portsOf(subset: EndpointSubset): EndpointPort[] {
	return (subset.ports ?? []).map(({ name = "", port, protocol = "TCP", appProtocol }) => ({
		name,
		port,
		protocol,
		...(appProtocol ? { appProtocol } : {}),
	}));
}

function membersOf(
	subset: EndpointSubset,
	family: "IPv4" | "IPv6",
	zoneOf: (node: string) => string | undefined,
): Endpoint[] {
	const wanted = family === "IPv4" ? "ipv4" : "ipv6";
	const member = (address: EndpointAddress, ready: boolean): Endpoint[] => {
		if (familyOf(address.ip) !== wanted) return [];
		const { ip, hostname, nodeName, targetRef } = address;
		const endpoint: Endpoint = { addresses: [ip], conditions: { ready } };
		if (hostname) endpoint.hostname = hostname;
		if (targetRef) endpoint.targetRef = targetRef;
		if (nodeName) endpoint.nodeName = nodeName;
		const zone = nodeName === undefined ? undefined : zoneOf(nodeName);
		if (zone) endpoint.zone = zone;
		return [endpoint];
	};
	return [
		...(subset.addresses ?? []).flatMap((address) => member(address, true)),
		...(subset.notReadyAddresses ?? []).flatMap((address) => member(address, false)),
	];
}

function sliceOf(
	endpoints: Endpoints,
	family: "IPv4" | "IPv6",
	ports: EndpointPort[],
	members: Endpoint[],
	index: number,
	names: Set<string>,
	random: Random,
): EndpointSlice {
	const { name = "", namespace = "default" } = endpoints.metadata;
	const slice = bareSlice(endpoints, family, { ports, endpoints: members });
	const free = freeName(`${name}-`, random, names, "mirrored", namespace, family, index);
	return { ...slice, metadata: { name: free, ...slice.metadata } };
}

/** Without a name yet. */
function bareSlice(endpoints: Endpoints, family: "IPv4" | "IPv6", group: EndpointGroup): EndpointSlice {
	const { name = "", namespace = "default" } = endpoints.metadata;
	return {
		apiVersion: "discovery.k8s.io/v1",
		kind: "EndpointSlice",
		metadata: {
			generateName: `${name}-`,
			namespace,
			labels: labelsOf(endpoints),
			ownerReferences: [ownerReference(endpoints)],
		},
		addressType: family,
		endpoints: group.endpoints,
		ports: group.ports,
	};
}

const labelsOf = ({ metadata }: Endpoints): Record<string, string> => ({
	...metadata.labels,
	[SLICE_MANAGED_BY]: CONTROLLER,
	[SERVICE_NAME]: metadata.name ?? "",
});

/** Keys are Endpoints and their Services, which have one name. */
export const endpointSliceMirroring: Component = {
	name: "endpoint-slice-mirroring",
	watches: {
		endpoints: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`],
		services: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`],
		[SLICES]: ({ type, object }) => {
			const { namespace = "", labels } = object.metadata;
			return labels?.[SLICE_MANAGED_BY] === CONTROLLER && type !== "ADDED"
				? [`${namespace}/${labels[SERVICE_NAME]}`]
				: [];
		},
	},
	reconcile(key, world) {
		const [namespace = "", name = ""] = key.split("/");
		const { store } = world;
		const endpoints = store.get<Endpoints>("endpoints", namespace, name);
		const service = store.get<Service>("services", namespace, name);
		const own = labelled<EndpointSlice>(store, SLICES, namespace, {
			[SLICE_MANAGED_BY]: CONTROLLER,
			[SERVICE_NAME]: name,
		});
		if (endpoints === undefined || service === undefined || hasSelector(service) || !mirrors(endpoints))
			for (const slice of own) store.delete(SLICES, slice);
		else mirror(endpoints, own, world);
		return undefined;
	},
};

function mirror(endpoints: Endpoints, own: readonly EndpointSlice[], { store }: World): void {
	const zoneOf = (node: string) => store.get<Node>("nodes", "", node)?.metadata.labels?.[ZONE];
	for (const family of ["IPv4", "IPv6"] as const) {
		const groups = new Map<string, EndpointGroup>();
		for (const subset of endpoints.subsets ?? []) {
			const members = membersOf(subset, family, zoneOf).slice(0, ADDRESSES_MAX);
			const key = portsKey(portsOf(subset));
			const group = groups.get(key) ?? { ports: portsOf(subset), endpoints: [] };
			group.endpoints.push(...members);
			if (members.length > 0) groups.set(key, group);
		}
		const existing = own.filter(({ addressType }) => addressType === family);
		const changes = reconcileSlices(existing, [...groups.values()], labelsOf(endpoints));
		for (const group of changes.create)
			if (group.endpoints.length > 0) store.create(SLICES, bareSlice(endpoints, family, group));
		for (const slice of changes.update) {
			// No placeholder here: what holds nothing goes.
			if ((slice.endpoints ?? []).length > 0) store.update(SLICES, slice);
			else store.delete(SLICES, slice);
		}
		for (const slice of changes.delete) store.delete(SLICES, slice);
	}
}
