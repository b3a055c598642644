// What a replay has to know of the cluster that it runs over: which Service an address is, the zone of a node, which
// addresses nothing sends from, which ranges are the cluster's own.

import type { Node, Service } from "../api/core.ts";
import { ZONE } from "../api/labels.ts";
import type { KubernetesObject } from "../api/meta.ts";
import {
	type AddressPrefix,
	canonicalAddress,
	familyOf,
	ipv4FromNumber,
	ipv4ToNumber,
	parsePrefix,
	prefixContains,
} from "../net/address.ts";
import type { Address } from "../net/network.ts";
import type { Topology } from "../net/topology.ts";

export interface ReplayContext {
	/** `NAMESPACE/NAME:PORT` of the Service that an address and port belong to; null: of none. */
	serviceOf: (address: Address, proto: number, port: number) => string | null;
	zoneOf: (node: string) => string | null;
	/** Addresses of Services, load balancers and 1:1 NAT. */
	virtual: ReadonlySet<Address>;
	/** Addresses within the cluster's pod and service networks. */
	isOwnRange: (address: Address) => boolean;
	/** Public address by node address. */
	nat11: Readonly<Record<string, string>>;
}

const PROTOCOLS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** `networks`: pod and service networks beside the nodes' own. */
export function replayContext(
	objects: readonly KubernetesObject[],
	topology: Topology,
	networks: readonly AddressPrefix[],
): ReplayContext {
	const services = objects.filter(({ kind }) => kind === "Service") as Service[];
	const nodes = objects.filter(({ kind }) => kind === "Node") as Node[];
	const zones = new Map(nodes.map(({ metadata }) => [metadata.name, metadata.labels?.[ZONE] ?? null]));
	const nat11 = topology.router.nat11 ?? {};
	const virtual = new Set([
		...services.flatMap(addressesOf).map(addressOf),
		...Object.keys(topology.router.lb ?? {}).map(addressOf),
		...Object.values(nat11).map(addressOf),
	]);
	const ofNodes = topology.nodes.flatMap(({ podCIDR, podCIDR6 }) => [podCIDR, podCIDR6 ?? ""]);
	const own = [...networks, ...ofNodes.flatMap((prefix) => parsePrefix(prefix) ?? [])];
	return {
		serviceOf: serviceFinder(services, topology),
		zoneOf: (node) => zones.get(node) ?? null,
		virtual,
		isOwnRange: (address) => {
			const text = typeof address === "number" ? ipv4FromNumber(address) : address;
			return own.some((prefix) => prefixContains(prefix, text));
		},
		nat11,
	};
}

/** By ClusterIP, external and load balancer addresses; by NodePort at any address of a node. */
function serviceFinder(services: readonly Service[], topology: Topology): ReplayContext["serviceOf"] {
	const byAddress = new Map<string, string>();
	const byNodePort = new Map<string, string>();
	for (const service of services) {
		for (const port of service.spec?.ports ?? []) {
			const name = `${service.metadata.namespace}/${service.metadata.name}:${port.name ?? port.port}`;
			const proto = PROTOCOLS[port.protocol ?? "TCP"];
			for (const address of addressesOf(service)) byAddress.set(`${addressOf(address)} ${proto} ${port.port}`, name);
			if (port.nodePort) byNodePort.set(`${proto} ${port.nodePort}`, name);
		}
	}
	const external = Object.values(topology.router.nat11 ?? {});
	const addresses = topology.nodes.flatMap(({ ip, ip6 }) => (ip6 === undefined ? [ip] : [ip, ip6]));
	const ofNodes = new Set([...addresses, ...external].map(addressOf));
	return (address, proto, port) =>
		byAddress.get(`${address} ${proto} ${port}`) ??
		(ofNodes.has(address) ? byNodePort.get(`${proto} ${port}`) : undefined) ??
		null;
}

function addressesOf({ spec, status }: Service): string[] {
	const ingress = status?.loadBalancer?.ingress ?? [];
	const all = [
		spec?.clusterIP,
		...(spec?.clusterIPs ?? []),
		...(spec?.externalIPs ?? []),
		...ingress.map(({ ip }) => ip),
	];
	return [...new Set(all)].filter((ip): ip is string => ip !== undefined && familyOf(ip) !== null);
}

/** An address's text as a network has it. */
function addressOf(text: string): Address {
	return familyOf(text) === "ipv4" ? ipv4ToNumber(text) : (canonicalAddress(text) ?? text);
}
