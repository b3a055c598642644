// Addresses of pods as host-local gives them out on every node: a range a family out of the node's pod network, held by
// the pod's sandbox until that is torn down (containernetworking/plugins, ipam/host-local).

import type { Node, Pod } from "../api/core.ts";
import { IPS } from "../api/script.ts";
import { parsePrefix } from "../net/address.ts";
import { AddressRange, type AddressRangeState } from "./hostlocal.ts";
import { internalIP, internalIPv6, podCIDRv4, podCIDRv6 } from "./links.ts";

interface Ranges {
	/** The networks that they were made of. */
	networks: string;
	range: AddressRange | null;
	range6: AddressRange | null;
}

interface Held {
	node: string;
	ips: readonly string[];
}

export interface PodAddressesState {
	/** By node. */
	ranges: Map<string, { networks: string; range: AddressRangeState | null; range6: AddressRangeState | null }>;
	held: Map<string, Held>;
	onNode: Map<string, Set<string>>;
	returned: Map<string, string[]>;
}

export class PodAddresses {
	#ranges = new Map<string, Ranges>();
	/** By the pod's uid. */
	#held = new Map<string, Held>();
	/** uids of those by node. */
	#onNode = new Map<string, Set<string>>();
	/** By node, what was given back before the node had ranges: not to be given out again at once. */
	#returned = new Map<string, string[]>();

