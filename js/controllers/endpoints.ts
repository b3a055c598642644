// Service and pods to the older Endpoints object (pkg/controller/endpoint): one per Service, primary family only,
// terminating pods left out, at most 1000 addresses.

import type { EndpointAddress, EndpointSubset, Endpoints, Pod, Service } from "../api/core.ts";
import { canonicalJson, semanticEqual } from "../api/equality.ts";
import type { Component } from "../ports.ts";
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
} from "./endpoint.ts";

export const ADDRESSES_MAX = 1000;
const MANAGED_BY = "endpoints.kubernetes.io/managed-by";
const CONTROLLER = "endpoint-controller";
const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";

/** The Endpoints of a Service with a selector. */
export function endpointsOf(service: Service, pods: readonly Pod[]): Endpoints {
	const { name = "", namespace = "default", labels } = service.metadata;
	const family = service.spec?.ipFamilies?.[0] ?? "IPv4";
	const subsets = new Map<string, EndpointSubset>();
	let count = 0;
	let dropped = false;
	const isFixed = hasFixedPorts(service);
	let ports: SubsetPorts | undefined;
	for (const pod of podsOf(service, pods)) {
		const ip = podIP(pod, family);
		const { ready, terminating } = conditionsOf(pod, service.spec?.publishNotReadyAddresses === true);
		if (ip === undefined || (terminating && !ready)) continue;
		dropped ||= count >= ADDRESSES_MAX;
		if (count++ >= ADDRESSES_MAX) continue;
		if (ports === undefined || !isFixed) ports = subsetPortsOf(service, pod);
		add(subsets, ports, addressOf(service, pod, ip), ready);
	}
	const endpoints: Endpoints = {
		apiVersion: "v1",
		kind: "Endpoints",
		metadata: { name, namespace, labels: { ...labels, [MANAGED_BY]: CONTROLLER } },
	};
	if (subsets.size > 0) endpoints.subsets = [...subsets.values()];
	if (dropped) endpoints.metadata.annotations = { [OVER_CAPACITY]: "truncated" };
	if (service.spec?.clusterIP === "None" && endpoints.metadata.labels)
		endpoints.metadata.labels["service.kubernetes.io/headless"] = "";
	return endpoints;
}

interface SubsetPorts {
	ports: NonNullable<EndpointSubset["ports"]>;
	/** Tells them apart. */
	key: string;
}

function subsetPortsOf(service: Service, pod: Pod): SubsetPorts {
	const ports = portsOf(service, pod).map(({ name, port, protocol }) => ({
		...(name ? { name } : {}),
		port: port ?? 0,
		protocol: protocol ?? ("TCP" as const),
	}));
	return { ports, key: JSON.stringify(ports) };
}

function addressOf(service: Service, pod: Pod, ip: string): EndpointAddress {
	const { name = "", namespace = "default", uid } = pod.metadata;
	const address: EndpointAddress = { ip };
	const hostname = hostnameOf(service, pod);
	if (hostname) address.hostname = hostname;
	if (pod.spec?.nodeName) address.nodeName = pod.spec.nodeName;
	address.targetRef = uid ? { kind: "Pod", name, namespace, uid } : { kind: "Pod", name, namespace };
	return address;
}

function add(
	subsets: Map<string, EndpointSubset>,
	{ ports, key }: SubsetPorts,
	address: EndpointAddress,
	ready: boolean,
): void {
	let subset = subsets.get(key);
	if (subset === undefined) {
		subset = { ports };
		subsets.set(key, subset);
	}
	const list = ready ? "addresses" : "notReadyAddresses";
	const known = subset[list];
	if (known === undefined) subset[list] = [address];
	else known.push(address);
}

/** Keys are Services; Endpoints that others write are left alone. */
export const endpoint: Component = {
	name: "endpoint",
	watches: {
		services: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`],
		pods: serviceKeys,
		endpoints: ({ type, object }) => (type === "ADDED" ? [] : [`${object.metadata.namespace}/${object.metadata.name}`]),
	},
	reconcile(key, { store }) {
		const [namespace = "", name = ""] = key.split("/");
		const service = store.get<Service>("services", namespace, name);
		const before = store.get<Endpoints>("endpoints", namespace, name);
		if (service === undefined) {
			if (before?.metadata.labels?.[MANAGED_BY] === CONTROLLER) store.delete("endpoints", before);
			return undefined;
		}
		if (!hasSelector(service) || service.metadata.deletionTimestamp !== undefined) return undefined;
		const wanted = endpointsOf(service, selectedPods(service, store));
		if (before === undefined) store.create("endpoints", wanted);
		else if (!hasSameContent(before, wanted)) {
			const { annotations: _, ...metadata } = before.metadata;
			const { labels = {}, annotations } = wanted.metadata;
			const { subsets } = wanted;
			store.update<Endpoints>("endpoints", {
				...{ apiVersion: before.apiVersion, kind: before.kind },
				metadata: { ...metadata, labels, ...(annotations === undefined ? {} : { annotations }) },
				...(subsets === undefined ? {} : { subsets }),
			});
		}
		return undefined;
	},
};

/** Whatever the order of addresses, which most often is the same. */
function hasSameContent(a: Endpoints, b: Endpoints): boolean {
	if (semanticEqual(a.subsets, b.subsets) && semanticEqual(contentBeside(a), contentBeside(b))) return true;
	return (
		countOf(a, "addresses") === countOf(b, "addresses") &&
		countOf(a, "notReadyAddresses") === countOf(b, "notReadyAddresses") &&
		contentOf(a) === contentOf(b)
	);
}

function countOf({ subsets = [] }: Endpoints, list: "addresses" | "notReadyAddresses"): number {
	return subsets.reduce((sum, subset) => sum + (subset[list] ?? []).length, 0);
}

const contentBeside = ({ metadata: { labels = {}, annotations } }: Endpoints) => [
	labels,
	annotations?.[OVER_CAPACITY] ?? "",
];

function contentOf({ metadata, subsets = [] }: Endpoints): string {
	const sorted = (addresses: readonly EndpointAddress[] = []) => addresses.map(textOf).sort();
	const contents = subsets.map(({ addresses, notReadyAddresses, ports }) =>
		canonicalJson([sorted(addresses), sorted(notReadyAddresses), (ports ?? []).map(canonicalJson).sort()]),
	);
	return canonicalJson([...contentBeside({ metadata } as Endpoints), contents.sort()]);
}

const textOf = ({ ip, hostname = "", nodeName = "", targetRef: target }: EndpointAddress): string =>
	JSON.stringify([ip, hostname, nodeName, target?.kind, target?.namespace, target?.name, target?.uid]);
