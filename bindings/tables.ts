// Rulesets as they lie in the engine, and the tables that are loaded somewhere, each once: by the table that they were made of, and by their rule rows.

import type { Chain, Counters, Rule, Ruleset, Table, TableName } from "../js/net/ruleset.ts";

/** A chain and where it is: its rules are rows firstRule … firstRule + rules, the last one its policy or implicit return. */
export interface EncodedChain {
	row: number;
	firstRule: number;
	chain: Chain;
}

/** A table's rows. Netns whose tables are the same object share them, unless its matches remember packets. */
export interface EncodedTable {
	table: Table;
	/** In order, each behind the one before: all rule rows of the table lie in one piece. */
	chains: EncodedChain[];
	/** Rows of the base chains, by hook. */
	bases: { hook: number; row: number }[];
	/** The ipsets that its rules name, as they were then. */
	sets: ReadonlyMap<string, number>;
	/** Lists of `recent` that its rules name. */
	recent: ReadonlySet<string>;
	isStateful: boolean;
	/** What a rule row's counter starts from; rows that are not there start from zero. */
	initial: ReadonlyMap<number, Counters>;
	/** Rules with an extension that is not evaluated, and which. */
	carried: readonly { row: number; why: string }[];
	/** NS_* flags that it asks for. */
	flags: number;
	/** Netns that it is loaded in. */
	users: number;
}

/** What became of a ruleset; needed again to print, to count, and to replace it. */
export interface EncodedRuleset {
	netns: number;
	ruleset: Ruleset;
	tables: EncodedTable[];
	sets: ReadonlyMap<string, number>;
	/** Lists of `recent`: name to row of TABLE_STATE. */
	recent: ReadonlyMap<string, RecentList>;
	/** What counters of this netns start from where that is not what the table says. */
	initial: Map<number, Counters>;
}

export interface RecentList {
	row: number;
	/** Stamps kept per address; a power of two. */
	stamps: number;
}

/** Where a rule row stands; `number` is 1-based, `rule` null for the policy or the implicit return of the chain. */
export interface RulePlace {
	table: TableName;
	chain: string;
	number: number;
	rule: Rule | null;
	/** The chain's; null of a user chain. */
	policy: "ACCEPT" | "DROP" | null;
}

export class SharedTables {
	/** By their first rule's row. */
	readonly #tables: EncodedTable[] = [];
	readonly #byTable = new Map<Table, EncodedTable[]>();

	/** Those made of a table: more than one where they remember packets, or name other ipsets. */
	of(table: Table): readonly EncodedTable[] {
		return this.#byTable.get(table) ?? [];
	}

	/** Rows are given out in order: what is added lies behind all others. */
	add(encoded: EncodedTable): void {
		this.#tables.push(encoded);
		this.#byTable.set(encoded.table, [...this.of(encoded.table), encoded]);
	}

	forget(encoded: EncodedTable): void {
		this.#tables.splice(this.#tables.indexOf(encoded), 1);
		const others = this.of(encoded.table).filter((other) => other !== encoded);
		if (others.length > 0) this.#byTable.set(encoded.table, others);
		else this.#byTable.delete(encoded.table);
	}

	/** The place of a rule row, or null where it is in no table that is loaded. */
	placeOf(row: number): RulePlace | null {
		const encoded = last(this.#tables, ({ chains }) => (chains[0]?.firstRule ?? 0) <= row);
		const found = encoded && last(encoded.chains, ({ firstRule }) => firstRule <= row);
		if (!encoded || !found || row > lastRule(found)) return null;
		const { chain, firstRule } = found;
		return {
			table: encoded.table.name,
			chain: chain.name,
			number: row - firstRule + 1,
			rule: chain.rules[row - firstRule] ?? null,
			policy: chain.policy,
		};
	}
}

/** Is a rule row one of the table's? */
export function holds({ chains }: EncodedTable, row: number): boolean {
	const [first, final] = [chains[0], chains.at(-1)];
	return first !== undefined && final !== undefined && row >= first.firstRule && row <= lastRule(final);
}

function lastRule({ firstRule, chain }: EncodedChain): number {
	return firstRule + chain.rules.length;
}

/** The last of some in order that something is true of; it is true of all before. */
function last<T>(some: readonly T[], is: (one: T) => boolean): T | undefined {
	let low = 0;
	for (let high = some.length; low < high; ) {
		const middle = (low + high) >>> 1;
		if (is(some[middle] as T)) low = middle + 1;
		else high = middle;
	}
	return some[low - 1];
}
