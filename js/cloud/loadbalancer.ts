// Network load balancers, as a pass-through cloud has them (cloud-provider controllers/service): an address from a
// pool for each Service of type LoadBalancer, written back to its status, and the nodes behind each address. With
// externalTrafficPolicy Local only nodes with a ready endpoint pass the health check; where none does, all stay in,
// as GCE's target pools fail open. A load balancer of another class is left alone.

import type { Node, Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { SERVICE_NAME } from "../api/labels.ts";
import { type AddressPrefix, addressBits, addressFromBigInt, addressToBigInt } from "../net/address.ts";

/** TEST-NET-3 (RFC 5737), which is where 1:1 addresses of nodes come from too in examples. */
export const LOAD_BALANCER_POOL: AddressPrefix = { family: "ipv4", address: "203.0.113.0", length: 24 };

const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";
const DELETING = "ToBeDeletedByClusterAutoscaler";

export interface Balanced {
	/** As the input; intended load balancers have an address in their status. */
	services: Service[];
	errors: { index: number; path: string[]; message: string }[];
	assumed: string[];
}

/** Allocates addresses. `taken`: addresses that somebody has already (nodes' ExternalIPs). `observed`: left as they are. */
export function balance(
	services: readonly Service[],
	observed: readonly boolean[],
	taken: Iterable<string>,
	pool = LOAD_BALANCER_POOL,
): Balanced {
	const used = new Set(taken);
	for (const service of services) {
		for (const address of addressesOf(service)) used.add(address);
		if (service.spec?.type === "LoadBalancer" && service.spec.loadBalancerIP) used.add(service.spec.loadBalancerIP);
	}
	const result: Balanced = { services: [], errors: [], assumed: [] };
	services.forEach((service, index) => {
		const wants =
			service.spec?.type === "LoadBalancer" &&
			!observed[index] &&
			(service.status?.loadBalancer?.ingress ?? []).length === 0;
		if (wants && service.spec?.loadBalancerClass) {
			result.assumed.push(
				`load balancer: class ${service.spec.loadBalancerClass} of ${titleOf(service)} is another controller's, so it gets no address`,
			);
		}
		result.services.push(
			wants && !service.spec?.loadBalancerClass ? addressed(service, index, used, pool, result) : service,
		);
	});
	return result;
}

function addressed(service: Service, index: number, used: Set<string>, pool: AddressPrefix, result: Balanced): Service {
	const given = service.spec?.loadBalancerIP;
	const ip = given || next(used, pool);
	if (ip === null) {
		result.errors.push({
			index,
			path: ["spec", "type"],
			message: `no address left in the load balancer pool ${pool.address}/${pool.length}`,
		});
		return service;
	}
	used.add(ip);
	if (!given)
		result.assumed.push(`load balancer: ${titleOf(service)} gets ${ip} of the pool ${pool.address}/${pool.length}`);
	return { ...service, status: { ...service.status, loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] } } };
}

/** The first address of the pool that nobody has; neither its network nor its broadcast address. */
function next(used: ReadonlySet<string>, pool: AddressPrefix): string | null {
	const base = addressToBigInt(pool.address);
	const last = (1n << BigInt(addressBits(pool.family) - pool.length)) - 2n;
	for (let offset = 1n; offset <= last; offset++) {
		const address = addressFromBigInt(base + offset, pool.family);
		if (!used.has(address)) return address;
	}
	return null;
}

function addressesOf(service: Service): string[] {
	return (service.status?.loadBalancer?.ingress ?? []).flatMap((entry) => (entry.ip ? [entry.ip] : []));
}

function titleOf(service: Service): string {
	return `Service ${service.metadata.namespace}/${service.metadata.name}`;
}

/** Address of each load balancer to the names of the nodes that take its packets: of an IPv6 one those with an address of IPv6. */
export function forwardingOf(
	services: readonly Service[],
	slices: readonly EndpointSlice[],
	nodes: readonly Node[],
): { lb: Record<string, string[]>; assumed: string[] } {
	const eligible = nodes.filter(isEligible).map((node) => node.metadata.name ?? "");
	const dualStack = new Set(nodes.filter(hasIPv6).map((node) => node.metadata.name ?? ""));
	const lb: Record<string, string[]> = {};
	const assumed: string[] = [];
	for (const service of services) {
		if (service.spec?.type !== "LoadBalancer") continue;
		for (const entry of service.status?.loadBalancer?.ingress ?? []) {
			if (entry.hostname && !entry.ip)
				assumed.push(
					`not modelled: the load balancer of ${titleOf(service)} is known by name only (${entry.hostname})`,
				);
			if (entry.ipMode === "Proxy")
				assumed.push(
					`not modelled: the load balancer of ${titleOf(service)} is a proxy (ipMode Proxy); it is taken to pass packets through`,
				);
			if (!entry.ip) continue;
			const six = entry.ip.includes(":");
			const behind = targets(service, slices, six ? eligible.filter((name) => dualStack.has(name)) : eligible);
			if (behind.length > 0) lb[entry.ip] = behind;
		}
	}
	return { lb, assumed };
}

function hasIPv6({ status }: Node): boolean {
	return (status?.addresses ?? []).some(({ type, address }) => type === "InternalIP" && address.includes(":"));
}

/** Whether load balancers may send to the node (KEP-1143): neither excluded, nor about to go, nor being deleted. */
export function isEligible(node: Node): boolean {
	if (node.metadata.labels !== undefined && Object.hasOwn(node.metadata.labels, EXCLUDE)) return false;
	if (node.metadata.deletionTimestamp !== undefined) return false;
	return !(node.spec?.taints ?? []).some((taint) => taint.key === DELETING);
}

function targets(service: Service, slices: readonly EndpointSlice[], eligible: readonly string[]): string[] {
	if (service.spec?.externalTrafficPolicy !== "Local") return [...eligible];
	const ready = new Set<string>();
	for (const slice of slices) {
		if (slice.metadata.namespace !== service.metadata.namespace) continue;
		if (slice.metadata.labels?.[SERVICE_NAME] !== service.metadata.name) continue;
		for (const endpoint of slice.endpoints ?? [])
			if (endpoint.conditions?.ready !== false && endpoint.nodeName) ready.add(endpoint.nodeName);
	}
	const healthy = eligible.filter((name) => ready.has(name));
	return healthy.length > 0 ? healthy : [...eligible];
}
