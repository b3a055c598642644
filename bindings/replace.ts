// One table takes the place of another in netns that had the same: what is different is written, in place where nobody else has
// it, else as a table over the one that there was, which has of its own the chains that differ and all that lead to them.
// Everything that can fail happens in `prepare`; `commit` makes it so, `discard` takes it back.

import * as L from "../assembly/layout.ts";
import type { Chain, Family, Rule, Table } from "../js/net/ruleset.ts";
import { type CarriedRow, carriedRows } from "./carried.ts";
import type { Instance } from "./core.ts";
import { differenceOf, hasNothingOf, hasRulesOf, sameRules } from "./difference.ts";
import { ChainEncoder, type EncodedRules, isPrivate, type Names } from "./encode.ts";
import type { Interned } from "./interned.ts";
import { checkJumps } from "./jumps.ts";
import { EncodeError } from "./matchrow.ts";
import type { NetnsLists } from "./recent.ts";
import { type LoadedChain, LoadedTable } from "./tables.ts";
import type { Rows } from "./views.ts";

export interface LoadContext {
	rows: Rows;
	engine: Instance;
	interned: Interned;
	/** By row of TABLE_CHAIN. */
	chains: (LoadedChain | null)[];
	family: Family;
	/** ipsets of the netns, by name. */
	sets: ReadonlyMap<string, number>;
	/** Lists of `recent` of the one netns that gets the table; null: there are several. */
	lists: NetnsLists | null;
}

/** A chain that is written: from rules, or as a copy of one that leads elsewhere now. */
interface Write {
	old: LoadedChain | null;
	/** As the netns had it. */
	before: Chain | null;
	now: Chain;
	row: number;
	/** The row is the old chain's. */
	inPlace: boolean;
	copied: boolean;
}

export interface Replacement {
	/** The table as the netns have it afterwards. */
	readonly view: LoadedTable;
	/** It remembers packets, or names what a netns has. */
	readonly isPrivate: boolean;
	/** Makes it so; returns the chains whose rules are no more. */
	commit(generation: number): LoadedChain[];
	discard(): void;
	/** Rules whose counters go on. */
	readonly carried: readonly CarriedRow[];
}

/** What a table makes of the one that `users` netns had. Throws EncodeError, CapacityError; then nothing has changed. */
export function prepare(table: Table, previous: LoadedTable | null, users: number, context: LoadContext): Replacement {
	const replacing = new Replacing(table, previous, users, context);
	try {
		replacing.prepare();
	} catch (error) {
		replacing.discard();
		throw error;
	}
	return replacing;
}

class Replacing implements Replacement {
	readonly view: LoadedTable;
	readonly #context: LoadContext;
	readonly #table: Table;
	readonly #previous: LoadedTable | null;
	/** Nobody else has what is replaced. */
	readonly #exclusive: boolean;
	readonly #changed: { before: Chain | null; now: Chain }[];
	readonly #removed = new Set<string>();
	/** By name. */
	readonly #writes = new Map<string, Write>();
	readonly #rules = new Map<Write, EncodedRules>();
	/** Chains that have another row in this table, and which. */
	readonly #moved = new Map<LoadedChain, number>();
	#values: Map<string, Chain> | null = null;
	readonly #redirected: { rule: number; chain: number }[] = [];
	/** Chains whose rules read the same, and are counted anew. */
	readonly #anew: { chain: LoadedChain; before: Chain; now: Chain }[] = [];

