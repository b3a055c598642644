// Lists of `recent`: a netns has one a name, from the first rule that names it to the last.

import * as L from "../assembly/layout.ts";
import type { Family } from "../js/net/ruleset.ts";
import type { Instance } from "./core.ts";
import type { EncodedRules } from "./encode.ts";
import type { Rows } from "./views.ts";

interface List {
	/** Row of TABLE_STATE. */
	row: number;
	/** Stamps kept per address; a power of two. */
	stamps: number;
	/** Chains that name it. */
	users: number;
}

type Needs = EncodedRules["recent"];

/** Lists by name, by family and netns. */
export type RecentState = Map<string, Map<string, List>>;

export class RecentLists {
	readonly #rows: Rows;
	readonly #engine: Instance;
	readonly #all: Map<string, NetnsLists>;

	constructor(rows: Rows, engine: Instance, state: RecentState = new Map()) {
		this.#rows = rows;
		this.#engine = engine;
		this.#all = new Map([...state].map(([owner, lists]) => [owner, new NetnsLists(owner, rows, engine, lists)]));
	}

	/** Copied. */
	get state(): RecentState {
		return new Map([...this.#all].map(([owner, lists]) => [owner, lists.state]));
	}

	of(netns: number, family: Family): NetnsLists {
		const owner = `${family} ${netns}`;
		let lists = this.#all.get(owner);
		if (lists === undefined) {
			lists = new NetnsLists(owner, this.#rows, this.#engine);
			this.#all.set(owner, lists);
		}
		return lists;
	}

	/** Those of a `NetnsLists.owner`. */
	at(owner: string): NetnsLists | null {
		return this.#all.get(owner) ?? null;
	}
}

/** The lists of one netns and family. */
export class NetnsLists {
	/** Whose they are. */
	readonly owner: string;
	readonly #rows: Rows;
	readonly #engine: Instance;
	readonly #lists: Map<string, List>;

	constructor(owner: string, rows: Rows, engine: Instance, lists: Map<string, List> = new Map()) {
		this.owner = owner;
		this.#rows = rows;
		this.#engine = engine;
		this.#lists = lists;
	}

	/** Copied. */
	get state(): Map<string, List> {
		return new Map([...this.#lists].map(([name, list]) => [name, { ...list }]));
	}

	/** The row of a list, made where there is none yet: until a chain uses it `discard` takes it back. */
	rowOf(name: string): number {
		return this.#list(name).row;
	}

	#list(name: string): List {
		let list = this.#lists.get(name);
		if (list === undefined) {
			list = { row: this.#rows.take(L.TABLE_STATE), stamps: 0, users: 0 };
			this.#lists.set(name, list);
		}
		return list;
	}

	/** A chain names lists. One that must keep more stamps than before is emptied, as xt_recent does. */
	use(needs: Needs): void {
		for (const [name, stamps] of needs) {
			const list = this.#list(name);
			list.users++;
			if (stamps <= list.stamps) continue;
			this.#engine.recentFlush(list.row);
			list.stamps = stamps;
			this.#rows.setU32(this.#rows.at(L.TABLE_STATE, list.row) + L.LIST_STAMP_MASK, stamps - 1);
		}
	}

	/** A chain that named lists is no more. */
	leave(needs: Needs): void {
		for (const name of needs.keys()) (this.#lists.get(name) as List).users--;
		this.discard();
	}

	/** Lists that no chain names are no more. */
	discard(): void {
		for (const [name, { row, users }] of this.#lists) {
			if (users > 0) continue;
			this.#engine.recentFlush(row);
			this.#rows.give(L.TABLE_STATE, row);
			this.#lists.delete(name);
		}
	}
}
