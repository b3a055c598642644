// Service ports as kube-proxy sees them: one entry per (namespace, name, port name, protocol) of each Service that has
// a cluster IP of the proxy's family. Headless and ExternalName Services are never proxied, not even when a clusterIP
// is set on them. Upstream: pkg/proxy/serviceport.go, servicechangetracker.go, pkg/api/v1/service/util.go.

import type { Service, ServicePort } from "../api/core.ts";
import type { Protocol } from "../api/meta.ts";
import { type AddressPrefix, familyOf } from "../net/address.ts";
import type { Family } from "../net/ruleset.ts";
import { addressesOf, prefixesOf, requireAddress } from "./addresses.ts";

/** Seconds that a client keeps its endpoint where a Service names no other. */
const DEFAULT_AFFINITY_SECONDS = 10800;

export interface ServicePortInfo {
	/** `namespace/name`. */
	service: string;
	/** `namespace/name:port`, or `namespace/name` for a port without a name: what comments and hashes hold. */
	name: string;
	/** `namespace/name:port/PROTOCOL`: what endpoints are found by. */
	key: string;
	protocol: Protocol;
	clusterIP: string;
	port: number;
	/** 0: none. */
	nodePort: number;
	externalIPs: string[];
	/** Load-balancer addresses that nodes accept themselves (ipMode VIP). */
	loadBalancerVIPs: string[];
	/** Empty: everyone may come. */
	loadBalancerSourceRanges: AddressPrefix[];
	sessionAffinity: "None" | "ClientIP";
	/** 0 without session affinity. */
	stickyMaxAgeSeconds: number;
	/** 0: none. */
	healthCheckNodePort: number;
	externalPolicyLocal: boolean;
	internalPolicyLocal: boolean;
}

/** By `key`. */
export type ServicePortMap = Map<string, ServicePortInfo>;

/** What decides which endpoints a Service port may use. */
export type TrafficPolicy = Pick<
	ServicePortInfo,
	"nodePort" | "externalIPs" | "loadBalancerVIPs" | "externalPolicyLocal" | "internalPolicyLocal"
>;

export function servicePortName(service: string, port: string): string {
	return port === "" ? service : `${service}:${port}`;
}

/** Reachable by something else than its cluster IP. */
export function isExternallyAccessible(policy: TrafficPolicy): boolean {
	return policy.nodePort !== 0 || policy.loadBalancerVIPs.length > 0 || policy.externalIPs.length > 0;
}

/** External traffic needs the cluster's endpoints even under policy Local: pods and the node itself use them. */
export function usesClusterEndpoints(policy: TrafficPolicy): boolean {
	return !policy.internalPolicyLocal || isExternallyAccessible(policy);
}

export function usesLocalEndpoints(policy: TrafficPolicy): boolean {
	return policy.internalPolicyLocal || (policy.externalPolicyLocal && isExternallyAccessible(policy));
}

function familyName(family: Family): "IPv4" | "IPv6" {
	return family === "ipv4" ? "IPv4" : "IPv6";
}

/** The Service's cluster IP of a family, null where it has none or is not proxied at all. */
function clusterIPOf(service: Service, family: Family): string | null {
	const { spec, metadata } = service;
	const clusterIP = spec?.clusterIP ?? "";
	if (spec === undefined || clusterIP === "" || clusterIP === "None" || spec.type === "ExternalName") return null;
	const where = `Service ${metadata.namespace}/${metadata.name}, spec.clusterIP`;
	const families = spec.ipFamilies ?? [];
	if (families.length === 0) {
		const address = requireAddress(clusterIP, where);
		return familyOf(address) === family ? address : null;
	}
	// Plain manifests name the families but only the first address.
	const text = (spec.clusterIPs ?? [clusterIP])[families.indexOf(familyName(family))] ?? "";
	return text === "" ? null : requireAddress(text, where);
}

