// Scene of the figure of a large table: a router with routes as BGP speakers exchange them: in number, in how long prefixes
// are (most are /24s), anywhere in unicast space.

import { loadTopology } from "../../js/lab.ts";
import type { FibRoute, Network } from "../../js/net/network.ts";
import { words } from "../inputs.ts";
import { podRoutes } from "./pods.ts";

/** Prefixes of a length in a hundred, about as public route collectors count them. */
const LENGTHS = [
	[24, 60],
	[22, 12],
	[23, 10],
	[20, 5],
	[21, 4],
	[19, 3],
	[16, 2],
	[18, 2],
	[17, 1],
	[28, 1],
] as const;
const BAG = LENGTHS.flatMap(([length, share]) => new Array<number>(share).fill(length));

/** So many different routes, in no order. */
function routes(count: number): FibRoute[] {
	const next = words(11);
	const seen = new Set<number>();
	const found: FibRoute[] = [];
	while (found.length < count) {
		const length = BAG[next() % BAG.length] as number;
		const address = (1 + (next() % 223)) * 2 ** 24 + (next() >>> 8);
		const prefix = address - (address % 2 ** (32 - length));
		if (address >>> 24 === 127 || seen.has(prefix * 64 + length)) continue;
		seen.add(prefix * 64 + length);
		const via = 0xac100100 + (next() % 0xfe00);
		found.push({ prefix, length, type: "unicast", via, device: "eth0", src: null, metric: 0, nexthops: [] });
	}
	return found;
}

/** One node with `count` of them. */
export function internet(count: number): Network {
	const network = loadTopology(podRoutes(0));
	const node = network.netns.find(({ kind }) => kind === "node");
	if (node === undefined) throw new Error("the topology has a node");
	node.routes = [...node.routes, ...routes(count)];
	return network;
}

/** Addresses within the routes of the node, each as likely as another route's. */
export function destinations(network: Network): (word: number, host: number) => number {
	const all = network.netns.find(({ kind }) => kind === "node")?.routes ?? [];
	return (word, host) => {
		const { prefix, length } = all[word % all.length] as FibRoute;
		return prefix + (host % 2 ** (32 - length));
	};
}
