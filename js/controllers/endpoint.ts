// Which pods are a Service's endpoints, with which addresses, ports and conditions (pkg/controller/util/endpoint and
// staging/endpointslice/utils.go). EndpointSlices and Endpoints are written from the same answers.

import type { IPFamily, Pod, Service, ServicePort } from "../api/core.ts";
import type { EndpointPort } from "../api/discovery.ts";
import { semanticEqual } from "../api/equality.ts";
import { keyOf } from "../api/key.ts";
import type { LabelSelector } from "../api/meta.ts";
import { isFinished, isReady } from "../api/pod.ts";
import { selectsLabels } from "../api/selector.ts";
import { familyOf } from "../net/address.ts";
import type { Store, StoreChange } from "../ports.ts";
import { selected, selecting } from "./lookup.ts";

/** The pods that belong in the Service's endpoints: selected, with an address, not finished. */
export function podsOf(service: Service, pods: readonly Pod[]): Pod[] {
	const selector = service.spec?.selector;
	if (!selector || Object.keys(selector).length === 0) return [];
	return pods.filter(
		(pod) =>
			pod.metadata.namespace === service.metadata.namespace &&
			selectsLabels(selector, pod.metadata.labels) &&
			podIPs(pod).length > 0 &&
			pod.status?.phase !== "Succeeded" &&
			pod.status?.phase !== "Failed",
	);
}

/** Whether a selector says who the endpoints are; else somebody else writes them. */
export function hasSelector(service: Service): boolean {
	return service.spec?.type !== "ExternalName" && Object.keys(service.spec?.selector ?? {}).length > 0;
}

export function podIPs(pod: Pod): string[] {
	const list: string[] = [];
	for (const { ip } of pod.status?.podIPs ?? []) if (ip !== "") list.push(ip);
	if (list.length > 0) return list;
	return pod.status?.podIP ? [pod.status.podIP] : [];
}

export function podIP(pod: Pod, family: IPFamily): string | undefined {
	return podIPs(pod).find((ip) => familyOf(ip) === (family === "IPv4" ? "ipv4" : "ipv6"));
}

/** Of an endpoint. */
export type Conditions = {
	ready: boolean;
	serving: boolean;
	terminating: boolean;
};

export function conditionsOf(pod: Pod, publishNotReady: boolean): Conditions {
	const serving =
		pod.status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
	const terminating = pod.metadata.deletionTimestamp !== undefined;
	return { ready: publishNotReady || (serving && !terminating), serving, terminating };
}

/** Whether all pods have the same ports: none of the Service's is a name. */
export const hasFixedPorts = ({ spec }: Service): boolean =>
	(spec?.ports ?? []).every(({ targetPort }) => typeof targetPort !== "string");

/** The Service's ports as this pod has them; a named target port that it lacks is left out. */
export function portsOf(service: Service, pod: Pod): EndpointPort[] {
	return (service.spec?.ports ?? []).flatMap((port) => {
		const number = targetPort(port, pod);
		if (number === null) return [];
		const entry: EndpointPort = { name: port.name ?? "", port: number, protocol: port.protocol ?? "TCP" };
		if (port.appProtocol) entry.appProtocol = port.appProtocol;
		return [entry];
	});
}

/** A name is looked up in the containers, then in the sidecars. */
function targetPort(port: ServicePort, pod: Pod): number | null {
	const target = port.targetPort || port.port;
	if (typeof target === "number") return target;
	const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
	for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
		const found = container.ports?.find(
			(entry) => entry.name === target && (entry.protocol ?? "TCP") === (port.protocol ?? "TCP"),
		);
		if (found !== undefined) return found.containerPort;
	}
	return null;
}

/** The pod's hostname where the Service governs it. */
export function hostnameOf(service: Service, pod: Pod): string | undefined {
	const { hostname, subdomain } = pod.spec ?? {};
	return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

/** The pods that a Service selects. */
export function selectedPods(service: Service, store: Store): readonly Pod[] {
	return selected<Pod>(store, "pods", service.metadata.namespace ?? "", selectorOf(service));
}

function selectorOf(service: Service): LabelSelector | undefined {
	return hasSelector(service) ? { matchLabels: service.spec?.selector ?? {} } : undefined;
}

/** Keys of the Services that select the pod. */
export function servicesOf(pod: Pod, store: Store): string[] {
	return selecting<Service>(store, "services", selectorOf, pod.metadata).map(keyOf);
}

/** The same of a pod that changed so that it matters to endpoints: of what it was and what it is. */
export function serviceKeys({ type, object, previous }: StoreChange, store: Store): string[] {
	const [pod, before] = [object as Pod, previous as Pod | undefined];
	if (type !== "MODIFIED" || before === undefined) return servicesOf(pod, store);
	if (semanticEqual(before.metadata.labels ?? {}, pod.metadata.labels ?? {}))
		return isSameEndpoint(before, pod) ? [] : servicesOf(pod, store);
	return [...new Set([...servicesOf(before, store), ...servicesOf(pod, store)])];
}

/** podEndpointsChanged, and whether the pod has ended. */
function isSameEndpoint(before: Pod, pod: Pod): boolean {
	return (
		before.metadata.uid === pod.metadata.uid &&
		before.metadata.deletionTimestamp === pod.metadata.deletionTimestamp &&
		isReady(before) === isReady(pod) &&
		isFinished(before) === isFinished(pod) &&
		semanticEqual(podIPs(before), podIPs(pod))
	);
}
