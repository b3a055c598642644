// The ipsets of all netns of one engine, and how they change. A set that stays under its name keeps its row, which is what rules
// name, whatever its entries become (as after `ipset swap`).

import * as L from "../assembly/layout.ts";
import type { IpSet } from "../js/net/ipset.ts";
import type { Netns } from "../js/net/network.ts";
import { same } from "../js/net/same.ts";
import type { Instance } from "./core.ts";
import { clearSet, setNeeds, writeSet } from "./ipset.ts";
import { EncodeError } from "./matchrow.ts";
import { setNames } from "./mention.ts";
import type { Rows } from "./views.ts";

const NONE: ReadonlyMap<string, number> = new Map();

export interface NetnsSetsState {
	byNetns: Map<number, Map<string, number>>;
	written: Map<number, IpSet>;
}

export class NetnsSets {
	readonly #rows: Rows;
	readonly #engine: Instance;
	/** Rows of TABLE_SET by netns and name. */
	readonly #byNetns: Map<number, Map<string, number>>;
	/** As it is written, by row. */
	readonly #written: Map<number, IpSet>;

	constructor(rows: Rows, engine: Instance, state: NetnsSetsState = { byNetns: new Map(), written: new Map() }) {
		this.#rows = rows;
		this.#engine = engine;
		this.#byNetns = state.byNetns;
		this.#written = state.written;
	}

	/** Copied. */
	get state(): NetnsSetsState {
		const byNetns = new Map([...this.#byNetns].map(([netns, own]) => [netns, new Map(own)]));
		return { byNetns, written: new Map(this.#written) };
	}

	/** Rows by name. */
	of(netns: number): ReadonlyMap<string, number> {
		return this.#byNetns.get(netns) ?? NONE;
	}

	/**
	 * Whether a netns (null: a new one) can get its sets: there is room for what is different, and no rule of it names one that
	 * goes. Rows by name, of new sets any. Throws EncodeError, CapacityError.
	 */
	check(row: number | null, netns: Netns): ReadonlyMap<string, number> {
		const known = row === null ? NONE : this.of(row);
		const names = new Map<string, number>();
		let [entries, words] = [0, 0];
		for (const set of netns.sets) {
			if (names.has(set.name)) throw new EncodeError(`ipset ${JSON.stringify(set.name)} is there twice`);
			const own = known.get(set.name);
			names.set(set.name, own ?? 0);
			if (own !== undefined && same(this.#written.get(own), set)) continue;
			const needs = setNeeds(this.#rows, set);
			entries += needs.entries;
			words += needs.words;
		}
		this.#rows.expect(L.TABLE_SET, names.size);
		this.#rows.expect(L.TABLE_ENTRY, entries);
		this.#rows.expect(L.TABLE_WORD, words);
		const gone = new Set([...known.keys()].filter((name) => !names.has(name)));
		if (gone.size > 0) checkUse(netns, gone);
		return names;
	}

	/** Writes the sets of a netns that are new or different. Those that it has no more stay until `forget`. Throws EncodeError, CapacityError. */
	write(netns: number, sets: readonly IpSet[]): void {
		if (sets.length === 0) return;
		let own = this.#byNetns.get(netns);
		if (own === undefined) {
			own = new Map();
			this.#byNetns.set(netns, own);
		}
		for (const set of sets) {
			const known = own.get(set.name);
			if (known !== undefined && same(this.#written.get(known), set)) continue;
			if (known !== undefined) clearSet(this.#rows, known);
			const row = known ?? this.#rows.take(L.TABLE_SET);
			own.set(set.name, row);
			this.#written.set(row, set);
			writeSet(this.#rows, row, netns, set);
			this.#engine.compileSet(row);
		}
	}

	/** Gives up the sets of a netns that it has no more; no rule names them. */
	forget(netns: number, sets: readonly IpSet[]): void {
		const own = this.#byNetns.get(netns);
		if (own === undefined) return;
		const names = new Set(sets.map(({ name }) => name));
		for (const [name, row] of own) {
			if (names.has(name)) continue;
			clearSet(this.#rows, row);
			this.#rows.give(L.TABLE_SET, row);
			this.#written.delete(row);
			own.delete(name);
		}
		if (own.size === 0) this.#byNetns.delete(netns);
	}
}

/** Sets that go must be in no rule (ipset(8): a set that is in use cannot be destroyed). */
function checkUse({ name: netns, ruleset, ruleset6 }: Netns, gone: ReadonlySet<string>): void {
	for (const table of [...(ruleset?.tables ?? []), ...(ruleset6?.tables ?? [])]) {
		for (const { name, rules } of table.chains) {
			for (const rule of rules) {
				const set = [...setNames([rule])].find((one) => gone.has(one));
				if (set === undefined) continue;
				const where = `${netns}, table ${table.name}, chain ${name}`;
				throw new EncodeError(`${where}: ipset ${JSON.stringify(set)} is gone`, rule.line);
			}
		}
	}
}
