// Objects to what carries their packets: links, routes, load balancers, hostPort rules and who listens where; kube-proxy's rules
// come later.

import type { Node, Pod, Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { forwardingOf } from "../cloud/loadbalancer.ts";
import { fabricOf } from "../cloud/router.ts";
import { externalIP, internalIP, type LinkOptions, linksOf, podCIDRv4 } from "../cni/links.ts";
import { portmapRestore } from "../cni/portmap.ts";
import type { Configuration } from "../manifests/configuration.ts";
import { ManifestError } from "../manifests/error.ts";
import type { NodeSpec, Topology } from "../net/topology.ts";
import { apiHosts } from "./apiserver.ts";

export interface NetworkOptions {
	/** A pod that declares no port listens on none (`--strict-ports`); default: on any, as an assumption. */
	strictPorts?: boolean;
}

export interface RealisedNetwork {
	/** Nodes without rules yet (`iptables` is kube-proxy's); machines outside but the API server's come with the traffic. */
	topology: Topology;
	/** hostPort rules by node name, as fed to `iptables-restore --noflush`; the jumps are `PORTMAP_JUMPS`. */
	portmap: Map<string, string>;
	assumed: string[];
	/** With any error the rest is not to be trusted. */
	errors: ManifestError[];
}

/** Of all objects those that carry packets count. */
export function networkOf(
	objects: readonly KubernetesObject[],
	configuration: Configuration,
	options: NetworkOptions,
): RealisedNetwork {
	const nodes = ofKind<Node>(objects, "Node").filter((node) => internalIP(node) && podCIDRv4(node));
	const pods = ofKind<Pod>(objects, "Pod");
	const services = ofKind<Service>(objects, "Service");
	const slices = ofKind<EndpointSlice>(objects, "EndpointSlice");
	const links = linksOf(nodes, pods, slices, healthPortsOf(services), linkOptionsOf(configuration, options));
	const { lb, assumed } = forwardingOf(services, slices, nodes);
	const portmap = portmapOf(nodes, pods);
	const hosts = apiHosts(slices, new Set([...links.nodes, ...links.pods].flatMap(({ ip, ip6 }) => [ip, ip6 ?? ip])));
	const said = [...links.assumed, ...assumed];
	const external = Object.fromEntries(
		nodes.flatMap((node) => (externalIP(node) ? [[internalIP(node), externalIP(node)]] : [])),
	);
	const prepared = links.nodes.map((node) => withPortmap(node, portmap.has(node.name)));
	try {
		const {
			fabric,
			router,
			nodes: routed,
		} = fabricOf(configuration.fabric.value, prepared, external, lb, links.strays);
		if (router.natOnly) router.inside = hosts.map(({ ip, ip6 }) => ip ?? ip6 ?? "");
		return { topology: { fabric, nodes: routed, pods: links.pods, hosts, router }, portmap, assumed: said, errors: [] };
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		const topology: Topology = {
			...{ fabric: { kind: "routed" }, nodes: prepared, pods: links.pods, hosts: [], router: {} },
		};
		const place = { file: configuration.fabric.source, line: 0, column: 0 };
		return { topology, portmap, assumed: said, errors: [new ManifestError(place, "", error.message)] };
	}
}

/** On which kube-proxies answer for the health of Services. */
export function healthPortsOf(services: readonly Service[]): number[] {
	return services.flatMap(({ spec }) => spec?.healthCheckNodePort || []);
}

/** What links are made by. */
export function linkOptionsOf({ hairpinMode }: Configuration, { strictPorts = false }: NetworkOptions): LinkOptions {
	return { hairpinMode: hairpinMode.value, strictPorts };
}

export function ofKind<T extends KubernetesObject>(objects: readonly KubernetesObject[], kind: T["kind"]): T[] {
	return objects.filter((object) => object.kind === kind) as T[];
}

function portmapOf(nodes: readonly Node[], pods: readonly Pod[]): Map<string, string> {
	const rules = new Map<string, string>();
	const byNode = new Map<string, Pod[]>();
	for (const pod of pods) {
		const node = pod.spec?.nodeName ?? "";
		const own = byNode.get(node);
		if (own === undefined) byNode.set(node, [pod]);
		else own.push(pod);
	}
	for (const node of nodes) {
		const name = node.metadata.name ?? "";
		const text = portmapRestore(byNode.get(name) ?? [], podCIDRv4(node) ?? "");
		if (text !== null) rules.set(name, text);
	}
	return rules;
}

/** portmap lets 127.0.0.1 reach pods through the bridge. */
export function withPortmap(node: NodeSpec, mapped: boolean): NodeSpec {
	if (!mapped) return node;
	return { ...node, sysctls: { ...node.sysctls, [`net.ipv4.conf.${node.bridge ?? "cbr0"}.route_localnet`]: 1 } };
}
