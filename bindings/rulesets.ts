// The rulesets of all netns of one engine, and how they are replaced while packets flow. What a replacement writes is what is
// different: chains that are the very same objects stay where they are, with their counters; a chain that is replaced in all
// netns that have it keeps its row, so that nothing but the jumps to it is touched.

import * as L from "../assembly/layout.ts";
import type { Counters, Family, Ruleset, Table } from "../js/net/ruleset.ts";
import { arrivalAt } from "./arrival.ts";
import { baseChains, writeNetns } from "./bases.ts";
import { type ByFamily, byFamily } from "./byfamily.ts";
import type { CarriedRow } from "./carried.ts";
import type { Instance } from "./core.ts";
import { countedChain, plus } from "./counted.ts";
import { type RuleCounters, RuleCounts, type RuleCountsState } from "./counters.ts";
import { netnsFlags } from "./hooks.ts";
import { Interned, type InternedState } from "./interned.ts";
import type { Interner } from "./interner.ts";
import type { NetnsSets } from "./netnssets.ts";
import { RecentLists, type RecentState } from "./recent.ts";
import { type LoadContext, prepare, type Replacement } from "./replace.ts";
import { RetiredRules, type RetiredState } from "./retired.ts";
import { TableCopies, type TableState } from "./tablecopies.ts";
import {
	holds,
	type Loaded,
	type LoadedChain,
	type LoadedRuleset,
	LoadedTable,
	NO_TABLES,
	placeIn,
	type RulePlace,
	sharedList,
	tablesOf,
} from "./tables.ts";
import type { Rows } from "./views.ts";

const NOTHING: RuleCounters = new Map();

/** What is known of the rows of rules, beside the rows themselves. */
export interface RulesetsState {
	loaded: ByFamily<Map<number, Loaded<TableState>>>;
	byTable: ByFamily<Map<Table, TableState>>;
	chains: (LoadedChain | null)[];
	retired: RetiredState;
	interned: InternedState;
	counts: RuleCountsState;
	recent: RecentState;
}

export class Rulesets {
	readonly #rows: Rows;
	readonly #engine: Instance;
	readonly #interned: Interned;
	readonly #sets: NetnsSets;
	readonly #counts: RuleCounts;
	readonly #lists: RecentLists;
	/** By family and netns. */
	readonly #loaded: ByFamily<Map<number, LoadedRuleset>>;
	/** Those that any netns may share. */
	readonly #byTable: ByFamily<Map<Table, LoadedTable>>;
	/** By row of TABLE_CHAIN. */
	readonly #chains: (LoadedChain | null)[];
	readonly #retired: RetiredRules;

	/** `state`: of the rules whose rows are there already. */
	constructor(rows: Rows, engine: Instance, strings: Interner, sets: NetnsSets, state?: RulesetsState) {
		this.#rows = rows;
		this.#engine = engine;
		this.#interned = new Interned(rows, strings, state?.interned);
		this.#sets = sets;
		this.#counts = new RuleCounts(rows, engine, state?.counts);
		this.#lists = new RecentLists(rows, engine, state?.recent);
		const copies = TableCopies.loaded();
		this.#loaded = byFamily((family) => copies.loaded(state?.loaded[family] ?? new Map()));
		this.#byTable = byFamily((family) => copies.byTable(state?.byTable[family] ?? new Map()));
		this.#chains = state?.chains ?? [];
		this.#retired = new RetiredRules(rows, engine, state?.retired);
	}

