// A table with a few chains changed, of one with very many: what is different is known, and the list of all chains is made only
// where somebody asks for it.

import { compareChains } from "./iptables/chains.ts";
import type { Chain, Table, TableEdit } from "./ruleset.ts";

/** Tables that are known by their differences alone, one behind another, before a list is made after all. */
const EDITS_MAX = 64;

interface Pending {
	before: Table;
	/** By name; null: removed. */
	chains: ReadonlyMap<string, Chain | null>;
	depth: number;
}

const pending = new WeakMap<Table, Pending>();

/** The table with chains written, by their names, and removed. Chains of `before` are in the order in which iptables prints them. */
export function editTable(before: Table, written: readonly Chain[], removed: Iterable<string>): Table {
	const changed = written.map((now) => ({ before: findChain(before, now.name), now }));
	const gone = [...removed].flatMap((name) => findChain(before, name) ?? []);
	const chains = new Map<string, Chain | null>(written.map((chain) => [chain.name, chain]));
	for (const { name } of gone) chains.set(name, null);
	let list: Chain[] | null = null;
	const table: Table = {
		name: before.name,
		get chains() {
			list ??= listOf(table);
			return list;
		},
	};
	const depth = (pending.get(before)?.depth ?? 0) + 1;
	pending.set(table, { before, chains, depth });
	// Else every table that ever was would be kept.
	if (before.edit !== undefined) Object.defineProperty(before, "edit", { value: undefined });
	const edit: TableEdit = { of: before, changed, removed: gone };
	Object.defineProperty(table, "edit", { value: edit, enumerable: false, configurable: true });
	if (depth >= EDITS_MAX) void table.chains;
	return table;
}

/** A chain by its name; null: there is none. */
export function findChain(table: Table, name: string): Chain | null {
	let at = table;
	for (let own = pending.get(at); own !== undefined; own = pending.get(at)) {
		const chain = own.chains.get(name);
		if (chain !== undefined) return chain;
		at = own.before;
	}
	const found = at.chains[placeOf(at.chains, name, compareChains(at.name))];
	return found?.name === name ? found : null;
}

/** All chains; what the table was made of is not needed for them any more. */
function listOf(table: Table): Chain[] {
	const edits: Pending[] = [];
	let at = table;
	for (let own = pending.get(at); own !== undefined; own = pending.get(at)) {
		edits.push(own);
		at = own.before;
	}
	const chains = at.chains.slice();
	const compare = compareChains(at.name);
	for (const [name, chain] of edits.reverse().flatMap((edit) => [...edit.chains])) {
		const place = placeOf(chains, name, compare);
		const known = chains[place]?.name === name;
		if (chain === null) chains.splice(place, known ? 1 : 0);
		else chains.splice(place, known ? 1 : 0, chain);
	}
	pending.delete(table);
	return chains;
}

/** Where a chain is, or belongs. */
function placeOf(chains: readonly Chain[], name: string, compare: (a: Chain, b: Chain) => number): number {
	const wanted: Chain = { name, policy: null, counters: { packets: 0n, bytes: 0n }, rules: [] };
	let low = 0;
	for (let high = chains.length; low < high; ) {
		const middle = (low + high) >>> 1;
		if (compare(chains[middle] as Chain, wanted) < 0) low = middle + 1;
		else high = middle;
	}
	return low;
}
