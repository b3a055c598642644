// Pod networks for nodes (pkg/controller/nodeipam/ipam/cidrset): sequential candidates out of the cluster CIDR, none
// that overlaps one in use. Two nodes whose networks overlap are a finding: no route could serve both.

import type { Node } from "../api/core.ts";
import {
	type AddressPrefix,
	addressBits,
	addressFromBigInt,
	addressToBigInt,
	maskPrefix,
	parsePrefix,
	printPrefix,
} from "../net/address.ts";
import type { Component } from "../ports.ts";

export interface NodeFinding {
	/** Index of the node in the input. */
	index: number;
	path: (string | number)[];
	message: string;
}

export interface NodeCIDROptions {
	/** At most one per family; each node gets a network out of every one. */
	clusterCIDRs: readonly AddressPrefix[];
	/** Prefix length of a node's network. */
	maskIPv4: number;
	maskIPv6: number;
}

/** The nodes with podCIDR and podCIDRs; a node that has them keeps them. */
export function allocatePodCIDRs(
	nodes: readonly Node[],
	options: NodeCIDROptions,
): { nodes: Node[]; errors: NodeFinding[]; allocated: string[] } {
	const errors: NodeFinding[] = [];
	const used = overlaps(nodes, errors);
	const sets = options.clusterCIDRs.map(
		(prefix) => new CIDRSet(prefix, prefix.family === "ipv4" ? options.maskIPv4 : options.maskIPv6, used),
	);
	const allocated: string[] = [];
	const complete = nodes.map((node, index) => {
		if (cidrsOf(node).length > 0) return node;
		const podCIDRs = sets.map((set) => set.next());
		if (podCIDRs.some((text) => text === null)) {
			errors.push({
				index,
				path: ["spec", "podCIDR"],
				message: `no remaining CIDRs in the cluster CIDR ${options.clusterCIDRs.map(printPrefix).join(", ")} (--pod-cidr)`,
			});
			return node;
		}
		const given = podCIDRs.filter((text) => text !== null);
		allocated.push(`${node.metadata.name} ${given.join(",")}`);
		return { ...node, spec: { ...node.spec, podCIDR: given[0] ?? "", podCIDRs: given } };
	});
	return { nodes: complete, errors, allocated };
}

/** Nodes whose networks overlap those of an earlier one. */
export function overlappingCIDRs(nodes: readonly Node[]): NodeFinding[] {
	const errors: NodeFinding[] = [];
	overlaps(nodes, errors);
	return errors;
}

export function cidrsOf(node: Node): string[] {
	const { podCIDR, podCIDRs } = node.spec ?? {};
	if (podCIDRs && podCIDRs.length > 0) return podCIDRs;
	return podCIDR ? [podCIDR] : [];
}

interface Network {
	prefix: AddressPrefix;
	text: string;
	index: number;
	path: (string | number)[];
	node: string;
}

/** The networks in use; each that overlaps one of an earlier node is an error. */
function overlaps(nodes: readonly Node[], errors: NodeFinding[]): AddressPrefix[] {
	const networks = nodes.flatMap((node, index) =>
		cidrsOf(node).flatMap((text, c): Network[] => {
			const prefix = parsePrefix(text);
			return prefix === null
				? []
				: [{ prefix: maskPrefix(prefix), text, index, path: pathOf(node, c), node: node.metadata.name ?? "" }];
		}),
	);
	// Widest first: then a network that overlaps one seen before lies inside it, and one look-up a width finds it.
	const seen = new Map<string, Network>();
	const widths = new Set<number>();
	for (const network of [...networks].sort((a, b) => a.prefix.length - b.prefix.length || a.index - b.index)) {
		const wider = [...widths]
			.map((length) => seen.get(keyOf(network.prefix, length)))
			.find((entry) => entry !== undefined);
		if (wider !== undefined) errors.push(clash(network, wider));
		widths.add(network.prefix.length);
		const key = keyOf(network.prefix, network.prefix.length);
		if (!seen.has(key)) seen.set(key, network);
	}
	return networks.map((network) => network.prefix);
}

function keyOf(prefix: AddressPrefix, length: number): string {
	return `${printPrefix(maskPrefix({ ...prefix, length }))}`;
}

/** The error belongs to the later of the two. */
function clash(a: Network, b: Network): NodeFinding {
	const [earlier, later] = a.index < b.index ? [a, b] : [b, a];
	const same = printPrefix(earlier.prefix) === printPrefix(later.prefix);
	const message = same
		? `${later.text} is already the pod network of node ${earlier.node}`
		: `${later.text} overlaps ${earlier.text} of node ${earlier.node}`;
	return { index: later.index, path: later.path, message };
}

function pathOf(node: Node, index: number): (string | number)[] {
	return index === 0 && node.spec?.podCIDR ? ["spec", "podCIDR"] : ["spec", "podCIDRs", index];
}

function overlap(a: AddressPrefix, b: AddressPrefix): boolean {
	if (a.family !== b.family) return false;
	const shift = BigInt(addressBits(a.family) - Math.min(a.length, b.length));
	return addressToBigInt(a.address) >> shift === addressToBigInt(b.address) >> shift;
}

/** Networks of one length inside one prefix, given out in order. */
class CIDRSet {
	private readonly prefix: AddressPrefix;
	private readonly length: number;
	/** Places of networks in use, where they are no wider than one place. */
	private readonly used = new Set<number>();
	private readonly wider: readonly AddressPrefix[];
	private cursor = 0;

	constructor(prefix: AddressPrefix, length: number, used: readonly AddressPrefix[]) {
		this.prefix = maskPrefix(prefix);
		this.length = Math.max(length, prefix.length);
		const inside = used.filter((network) => overlap(network, this.prefix));
		this.wider = inside.filter((network) => network.length < this.length);
		const base = addressToBigInt(this.prefix.address);
		const shift = BigInt(addressBits(this.prefix.family) - this.length);
		for (const { address, length: own } of inside)
			if (own >= this.length) this.used.add(Number((addressToBigInt(address) - base) >> shift));
	}

	next(): string | null {
		const count = 2 ** Math.min(32, this.length - this.prefix.length);
		const step = 1n << BigInt(addressBits(this.prefix.family) - this.length);
		const base = addressToBigInt(this.prefix.address);
		while (this.cursor < count) {
			const place = this.cursor++;
			if (this.used.has(place)) continue;
			const address = addressFromBigInt(base + BigInt(place) * step, this.prefix.family);
			const candidate = { family: this.prefix.family, address, length: this.length };
			if (!this.wider.some((prefix) => overlap(prefix, candidate))) return printPrefix(candidate);
		}
		return null;
	}
}

/** Keys are nodes. */
export function nodeIpam(options: NodeCIDROptions): Component {
	return {
		name: "cidrAllocator",
		watches: { nodes: ({ object }) => [object.metadata.name ?? ""] },
		reconcile(name, { store, recorder }) {
			const nodes = store.list<Node>("nodes");
			const index = nodes.findIndex(({ metadata }) => metadata.name === name);
			const node = nodes[index];
			if (node === undefined || cidrsOf(node).length > 0) return undefined;
			// The others have theirs, or get it when their own key is looked at.
			const others = nodes.filter((other) => other !== node && cidrsOf(other).length > 0);
			const found = allocatePodCIDRs([...others, node], options);
			const complete = found.nodes.at(-1) as Node;
			if (complete !== node) store.update("nodes", complete);
			else recorder.event(node, "Normal", "CIDRNotAvailable", `Node ${name} status is now: CIDRNotAvailable`);
			return undefined;
		},
	};
}
