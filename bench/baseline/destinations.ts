// The twin of the chain index as far as its scene goes: for chains of exact (destination, protocol, port) and nothing else,
// a hash of those to the first rule that asks for them.

import * as L from "../../assembly/layout.ts";

const RULE_WORDS = L.RULE_STRIDE >> 2;
const RULES_MIN = 6;
const EXACT = 0xffffffff;

export class Destinations {
	readonly #mask: number;
	/** Per slot: chain + 1, destination, protocol << 16 | port, rule; 0: free. */
	readonly #slots: Uint32Array;
	/** By chain: the row behind its rules where it is indexed, else 0. */
	readonly #ends: Uint32Array;

	constructor(chains: Uint32Array, rules: Uint32Array, matches: Uint32Array) {
		const words = L.CHAIN_STRIDE >> 2;
		const slots = 2 ** Math.ceil(Math.log2(Math.max(2, (rules.length / RULE_WORDS) * 2)));
		this.#mask = slots - 1;
		this.#slots = new Uint32Array(slots * 4);
		this.#ends = new Uint32Array(chains.length / words);
		for (let chain = 0; chain < this.#ends.length; chain++) {
			const first = chains[chain * words + (L.CHAIN_RULE_FIRST >> 2)] as number;
			const end = first + (chains[chain * words + (L.CHAIN_RULE_COUNT >> 2)] as number);
			const keys = Array.from({ length: end - first }, (_, i) => exact(rules, matches, first + i));
			if (keys.length < RULES_MIN || keys.includes(null)) continue;
			this.#ends[chain] = end;
			for (const [i, key] of keys.entries()) if (key !== null) this.#add(chain, key.dst, key.l4, first + i);
		}
	}

	/** Row of the first rule that can match, or the one behind the last; -1: the chain is not indexed. */
	first(chain: number, dst: number, proto: number, port: number): number {
		const end = this.#ends[chain] as number;
		if (end === 0) return -1;
		const l4 = (proto << 16) | port;
		for (let slot = hash(chain, dst, l4) & this.#mask; ; slot = (slot + 1) & this.#mask) {
			const at = slot * 4;
			if (this.#slots[at] === 0) return end;
			if (this.#slots[at] === chain + 1 && this.#slots[at + 1] === dst && this.#slots[at + 2] === l4) {
				return this.#slots[at + 3] as number;
			}
		}
	}

	#add(chain: number, dst: number, l4: number, rule: number): void {
		let slot = hash(chain, dst, l4) & this.#mask;
		while (this.#slots[slot * 4] !== 0) slot = (slot + 1) & this.#mask;
		this.#slots.set([chain + 1, dst, l4, rule], slot * 4);
	}
}

/** The key of a rule that asks for one destination, protocol and port; null for any other. */
function exact(rules: Uint32Array, matches: Uint32Array, rule: number): { dst: number; l4: number } | null {
	const at = rule * RULE_WORDS;
	const head = rules[at + (L.RULE_PROTO >> 2)] as number;
	const match = (rules[at + (L.RULE_MATCH_FIRST >> 2)] as number) * (L.MATCH_STRIDE >> 2);
	const ports = matches[match + 2] as number;
	if (
		rules[at + (L.RULE_DMASK >> 2)] !== EXACT ||
		rules[at + (L.RULE_SMASK >> 2)] !== 0 ||
		(head & 0xff00) !== 0 ||
		((head >>> 16) & 255) !== 1
	)
		return null;
	if (ports >>> 16 !== (ports & 0xffff)) return null;
	return { dst: rules[at + (L.RULE_DST >> 2)] as number, l4: ((head & 255) << 16) | (ports & 0xffff) };
}

function hash(chain: number, dst: number, l4: number): number {
	let h = Math.imul(dst ^ Math.imul(l4 + chain, 0x9e3779b1), 0x85ebca6b);
	h ^= h >>> 15;
	h = Math.imul(h, 0xc2b2ae35);
	return h ^ (h >>> 13);
}