/** A type that leads outside traffic in; only then an external traffic policy has a meaning. */
function hasExternalType(service: Service): boolean {
	const type = service.spec?.type ?? "ClusterIP";
	if (type === "ClusterIP") return (service.spec?.externalIPs ?? []).length > 0;
	return type === "NodePort" || type === "LoadBalancer";
}

/** Validation let spaces around a range pass; a range of length 0 lets everyone in, so none is needed. */
function sourceRangesOf(service: Service, family: Family): AddressPrefix[] {
	const ranges = prefixesOf(service.spec?.loadBalancerSourceRanges ?? [], family);
	return ranges.some((range) => range.length === 0) ? [] : ranges;
}

function loadBalancerVIPsOf(service: Service, family: Family, ipMode: boolean): string[] {
	const ingress = service.status?.loadBalancer?.ingress ?? [];
	const nodesAccept = ingress.filter((entry) => !ipMode || (entry.ipMode ?? "VIP") === "VIP");
	return addressesOf(
		nodesAccept.map((entry) => entry.ip ?? ""),
		family,
	);
}

function affinitySecondsOf(service: Service): number {
	if (service.spec?.sessionAffinity !== "ClientIP") return 0;
	return service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
}

function servicePortOf(
	service: Service,
	port: ServicePort,
	clusterIP: string,
	family: Family,
	ipMode: boolean,
): ServicePortInfo {
	const spec = service.spec ?? {};
	const namespacedName = `${service.metadata.namespace}/${service.metadata.name}`;
	const protocol = port.protocol ?? "TCP";
	const name = servicePortName(namespacedName, port.name ?? "");
	const externalPolicyLocal = hasExternalType(service) && spec.externalTrafficPolicy === "Local";
	const needsHealthCheck = spec.type === "LoadBalancer" && externalPolicyLocal;
	return {
		service: namespacedName,
		name,
		key: `${name}/${protocol}`,
		protocol,
		clusterIP,
		port: port.port,
		nodePort: port.nodePort ?? 0,
		externalIPs: addressesOf(spec.externalIPs ?? [], family),
		loadBalancerVIPs: loadBalancerVIPsOf(service, family, ipMode),
		loadBalancerSourceRanges: sourceRangesOf(service, family),
		sessionAffinity: spec.sessionAffinity ?? "None",
		stickyMaxAgeSeconds: affinitySecondsOf(service),
		healthCheckNodePort: needsHealthCheck ? (spec.healthCheckNodePort ?? 0) : 0,
		externalPolicyLocal,
		internalPolicyLocal: spec.internalTrafficPolicy === "Local",
	};
}

/**
 * Every Service port that a proxy of this family handles, in the order of (Service, port name, protocol).
 * Upstream walks them in Go's random map order; a fixed order gives the same text for the same cluster.
 * @param ipMode heed a load balancer's ipMode; false: all are VIPs, as before that field
 * @throws AddressError where a cluster IP cannot be read
 */
export function buildServicePortMap(services: readonly Service[], family: Family, ipMode = true): ServicePortMap {
	const infos: ServicePortInfo[] = [];
	for (const service of services) {
		const clusterIP = clusterIPOf(service, family);
		if (clusterIP === null) continue;
		for (const port of service.spec?.ports ?? []) infos.push(servicePortOf(service, port, clusterIP, family, ipMode));
	}
	infos.sort(compareServicePorts);
	return new Map(infos.map((info) => [info.key, info]));
}

/** By Service, port name and protocol. */
export function compareServicePorts(a: ServicePortInfo, b: ServicePortInfo): number {
	return compareText(a.service, b.service) || compareText(a.name, b.name) || compareText(a.protocol, b.protocol);
}

/** Byte order of ASCII texts, as Go compares strings. */
export function compareText(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

/** `namespace/name` to its health-check node port, for each Service that has one. */
export function healthCheckNodePorts(ports: ServicePortMap): Map<string, number> {
	const found = new Map<string, number>();
	for (const info of ports.values()) {
		if (info.healthCheckNodePort !== 0) found.set(info.service, info.healthCheckNodePort);
	}
	return found;
}
