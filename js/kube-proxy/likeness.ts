// Which nodes kube-proxy writes the same rules for: nearly all of a large cluster, for what a node's rules depend on is
// little. It is found here once for all nodes: the local detector's words, addresses that take NodePorts, the node's own
// address where loadBalancerSourceRanges ask for it, its zone where endpoints carry hints, its name where a hint or an endpoint
// of policy Local has it.

import type { EndpointSlice } from "../api/discovery.ts";
import { ZONE } from "../api/labels.ts";
import { localDetector } from "./config.ts";
import { serviceOfSlice } from "./endpointsmap.ts";
import { matchingAddresses } from "./nodeports.ts";
import { buildServicePortMap, type ServicePortMap, usesLocalEndpoints } from "./servicemap.ts";
import { nodeAddresses, nodePortsOf, type ProxyNode, primaryIP, type SyncInput } from "./sync.ts";

/**
 * A text by node; nodes of the same text have the same rules after a full sync on the same rules before.
 * @throws AddressError where an object holds an address that cannot be read
 */
export function likeness(input: Omit<SyncInput, "node">): (node: ProxyNode) => string {
	const { family, config, services, endpointSlices } = input;
	const ports = buildServicePortMap(services, family, config.loadBalancerIPMode);
	const told = [...ports.values()].some((info) => info.loadBalancerSourceRanges.length > 0);
	const { names, zones } = mentioned(endpointSlices, ports);
	return (node) => {
		const wanted = nodePortsOf({ family, config, node });
		return JSON.stringify([
			localDetector(config.detectLocal, family, node.podCIDRs),
			wanted.containsIPv4Loopback,
			wanted.matchAll ? null : matchingAddresses(wanted, nodeAddresses(node), family),
			told ? primaryIP(node, family) : null,
			zones ? (node.labels[ZONE] ?? "") : null,
			names.has(node.name) ? node.name : null,
		]);
	};
}

/** Nodes that own rules are written for because an object names them; whether a zone decides anything. */
function mentioned(slices: readonly EndpointSlice[], ports: ServicePortMap): { names: Set<string>; zones: boolean } {
	const local = new Set([...ports.values()].filter(usesLocalEndpoints).map(({ service }) => service));
	const names = new Set<string>();
	let zones = false;
	for (const slice of slices) {
		const isLocal = local.has(serviceOfSlice(slice) ?? "");
		for (const { nodeName, hints } of slice.endpoints ?? []) {
			if (isLocal && nodeName) names.add(nodeName);
			for (const { name } of hints?.forNodes ?? []) names.add(name);
			if (hints?.forZones?.length) zones = true;
		}
	}
	return { names, zones };
}
