// The nodes of the cluster: those of the input; else those that observed pods name; else invented ones. Each gets an
// address and a pod network where it has none.

import type { Node, Pod } from "../api/core.ts";
import { ZONE } from "../api/labels.ts";
import { inventNode, inventNodes, NODE_NETWORK6, networkFor, nodeAddresses } from "../cloud/instance.ts";
import { internalIP, internalIPv6, podCIDRv4, podCIDRv6 } from "../cni/links.ts";
import { allocatePodCIDRs } from "../controllers/nodeipam.ts";
import type { Configuration } from "../manifests/configuration.ts";
import {
	type AddressPrefix,
	addressToBigInt,
	maskPrefix,
	parsePrefix,
	prefixContains,
	printPrefix,
} from "../net/address.ts";
import { nodeAddressClashes } from "./clashes.ts";
import type { Entry, Inventory } from "./inventory.ts";

/** Completes the inventory's nodes; the configuration with the cluster CIDR that they imply. */
export function realiseNodes(inventory: Inventory, configuration: Configuration): Configuration {
	if (inventory.list<Node>("Node").length === 0) populate(inventory, configuration);
	giveAddresses(inventory);
	const nodes = inventory.list<Node>("Node");
	const adjusted = withClusterCIDR(configuration, nodes);
	const result = allocatePodCIDRs(
		nodes.map((entry) => entry.object),
		{
			clusterCIDRs: adjusted.podCIDRs.value,
			maskIPv4: adjusted.nodeMask.value.ipv4,
			maskIPv6: adjusted.nodeMask.value.ipv6,
		},
	);
	for (const { index, path, message } of result.errors) {
		const entry = nodes[index];
		if (entry !== undefined) inventory.fail(entry, path, message);
	}
	nodes.forEach((entry, index) => {
		const complete = result.nodes[index];
		if (complete === undefined || complete === entry.object) return;
		entry.object = complete;
		if (entry.manifest !== null)
			inventory.assumed.push(`podCIDR: node ${complete.metadata.name} has none, so it gets ${podCIDRv4(complete)}`);
	});
	giveAddresses6(inventory);
	return adjusted;
}

/** Nodes where the input has no Node object. */
function populate(inventory: Inventory, configuration: Configuration): void {
	const named = nodesOfPods(inventory.list<Pod>("Pod").map((entry) => entry.object));
	if (named.length === 0) {
		for (const node of inventNodes(configuration.nodes.value)) inventory.add(node);
		return;
	}
	for (const node of named) {
		inventory.add(node);
		inventory.assumed.push(
			`node: ${node.metadata.name} is known by its pods only${podCIDRv4(node) === undefined ? "" : `; its pod network ${podCIDRv4(node)} is guessed from their addresses`}`,
		);
	}
}

/** What pods say of their nodes: name, address, and a /24 where a node's pods share one of their own. */
function nodesOfPods(pods: readonly Pod[]): Node[] {
	const hosts = new Map<string, { hostIP: string; podIPs: string[] }>();
	for (const pod of pods) {
		const name = pod.spec?.nodeName;
		if (!name) continue;
		const host = hosts.get(name) ?? { hostIP: "", podIPs: [] };
		host.hostIP ||= pod.status?.hostIP ?? "";
		if (pod.status?.podIP && pod.spec?.hostNetwork !== true) host.podIPs.push(pod.status.podIP);
		hosts.set(name, host);
	}
	const networks = new Map(Array.from(hosts, ([name, host]) => [name, new Set(host.podIPs.map(networkOf))]));
	return Array.from(hosts, ([name, { hostIP }]): Node => {
		const node = inventNode(name, "a", hostIP);
		if (hostIP === "") node.status = { addresses: [] };
		delete node.metadata.labels?.[ZONE];
		const [network, ...others] = networks.get(name) ?? [];
		const alone =
			network !== undefined &&
			others.length === 0 &&
			![...networks].some(([other, set]) => other !== name && set.has(network));
		if (alone && network !== "") node.spec = { podCIDR: network, podCIDRs: [network] };
		return node;
	});
}

function networkOf(address: string): string {
	const prefix = parsePrefix(`${address}/24`);
	return prefix === null || prefix.family !== "ipv4" ? "" : printPrefix(maskPrefix(prefix));
}

/** Every node needs an address of its own. */
function giveAddresses(inventory: Inventory): void {
	const nodes = inventory.list<Node>("Node");
	for (const { object, path, message } of nodeAddressClashes(nodes.map((entry) => entry.object))) {
		const entry = nodes.find((one) => one.object === object);
		if (entry !== undefined) inventory.fail(entry, path, message);
	}
	const taken = new Set(nodes.flatMap((entry) => internalIP(entry.object) || []));
	const free = nodeAddresses(taken, networkFor(nodes.length));
	for (const entry of nodes) {
		if (internalIP(entry.object)) continue;
		const address = free.next().value;
		const addresses = [{ type: "InternalIP" as const, address }, ...(entry.object.status?.addresses ?? [])];
		entry.object = { ...entry.object, status: { ...entry.object.status, addresses } };
		inventory.assumed.push(`node: ${entry.object.metadata.name} has no InternalIP, so it gets ${address}`);
	}
}

/** A node with a pod network of IPv6 needs an address to reach it by. */
function giveAddresses6(inventory: Inventory): void {
	const nodes = inventory.list<Node>("Node");
	const free = nodeAddresses(new Set(nodes.flatMap(({ object }) => internalIPv6(object) ?? [])), NODE_NETWORK6);
	for (const entry of nodes) {
		if (podCIDRv6(entry.object) === undefined || internalIPv6(entry.object) !== undefined) continue;
		const address = free.next().value;
		const addresses = [...(entry.object.status?.addresses ?? []), { type: "InternalIP" as const, address }];
		entry.object = { ...entry.object, status: { ...entry.object.status, addresses } };
		inventory.assumed.push(`node: ${entry.object.metadata.name} has no InternalIP of IPv6, so it gets ${address}`);
	}
}

/** A default cluster CIDR that the nodes contradict gives way to the smallest prefix that holds their networks. */
function withClusterCIDR(configuration: Configuration, nodes: readonly Entry<Node>[]): Configuration {
	if (configuration.podCIDRs.source !== "default") return configuration;
	const used = nodes.flatMap(({ object }) => {
		const prefix = parsePrefix(podCIDRv4(object) ?? "");
		return prefix === null ? [] : [maskPrefix(prefix)];
	});
	const [current] = configuration.podCIDRs.value;
	if (
		current === undefined ||
		used.every((prefix) => prefix.length >= current.length && prefixContains(current, prefix.address))
	)
		return configuration;
	return {
		...configuration,
		podCIDRs: { value: [supernet(used)], source: "smallest prefix that holds every Node's podCIDR" },
	};
}

function supernet(prefixes: readonly AddressPrefix[]): AddressPrefix {
	const numbers = prefixes.map((prefix) => addressToBigInt(prefix.address));
	let length = Math.min(...prefixes.map((prefix) => prefix.length));
	while (length > 0 && new Set(numbers.map((number) => number >> BigInt(32 - length))).size > 1) length--;
	return maskPrefix({ family: "ipv4", address: prefixes[0]?.address ?? "0.0.0.0", length });
}
