// A netns gets a table that others have already. What it has counted on the same rows before, and what is counted of all who have
// the table, are two things: chains that are not simply the same as before count anew, from what their rules had.

import type { Chain } from "../js/net/ruleset.ts";
import { type CarriedRow, carriedRows } from "./carried.ts";
import { differenceOf } from "./difference.ts";
import type { LoadedChain, LoadedTable } from "./tables.ts";

export interface Arrival {
	table: LoadedTable;
	/** Chains that count anew; null: all that the netns has in a table of this name. */
	anew: readonly LoadedChain[] | null;
	carried: readonly CarriedRow[];
}

/** `from`: the table of the same name that the netns had; null: none. */
export function arrivalAt(table: LoadedTable, from: LoadedTable | null): Arrival {
	if (from === null) return { table, anew: null, carried: [] };
	const changed = new Map(differenceOf(from.table, table.table).changed.map(({ before, now }) => [now.name, before]));
	const names = namesThatDiffer(table, from) ?? new Set(table.table.chains.map(({ name }) => name));
	for (const name of changed.keys()) names.add(name);
	// What others reset meanwhile, this one may have counted on; what was reset for this one, others may have.
	for (const side of [table, from]) {
		for (let at: LoadedTable | null = side; at !== null; at = at.base) {
			for (const chain of at.resets.keys()) names.add(chain.chain.name);
		}
	}
	const values = new Map<string, Chain>();
	for (const chain of table.table.chains) if (names.has(chain.name)) values.set(chain.name, chain);
	const anew: LoadedChain[] = [];
	const carried: CarriedRow[] = [];
	for (const [name, now] of values) {
		const chain = table.find(name) as LoadedChain;
		const old = from.find(name);
		anew.push(chain);
		const before = changed.has(name) ? (changed.get(name) ?? null) : now;
		if (old !== null && before !== null) carried.push(...carriedRows(before, old.firstRule, now, chain.firstRule));
	}
	return { table, anew, carried };
}

/** Names that two tables may have different chains of; null: they have nothing in common. */
function namesThatDiffer(a: LoadedTable, b: LoadedTable): Set<string> | null {
	const above = new Set<LoadedTable>();
	for (let at: LoadedTable | null = a; at !== null; at = at.base) above.add(at);
	let common: LoadedTable | null = b;
	while (common !== null && !above.has(common)) common = common.base;
	if (common === null) return null;
	const names = new Set<string>();
	for (const side of [a, b]) {
		for (let at: LoadedTable | null = side; at !== null && at !== common; at = at.base) {
			for (const name of at.own.keys()) names.add(name);
		}
	}
	return names;
}
