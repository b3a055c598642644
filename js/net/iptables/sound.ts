// Whether a table has nothing that the kernel would refuse, told from its chains as numbers: tables have hundreds of thousands of
// rules, and nearly all are sound. Which rule is at fault, if one is, `check.ts` says.

import type { Chain, Extension, Family, Rule, Table } from "../ruleset.ts";
import { BUILT_IN_CHAINS } from "./chains.ts";
import type { ExtensionTable, Hook } from "./extension.ts";
import { findExtension } from "./extensions/index.ts";

const HOOKS: readonly Hook[] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
const ALL = (1 << HOOKS.length) - 1;

/** Every jump leads to a user chain, none that a built-in chain reaches comes round, and extensions stand where they work. */
export function isSound(table: Table, family: Family): boolean {
	const places = new Map(table.chains.map(({ name }, place) => [name, place]));
	const graph = graphOf(table.chains, places, family);
	if (graph === null) return false;
	return BUILT_IN_CHAINS[table.name].every((hook) => {
		const start = places.get(hook);
		return start === undefined || isSoundFrom(graph, start, 1 << HOOKS.indexOf(hook));
	});
}

/** Chains by their places. */
interface Graph {
	/** Where each chain's jumps begin in `jumps`; one more than there are chains. */
	starts: Int32Array;
	jumps: Int32Array;
	/** Bits of the hooks on which all of its own rules work. */
	hooks: Uint8Array;
}

/** null: a jump leads to no user chain. */
function graphOf(chains: readonly Chain[], places: ReadonlyMap<string, number>, family: Family): Graph | null {
	const count = chains.reduce((sum, { rules }) => sum + rules.length, 0);
	const starts = new Int32Array(chains.length + 1);
	const jumps = new Int32Array(count);
	const hooks = new Uint8Array(chains.length);
	const working = new Working(family);
	let filled = 0;
	for (const [place, { rules }] of chains.entries()) {
		let works = ALL;
		for (const rule of rules) {
			works &= working.hooksOf(rule);
			const { target } = rule;
			if (target === null || target.kind !== "chain") continue;
			const to = places.get(target.name);
			if (to === undefined || chains[to]?.policy !== null) return null;
			jumps[filled++] = to;
		}
		hooks[place] = works;
		starts[place + 1] = filled;
	}
	return { starts, jumps, hooks };
}

/** On which hooks rules work, as bits. */
class Working {
	readonly #family: Family;
	readonly #byTable = new Map<ExtensionTable, number>();
	/** Rules share lists of matches. */
	#last: readonly Extension[] = [];
	#ofLast = ALL;

	constructor(family: Family) {
		this.#family = family;
	}

	hooksOf({ matches, target }: Rule): number {
		if (matches !== this.#last) {
			this.#last = matches;
			this.#ofLast = matches.reduce((bits, match) => bits & this.#of("match", match), ALL);
		}
		return target?.kind === "extension" ? this.#ofLast & this.#of("target", target) : this.#ofLast;
	}

	#of(kind: "match" | "target", { name, options, carried }: Extension): number {
		const table = carried === null ? findExtension(kind, name, this.#family) : null;
		if (table === null) return ALL;
		if (table.hooksOf !== undefined) return bitsOf(table.hooksOf(options) ?? table.hooks);
		let bits = this.#byTable.get(table);
		if (bits === undefined) {
			bits = bitsOf(table.hooks);
			this.#byTable.set(table, bits);
		}
		return bits;
	}
}

function bitsOf(hooks: readonly Hook[] | undefined): number {
	return hooks === undefined ? ALL : hooks.reduce((bits, hook) => bits | (1 << HOOKS.indexOf(hook)), 0);
}

const [NEW, OPEN, DONE] = [0, 1, 2];

/** Depth-first without recursion, as the kernel's own check is. */
function isSoundFrom({ starts, jumps, hooks }: Graph, start: number, hook: number): boolean {
	const states = new Uint8Array(hooks.length);
	const next = starts.slice();
	const stack = [start];
	states[start] = OPEN;
	while (stack.length > 0) {
		const chain = stack[stack.length - 1] as number;
		const at = next[chain] as number;
		if (at === starts[chain] && ((hooks[chain] as number) & hook) === 0) return false;
		if (at === starts[chain + 1]) {
			states[chain] = DONE;
			stack.pop();
			continue;
		}
		next[chain] = at + 1;
		const to = jumps[at] as number;
		if (states[to] === OPEN) return false;
		if (states[to] !== NEW) continue;
		states[to] = OPEN;
		stack.push(to);
	}
	return true;
}
