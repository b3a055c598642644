// Which probes to send to a cluster that somebody wants verified: every pod and node asks every Service by its cluster IP and
// node ports, every host outside asks node ports and load balancer IPs, and each kind of pair of pods talks directly.

import type { Probe } from "../net/probe.ts";
import type { Topology } from "../net/topology.ts";

/** What of a Service matters for reaching it. */
export interface ServiceAddresses {
	name: string;
	/** null: headless. */
	clusterIP: string | null;
	/** Load balancer and external IPs. */
	externalIPs: string[];
	ports: { proto: "tcp" | "udp" | "sctp"; port: number; nodePort: number | null; endpoints: number }[];
}

/** A probe's chance to miss one of several equally likely endpoints. */
const MISS_PROBABILITY = 1e-6;
const ATTEMPTS_MAX = 200;

/** The probes, each once. With more than `max`, an even choice of them in the same order. Default no limit. */
export function questionsFor(
	topology: Topology,
	services: readonly ServiceAddresses[],
	max = Number.POSITIVE_INFINITY,
): Probe[] {
	const probes = [...directProbes(topology), ...services.flatMap((service) => serviceProbes(topology, service))];
	if (probes.length <= max) return probes;
	return Array.from({ length: max }, (_, index) => probes[Math.floor((index * probes.length) / max)] as Probe);
}

/** How many attempts see all of `endpoints` equally likely ones, but for one case in a million. */
export function attemptsToSeeAll(endpoints: number): number {
	if (endpoints <= 1) return 1;
	return Math.min(ATTEMPTS_MAX, Math.ceil(Math.log(MISS_PROBABILITY / endpoints) / Math.log(1 - 1 / endpoints)));
}

function directProbes({ pods, nodes, hosts }: Topology): Probe[] {
	const probes: Probe[] = [];
	for (const pod of pods) {
		const neighbours = [
			pods.find((other) => other !== pod && other.node === pod.node),
			pods.find((other) => other.node !== pod.node),
		];
		for (const other of neighbours) {
			if (other === undefined) continue;
			probes.push({ from: `pod:${pod.name}`, proto: "icmp", dst: other.ip });
			for (const { proto, port } of other.listen ?? [])
				if (proto !== "sctp") probes.push({ from: `pod:${pod.name}`, proto, dst: other.ip, port });
		}
		for (const host of hosts) {
			if (host.ip === undefined) continue;
			for (const { proto, port } of host.listen ?? [])
				if (proto !== "sctp") probes.push({ from: `pod:${pod.name}`, proto, dst: host.ip, port });
		}
	}
	for (const node of nodes)
		for (const pod of pods.slice(0, 2)) probes.push({ from: `node:${node.name}`, proto: "icmp", dst: pod.ip });
	return probes;
}

function serviceProbes(topology: Topology, service: ServiceAddresses): Probe[] {
	const inside = [
		...topology.pods.map((pod) => `pod:${pod.name}`),
		...topology.nodes.map((node) => `node:${node.name}`),
	];
	const outside = topology.hosts.map((host) => `host:${host.name}`);
	const probes: Probe[] = [];
	for (const { proto, port, nodePort, endpoints } of service.ports) {
		if (proto === "sctp") continue;
		const count = attemptsToSeeAll(endpoints);
		const ask = (from: string, dst: string, at: number) =>
			probes.push({ from, proto, dst, port: at, ...(count > 1 ? { count } : {}) });
		for (const from of inside) {
			if (service.clusterIP !== null) ask(from, service.clusterIP, port);
			for (const address of service.externalIPs) ask(from, address, port);
		}
		for (const from of [...inside, ...outside])
			for (const node of topology.nodes) if (nodePort !== null) ask(from, node.ip, nodePort);
		for (const from of outside) for (const address of service.externalIPs) ask(from, address, port);
	}
	return probes;
}
