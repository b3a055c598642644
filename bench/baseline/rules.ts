// The twin of `assembly/netfilter/iptables` and its path counters: the same rule rows, copied out of the engine's
// configuration tables, walked in order with a jump stack. It knows what the scenes use and throws at anything else.
// `indexed`: chains that tell many destinations apart are entered by a hash, as the engine's chain index does.

import * as L from "../../assembly/layout.ts";
import type { Machine } from "../../bindings/machine.ts";
import { Destinations } from "./destinations.ts";
import { Paths } from "./paths.ts";

/** What a walk looks at; `ctstate` is one CTS_* bit, `toDst` and `toPort` what a DNAT rule said (0: none did). */
export interface Walker {
	src: number;
	dst: number;
	sport: number;
	dport: number;
	proto: number;
	bytes: number;
	mark: number;
	ctstate: number;
	toDst: number;
	toPort: number;
}

/** A TCP packet without a connection. */
export const WALKER: Readonly<Walker> = {
	src: 0,
	dst: 0,
	sport: 0,
	dport: 0,
	proto: L.PROTO_TCP,
	bytes: 0,
	mark: 0,
	ctstate: L.CTS_INVALID,
	toDst: 0,
	toPort: 0,
};

const WORDS = L.RULE_STRIDE >> 2;
// Words of a rule's row stand as numbers below: V8 does not fold a module's constants into a loop, and the walk would take twice as long.
const OFFSETS = [
	L.RULE_SRC,
	L.RULE_DST,
	L.RULE_SMASK,
	L.RULE_DMASK,
	L.RULE_IIF,
	L.RULE_OIF,
	L.RULE_PROTO,
	L.RULE_MATCH_FIRST,
	L.RULE_A,
	L.RULE_B,
	L.RULE_C,
];
if (OFFSETS.some((offset, word) => offset !== word << 2) || L.RULE_FLAGS !== 60)
	throw new Error("rule rows have moved");
const JUMPS_MAX = 64;

export class Rules {
	readonly paths: Paths;
	readonly #rules: Uint32Array;
	readonly #matches: Uint32Array;
	readonly #words: Uint32Array;
	readonly #chains: Uint32Array;
	readonly #netns: Int32Array;
	readonly #stack = new Int32Array(JUMPS_MAX);
	readonly #index: Destinations | null = null;

	constructor(machine: Machine, { indexed = false, paths = 4096 } = {}) {
		this.paths = new Paths(paths);
		const { rows, engine } = machine.core;
		const copy = (table: number, stride: number) =>
			new Uint32Array(rows.view.buffer, engine.table(table), (rows.count(table) * stride) >> 2).slice();
		this.#rules = copy(L.TABLE_RULE, L.RULE_STRIDE);
		this.#matches = copy(L.TABLE_MATCH, L.MATCH_STRIDE);
		this.#words = copy(L.TABLE_WORD, 4);
		this.#chains = copy(L.TABLE_CHAIN, L.CHAIN_STRIDE);
		this.#netns = new Int32Array(copy(L.TABLE_NETNS, L.NETNS_STRIDE).buffer);
		if (indexed) this.#index = new Destinations(this.#chains, this.#rules, this.#matches);
	}

