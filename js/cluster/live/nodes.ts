// What the pods and endpoints of each node make of its links, node by node: a change of a pod concerns its node alone.

import type { Node, Pod } from "../../api/core.ts";
import type { EndpointSlice } from "../../api/discovery.ts";
import { keyOf } from "../../api/key.ts";
import { internalIP, internalIPv6, isUp, type LinkOptions, type Links, linksOf, podCIDRv4 } from "../../cni/links.ts";
import { portmapRestore } from "../../cni/portmap.ts";
import { addressesOf } from "../../realise/clashes.ts";
import type { ObjectChange } from "./change.ts";

export interface NodeLinks extends Links {
	/** hostPort chains as fed to iptables-restore; null: none. */
	portmap: string | null;
}

interface Known {
	node: Node;
	pods: Map<string, Pod>;
	/** Slices with an endpoint at one of the node's own addresses. */
	slices: Map<string, EndpointSlice>;
	/** null: not asked for yet. */
	links: NodeLinks | null;
}

/** A node before and now. */
export interface TouchedNode {
	name: string;
	before: NodeLinks;
	now: NodeLinks;
}

export interface LiveNodesState {
	options: LinkOptions;
	healthPorts: readonly number[];
	nodes: Map<string, Known>;
	owners: Map<string, string>;
	holders: Map<string, string>;
}

export class LiveNodes {
	readonly #options: LinkOptions;
	readonly #healthPorts: readonly number[];
	#nodes = new Map<string, Known>();
	/** Node names by address. */
	#owners = new Map<string, string>();
	/** Pods that are up, by address. */
	#holders = new Map<string, string>();

	/** `nodes`: those that have an address and a network. `healthPorts`: of all Services. */
	constructor(
		nodes: readonly Node[],
		pods: readonly Pod[],
		slices: readonly EndpointSlice[],
		healthPorts: readonly number[],
		options: LinkOptions,
	) {
		this.#options = options;
		this.#healthPorts = healthPorts;
		for (const node of nodes) {
			const name = node.metadata.name ?? "";
			this.#nodes.set(name, { node, pods: new Map(), slices: new Map(), links: null });
			for (const ip of [internalIP(node), internalIPv6(node)]) if (ip !== undefined) this.#owners.set(ip, name);
		}
		for (const pod of pods) {
			const key = keyOf(pod);
			this.#nodes.get(pod.spec?.nodeName ?? "")?.pods.set(key, pod);
			for (const ip of held(pod)) this.#holders.set(ip, key);
		}
		for (const slice of slices) for (const known of this.#at(slice)) known.slices.set(keyOf(slice), slice);
	}

	/** Copied. Links are made again. */
	get state(): LiveNodesState {
		const copied = ({ node, pods, slices }: Known) => {
			return { node, pods: new Map(pods), slices: new Map(slices), links: null };
		};
		return {
			options: this.#options,
			healthPorts: this.#healthPorts,
			nodes: new Map(Array.from(this.#nodes, ([name, known]) => [name, copied(known)])),
			owners: new Map(this.#owners),
			holders: new Map(this.#holders),
		};
	}

	/** Go on where others were, whose state they take. */
	static of({ options, healthPorts, nodes, owners, holders }: LiveNodesState): LiveNodes {
		const live = new LiveNodes([], [], [], healthPorts, options);
		live.#nodes = nodes;
		live.#owners = owners;
		live.#holders = holders;
		return live;
	}

	/** Takes changes of pods and slices over; the nodes that they concern. null: two pods have one address. */
	follow(changes: readonly ObjectChange[]): TouchedNode[] | null {
		const touched = new Map<Known, NodeLinks>();
		const touch = (known: Known) => {
			if (!touched.has(known)) touched.set(known, this.#linksOf(known));
			known.links = null;
		};
		const fresh: Pod[] = [];
		for (const { before, now } of changes) {
			const { kind } = (now ?? before) as NonNullable<typeof now>;
			if (kind === "Pod") {
				this.#pod(before as Pod | null, now as Pod | null, touch);
				if (now !== null) fresh.push(now as Pod);
			} else if (kind === "EndpointSlice")
				this.#slice(before as EndpointSlice | null, now as EndpointSlice | null, touch);
		}
		for (const pod of fresh) {
			for (const ip of held(pod)) {
				const holder = this.#holders.get(ip);
				if (holder !== undefined && holder !== keyOf(pod)) return null;
				this.#holders.set(ip, keyOf(pod));
			}
		}
		return Array.from(touched, ([known, before]) => {
			return { name: known.node.metadata.name ?? "", before, now: this.#linksOf(known) };
		});
	}

	#pod(before: Pod | null, now: Pod | null, touch: (known: Known) => void): void {
		const title = keyOf((now ?? before) as Pod);
		const was = this.#nodes.get(before?.spec?.nodeName ?? "");
		const is = this.#nodes.get(now?.spec?.nodeName ?? "");
		for (const known of [was, is]) if (known !== undefined) touch(known);
		if (was !== is) was?.pods.delete(title);
		if (now === null) was?.pods.delete(title);
		else is?.pods.set(title, now);
		if (before !== null) for (const ip of held(before)) if (this.#holders.get(ip) === title) this.#holders.delete(ip);
	}

	#slice(before: EndpointSlice | null, now: EndpointSlice | null, touch: (known: Known) => void): void {
		const title = keyOf((now ?? before) as EndpointSlice);
		const [was, is] = [before === null ? [] : this.#at(before), now === null ? [] : this.#at(now)];
		for (const known of new Set([...was, ...is])) touch(known);
		for (const known of was) known.slices.delete(title);
		for (const known of is) known.slices.set(title, now as EndpointSlice);
	}

	#at({ endpoints }: EndpointSlice): Known[] {
		const names = (endpoints ?? []).map(({ addresses }) => this.#owners.get(addresses[0] ?? ""));
		return [...new Set(names)].flatMap((name) => (name === undefined ? [] : (this.#nodes.get(name) ?? [])));
	}

	#linksOf(known: Known): NodeLinks {
		if (known.links === null) {
			const pods = [...known.pods.values()];
			const links = linksOf([known.node], pods, [...known.slices.values()], this.#healthPorts, this.#options);
			known.links = { ...links, portmap: portmapRestore(pods, podCIDRv4(known.node) ?? "") };
		}
		return known.links;
	}
}

/** Addresses of its own that a pod has while it is up. */
function held(pod: Pod): string[] {
	return isUp(pod) && pod.spec?.hostNetwork !== true ? addressesOf(pod) : [];
}
