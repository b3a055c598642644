// What of a cluster is verified: its nodes with the rules that they have, its pods with listeners on the ports that Services
// lead to, one machine outside that asks and answers; and the Services to ask. One topology serves Linux and podwire alike.

import type { Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import type { Cluster } from "../cluster.ts";
import { parsePrefix, prefixContains } from "../net/address.ts";
import type { HostSpec, Listener, PodSpec, Topology } from "../net/topology.ts";
import type { ServiceAddresses } from "./questions.ts";
import { withoutRateLimits } from "./verify.ts";

export interface Subject {
	topology: Topology;
	services: ServiceAddresses[];
}

export interface SubjectLimits {
	/** More pods than these are refused: each is a network namespace. */
	pods: number;
	nodes: number;
}

/** A cluster that is larger than what one machine can hold as namespaces. */
export class SubjectSizeError extends Error {
	constructor(what: "pods" | "nodes", count: number, max: number) {
		super(`the cluster has ${count} ${what}, and verify builds at most ${max} in Linux (--max-${what})`);
		this.name = "SubjectSizeError";
	}
}

/** A machine outside: the first of the documentation networks (RFC 5737) that the cluster does not use. */
const OUTSIDE = ["198.51.100.7", "203.0.113.7", "192.0.2.7"];
const OUTSIDE_LISTENS: Listener[] = [
	{ proto: "tcp", port: 8080 },
	{ proto: "udp", port: 5353 },
];

/** @throws SubjectSizeError; RangeError where no address is left for a machine outside */
export function subjectOf(cluster: Cluster, limits: SubjectLimits): Subject {
	const { topology } = cluster;
	if (topology.pods.length > limits.pods) throw new SubjectSizeError("pods", topology.pods.length, limits.pods);
	if (topology.nodes.length > limits.nodes) throw new SubjectSizeError("nodes", topology.nodes.length, limits.nodes);
	const services = cluster.objects.filter(({ kind }) => kind === "Service") as Service[];
	const slices = cluster.objects.filter(({ kind }) => kind === "EndpointSlice") as EndpointSlice[];
	const listening = endpointListeners(slices);
	const addressed = services.map((service) => addressesOf(service, slices)).filter(({ ports }) => ports.length > 0);
	const own = {
		...topology,
		nodes: topology.nodes.map((node) => ({
			...node,
			iptables: cluster.iptables(node.name),
			listen: withoutSctp(node.listen ?? []),
		})),
		pods: topology.pods.map((pod) => withListeners(pod, listening.get(pod.ip) ?? [])),
		hosts: [...topology.hosts.map(answering), outside(topology, addressed)],
	};
	return { topology: withoutRateLimits(own), services: addressed };
}

/** What endpoints promise to listen on, by address. */
function endpointListeners(slices: readonly EndpointSlice[]): Map<string, Listener[]> {
	const listening = new Map<string, Listener[]>();
	for (const slice of slices) {
		const ports = (slice.ports ?? []).flatMap(({ port, protocol }) =>
			port ? [{ proto: protoOf(protocol), port }] : [],
		);
		for (const address of (slice.endpoints ?? []).flatMap(({ addresses }) => addresses))
			listening.set(address, [...(listening.get(address) ?? []), ...ports]);
	}
	return listening;
}

/** Where a pod is only assumed to listen on any port, it listens where endpoints say so. */
function withListeners({ listenAny = false, ...pod }: PodSpec, promised: readonly Listener[]): PodSpec {
	const all = [...(pod.listen ?? []), ...(listenAny ? promised : [])];
	const byPort = new Map(all.map((listener) => [`${listener.proto} ${listener.port}`, listener]));
	return { ...pod, listen: withoutSctp([...byPort.values()]) };
}

/** The lab's kernel need not have SCTP sockets, so nobody is asked by SCTP. */
function withoutSctp(listeners: readonly Listener[]): Listener[] {
	return listeners.filter(({ proto }) => proto !== "sctp");
}

function answering({ listenAny: _any, ...host }: HostSpec): HostSpec {
	return { ...host, listen: host.listen ?? OUTSIDE_LISTENS };
}

function outside(topology: Topology, services: readonly ServiceAddresses[]): HostSpec {
	const taken = new Set([
		...topology.hosts.map(({ ip }) => ip),
		...services.flatMap(({ externalIPs, clusterIP }) => [...externalIPs, clusterIP ?? ""]),
		...Object.values(topology.router.nat11 ?? {}),
	]);
	const length = topology.fabric.prefixLen ?? 24;
	const networks = topology.nodes
		.flatMap(({ ip, podCIDR }) => [`${ip}/${length}`, podCIDR])
		.flatMap((text) => {
			const prefix = parsePrefix(text);
			return prefix === null ? [] : [prefix];
		});
	const ip = OUTSIDE.find((one) => !taken.has(one) && !networks.some((prefix) => prefixContains(prefix, one)));
	if (ip === undefined)
		throw new RangeError(`the cluster uses all of ${OUTSIDE.join(", ")}: none is left for a machine outside`);
	return { name: "outside", ip, listen: OUTSIDE_LISTENS };
}

function addressesOf(service: Service, slices: readonly EndpointSlice[]): ServiceAddresses {
	const { metadata, spec = {}, status = {} } = service;
	const own = slices.filter(
		(slice) =>
			slice.metadata.namespace === metadata.namespace &&
			slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name &&
			slice.addressType === "IPv4",
	);
	const balanced = (status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip && isIPv4(ip) ? [ip] : []));
	const { clusterIP } = spec;
	return {
		name: `${metadata.namespace}/${metadata.name}`,
		clusterIP: clusterIP && isIPv4(clusterIP) ? clusterIP : null,
		externalIPs: [...new Set([...balanced, ...(spec.externalIPs ?? []).filter(isIPv4)])],
		ports: (spec.ports ?? []).map(({ name, port, nodePort, protocol }) => ({
			proto: protoOf(protocol),
			port,
			nodePort: nodePort ?? null,
			endpoints: endpointCount(own, name),
		})),
	};
}

function endpointCount(slices: readonly EndpointSlice[], portName: string | undefined): number {
	const named = slices.filter(({ ports }) => (ports ?? []).some(({ name }) => (name ?? "") === (portName ?? "")));
	return named.reduce((sum, { endpoints }) => sum + (endpoints ?? []).length, 0);
}

function protoOf(protocol = "TCP"): Listener["proto"] {
	return protocol.toLowerCase() as Listener["proto"];
}

function isIPv4(text: string): boolean {
	return text.includes(".");
}