	/** The base chain's verdict, NF_ACCEPT or NF_DROP. */
	walk(p: Walker, netns: number, hook: number, table: number): number {
		const base = (netns * L.NETNS_STRIDE + L.NETNS_CHAINS) >> 2;
		const chain = this.#netns[base + hook * L.XT_COUNT + table] as number;
		if (chain < 0) return L.NF_ACCEPT;
		const rules = this.#rules;
		const { src, dst, proto } = p;
		let at = this.#first(chain);
		let depth = 0;
		this.paths.start();
		while (true) {
			const head = rules[at + 6] as number;
			const not = (head >>> 8) & 255;
			const want = head & 255;
			if (
				((dst & (rules[at + 3] as number)) >>> 0 !== rules[at + 1]) !== ((not & L.INV_DST) !== 0) ||
				(want !== 0 && (want !== proto) !== ((not & L.INV_PROTO) !== 0)) ||
				((src & (rules[at + 2] as number)) >>> 0 !== rules[at + 0]) !== ((not & L.INV_SRC) !== 0) ||
				!this.#matchesAll(p, at, (head >>> 16) & 255)
			) {
				at += WORDS;
				continue;
			}
			const flags = rules[at + 15] as number;
			if ((flags & L.RULEF_UNCOUNTED) === 0) this.paths.push(at / WORDS);
			switch (head >>> 24) {
				case L.TARGET_NONE:
					at += WORDS;
					break;
				case L.TARGET_JUMP:
					if (depth === JUMPS_MAX) throw new RangeError("more jumps than the engine allows");
					if ((flags & L.RULEF_GOTO) === 0) this.#stack[depth++] = at + WORDS;
					at = this.#enter(p, rules[at + 8] as number);
					break;
				case L.TARGET_RETURN:
					at = depth === 0 ? this.#policy(chain) : (this.#stack[--depth] as number);
					break;
				case L.TARGET_MARK:
					p.mark = (p.mark & ~(rules[at + 9] as number)) ^ (rules[at + 8] as number);
					at += WORDS;
					break;
				case L.TARGET_DNAT:
					p.toDst = rules[at + 8] as number;
					p.toPort = rules[at + 10] as number;
					this.paths.count(netns, p.bytes);
					return L.NF_ACCEPT;
				case L.TARGET_ACCEPT:
					this.paths.count(netns, p.bytes);
					return L.NF_ACCEPT;
				case L.TARGET_DROP:
					this.paths.count(netns, p.bytes);
					return L.NF_DROP;
				default:
					throw new RangeError(`the twin has no target ${head >>> 24}`);
			}
		}
	}

	/** Where to begin in a chain: at its first rule, or the first that can match. */
	#enter({ dst, proto, dport }: Walker, chain: number): number {
		const rule = this.#index?.first(chain, dst, proto, dport) ?? -1;
		return rule < 0 ? this.#first(chain) : rule * WORDS;
	}

	#first(chain: number): number {
		return (this.#chains[(chain * L.CHAIN_STRIDE + L.CHAIN_RULE_FIRST) >> 2] as number) * WORDS;
	}

	#policy(chain: number): number {
		return this.#first(chain) + (this.#chains[(chain * L.CHAIN_STRIDE + L.CHAIN_RULE_COUNT) >> 2] as number) * WORDS;
	}

	#matchesAll(p: Walker, rule: number, count: number): boolean {
		if (((this.#rules[rule + 4] as number) & (this.#rules[rule + 5] as number)) >>> 0 !== 0xffffffff) {
			throw new RangeError("the twin has no -i and -o");
		}
		let at = (this.#rules[rule + 7] as number) * (L.MATCH_STRIDE >> 2);
		for (let i = 0; i < count; i++, at += L.MATCH_STRIDE >> 2) if (!this.#one(p, at)) return false;
		return true;
	}

	#one(p: Walker, at: number): boolean {
		const m = this.#matches;
		const kind = (m[at] as number) & 0xffff;
		const not = (m[at] as number) >>> 16;
		const [a, b] = [m[at + 1] as number, m[at + 2] as number];
		if (kind === L.MATCH_TCP || kind === L.MATCH_UDP) {
			if ((m[at + 3] as number) !== 0) throw new RangeError("the twin has no TCP flags");
			return within(p.sport, a) !== ((not & 1) !== 0) && within(p.dport, b) !== ((not & 2) !== 0);
		}
		if (kind === L.MATCH_MARK) return ((p.mark & b) >>> 0 === a) !== ((not & 1) !== 0);
		if (kind === L.MATCH_CONNTRACK && this.#words[a + L.CTM_PRESENT] === L.CTM_HAS_STATE) {
			const inverted = (this.#words[a + L.CTM_INVERT] as number) !== 0;
			return (((this.#words[a + L.CTM_STATE] as number) & p.ctstate) !== 0) !== inverted;
		}
		throw new RangeError(`the twin has no match ${kind}`);
	}
}

function within(port: number, range: number): boolean {
	return port >= (range & 0xffff) && port <= range >>> 16;
}
