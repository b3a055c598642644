// What holds of a cluster at rest, whatever happened before and in whatever order.

import type { Deployment, ReplicaSet, StatefulSet } from "../../js/api/apps.ts";
import type { Endpoints, Pod, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { SERVICE_NAME } from "../../js/api/labels.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { isFinished, isReady } from "../../js/api/pod.ts";
import type { RegistryStore } from "../../js/cluster/store.ts";

const SLICES = "endpointslices.discovery.k8s.io";
const sorted = (texts: readonly string[]) => [...texts].sort();
const titleOf = ({ metadata }: KubernetesObject) => `${metadata.namespace}/${metadata.name}`;

/** What is asked of a store. */
export type AtRest = Pick<RegistryStore, "get" | "list" | "everything">;

/** `KEY: what is wrong`; none where all is well. */
export function broken(store: AtRest): string[] {
	const pods = store.list<Pod>("pods");
	const services = store.list<Service>("services");
	return [
		...duplicates(store, pods, services),
		...services.flatMap((service) => brokenService(store, service, pods)),
		...strays(store),
		...store
			.list<ReplicaSet>("replicasets.apps")
			.flatMap((owner) => brokenCount(owner, owner.spec?.replicas ?? 1, pods)),
		...store
			.list<StatefulSet>("statefulsets.apps")
			.flatMap((owner) => brokenCount(owner, owner.spec?.replicas ?? 1, pods)),
		...store.list<Deployment>("deployments.apps").flatMap(brokenRollout),
	];
}

function duplicates(store: AtRest, pods: readonly Pod[], services: readonly Service[]): string[] {
	const podIPs = pods.flatMap((pod) => {
		if (pod.spec?.hostNetwork || isFinished(pod)) return [];
		return [...new Set([pod.status?.podIP ?? "", ...(pod.status?.podIPs ?? []).map(({ ip }) => ip)])];
	});
	const clusterIPs = services.flatMap(({ spec }) => (spec?.clusterIPs ?? []).filter((ip) => ip !== "None"));
	const nodePorts = services.flatMap(({ spec }) => [
		...(spec?.ports ?? []).flatMap(({ nodePort, protocol = "TCP" }) => (nodePort ? [`${protocol} ${nodePort}`] : [])),
		...(spec?.healthCheckNodePort ? [`TCP ${spec.healthCheckNodePort}`] : []),
	]);
	const balanced = services.flatMap(({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? ""));
	const uids = [...store.everything()].map(({ object }) => object.metadata.uid ?? "");
	const named = {
		"pod IP": podIPs,
		ClusterIP: clusterIPs,
		"node port": nodePorts,
		"load balancer": balanced,
		uid: uids,
	};
	return Object.entries(named).flatMap(([what, all]) =>
		all.filter((one, i) => one !== "" && all.indexOf(one) !== i).map((one) => `${what} ${one} is there twice`),
	);
}

/** Slices and Endpoints say of each pod whether it is ready. */
function brokenService(store: AtRest, service: Service, pods: readonly Pod[]): string[] {
	const { namespace = "", name = "" } = service.metadata;
	const selector = Object.entries(service.spec?.selector ?? {});
	if (selector.length === 0) return [];
	const chosen = pods.filter(
		({ metadata }) =>
			metadata.namespace === namespace && selector.every(([label, value]) => metadata.labels?.[label] === value),
	);
	const ready = chosen.filter(
		(pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined && !isFinished(pod),
	);
	const wanted = sorted(ready.map(({ status }) => status?.podIP ?? ""));
	const slices = store
		.list<EndpointSlice>(SLICES, namespace)
		.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME] === name);
	const inSlices = sorted(
		slices.flatMap(({ endpoints }) =>
			(endpoints ?? []).flatMap(({ addresses, conditions }) => (conditions?.ready ? addresses : [])),
		),
	);
	const { subsets = [] } = store.get<Endpoints>("endpoints", namespace, name) ?? {};
	const inEndpoints = sorted(subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)));
	const say = (what: string, has: readonly string[]) =>
		String(has) === String(wanted) ? [] : [`Service ${namespace}/${name}: ${what} ${has}, ready pods ${wanted}`];
	return [...say("slices", inSlices), ...say("Endpoints", inEndpoints)];
}

/** What is left of Services that are no more, and endpoints of pods that are others by now, or elsewhere. */
function strays(store: AtRest): string[] {
	const left = [...store.list<EndpointSlice>(SLICES), ...store.list<Endpoints>("endpoints")].filter((object) => {
		const { namespace = "", labels, name = "" } = object.metadata;
		const service = object.kind === "EndpointSlice" ? labels?.[SERVICE_NAME] : name;
		return service !== undefined && store.get("services", namespace, service) === undefined;
	});
	const endpoints = store.list<EndpointSlice>(SLICES).flatMap((slice) =>
		(slice.endpoints ?? []).flatMap(({ targetRef, nodeName, addresses }) => {
			if (targetRef?.kind !== "Pod") return [];
			const pod = store.get<Pod>("pods", targetRef.namespace ?? "", targetRef.name ?? "");
			const has = [pod?.metadata.uid, pod?.spec?.nodeName, pod?.status?.podIP];
			if (has.join() === [targetRef.uid, nodeName, addresses[0]].join()) return [];
			return [`${titleOf(slice)}: endpoint ${addresses} is not pod ${targetRef.name} as it is: ${has}`];
		}),
	);
	return [...left.map((object) => `${object.kind} ${titleOf(object)} is of no Service`), ...endpoints];
}

/** An owner has as many pods as it wants, and says so. */
function brokenCount(owner: ReplicaSet | StatefulSet, wanted: number, pods: readonly Pod[]): string[] {
	const own = pods.filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid));
	const active = own.filter((pod) => !isFinished(pod) && pod.metadata.deletionTimestamp === undefined);
	const said = owner.status?.replicas ?? 0;
	if (active.length === wanted && said === wanted) return [];
	return [`${owner.kind} ${titleOf(owner)} wants ${wanted}, has ${active.length}, says ${said}`];
}

/** A rollout has come to its end. */
function brokenRollout(deployment: Deployment): string[] {
	const { spec, status } = deployment;
	const wanted = spec?.replicas ?? 1;
	const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status ?? {};
	if (replicas === wanted && updatedReplicas === wanted && availableReplicas === wanted) return [];
	return [`Deployment ${titleOf(deployment)} wants ${wanted}: ${replicas}, ${updatedReplicas}, ${availableReplicas}`];
}
