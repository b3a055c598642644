// Intent to reality: manifests in, a running cluster's objects and network out. Pure and synchronous; the same input,
// configuration and seed give the same cluster. This is what the controllers do once from a standing start; rolling
// updates, probes and everything that takes time are theirs. Lives beside `cluster.ts`, whose composition it is.

import type { Namespace, Node, Pod, Service } from "./api/core.ts";
import type { EndpointSlice } from "./api/discovery.ts";
import type { KubernetesObject } from "./api/meta.ts";
import { forwardingOf } from "./cloud/loadbalancer.ts";
import { fabricOf } from "./cloud/router.ts";
import { externalIP, internalIP, linksOf, podCIDRv4 } from "./cni/links.ts";
import { portmapRestore } from "./cni/portmap.ts";
import type { Configuration } from "./manifests/configuration.ts";
import { ManifestError } from "./manifests/error.ts";
import type { Manifest } from "./manifests/manifest.ts";
import type { NodeSpec, Topology } from "./net/topology.ts";
import type { Random } from "./ports.ts";
import { apiHosts } from "./realise/apiserver.ts";
import { type ClusterEvent, Inventory } from "./realise/inventory.ts";
import { realiseNodes } from "./realise/nodes.ts";
import { realiseServices } from "./realise/services.ts";
import { realiseWorkloads } from "./realise/workloads.ts";

export type { ClusterEvent } from "./realise/inventory.ts";

export interface RealiseOptions {
	/** A pod that declares no port listens on none (`--strict-ports`); default: on any, as an assumption. */
	strictPorts?: boolean;
	/** Hairpin flag of the bridge ports; default true. */
	hairpin?: boolean;
	/** Whether an intended pod becomes ready; default: every pod does. */
	ready?: (pod: Pod) => boolean;
}

export interface Realised {
	/** Completed API objects: the input's in its order, then what the controllers made. */
	objects: KubernetesObject[];
	/** Nodes without rules yet (`iptables` is kube-proxy's); machines outside but the API server's come with the traffic. */
	topology: Topology;
	/** hostPort rules by node name, as fed to `iptables-restore --noflush`; the jumps are `PORTMAP_JUMPS`. */
	portmap: Map<string, string>;
	/** With the cluster CIDR and service CIDR that observed objects imply. */
	configuration: Configuration;
	/** What was taken to be so without being said: `listens: …`, `route: …`, `not modelled: …`. */
	assumed: string[];
	events: ClusterEvent[];
	/** With any error the rest is not to be trusted. */
	errors: ManifestError[];
}

export function realise(
	manifests: readonly Manifest[],
	configuration: Configuration,
	random: Random,
	options: RealiseOptions = {},
): Realised {
	const inventory = new Inventory(manifests, random);
	const withNodes = realiseNodes(inventory, configuration);
	realiseWorkloads(inventory, options.ready ?? (() => true));
	const adjusted = realiseServices(inventory, withNodes);
	realiseNamespaces(inventory);
	const { topology, portmap } = realiseNetwork(inventory, adjusted, options);
	const { assumed, events, errors } = inventory;
	return { objects: inventory.objects(), topology, portmap, configuration: adjusted, assumed, events, errors };
}

/** Every namespace in use exists and carries its name as a label (KEP-2161). */
function realiseNamespaces(inventory: Inventory): void {
	const namespaces = inventory.list<Namespace>("Namespace");
	const known = new Set(namespaces.map((entry) => entry.object.metadata.name));
	for (const entry of namespaces) {
		const { metadata } = entry.object;
		if (!entry.observed) metadata.labels = { "kubernetes.io/metadata.name": metadata.name ?? "", ...metadata.labels };
	}
	for (const { metadata } of inventory.objects()) {
		const name = metadata.namespace;
		if (name === undefined || known.has(name)) continue;
		known.add(name);
		inventory.add<Namespace>({
			apiVersion: "v1",
			kind: "Namespace",
			metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
			status: { phase: "Active" },
		});
	}
}

function realiseNetwork(
	inventory: Inventory,
	configuration: Configuration,
	options: RealiseOptions,
): { topology: Topology; portmap: Map<string, string> } {
	const nodes = objectsOf<Node>(inventory, "Node").filter((node) => internalIP(node) && podCIDRv4(node));
	const pods = objectsOf<Pod>(inventory, "Pod");
	const services = objectsOf<Service>(inventory, "Service");
	const slices = objectsOf<EndpointSlice>(inventory, "EndpointSlice");
	const healthPorts = services.flatMap((service) => service.spec?.healthCheckNodePort || []);
	const links = linksOf(nodes, pods, slices, healthPorts, {
		hairpin: options.hairpin ?? true,
		strictPorts: options.strictPorts ?? false,
	});
	const { lb, assumed } = forwardingOf(services, slices, nodes);
	const portmap = portmapOf(nodes, pods);
	const hosts = apiHosts(slices, new Set([...links.nodes, ...links.pods].flatMap(({ ip, ip6 }) => [ip, ip6 ?? ip])));
	inventory.assumed.push(...links.assumed, ...assumed);
	const external = Object.fromEntries(
		nodes.flatMap((node) => (externalIP(node) ? [[internalIP(node), externalIP(node)]] : [])),
	);
	const prepared = links.nodes.map((node) => withPortmap(node, portmap));
	try {
		const {
			fabric,
			router,
			nodes: routed,
		} = fabricOf(configuration.fabric.value, prepared, external, lb, links.strays);
		if (router.natOnly) router.inside = hosts.map(({ ip, ip6 }) => ip ?? ip6 ?? "");
		return { topology: { fabric, nodes: routed, pods: links.pods, hosts, router }, portmap };
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		inventory.errors.push(
			new ManifestError({ file: configuration.fabric.source, line: 0, column: 0 }, "", error.message),
		);
		return {
			topology: { fabric: { kind: "routed" }, nodes: prepared, pods: links.pods, hosts: [], router: {} },
			portmap,
		};
	}
}

function objectsOf<T extends KubernetesObject>(inventory: Inventory, kind: T["kind"]): T[] {
	return inventory.list<T>(kind).map((entry) => entry.object);
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
function withPortmap(node: NodeSpec, portmap: ReadonlyMap<string, string>): NodeSpec {
	if (!portmap.has(node.name)) return node;
	return { ...node, sysctls: { ...node.sysctls, [`net.ipv4.conf.${node.bridge ?? "cbr0"}.route_localnet`]: 1 } };
}