	constructor(table: Table, previous: LoadedTable | null, users: number, context: LoadContext) {
		this.#table = table;
		this.#context = context;
		const difference = differenceOf(previous?.table ?? null, table);
		const { changed, removed } = difference;
		this.#previous = hasNothingOf(previous?.table ?? null, table, difference) ? null : previous;
		this.#exclusive = previous !== null && previous.users === users && previous.over.size === 0;
		if (this.#exclusive) this.#previous = previous;
		this.#changed = changed;
		if (this.#previous !== null) for (const { name } of removed) this.#removed.add(name);
		this.view = this.#exclusive ? (previous as LoadedTable) : new LoadedTable(table, this.#previous);
		for (const { chain } of this.view.stateful) this.#renew(chain.name);
	}

	/** Of a table that is replaced every match that remembers packets starts afresh. */
	#renew(name: string): void {
		const now = this.#table.chains.find((chain) => chain.name === name);
		if (now === undefined || this.#changed.some((one) => one.now === now)) return;
		this.#changed.push({ before: now, now });
	}

	get isPrivate(): boolean {
		return [...this.#rules.values()].some(isPrivate) || this.view.privates > 0;
	}

	prepare(): void {
		for (const { before, now } of this.#changed) this.#plan(before, now);
		this.#planParents();
		checkJumps(this.#table.name, this.#changed, (name) => this.#find(name));
		this.#checkRemoved();
		const encoder = new ChainEncoder(this.#context.rows, this.#context.interned, this.#context.family);
		const names = this.#names;
		this.#markMoved(true);
		try {
			for (const write of this.#writes.values()) {
				this.#rules.set(write, write.copied ? this.#copy(write) : encoder.encode(write.now, write.row, names));
			}
		} finally {
			this.#markMoved(false);
		}
	}

	#markMoved(on: boolean): void {
		const { rows } = this.#context;
		for (const [{ row }, to] of this.#moved) rows.setU32(rows.at(L.TABLE_CHAIN, row) + L.CHAIN_MOVED, on ? to + 1 : 0);
	}

	#plan(before: Chain | null, now: Chain): void {
		const old = this.#previous?.find(now.name) ?? null;
		const isSame = before !== null && before !== now && sameRules(before, now);
		if (old !== null && isSame && old.states.length === 0) {
			const hasPolicy = now.policy !== null && now.counters !== before.counters;
			if (hasPolicy || now.flushes !== before.flushes || !hasRulesOf(before, now))
				this.#anew.push({ chain: old, before, now });
			return;
		}
		this.#write(old, before, now, false);
	}

	#write(old: LoadedChain | null, before: Chain | null, now: Chain, copied: boolean): void {
		const inPlace = old !== null && this.#isOwn(old);
		const row = inPlace ? old.row : this.#context.rows.take(L.TABLE_CHAIN);
		this.#writes.set(now.name, { old, before, now, row, inPlace, copied });
		if (old !== null && !inPlace) this.#moved.set(old, row);
	}

	#isOwn(chain: LoadedChain): boolean {
		return this.#exclusive && this.view.own.get(chain.chain.name) === chain;
	}

	/** What leads to a chain that has another row now has to lead there: by another jump, or as a copy that does. */
	#planParents(): void {
		for (const [old, row] of this.#moved) {
			for (const rule of this.#jumpsTo(old.row)) {
				const parent = this.#chainOf(rule);
				const name = parent.chain.name;
				if (this.#previous?.find(name) !== parent || this.#writes.has(name) || this.#removed.has(name)) continue;
				if (this.#isOwn(parent)) this.#redirected.push({ rule, chain: row });
				else this.#copied(parent);
			}
		}
	}

	/** Its value is the table's: what netns flushed and wrote again is another one than what its rules were made of. */
	#copied(chain: LoadedChain): void {
		this.#values ??= new Map(this.#table.chains.map((value) => [value.name, value]));
		const value = this.#values.get(chain.chain.name) as Chain;
		this.#write(chain, value, value, true);
	}

	/** Rule rows. */
	*#jumpsTo(chain: number): Generator<number> {
		const { rows } = this.#context;
		let next = rows.view.getUint32(rows.at(L.TABLE_CHAIN, chain) + L.CHAIN_JUMPS, true);
		while (next !== 0) {
			yield next - 1;
			next = rows.view.getUint32(rows.at(L.TABLE_RULE, next - 1) + L.RULE_D, true);
		}
	}

	#chainOf(rule: number): LoadedChain {
		const { rows, chains } = this.#context;
		return chains[rows.view.getInt32(rows.at(L.TABLE_RULE, rule) + L.RULE_CHAIN, true)] as LoadedChain;
	}

	/** A chain as it will be. */
	#find(name: string): Chain | null {
		if (this.#removed.has(name)) return null;
		return this.#writes.get(name)?.now ?? this.#previous?.find(name)?.chain ?? null;
	}

	/** Chains that stay as they are must not lead to one that goes. */
	#checkRemoved(): void {
		for (const name of this.#removed) {
			const gone = this.#previous?.find(name);
			if (!gone) continue;
			for (const row of this.#jumpsTo(gone.row)) {
				const parent = this.#chainOf(row);
				const from = parent.chain.name;
				const write = this.#writes.get(from);
				const stays = this.#previous?.find(from) === parent && (write === undefined || write.copied);
				if (!stays || this.#removed.has(from)) continue;
				const rule = parent.chain.rules[row - parent.firstRule] as Rule;
				const place = `table ${this.#table.name}, chain ${from}`;
				throw new EncodeError(`${place}: no chain ${JSON.stringify(name)} to go to`, rule.line);
			}
		}
	}

	get #names(): Names {
		const { sets, lists } = this.#context;
		return {
			chain: (name) => this.#writes.get(name)?.row ?? this.#rowOf(name),
			sets,
			recent: (name) => lists?.rowOf(name) ?? -1,
		};
	}

