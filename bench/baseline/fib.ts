// The twin of `assembly/compile/fib` and `assembly/lpm`: prefixes flattened into disjoint intervals, a window of cells where
// routes cut a range evenly, a poptrie where they do not, binary search where there are few. It reads the same configuration
// rows and knows nothing of the compiled ones. Without SIMD a binary search takes the place of lines.

import * as L from "../../assembly/layout.ts";
import type { Machine } from "../../bindings/machine.ts";
import { Poptrie } from "./poptrie.ts";

interface Prefix {
	start: number;
	end: number;
	length: number;
	value: number;
}

/** Disjoint intervals: where each begins, and what its addresses lead to. */
export interface Intervals {
	starts: number[];
	values: number[];
}

const FEW = 289;
const NODE = 0x80000000;

export class Fib {
	readonly #starts: Uint32Array;
	readonly #values: Int32Array;
	readonly #cells: Uint32Array;
	readonly #first: number;
	readonly #shift: number;
	readonly #trie: Poptrie;
	readonly #root: number;
	/** By answer number. */
	readonly #routes: Int32Array;

	private constructor(all: Prefix[]) {
		const wide = all.length > 0x7fff;
		const window = windowOf(all, wide ? 64 : 2);
		const intervals = flatten(all);
		// Cells hold numbers of values, so that the top bit is free.
		const numbers = new Map<number, number>();
		for (const value of intervals.values) if (!numbers.has(value)) numbers.set(value, numbers.size);
		const values = intervals.values.map((value) => numbers.get(value) as number);
		const numbered = { starts: intervals.starts, values };
		this.#routes = Int32Array.from(numbers.keys());
		this.#trie = new Poptrie(numbered);
		this.#first = window.start;
		this.#shift = window.shift;
		this.#cells = new Uint32Array(window.cells);
		let at = 0;
		for (let cell = 0; cell < window.cells; cell++) {
			const start = window.start + cell * 2 ** window.shift;
			at = this.#trie.holding(start, at);
			const whole = this.#trie.endOf(at) >= start + 2 ** window.shift - 1;
			this.#cells[cell] = whole ? (numbered.values[at] as number) : NODE + this.#trie.add(start, 32 - window.shift, at);
		}
		const outside = this.#trie.without(window.start, window.cells * 2 ** window.shift);
		const few = outside.starts.length <= FEW;
		this.#starts = Uint32Array.from(few ? outside.starts : []);
		this.#values = Int32Array.from(few ? outside.values : []);
		this.#root = few ? -1 : this.#trie.addRoot(outside);
		this.#trie.seal();
	}

	/** From the routes and addresses of a netns, as the host wrote them. */
	static of(machine: Machine, netns: number): Fib {
		return new Fib(prefixes(machine, netns));
	}

	/** Row of the route of an address; ROUTE_NONE, ROUTE_BROADCAST or ROUTE_LOCAL - address row. */
	lookup(dst: number): number {
		return this.#routes[this.#answer(dst)] as number;
	}

	#answer(dst: number): number {
		const cell = ((dst - this.#first) >>> 0) >>> this.#shift;
		if (cell < this.#cells.length) {
			const found = this.#cells[cell] as number;
			return found < NODE ? found : this.#trie.descend(found - NODE, dst, 32 - this.#shift);
		}
		if (this.#root >= 0) return this.#trie.descend(this.#root, dst, 0);
		const starts = this.#starts;
		let low = 0;
		let span = starts.length;
		while (span > 1) {
			const half = span >>> 1;
			if ((starts[low + half] as number) <= dst) low += half;
			span -= half;
		}
		return this.#values[low] as number;
	}
}

function flatten(all: readonly Prefix[]): Intervals {
	const starts = [0];
	const values: number[] = [L.ROUTE_NONE];
	const emit = (start: number, value: number) => {
		if (starts.at(-1) === start) {
			starts.pop();
			values.pop();
		}
		if (values.at(-1) !== value) values.push(value) && starts.push(start);
	};
	const open: Prefix[] = [];
	const closeOne = () => {
		const { end } = open.pop() as Prefix;
		if (end !== 0xffffffff) emit(end + 1, open.at(-1)?.value ?? L.ROUTE_NONE);
	};
	for (const prefix of all) {
		while (open.length > 0 && (open.at(-1) as Prefix).end < prefix.start) closeOne();
		open.push(prefix);
		emit(prefix.start, prefix.value);
	}
	while (open.length > 0) closeOne();
	return { starts, values };
}

/** The run of prefixes that pays best for the cells it spans, at `price` cells a prefix. */
function windowOf(all: readonly Prefix[], price: number): { start: number; cells: number; shift: number } {
	const lengths = new Array<number>(33).fill(0);
	for (const { length, value } of all) if (value >= 0) lengths[length] = (lengths[length] as number) + 1;
	const shift = 32 - lengths.lastIndexOf(Math.max(...lengths));
	let best = { score: 0, first: 0, last: -1 };
	let run = { score: -2, first: 0, last: 0, count: 0 };
	for (const { start } of all) {
		const cell = start >>> shift;
		const carried = run.score - (cell - run.last);
		run =
			carried < -1
				? { score: price - 1, first: cell, last: cell, count: 1 }
				: { ...run, score: carried + price, last: cell, count: run.count + 1 };
		if (run.score > best.score && run.count >= 4) best = run;
	}
	const cells = best.last - best.first + 1;
	return { start: best.first * 2 ** shift, cells: cells <= 2 ** 24 ? cells : 0, shift };
}

/** By start, the shorter first; of equal ones the later row last, local addresses above routes. */
function prefixes(machine: Machine, netns: number): Prefix[] {
	const { rows } = machine.core;
	const at = rows.at(L.TABLE_NETNS, netns);
	const u32 = (address: number) => rows.view.getUint32(address, true);
	const found: Prefix[] = [];
	const add = (start: number, length: number, value: number) =>
		found.push({ start, end: start + 2 ** (32 - length) - 1, value, length });
	for (let i = 0; i < u32(at + L.NETNS_ROUTE_COUNT); i++) {
		const row = u32(at + L.NETNS_ROUTE_FIRST) + i;
		const route = rows.at(L.TABLE_ROUTE, row);
		add(u32(route + L.ROUTE_PREFIX), u32(route + L.ROUTE_LENGTH), row);
	}
	for (let i = 0; i < u32(at + L.NETNS_ADDRESS_COUNT); i++) {
		const row = u32(at + L.NETNS_ADDRESS_FIRST) + i;
		const address = rows.at(L.TABLE_ADDRESS, row);
		const ip = u32(address + L.ADDRESS_IP);
		const length = u32(address + L.ADDRESS_PREFIX);
		const base = ip - (ip % 2 ** (32 - length));
		add(ip, 32, L.ROUTE_LOCAL - row);
		if (length < 31) add(base + 2 ** (32 - length) - 1, 32, L.ROUTE_BROADCAST);
		const device = rows.at(L.TABLE_DEVICE, u32(address + L.ADDRESS_DEVICE));
		if (u32(device + L.DEVICE_KIND) === L.DEVICE_KIND_LO) add(base, length, L.ROUTE_LOCAL - row);
	}
	return found.sort((a, b) => a.start - b.start || a.length - b.length);
}
