// Scene of the FIB figures: one node of a large cluster without an overlay, with a route a pod network of every other node.

import type { Topology } from "../../js/net/topology.ts";
import { dotted } from "../inputs.ts";

const FIRST = 0x0a400000; // 10.64.0.0

/** `10.64.0.0/24` onwards, one /24 a node, each by way of that node's address. */
export function podRoutes(count: number): Topology {
	const routes = Array.from({ length: count }, (_, i) => {
		const via = dotted(0xac100000 + 256 + i); // 172.16.1.0 onwards
		return `${dotted(FIRST + i * 256)}/24 via ${via} dev eth0`;
	});
	return {
		fabric: { kind: "l2", prefixLen: 16 },
		nodes: [{ name: "a", ip: "172.16.0.11", podCIDR: "10.63.0.0/24", routes }],
		pods: [],
		hosts: [],
		router: { ip: "172.16.0.1" },
	};
}

/** An address in one of the `count` pod networks. */
export function podAddress(count: number, word: number): number {
	return FIRST + (word % (count * 256));
}
