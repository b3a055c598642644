// Endpoints that people write for a Service without a selector become EndpointSlices (pkg/controller/
// endpointslicemirroring): one slice a subset and family, at most 1000 addresses of a subset, 100 endpoints a slice.

import type { EndpointAddress, EndpointSubset, Endpoints } from "../api/core.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../api/discovery.ts";
import { familyOf } from "../net/address.ts";
import type { Random } from "../ports.ts";
import { ENDPOINTS_MAX } from "./endpointslice.ts";
import { freeName } from "./names.ts";
import { ownerReference } from "./pod.ts";

const ADDRESSES_MAX = 1000;

/** Whether the object is to be mirrored at all. */
export function mirrors(endpoints: Endpoints): boolean {
	const { labels, annotations } = endpoints.metadata;
	if (labels?.["endpointslice.kubernetes.io/skip-mirror"] === "true") return false;
	return annotations?.["control-plane.alpha.kubernetes.io/leader"] === undefined;
}

/** `names`: slice names taken in the namespace; new ones are added. `zones`: zone by node name. */
export function mirroredSlices(
	endpoints: Endpoints,
	zones: ReadonlyMap<string, string>,
	names: Set<string>,
	random: Random,
): EndpointSlice[] {
	const slices: EndpointSlice[] = [];
	for (const subset of endpoints.subsets ?? []) {
		for (const family of ["IPv4", "IPv6"] as const) {
			const members = membersOf(subset, family, zones).slice(0, ADDRESSES_MAX);
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

function membersOf(subset: EndpointSubset, family: "IPv4" | "IPv6", zones: ReadonlyMap<string, string>): Endpoint[] {
	const wanted = family === "IPv4" ? "ipv4" : "ipv6";
	const member = (address: EndpointAddress, ready: boolean): Endpoint[] => {
		if (familyOf(address.ip) !== wanted) return [];
		const { ip, hostname, nodeName, targetRef } = address;
		const endpoint: Endpoint = { addresses: [ip], conditions: { ready } };
		if (hostname) endpoint.hostname = hostname;
		if (targetRef) endpoint.targetRef = targetRef;
		if (nodeName) endpoint.nodeName = nodeName;
		const zone = nodeName === undefined ? undefined : zones.get(nodeName);
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
	const { name = "", namespace = "default", labels } = endpoints.metadata;
	const generateName = `${name}-`;
	return {
		apiVersion: "discovery.k8s.io/v1",
		kind: "EndpointSlice",
		metadata: {
			name: freeName(generateName, random, names, "mirrored", namespace, family, index),
			generateName,
			namespace,
			labels: {
				...labels,
				"endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
				"kubernetes.io/service-name": name,
			},
			ownerReferences: [ownerReference(endpoints)],
		},
		addressType: family,
		endpoints: members,
		ports,
	};
}
