// The twin of `assembly/compile/fib` and `assembly/fib`: prefixes flattened into disjoint intervals, one binary search a
// look-up. It reads the same configuration rows and knows nothing of the compiled ones.

import * as L from "../../assembly/layout.ts";
import type { Machine } from "../../bindings/machine.ts";

const LOCAL = -2;
const BROADCAST = -0x40000000;

interface Prefix {
	start: number;
	end: number;
	value: number;
}

export class Fib {
	readonly #starts: Uint32Array;
	readonly #routes: Int32Array;

	private constructor(starts: number[], routes: number[]) {
		this.#starts = Uint32Array.from(starts);
		this.#routes = Int32Array.from(routes);
	}

	/** From the routes and addresses of a netns, as the host wrote them. */
	static of(machine: Machine, netns: number): Fib {
		const starts = [0];
		const routes = [-1];
		const emit = (start: number, value: number) => {
			const last = starts.length - 1;
			if (starts[last] === start) routes[last] = value;
			else if (routes[last] !== value) routes.push(value) && starts.push(start);
		};
		const open: Prefix[] = [];
		const closeOne = () => {
			const { end } = open.pop() as Prefix;
			if (end !== 0xffffffff) emit(end + 1, open.at(-1)?.value ?? -1);
		};
		for (const prefix of prefixes(machine, netns)) {
			while (open.length > 0 && (open.at(-1) as Prefix).end < prefix.start) closeOne();
			open.push(prefix);
			emit(prefix.start, prefix.value);
		}
		while (open.length > 0) closeOne();
		return new Fib(starts, routes);
	}

	/** Row of the route of an address; -1: none; below: local or broadcast. */
	lookup(dst: number): number {
		const starts = this.#starts;
		let low = 0;
		let span = starts.length;
		while (span > 1) {
			const half = span >>> 1;
			if ((starts[low + half] as number) <= dst) low += half;
			span -= half;
		}
		return this.#routes[low] as number;
	}
}

/** By start, the shorter first; of equal ones the later row last, local addresses above routes. */
function prefixes(machine: Machine, netns: number): Prefix[] {
	const { rows } = machine.core;
	const at = rows.at(L.TABLE_NETNS, netns);
	const u32 = (address: number) => rows.view.getUint32(address, true);
	const found: (Prefix & { length: number })[] = [];
	const add = (start: number, length: number, value: number) =>
		found.push({ start, end: start + 2 ** (32 - length) - 1, value, length });
	for (let i = 0; i < u32(at + L.NETNS_ROUTE_COUNT); i++) {
		const row = u32(at + L.NETNS_ROUTE_FIRST) + i;
		const route = rows.at(L.TABLE_ROUTE, row);
		add(u32(route + L.ROUTE_PREFIX), u32(route + L.ROUTE_LENGTH), row);
	}
	for (let i = 0; i < u32(at + L.NETNS_ADDRESS_COUNT); i++) {
		const row = u32(at + L.NETNS_ADDRESS_FIRST) + i;
		const ip = u32(rows.at(L.TABLE_ADDRESS, row) + L.ADDRESS_IP);
		const size = 2 ** (32 - u32(rows.at(L.TABLE_ADDRESS, row) + L.ADDRESS_PREFIX));
		const base = ip - (ip % size);
		if (ip >>> 24 === 127) add(base, 32 - Math.log2(size), LOCAL - row);
		else {
			add(ip, 32, LOCAL - row);
			if (size > 2) add(base, 32, BROADCAST);
			if (size > 2) add(base + size - 1, 32, BROADCAST);
		}
	}
	return found.sort((a, b) => a.start - b.start || a.length - b.length);
}
