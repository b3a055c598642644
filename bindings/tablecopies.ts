// Tables of rules for another engine with the same rows.

import type { Table } from "../js/net/ruleset.ts";
import { type Loaded, LoadedTable, NO_TABLES, type TableFields } from "./tables.ts";

/** A table as a plain value. */
export interface TableState extends TableFields<TableState> {}

const emptyTable = (table: Table): TableState => ({
	...{ table, base: null, over: new Set(), own: new Map(), users: 0, lists: [], tracking: 0, privates: 0 },
	...{ stateful: new Set(), resets: new Map() },
});

/** Copies of tables that know each other as the tables do. Chains are values: copies share them. */
export class TableCopies<From extends TableFields<From>, To extends TableFields<To>> {
	readonly #make: (table: Table) => To;
	readonly #tables = new Map<From, To>();
	readonly #lists = new Map<readonly From[], readonly To[]>();

	private constructor(make: (table: Table) => To) {
		this.#make = make;
	}

	/** Plain values of tables. */
	static plain(): TableCopies<LoadedTable, TableState> {
		return new TableCopies(emptyTable);
	}

	/** Tables of plain values. */
	static loaded(): TableCopies<TableState, LoadedTable> {
		return new TableCopies((table) => new LoadedTable(table, null));
	}

	of(table: From): To {
		const known = this.#tables.get(table);
		if (known !== undefined) return known;
		const copy = this.#make(table.table);
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

	list(tables: readonly From[]): readonly To[] {
		if (tables.length === 0) return NO_TABLES;
		const known = this.#lists.get(tables);
		if (known !== undefined) return known;
		const copy: To[] = [];
		// Its tables know the list themselves.
		this.#lists.set(tables, copy);
		for (const table of tables) copy.push(this.of(table));
		return copy;
	}

	/** By netns. */
	loaded(all: ReadonlyMap<number, Loaded<From>>): Map<number, Loaded<To>> {
		const copy = ({ ruleset, tables, since, kept }: Loaded<From>): Loaded<To> => {
			return { ruleset, tables: this.list(tables), since: new Map(since), kept: new Map(kept) };
		};
		return new Map([...all].map(([netns, loaded]) => [netns, copy(loaded)]));
	}

	byTable(all: ReadonlyMap<Table, From>): Map<Table, To> {
		return new Map([...all].map(([table, loaded]) => [table, this.of(loaded)]));
	}
}
