// Tables as they lie in the engine. A chain is there once, however many netns have it: netns of one table share all of it, and a
// table that differs in a few chains lies over the one that it came from: it has of its own what differs and what leads there.

import type { Chain, Counters, Rule, Ruleset, Table, TableName } from "../js/net/ruleset.ts";
import { type EncodedRules, isPrivate } from "./encode.ts";

/** A chain and where it is. */
export interface LoadedChain extends EncodedRules {
	table: TableName;
	/** Row of TABLE_CHAIN: what jumps name. */
	row: number;
	/** Of which its rules were made; netns that flushed and wrote it again have another one with the same rules. */
	chain: Chain;
	/** `NetnsLists.owner` of the lists of `recent` that it names; null: it names none. */
	lists: string | null;
}

/** What is known of one table of one or more netns. */
export interface TableFields<T> {
	/** What it is now. */
	table: Table;
	/** What it lies over: that stays as it is as long as something lies over it. */
	base: T | null;
	/** What lies over it. */
	readonly over: Set<T>;
	/** Chains of its own by name; null: one of the base that it does not have. */
	own: Map<string, LoadedChain | null>;
	/** Netns that have it. */
	users: number;
	/** What netns have that have it first: lists of tables, each once. */
	lists: (readonly T[])[];
	/** Chains that ask for connection tracking, and chains that only one netns may have. */
	tracking: number;
	privates: number;
	/** Those of them with `limit` or `nth`. */
	readonly stateful: Set<LoadedChain>;
	/** Chains whose rules count anew since a generation, for all that have the table. */
	readonly resets: Map<LoadedChain, number>;
}

export class LoadedTable implements TableFields<LoadedTable> {
	table: Table;
	base: LoadedTable | null;
	readonly over = new Set<LoadedTable>();
	own = new Map<string, LoadedChain | null>();
	users = 0;
	lists: (readonly LoadedTable[])[] = [];
	tracking = 0;
	privates = 0;
	readonly stateful = new Set<LoadedChain>();
	readonly resets = new Map<LoadedChain, number>();

	constructor(table: Table, base: LoadedTable | null) {
		this.table = table;
		this.base = base;
		this.tracking = base?.tracking ?? 0;
		this.privates = base?.privates ?? 0;
	}

	get name(): TableName {
		return this.table.name;
	}

	get tracks(): boolean {
		return this.tracking > 0;
	}

	find(name: string): LoadedChain | null {
		let at: LoadedTable | null = this;
		for (; at !== null; at = at.base) {
			const own = at.own.get(name);
			if (own !== undefined) return own;
		}
		return null;
	}

	/** Is it a chain that the table has? */
	has(chain: LoadedChain): boolean {
		return this.find(chain.chain.name) === chain;
	}

	/** Makes a chain the one of its name, null for none; returns the one of its own that it replaces. */
	set(name: string, chain: LoadedChain | null): LoadedChain | null {
		this.#count(this.find(name), -1);
		this.#count(chain, 1);
		const before = this.own.get(name) ?? null;
		if (chain === null && this.base === null) this.own.delete(name);
		else this.own.set(name, chain);
		return before;
	}

	#count(chain: LoadedChain | null, by: 1 | -1): void {
		if (chain === null) return;
		if (chain.tracks) this.tracking += by;
		if (isPrivate(chain)) this.privates += by;
		if (chain.states.length === 0) return;
		if (by > 0) this.stateful.add(chain);
		else this.stateful.delete(chain);
	}

	/** The generation since which a chain's rules count, for all that have the table; 0: since they were loaded. */
	resetOf(chain: LoadedChain): number {
		let since = 0;
		let at: LoadedTable | null = this;
		for (; at !== null; at = at.base) since = Math.max(since, at.resets.get(chain) ?? 0);
		return since;
	}

	/**
	 * Nobody has it, and only one table lies over it: that one takes its place. Returns the chains that nobody has any more.
	 */
	yield(): LoadedChain[] {
		const [heir] = this.over;
		if (heir === undefined || this.over.size > 1)
			throw new RangeError(`${this.over.size} tables lie over ${this.name}`);
		const gone: LoadedChain[] = [];
		for (const [name, chain] of heir.own) {
			const hidden = this.own.get(name);
			if (hidden) gone.push(hidden);
			if (chain === null && this.base === null) this.own.delete(name);
			else this.own.set(name, chain);
		}
		for (const [chain, since] of this.resets) {
			if (since > (heir.resets.get(chain) ?? 0)) heir.resets.set(chain, since);
		}
		for (const chain of gone) heir.resets.delete(chain);
		heir.own = this.own;
		heir.base = this.base;
		this.base?.over.delete(this);
		this.base?.over.add(heir);
		return gone;
	}
}

export const NO_TABLES: readonly never[] = [];

/** All tables that netns have, and that those lie over. */
export function tablesOf(all: Iterable<LoadedRuleset>): Set<LoadedTable> {
	const tables = new Set<LoadedTable>();
	for (const loaded of all) {
		for (const table of loaded.tables)
			for (let at: LoadedTable | null = table; at !== null; at = at.base) tables.add(at);
	}
	return tables;
}

/** Lists of the same tables are one, so that netns that have them are found to be alike. */
export function sharedList(tables: readonly LoadedTable[]): readonly LoadedTable[] {
	const [first] = tables;
	if (first === undefined) return NO_TABLES;
	first.lists = first.lists.filter((list) => list.every(({ users }) => users > 0));
	const known = first.lists.find((list) => list.length === tables.length && list.every((own, i) => own === tables[i]));
	if (known !== undefined) return known;
	first.lists.push(tables);
	return tables;
}

/** What a netns has of one family. */
export type LoadedRuleset = Loaded<LoadedTable>;

export interface Loaded<T> {
	ruleset: Ruleset;
	/** In the order of the ruleset. */
	tables: readonly T[];
	/** Generations since which it counts what others counted on before it came: of whole tables, and of chains. */
	since: Map<TableName | LoadedChain, number>;
	/** What counters of its rules start from, by rule row, where that is not what the rules say. */
	kept: Map<number, Counters>;
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

/** Does a chain have the row? */
export function holds({ firstRule, rules }: Pick<LoadedChain, "firstRule" | "rules">, row: number): boolean {
	return row >= firstRule && row <= firstRule + rules;
}

export function placeIn(
	{ table, chain, firstRule }: Pick<LoadedChain, "table" | "chain" | "firstRule">,
	row: number,
): RulePlace {
	return {
		table,
		chain: chain.name,
		number: row - firstRule + 1,
		rule: chain.rules[row - firstRule] ?? null,
		policy: chain.policy,
	};
}
