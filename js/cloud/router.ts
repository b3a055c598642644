// The world between nodes and hosts as one router: how podCIDRs are reached, 1:1 translation of node addresses, the
// addresses of load balancers. `routed`: a cloud route for every podCIDR (Linux: one route a node; a cloud drops what no
// route knows); `l2`: one segment, nodes route to each other (host-gw); `vxlan`: the same segment with a tunnel.

import { addressToBigInt, ipv4FromNumber } from "../net/address.ts";
import type { Fabric, NodeSpec, RouterSpec } from "../net/topology.ts";

export type FabricKind = "routed" | "l2" | "vxlan";

/** flannel's VXLAN identifier and Linux's port. */
const VXLAN = { kind: "vxlan" as const, vni: 1, port: 8472 };

export interface Route {
	ip: string;
	/** Address of the node that has the pod. */
	via: string;
	node: string;
}

export interface Fabricated {
	fabric: Fabric;
	router: RouterSpec;
	/** As the input; with explicit routes where the fabric implies none. */
	nodes: NodeSpec[];
}

/**
 * `external`: node address to public address. `lb`: load balancer address to node names.
 * `strays`: pods outside every podCIDR, one /32 each. RangeError where `l2` nodes share no /8 or the router's address is taken.
 */
export function fabricOf(
	kind: FabricKind,
	nodes: readonly NodeSpec[],
	external: Readonly<Record<string, string>>,
	lb: Readonly<Record<string, string[]>>,
	strays: readonly Route[],
): Fabricated {
	const router: RouterSpec = {};
	if (Object.keys(external).length > 0) {
		router.nat11 = { ...external };
		// A cloud translates a machine's own address only: what leaves with another source is dropped.
		router.natOnly = true;
	}
	if (Object.keys(lb).length > 0) router.lb = { ...lb };
	if (kind === "routed") {
		if (strays.length > 0) router.routes = strays.map(({ ip, via }) => `${ip}/32 via ${via}`);
		return { fabric: { kind: "routed" }, router, nodes: nodes.map((node) => withStrays(node, strays, false)) };
	}
	const fabric: Fabric = { kind: "l2", prefixLen: segment(nodes) };
	if (kind === "vxlan") fabric.overlay = VXLAN;
	return { fabric, router, nodes: nodes.map((node) => withStrays(node, strays, kind === "l2", nodes)) };
}

/** The node's own strays hang on its bridge; on a shared segment the others' are reached through their nodes. */
function withStrays(
	node: NodeSpec,
	strays: readonly Route[],
	direct: boolean,
	nodes: readonly NodeSpec[] = [],
): NodeSpec {
	const own = strays
		.filter((stray) => stray.node === node.name)
		.map((stray) => `${stray.ip} dev ${node.bridge ?? "cbr0"} scope link`);
	const others = direct
		? strays.filter((stray) => stray.node !== node.name).map((stray) => `${stray.ip} via ${stray.via}`)
		: [];
	if (own.length + others.length === 0) return node;
	const implied = direct
		? nodes.filter((other) => other.name !== node.name).map((other) => `${other.podCIDR} via ${other.ip}`)
		: [];
	return { ...node, routes: [...implied, ...own, ...others] };
}

/** Prefix length of the smallest segment, /24 or wider, that holds every node and leaves its first address to the router. */
function segment(nodes: readonly NodeSpec[]): number {
	const numbers = nodes.map((node) => addressToBigInt(node.ip));
	for (let length = 24; length >= 8; length--) {
		const shift = BigInt(32 - length);
		const base = (numbers[0] ?? 0n) >> shift;
		if (!numbers.every((number) => number >> shift === base)) continue;
		const routerAddress = ipv4FromNumber(Number((base << shift) + 1n));
		if (nodes.some((node) => node.ip === routerAddress))
			throw new RangeError(`node address ${routerAddress} is the router's in an l2 fabric`);
		return length;
	}
	throw new RangeError("the nodes' addresses share no segment: use --fabric routed");
}
