// Tables of rules for another engine with the same rows.

import type { Table } from "../js/net/ruleset.ts";
import { type LoadedRuleset, LoadedTable, NO_TABLES } from "./tables.ts";

/** Copies of tables that know each other as the tables do. Chains are values: copies share them. */
export class TableCopies {
	readonly #tables = new Map<LoadedTable, LoadedTable>();
	readonly #lists = new Map<readonly LoadedTable[], readonly LoadedTable[]>();

	of(table: LoadedTable): LoadedTable {
		const known = this.#tables.get(table);
		if (known !== undefined) return known;
		const copy = new LoadedTable(table.table, null);
		this.#tables.set(table, copy);
		copy.base = table.base === null ? null : this.of(table.base);
		for (const one of table.over) copy.over.add(this.of(one));
		copy.own = new Map(table.own);
		copy.users = table.users;
		copy.lists = table.lists.map((list) => this.list(list));
		copy.tracking = table.tracking;
		copy.privates = table.privates;
		for (const chain of table.stateful) copy.stateful.add(chain);
		for (const [chain, since] of table.resets) copy.resets.set(chain, since);
		return copy;
	}

	list(tables: readonly LoadedTable[]): readonly LoadedTable[] {
		if (tables.length === 0) return NO_TABLES;
		const known = this.#lists.get(tables);
		if (known !== undefined) return known;
		const copy: LoadedTable[] = [];
		// Its tables know the list themselves.
		this.#lists.set(tables, copy);
		for (const table of tables) copy.push(this.of(table));
		return copy;
	}

	/** By netns. */
	loaded(all: ReadonlyMap<number, LoadedRuleset>): Map<number, LoadedRuleset> {
		const copy = ({ ruleset, tables, since, kept }: LoadedRuleset): LoadedRuleset => {
			return { ruleset, tables: this.list(tables), since: new Map(since), kept: new Map(kept) };
		};
		return new Map([...all].map(([netns, loaded]) => [netns, copy(loaded)]));
	}

	byTable(all: ReadonlyMap<Table, LoadedTable>): Map<Table, LoadedTable> {
		return new Map([...all].map(([table, loaded]) => [table, this.of(loaded)]));
	}
}
