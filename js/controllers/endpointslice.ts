// Service and pods to EndpointSlices (staging/endpointslice reconciler.go): one group a family and resolved port set,
// at most 100 endpoints a slice, an empty slice where there is no endpoint. Nothing was there before, so slices are
// simply filled; what a running controller does to keep them (fill the fullest, never rebalance) is not here.
// topology-mode: Auto (hints by CPU share) is not modelled.

import type { IPFamily, Node, Pod, Service } from "../api/core.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../api/discovery.ts";
import type { Random } from "../ports.ts";
import { conditionsOf, hostnameOf, podIP, podsOf, portsOf } from "./endpoint.ts";
import { freeName } from "./names.ts";
import { ownerReference } from "./pod.ts";

export const ENDPOINTS_MAX = 100;
const ZONE = "topology.kubernetes.io/zone";

export interface SliceSurroundings {
	pods: readonly Pod[];
	/** By name. */
	nodes: ReadonlyMap<string, Node>;
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
	const groups = new Map<string, { ports: EndpointPort[]; endpoints: Endpoint[] }>();
	for (const pod of podsOf(service, surroundings.pods)) {
		const address = podIP(pod, family);
		if (address === undefined) continue;
		const node = surroundings.nodes.get(pod.spec?.nodeName ?? "");
		if (node === undefined && service.spec?.publishNotReadyAddresses !== true) continue;
		const ports = portsOf(service, pod);
		const key = JSON.stringify(ports);
		const group = groups.get(key) ?? { ports, endpoints: [] };
		group.endpoints.push(endpointOf(service, pod, address, node));
		groups.set(key, group);
	}
	if (groups.size === 0) return [sliceOf(service, family, [], [], 0, surroundings)];
	const slices: EndpointSlice[] = [];
	for (const { ports, endpoints } of groups.values()) {
		for (let from = 0; from < endpoints.length; from += ENDPOINTS_MAX) {
			slices.push(
				sliceOf(service, family, ports, endpoints.slice(from, from + ENDPOINTS_MAX), slices.length, surroundings),
			);
		}
	}
	return slices;
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
	const { name = "", namespace = "default", labels } = service.metadata;
	const generateName = `${name}-`;
	const slice: EndpointSlice = {
		apiVersion: "discovery.k8s.io/v1",
		kind: "EndpointSlice",
		metadata: {
			name: freeName(generateName, random, names, "EndpointSlice", namespace, family, index),
			generateName,
			namespace,
			labels: {
				...labels,
				"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
				"kubernetes.io/service-name": name,
			},
			ownerReferences: [ownerReference(service)],
		},
		addressType: family,
		endpoints,
		ports,
	};
	if (service.spec?.clusterIP === "None" && slice.metadata.labels)
		slice.metadata.labels["service.kubernetes.io/headless"] = "";
	return slice;
}
