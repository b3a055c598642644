// The twin of the trie of `assembly/lpm`: nodes of 64 slots, children and runs of equal leaves counted by population counts,
// which JavaScript has to do by hand, 32 bits at a time.

import type { Intervals } from "./fib.ts";

/** Words of a node: children low and high, leaves low and high, first child, first leaf. */
const WORDS = 6;

export class Poptrie {
	#intervals: Intervals;
	readonly #building: number[] = [];
	readonly #leavesBuilding: number[] = [];
	#nodes = new Uint32Array();
	#leaves = new Uint32Array();

	constructor(intervals: Intervals) {
		this.#intervals = intervals;
	}

	/** What is built so far becomes what is asked. */
	seal(): void {
		this.#nodes = Uint32Array.from(this.#building);
		this.#leaves = Uint32Array.from(this.#leavesBuilding);
	}

	endOf(interval: number): number {
		return (this.#intervals.starts[interval + 1] ?? 2 ** 32) - 1;
	}

	/** The interval that holds an address, not before interval `from`. */
	holding(address: number, from: number): number {
		let at = from;
		while (this.endOf(at) < address) at++;
		return at;
	}

	/** The intervals without those that begin in a range: the one before it goes on. */
	without(start: number, size: number): Intervals {
		const { starts, values } = this.#intervals;
		const kept: Intervals = { starts: [], values: [] };
		const keep = (at: number, value: number) => {
			if (kept.values.at(-1) !== value) kept.starts.push(at) && kept.values.push(value);
		};
		for (const [i, at] of starts.entries()) {
			const inside = i > 0 && at >= start && at < start + size;
			if (!inside) keep(at, values[i] as number);
			else if (this.endOf(i) >= start + size && start + size < 2 ** 32) keep(start + size, values[i] as number);
		}
		return kept;
	}

	addRoot(intervals: Intervals): number {
		this.#intervals = intervals;
		return this.add(0, 0, 0);
	}

	/** Builds the node of the addresses from `start` on that share `depth` bits; its number. */
	add(start: number, depth: number, interval: number): number {
		const node = this.#building.length / WORDS;
		this.#building.push(0, 0, 0, 0, 0, 0);
		this.#fill(node, start, depth, interval);
		return node;
	}

	#fill(node: number, start: number, depth: number, interval: number): void {
		const step = depth > 26 ? 2 ** (depth - 26) : 1;
		const size = depth > 26 ? 1 : 2 ** (26 - depth);
		const words = [0, 0, 0, 0, 0, this.#leavesBuilding.length];
		const children: { start: number; interval: number }[] = [];
		let answer = -1;
		let at = interval;
		for (let slot = 0; slot < 64; slot += step) {
			const from = start + (slot / step) * size;
			at = this.holding(from, at);
			const value = this.#intervals.values[at] as number;
			const half = slot >>> 5;
			if (this.endOf(at) < from + size - 1) {
				words[half] = ((words[half] as number) | (1 << (slot & 31))) >>> 0;
				children.push({ start: from, interval: at });
			} else if (value !== answer) {
				answer = value;
				words[2 + half] = ((words[2 + half] as number) | (1 << (slot & 31))) >>> 0;
				this.#leavesBuilding.push(value);
			}
		}
		words[4] = this.#building.length / WORDS;
		for (const _ of children) this.#building.push(0, 0, 0, 0, 0, 0);
		for (const [i, word] of words.entries()) this.#building[node * WORDS + i] = word;
		for (const [i, child] of children.entries()) {
			this.#fill((words[4] as number) + i, child.start, depth + 6, child.interval);
		}
	}

	/** What the address leads to, from a node of `depth` bits on. */
	descend(from: number, dst: number, depth: number): number {
		const nodes = this.#nodes;
		let at = from * WORDS;
		let bits = depth;
		let slot = (dst << bits) >>> 26;
		while ((((nodes[at + (slot >>> 5)] as number) >>> (slot & 31)) & 1) !== 0) {
			at = ((nodes[at + 4] as number) + this.#countTo(at, slot) - 1) * WORDS;
			bits += 6;
			slot = (dst << bits) >>> 26;
		}
		return this.#leaves[(nodes[at + 5] as number) + this.#countTo(at + 2, slot) - 1] as number;
	}

	/** Bits set up to and with number `slot` in the two words at `at`. */
	#countTo(at: number, slot: number): number {
		const low = this.#nodes[at] as number;
		if (slot < 32) return ones(low << (31 - slot));
		return ones(low) + ones((this.#nodes[at + 1] as number) << (63 - slot));
	}
}

function ones(word: number): number {
	let bits = word - ((word >>> 1) & 0x55555555);
	bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
	return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
