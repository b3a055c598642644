// Machines where the input has none: Node objects as a cloud's kubelets would register them, one after the other over
// the zones a, b, c, with addresses of TEST-NET-1 (RFC 5737).

import type { Node } from "../api/core.ts";
import { ZONE } from "../api/labels.ts";
import { type AddressPrefix, addressBits, addressFromBigInt, addressToBigInt } from "../net/address.ts";

const ZONES = ["a", "b", "c"];

/** The segment of the nodes and the offset of the first one in it: `.1` is the router's. */
export const NODE_NETWORK: AddressPrefix = { family: "ipv4", address: "192.0.2.0", length: 24 };
/** The same of IPv6, out of the prefix for documentation (RFC 3849). */
export const NODE_NETWORK6: AddressPrefix = { family: "ipv6", address: "2001:db8::", length: 64 };
const FIRST = 11n;

/** A node address that is not in `taken`. RangeError where the network is full. */
export function nextNodeAddress(taken: ReadonlySet<string>, network = NODE_NETWORK): string {
	return nodeAddresses(taken, network).next().value;
}

/** One after the other those that are not in `taken`. RangeError where the network is full. */
export function* nodeAddresses(taken: ReadonlySet<string>, network = NODE_NETWORK): Generator<string, never> {
	const base = addressToBigInt(network.address);
	const size = 1n << BigInt(addressBits(network.family) - network.length);
	// After the last address come those between the router and the first node.
	for (let step = 0n; step < size; step++) {
		const offset = (FIRST + step) % size;
		const address = addressFromBigInt(base + offset, network.family);
		if (offset >= 2n && offset !== size - 1n && !taken.has(address)) yield address;
	}
	throw new RangeError(`no address left in the node network ${network.address}/${network.length}`);
}

/** `node-1` … `node-COUNT`. `network`: wide enough for them. */
export function inventNodes(count: number, network = networkFor(count)): Node[] {
	const addresses = nodeAddresses(new Set(), network);
	return Array.from({ length: count }, (_, index) =>
		inventNode(`node-${index + 1}`, ZONES[index % ZONES.length] ?? "a", addresses.next().value),
	);
}

/** TEST-NET-1 holds 244 nodes; more need the benchmarking network 198.18.0.0/15 (RFC 2544). */
export function networkFor(count: number): AddressPrefix {
	return count <= 240 ? NODE_NETWORK : { family: "ipv4", address: "198.18.0.0", length: 15 };
}

export function inventNode(name: string, zone: string, address: string): Node {
	return {
		apiVersion: "v1",
		kind: "Node",
		metadata: {
			name,
			labels: {
				"beta.kubernetes.io/arch": "amd64",
				"beta.kubernetes.io/os": "linux",
				"kubernetes.io/arch": "amd64",
				"kubernetes.io/hostname": name,
				"kubernetes.io/os": "linux",
				"topology.kubernetes.io/region": "local",
				[ZONE]: zone,
			},
		},
		status: {
			addresses: [
				{ type: "InternalIP", address },
				{ type: "Hostname", address: name },
			],
			conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }],
		},
	};
}
