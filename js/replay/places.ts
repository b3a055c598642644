// Where netns and addresses stand in a network: the node that a netns is on, the node that translates to an address.

import { ipv4ToNumber } from "../net/address.ts";
import type { Address, Netns, Network } from "../net/network.ts";

/** The Node that a netns is, or that its first link leads to, also of those that are no more. */
export class NetnsNodes {
	readonly #nodes = new Map<string, string>();

	constructor({ netns }: Network) {
		this.add(netns);
	}

	add(netns: readonly Netns[]): void {
		for (const { name, kind, devices } of netns) {
			if (kind === "node") this.#nodes.set(name, name.slice("node:".length));
			const far = devices.find(({ peer }) => peer !== null)?.peer?.netns;
			if (kind === "pod" && far?.startsWith("node:")) this.#nodes.set(name, far.slice("node:".length));
		}
	}

	/** null for machines outside and the router. */
	readonly of = (netns: string): string | null => this.#nodes.get(netns) ?? null;
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
