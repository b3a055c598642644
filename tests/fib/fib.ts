// One netns with routes and addresses, in the engine and in the slow reference.

import { readFileSync } from "node:fs";
import * as L from "../../assembly/layout.ts";
import { Machine } from "../../bindings/machine.ts";
import type { Device, Netns } from "../../js/net/network.ts";
import { type Answer, type Local, type Prefix, SlowFib } from "../reference/fib.ts";

export const module = new WebAssembly.Module(readFileSync(new URL("../../bindings/core.wasm", import.meta.url)));

/** A prefix as a number and a length; bits behind the length are ignored. */
export type Subnet = readonly [start: number, length: number];

export function device(name: string, kind: Device["kind"], addresses: readonly Subnet[]): Device {
	const scope = kind === "lo" ? "host" : "global";
	return {
		name,
		kind,
		peer: null,
		master: null,
		addresses: addresses.map(([ip, prefix]) => ({ ip, prefix, scope })),
		addresses6: [],
		mtu: 1500,
		hairpin: false,
		promisc: false,
		vxlan: null,
	};
}

/** The first address of the prefix. */
export function first([start, length]: Subnet): number {
	return (start - (start % 2 ** (32 - length))) >>> 0;
}

/** The last address of the prefix. */
export function last(subnet: Subnet): number {
	return (first(subnet) + 2 ** (32 - subnet[1]) - 1) >>> 0;
}

export class Fib {
	readonly slow: SlowFib;
	readonly machine: Machine;

	/** `routes` as `ip route` would list them, all of one metric: of equal prefixes the first counts. */
	constructor(routes: readonly Subnet[], addresses: readonly Subnet[], loopback: readonly Subnet[] = []) {
		const netns: Netns = {
			name: "node:n",
			kind: "node",
			devices: [device("lo", "lo", loopback), device("eth0", "veth", addresses)],
			routes: routes.map((route) => ({
				prefix: first(route),
				length: route[1],
				type: "unicast",
				via: null,
				device: "eth0",
				src: null,
				metric: 0,
				nexthops: [],
			})),
			routes6: [],
			sysctls: new Map(),
			ruleset: null,
			ruleset6: null,
			sets: [],
			listen: [],
			silent: false,
			listenAny: false,
		};
		this.machine = new Machine(module, { netns: [netns] });
		const prefix = ([start, length]: Subnet): Prefix => ({ start: BigInt(start), length });
		const local =
			(loopback: boolean) =>
			(subnet: Subnet): Local => ({ ...prefix(subnet), loopback });
		this.slow = new SlowFib(32, routes.map((route) => prefix([first(route), route[1]])).reverse(), [
			...loopback.map(local(true)),
			...addresses.map(local(false)),
		]);
	}

	/** How the engine answers: FIB_LINE, FIB_NARROW or FIB_WIDE; with how many cells, and how many lines or a trie behind them. */
	get form(): { form: number; cells: number; trie: boolean } {
		const { rows } = this.machine.core;
		const at = rows.at(L.TABLE_NETNS, 0);
		const form = rows.view.getUint32(at + L.NETNS_FIB_FORM, true);
		if (form === L.FIB_LINE) return { form, cells: 0, trie: false };
		const record = rows.view.getUint32(at + L.NETNS_FIB, true);
		return {
			form,
			cells: rows.view.getUint32(record + L.FIB_WINDOW_CELLS, true),
			trie: rows.view.getUint32(record + L.FIB_ROOT, true) !== 0,
		};
	}

	/** What the engine says of an address. */
	lookup(address: number): Answer {
		const route = this.machine.core.engine.route(0, address);
		if (route === L.ROUTE_NONE) return "none";
		if (route === L.ROUTE_BROADCAST) return "broadcast";
		return route >= 0 ? `route ${route}` : `local ${L.ROUTE_LOCAL - route}`;
	}
}
