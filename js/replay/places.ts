// Where netns and addresses stand in a network: the node that a netns is on, the node that translates to an address.

import { ipv4ToNumber } from "../net/address.ts";
import type { Address, Network } from "../net/network.ts";

/** The Node that a netns is, or that its first link leads to; null for machines outside and the router. */
export function nodeOfNetns(network: Network): (netns: string) => string | null {
	const nodes = new Map<string, string>();
	for (const { name, kind, devices } of network.netns) {
		if (kind === "node") nodes.set(name, name.slice("node:".length));
		const far = devices.find(({ peer }) => peer !== null)?.peer?.netns;
		if (kind === "pod" && far?.startsWith("node:")) nodes.set(name, far.slice("node:".length));
	}
	return (netns) => nodes.get(netns) ?? null;
}

/** Nodes by the addresses of either family that they masquerade to: their own, their bridges', and the public ones behind 1:1 NAT. */
export function translators(
	network: Network,
	nat11: Readonly<Record<string, string>>,
): (address: Address) => string | null {
	const nodes = new Map<Address, string>();
	for (const { name, kind, devices } of network.netns) {
		if (kind !== "node") continue;
		for (const { ip, scope } of devices.flatMap(({ addresses, addresses6 }) => [...addresses, ...addresses6])) {
			if (scope !== "host") nodes.set(ip, name.slice("node:".length));
		}
	}
	for (const [own, external] of Object.entries(nat11)) {
		const node = nodes.get(ipv4ToNumber(own));
		if (node !== undefined) nodes.set(ipv4ToNumber(external), node);
	}
	return (address) => nodes.get(address) ?? null;
}