	/** `checkJumps` has seen that new jumps lead to a chain, `checkRemoved` that others do. */
	#rowOf(name: string): number {
		const chain = this.#removed.has(name) ? null : this.#previous?.find(name);
		if (!chain) throw new EncodeError(`table ${this.#table.name}: no chain ${JSON.stringify(name)} to go to`);
		return chain.row;
	}

	/** A chain that leads elsewhere, and is the same otherwise. */
	#copy({ old, row }: Write): EncodedRules {
		const { rows, engine, interned } = this.#context;
		const like = old as LoadedChain;
		const firstRule = rows.take(L.TABLE_RULE, like.rules + 1);
		const firstMatch = like.matches === 0 ? 0 : rows.take(L.TABLE_MATCH, like.matches);
		engine.copyRules(like.firstRule, firstRule, like.rules + 1, row, firstMatch - like.firstMatch);
		const bytes = like.matches * L.MATCH_STRIDE;
		const from = rows.at(L.TABLE_MATCH, like.firstMatch);
		new Uint8Array(rows.view.buffer).copyWithin(rows.at(L.TABLE_MATCH, firstMatch), from, from + bytes);
		return { ...like, firstRule, firstMatch, held: interned.share(like.held) };
	}

	discard(): void {
		const { rows, interned, lists } = this.#context;
		for (const { inPlace, row } of this.#writes.values()) if (!inPlace) rows.give(L.TABLE_CHAIN, row);
		for (const { firstRule, rules, firstMatch, matches, states, held } of this.#rules.values()) {
			rows.give(L.TABLE_RULE, firstRule, rules + 1);
			if (matches > 0) rows.give(L.TABLE_MATCH, firstMatch, matches);
			for (const state of states) rows.give(L.TABLE_STATE, state);
			interned.release(held);
		}
		lists?.discard();
	}

	commit(generation: number): LoadedChain[] {
		const { engine, rows, chains, lists } = this.#context;
		const gone: LoadedChain[] = [];
		const { view } = this;
		if (!this.#exclusive) view.base?.over.add(view);
		for (const { old, inPlace } of this.#writes.values()) {
			if (old !== null && inPlace) engine.unlinkJumps(old.firstRule, old.rules);
		}
		for (const [write, rules] of this.#rules) {
			const { now, row, old, inPlace } = write;
			const own = rules.recent.size > 0 ? lists : null;
			const chain = loadedChain(rules, this.#table.name, row, now, own?.owner ?? null);
			const at = rows.at(L.TABLE_CHAIN, row);
			rows.setU32(at + L.CHAIN_RULE_FIRST, rules.firstRule);
			rows.setU32(at + L.CHAIN_RULE_COUNT, rules.rules);
			rows.setU32(at + L.CHAIN_POLICY, POLICIES[now.policy ?? "RETURN"]);
			chains[row] = chain;
			own?.use(rules.recent);
			view.set(now.name, chain);
			if (old !== null && inPlace) gone.push(old);
		}
		const left: LoadedChain[] = [];
		for (const name of this.#removed) {
			const own = view.set(name, null);
			if (own !== null && this.#exclusive) left.push(own);
		}
		for (const { row, firstRule, rules } of left) {
			engine.unlinkJumps(firstRule, rules);
			engine.dropIndex(row);
			chains[row] = null;
		}
		for (const { rule, chain } of this.#redirected) engine.redirectJump(rule, chain);
		for (const { row, old, copied } of this.#writes.values()) {
			// A chain whose index finds no room is walked rule by rule: nothing but its speed is different.
			engine.compileChain(row, copied ? (old as LoadedChain).row : -1);
		}
		for (const { row } of left) rows.give(L.TABLE_CHAIN, row);
		for (const { chain } of this.#anew) view.resets.set(chain, generation);
		view.table = this.#table;
		return [...gone, ...left];
	}

	get carried(): CarriedRow[] {
		const written = [...this.#rules].flatMap(([{ old, before, now }, { firstRule }]) => {
			return old === null || before === null ? [] : carriedRows(before, old.firstRule, now, firstRule);
		});
		const counted = this.#anew.flatMap(({ chain: { firstRule }, before, now }) =>
			carriedRows(before, firstRule, now, firstRule),
		);
		return [...written, ...counted];
	}
}

/** Member by member: with a spread V8 gives each chain a hidden class of its own, which is larger than the chain. */
function loadedChain(
	{ firstRule, rules, firstMatch, matches, held, states, recent, sets, tracks, carried }: EncodedRules,
	table: Table["name"],
	row: number,
	chain: Chain,
	lists: LoadedChain["lists"],
): LoadedChain {
	return {
		firstRule,
		rules,
		firstMatch,
		matches,
		held,
		states,
		recent,
		sets,
		tracks,
		carried,
		table,
		row,
		chain,
		lists,
	};
}

const POLICIES = { ACCEPT: L.POLICY_ACCEPT, DROP: L.POLICY_DROP, RETURN: L.POLICY_RETURN } as const;