	/** Takes addresses that a pod has already. */
	reserve(pod: Pod, node: Node | undefined): void {
		const { uid = "" } = pod.metadata;
		if (this.#held.has(uid) || pod.spec?.hostNetwork === true) return;
		const { podIP, podIPs = [] } = pod.status ?? {};
		const ips = podIPs.map(({ ip }) => ip).filter(Boolean);
		if (podIP && !ips.includes(podIP)) ips.unshift(podIP);
		if (ips.length === 0) return;
		const ranges = node && this.#ranges.get(node.metadata.name ?? "");
		this.#hold(pod, ips);
		// A node's ranges are made when one of its pods is to get an address.
		for (const ip of ips) (ip.includes(":") ? ranges?.range6 : ranges?.range)?.reserve(ip);
	}

	/** The addresses of a pod on its node, the primary one first; an error message of the plugin's where it has none to give. */
	add(pod: Pod, node: Node): readonly string[] | string {
		const { uid = "" } = pod.metadata;
		const held = this.#held.get(uid);
		if (held !== undefined) return held.ips;
		const onHost = pod.spec?.hostNetwork === true;
		const { range, range6 } = this.#rangesOf(node);
		if (onHost) {
			const [ip, ip6] = [internalIP(node) ?? "", internalIPv6(node)];
			return ip6 === undefined ? [ip] : inOrder(node, ip, ip6);
		}
		if (range === null) return "failed to allocate for range 0: no IP addresses available in range set: none";
		const ranges =
			range6 === null ? [range] : node.spec?.podCIDRs?.[0]?.includes(":") ? [range6, range] : [range, range6];
		const ips = allocate(ranges, requestedIPs(pod));
		if (typeof ips !== "string") this.#hold(pod, ips);
		return ips;
	}

	/** Gives a sandbox's addresses back. */
	remove(uid: string): void {
		const held = this.#held.get(uid);
		if (held === undefined) return;
		this.#held.delete(uid);
		this.#onNode.get(held.node)?.delete(uid);
		const ranges = this.#ranges.get(held.node);
		if (ranges === undefined) this.#returned.set(held.node, [...(this.#returned.get(held.node) ?? []), ...held.ips]);
		for (const ip of held.ips) (ip.includes(":") ? ranges?.range6 : ranges?.range)?.release(ip);
	}

	/** Copied. */
	get state(): PodAddressesState {
		const stateOf = ({ networks, range, range6 }: Ranges) => {
			return { networks, range: range?.state ?? null, range6: range6?.state ?? null };
		};
		return {
			ranges: new Map(Array.from(this.#ranges, ([name, ranges]) => [name, stateOf(ranges)])),
			held: new Map(this.#held),
			onNode: new Map(Array.from(this.#onNode, ([name, uids]) => [name, new Set(uids)])),
			returned: new Map(this.#returned),
		};
	}

	/** Those of a state, which they take. */
	of({ ranges, held, onNode, returned }: PodAddressesState): PodAddresses {
		const addresses = new PodAddresses();
		const range = (state: AddressRangeState | null) => (state === null ? null : new AddressRange(state.prefix, state));
		for (const [name, { networks, range: range4, range6 }] of ranges)
			addresses.#ranges.set(name, { networks, range: range(range4), range6: range(range6) });
		addresses.#held = held;
		addresses.#onNode = onNode;
		addresses.#returned = returned;
		return addresses;
	}

	#hold({ metadata, spec }: Pod, ips: readonly string[]): void {
		const [uid, node] = [metadata.uid ?? "", spec?.nodeName ?? ""];
		// As many as there are pods: no room to spare.
		this.#held.set(uid, { node, ips: ips.slice() });
		const known = this.#onNode.get(node);
		if (known === undefined) this.#onNode.set(node, new Set([uid]));
		else known.add(uid);
	}

	/** Of a node with another network than before: new ones, with what its pods hold. */
	#rangesOf(node: Node): Ranges {
		const { name = "" } = node.metadata;
		const [cidr, cidr6] = [podCIDRv4(node), internalIPv6(node) === undefined ? undefined : podCIDRv6(node)];
		const networks = `${cidr} ${cidr6}`;
		const known = this.#ranges.get(name);
		if (known?.networks === networks) return known;
		const ranges = { networks, range: rangeOf(cidr), range6: rangeOf(cidr6) };
		for (const uid of this.#onNode.get(name) ?? []) {
			for (const ip of this.#held.get(uid)?.ips ?? []) (ip.includes(":") ? ranges.range6 : ranges.range)?.reserve(ip);
		}
		const returned = this.#returned.get(name) ?? [];
		this.#returned.delete(name);
		for (const ip of returned) {
			const range = ip.includes(":") ? ranges.range6 : ranges.range;
			range?.reserve(ip);
			range?.release(ip);
		}
		this.#ranges.set(name, ranges);
		return ranges;
	}
}

/** What a runtime would hand on as the capability `ips`, with commas between. */
function requestedIPs({ metadata }: Pod): string[] {
	return (metadata.annotations?.[IPS] ?? "").split(",").flatMap((text) => text.trim() || []);
}

/** One address of each range, as asked for where that is in it; or host-local's error, and then none is taken (ipam/host-local/main.go). */
function allocate(ranges: readonly AddressRange[], requested: readonly string[]): string[] | string {
	const left = new Set(requested);
	const taken: string[] = [];
	const failed = (error: string) => {
		for (const [i, ip] of taken.entries()) ranges[i]?.release(ip);
		return error;
	};
	for (const [i, range] of ranges.entries()) {
		const wanted = [...left].find((ip) => range.gives(ip));
		const given =
			wanted === undefined ? (range.next() ?? `no IP addresses available in range set: ${range}`) : range.take(wanted);
		if (wanted !== undefined) left.delete(wanted);
		if (given.includes(" ")) return failed(`failed to allocate for range ${i}: ${given}`);
		taken.push(given);
	}
	if (left.size > 0) return failed(`failed to allocate all requested IPs: ${[...left].join(" ")}`);
	return taken;
}

function rangeOf(podCIDR: string | undefined): AddressRange | null {
	const prefix = parsePrefix(podCIDR ?? "");
	if (prefix === null) return null;
	try {
		return new AddressRange(prefix);
	} catch (error) {
		// Too small a network has no address to give.
		if (error instanceof RangeError) return null;
		throw error;
	}
}

/** The family of the node's first pod network is the primary one. */
export function inOrder({ spec }: Node, ip: string, ip6: string): string[] {
	return spec?.podCIDRs?.[0]?.includes(":") ? [ip6, ip] : [ip, ip6];
}