	/** Copied. */
	get state(): RulesetsState {
		const copies = TableCopies.plain();
		return {
			loaded: byFamily((family) => copies.loaded(this.#loaded[family])),
			byTable: byFamily((family) => copies.byTable(this.#byTable[family])),
			chains: [...this.#chains],
			retired: this.#retired.state,
			interned: this.#interned.state,
			counts: this.#counts.state,
			recent: this.#lists.state,
		};
	}

	/**
	 * Makes a ruleset that of its family in each netns. Every device name is interned before. Rules that are the same objects in
	 * chains of the same name keep their counters, unless their chain was flushed and written again (`Chain.flushes`); tables
	 * that are the same objects keep all state, in others `limit` and `nth` start afresh, as in a table that the kernel
	 * replaces, while lists of `recent` live on as long as a rule names them. Netns that had the same rules before get the new
	 * ones at once; an error leaves them as they were. Throws EncodeError (a jump to nowhere, a loop, an unknown ipset …),
	 * CapacityError.
	 */
	load(netns: readonly number[], ruleset: Ruleset): void {
		if (this.#counts.isDue || this.#retired.isCrowded) this.#makeRoom();
		for (const group of this.#alike(netns, ruleset.family)) this.#loadAlike(group, ruleset);
	}

	/**
	 * Whether `load` would take it for the netns of these rows, or for a new one where there are none, with such ipsets. Throws
	 * EncodeError, CapacityError; nothing changes in any case.
	 */
	check(netns: readonly number[], ruleset: Ruleset, sets: ReadonlyMap<string, number>): void {
		const { family } = ruleset;
		for (const group of netns.length > 0 ? this.#alike(netns, family) : [[]]) {
			const before = (group[0] === undefined ? null : this.of(group[0], family))?.tables ?? NO_TABLES;
			const context = { ...this.#context(group, family), sets };
			for (const table of ruleset.tables) {
				const previous = before.find(({ name }) => name === table.name) ?? null;
				if (previous?.table === table || this.#byTable[family].has(table)) continue;
				prepare(table, previous, Math.max(1, group.length), context).discard();
			}
		}
	}

	/** A netns has no rules of some families any more. */
	unload(netns: number, families: readonly Family[] = ["ipv4", "ipv6"]): void {
		for (const family of families) {
			const before = this.of(netns, family)?.tables;
			if (before === undefined) continue;
			this.#replace([netns], { family, tables: [] }, before, []);
			this.#loaded[family].delete(netns);
		}
	}

	/** A device has a name that none had before: rules that ask for names like it ask for it too. */
	named(name: string): void {
		this.#interned.named(name);
	}

	of(netns: number, family: Family): LoadedRuleset | null {
		return this.#loaded[family].get(netns) ?? null;
	}

	/** Where a rule row stands, or stood before its chain was replaced; null: nowhere. */
	placeOf(row: number): RulePlace | null {
		const chain = this.#chainAt(row);
		if (chain !== null) return placeIn(chain, row);
		return this.#retired.placeOf(row);
	}

	/** Is a rule row one of those that a netns has now? */
	hasRule(netns: number, row: number): boolean {
		const chain = this.#chainAt(row);
		if (chain === null) return false;
		const { ipv4, ipv6 } = this.#loaded;
		return [ipv4, ipv6].some((own) => own.get(netns)?.tables.some((table) => table.has(chain)) ?? false);
	}

	/** Packets and bytes by netns and rule row, since the rules were loaded. */
	counters(): Map<number, RuleCounters> {
		return this.#counts.read(this.#since);
	}

	/** A netns's ruleset with its counters as they are now; null where nothing is loaded. */
	counted(netns: number, family: Family): Ruleset | null {
		const loaded = this.of(netns, family);
		if (loaded === null) return null;
		const counts = this.#counts.read(this.#since, netns).get(netns);
		return {
			...loaded.ruleset,
			tables: loaded.tables.map((table) => ({
				...table.table,
				chains: table.table.chains.map((chain) => countedChain(chain, table, loaded, counts)),
			})),
		};
	}

	/** Rules that are carried, not evaluated. */
	get carried(): { netns: number; row: number; why: string }[] {
		const all = [...this.#loaded.ipv4, ...this.#loaded.ipv6];
		return all.flatMap(([netns, { tables }]) =>
			tables.flatMap((table) =>
				table.table.chains.flatMap(({ name }) => {
					const { carried, firstRule } = table.find(name) as LoadedChain;
					return carried.map(({ rule, why }) => ({ netns, row: firstRule + rule, why }));
				}),
			),
		);
	}

	/** The netns in groups that had the same rules before. Rules that remember packets are written for each. */
	#alike(netns: readonly number[], family: Family): number[][] {
		const groups = new Map<readonly LoadedTable[], number[]>();
		let last: readonly LoadedTable[] | null = null;
		let group: number[] = [];
		for (const one of netns) {
			const tables = this.of(one, family)?.tables ?? NO_TABLES;
			if (tables !== last) {
				last = tables;
				group = groups.get(tables) ?? [];
				groups.set(tables, group);
			}
			group.push(one);
		}
		return [...groups.values()];
	}

	#loadAlike(netns: readonly number[], ruleset: Ruleset): void {
		const { family } = ruleset;
		const before = this.of(netns[0] as number, family)?.tables ?? NO_TABLES;
		const replaced: (LoadedTable | Replacement)[] = [];
		const context = this.#context(netns, family);
		try {
			for (const table of ruleset.tables) {
				const previous = before.find(({ name }) => name === table.name) ?? null;
				const known = previous?.table === table ? previous : this.#byTable[family].get(table);
				replaced.push(known ?? prepare(table, previous, netns.length, context));
			}
		} catch (error) {
			for (const one of replaced) if (!(one instanceof LoadedTable)) one.discard();
			throw error;
		}
		const isPrivate = replaced.some((one) => !(one instanceof LoadedTable) && one.isPrivate);
		if (isPrivate && netns.length > 1) {
			for (const one of replaced) if (!(one instanceof LoadedTable)) one.discard();
			for (const one of netns) this.#loadAlike([one], ruleset);
			return;
		}
		this.#replace(netns, ruleset, before, replaced);
	}

	#replace(
		netns: readonly number[],
		ruleset: Ruleset,
		before: readonly LoadedTable[],
		replaced: readonly (LoadedTable | Replacement)[],
	): void {
		const { family } = ruleset;
		const oldBases = baseChains(before);
		const oldFlags = netnsFlags(family, before);
		const arrivals = replaced.flatMap((one) => {
			if (!(one instanceof LoadedTable) || before.includes(one)) return [];
			return [arrivalAt(one, before.find(({ name }) => name === one.name) ?? null)];
		});
		const carried = [...arrivals, ...replaced].flatMap((one) => (one instanceof LoadedTable ? [] : one.carried));
		const kept = this.#keptCounters(netns, family, carried);
		const generation = this.#counts.next();
		const tables = replaced.map((one) => (one instanceof LoadedTable ? one : this.#commit(one, family, generation)));
		const bases = baseChains(tables);
		const changedBases = bases.flatMap((row, slot) => (row === oldBases[slot] ? [] : [{ slot, row }]));
		const flags = netnsFlags(family, tables);
		const isSame = tables.length === before.length && tables.every((table, i) => table === before[i]);
		const shared = isSame ? before : sharedList(tables);
		for (const one of netns) {
			const loaded = this.#arrive(one, family, ruleset, shared);
			for (const { table, anew } of arrivals) {
				for (const what of anew ?? [table.name]) loaded.since.set(what, generation);
			}
			if (loaded.kept.size > 0) this.#forgetKept(one, loaded, generation);
			if (kept !== null) for (const [row, counters] of kept.get(one) ?? []) loaded.kept.set(row, counters);
		}
		writeNetns(this.#rows, this.#engine, netns, {
			...{ family, bases: changedBases, generation },
			flags: flags === oldFlags && isSame ? null : flags,
		});
		if (isSame) return;
		for (const table of tables) if (!before.includes(table)) table.users += netns.length;
		for (const table of before) if (!tables.includes(table)) table.users -= netns.length;
		for (const table of before) if (!tables.includes(table)) this.#settle(table, family);
	}

	#arrive(netns: number, family: Family, ruleset: Ruleset, tables: readonly LoadedTable[]): LoadedRuleset {
		const known = this.#loaded[family].get(netns);
		if (known !== undefined) {
			known.ruleset = ruleset;
			known.tables = tables;
			return known;
		}
		const loaded: LoadedRuleset = { ruleset, tables, since: new Map(), kept: new Map() };
		this.#loaded[family].set(netns, loaded);
		return loaded;
	}

	#commit(replacement: Replacement, family: Family, generation: number): LoadedTable {
		const { view } = replacement;
		if (this.#byTable[family].get(view.table) === view) this.#byTable[family].delete(view.table);
		for (const chain of replacement.commit(generation)) this.#retire(chain);
		if (view.privates === 0) this.#byTable[family].set(view.table, view);
		return view;
	}

	/** What `prepare` needs to know and to write with. */
	#context(netns: readonly number[], family: Family): LoadContext {
		const own = netns.length === 1 ? (netns[0] as number) : null;
		return {
			rows: this.#rows,
			engine: this.#engine,
			interned: this.#interned,
			chains: this.#chains,
			family,
			sets: this.#sets.of(netns[0] ?? -1),
			lists: own === null ? null : this.#lists.of(own, family),
		};
	}

	/** Nobody has a table any more: what only it had is given up. */
	#settle(table: LoadedTable, family: Family): void {
		if (table.users > 0 || table.over.size > 1) return;
		if (this.#byTable[family].get(table.table) === table) this.#byTable[family].delete(table.table);
		const { base } = table;
		const gone = table.over.size === 1 ? table.yield() : [...table.own.values()].filter((chain) => chain !== null);
		for (const chain of gone) this.#drop(chain);
		if (table.over.size === 1 || base === null) return;
		base.over.delete(table);
		this.#settle(base, family);
	}

	/** A chain that nothing leads to any more. */
	#drop(chain: LoadedChain): void {
		this.#engine.unlinkJumps(chain.firstRule, chain.rules);
		this.#engine.dropIndex(chain.row);
		this.#chains[chain.row] = null;
		this.#rows.give(L.TABLE_CHAIN, chain.row);
		this.#retire(chain);
	}

	/** A chain's rules are no more: all but their rows may be used again at once. */
	#retire(chain: LoadedChain): void {
		if (chain.matches > 0) this.#rows.give(L.TABLE_MATCH, chain.firstMatch, chain.matches);
		for (const state of chain.states) this.#rows.give(L.TABLE_STATE, state);
		this.#interned.release(chain.held);
		if (chain.lists !== null) this.#lists.at(chain.lists)?.leave(chain.recent);
		this.#retired.add(chain);
	}

	/** Rows of rules that are no more are free again, once nothing that they counted or decided names them. */
	#makeRoom(): void {
		this.#counts.takeOut(this.#since);
		const all = [...this.#loaded.ipv4.values(), ...this.#loaded.ipv6.values()];
		for (const table of tablesOf(all)) table.resets.clear();
		for (const loaded of all) {
			loaded.since.clear();
			for (const row of loaded.kept.keys()) if (this.#chainAt(row) === null) loaded.kept.delete(row);
		}
		for (let netns = 0; netns < this.#rows.count(L.TABLE_NETNS); netns++) {
			this.#rows.setU32(this.#rows.at(L.TABLE_NETNS, netns) + L.NETNS_GENERATION, 0);
		}
		this.#retired.free((row) => this.#chainAt(row) === null);
	}

	/** The chain that a rule row belongs to; null: to none that there is. */
	#chainAt(row: number): LoadedChain | null {
		if (row < 0 || row >= this.#rows.count(L.TABLE_RULE)) return null;
		const at = this.#rows.at(L.TABLE_RULE, row);
		const chain = this.#chains[this.#rows.view.getInt32(at + L.RULE_CHAIN, true)] ?? null;
		return chain !== null && holds(chain, row) ? chain : null;
	}

	readonly #since = (netns: number, row: number): number | null => {
		const chain = this.#chainAt(row);
		if (chain === null) return null;
		for (const family of [this.#loaded.ipv4, this.#loaded.ipv6]) {
			const loaded = family.get(netns);
			const table = loaded?.tables.find((own) => own.name === chain.table && own.has(chain));
			if (loaded === undefined || table === undefined) continue;
			const own = Math.max(loaded.since.get(chain) ?? 0, loaded.since.get(chain.table) ?? 0);
			return Math.max(own, table.resetOf(chain));
		}
		return null;
	};

	/** Counters that rules keep though their chain is written anew, by netns and new row; null: none does. */
	#keptCounters(
		netns: readonly number[],
		family: Family,
		carried: readonly CarriedRow[],
	): Map<number, Map<number, Counters>> | null {
		if (carried.length === 0) return null;
		const places = new Map(carried.map((place) => [place.from, place]));
		const counts = this.#counts.read(this.#since, netns.length === 1 ? netns[0] : null);
		return new Map(
			netns.map((one) => {
				const own = counts.get(one) ?? NOTHING;
				const known = this.of(one, family)?.kept ?? NOTHING;
				const kept = new Map<number, Counters>();
				for (const from of [...own.keys(), ...known.keys()]) {
					const place = places.get(from);
					if (place !== undefined) kept.set(place.to, plus(known.get(from) ?? place.start, own.get(from)));
				}
				return [one, kept];
			}),
		);
	}

	/** Rules that count anew have nothing to start from but what is known of them now. */
	#forgetKept(netns: number, { kept }: LoadedRuleset, generation: number): void {
		for (const row of kept.keys()) {
			const since = this.#since(netns, row);
			if (since === null || since === generation) kept.delete(row);
		}
	}
}
