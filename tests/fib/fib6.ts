// One netns with IPv6 routes and addresses, in the engine and in the slow reference.

import * as L from "../../assembly/layout.ts";
import { Machine } from "../../bindings/machine.ts";
import { type Answer, SlowFib } from "../reference/fib.ts";
import { device, module } from "./fib.ts";

/** A prefix as a number of 128 bits and a length; bits behind the length are ignored. */
export type Subnet6 = readonly [start: bigint, length: number];

/** The first address of the prefix. */
export function first6([start, length]: Subnet6): bigint {
	const host = BigInt(128 - length);
	return (start >> host) << host;
}

/** The last address of the prefix. */
export function last6(subnet: Subnet6): bigint {
	return first6(subnet) | ((1n << BigInt(128 - subnet[1])) - 1n);
}

function text(address: bigint): string {
	return Array.from({ length: 8 }, (_, i) => ((address >> BigInt(112 - i * 16)) & 0xffffn).toString(16)).join(":");
}

export class Fib6 {
	readonly slow: SlowFib;
	readonly machine: Machine;

	/** `routes` as `ip -6 route` would list them, all of one metric: of equal prefixes the first counts. */
	constructor(routes: readonly Subnet6[], addresses: readonly Subnet6[], router: boolean) {
		const eth0 = device("eth0", "veth", []);
		eth0.addresses6 = addresses.map(([ip, prefix]) => ({ ip: text(ip), prefix, scope: "global" }));
		this.machine = new Machine(module, {
			netns: [
				{
					name: "node:n",
					kind: "node",
					devices: [device("lo", "lo", []), eth0],
					routes: [],
					routes6: routes.map((route) => ({
						prefix: text(first6(route)),
						length: route[1],
						type: "unicast",
						via: null,
						device: "eth0",
						src: null,
						metric: 0,
						nexthops: [],
					})),
					sysctls: new Map([["net.ipv6.conf.all.forwarding", Number(router)]]),
					ruleset: null,
					ruleset6: null,
					sets: [],
					listen: [],
					silent: false,
					listenAny: false,
				},
			],
		});
		const main = routes.map((route) => ({ start: first6(route), length: route[1] })).reverse();
		const local = addresses.map(([start, length]) => ({ start, length, loopback: false }));
		this.slow = new SlowFib(128, main, local, router);
	}

	/** How the engine answers: FIB6_LINES, FIB6_TREE. */
	get form(): number {
		const { rows } = this.machine.core;
		return rows.view.getInt32(rows.at(L.TABLE_NETNS, 0) + L.NETNS_FIB6_FORM, true);
	}

	/** What the engine says of an address. */
	lookup(address: bigint): Answer {
		const { engine } = this.machine.core;
		const route = engine.route6(0, BigInt.asIntN(64, address >> 64n), BigInt.asIntN(64, address));
		if (route === L.ROUTE_NONE) return "none";
		if (route === L.ROUTE_BROADCAST) return "anycast";
		// Rows of addresses count over both families: no other is in the table.
		return route >= 0 ? `route ${route}` : `local ${L.ROUTE_LOCAL - route}`;
	}
}
