// Rules that are no more: what they counted or decided may still name their rows, which are given out again now and then, all at
// once.

import * as L from "../assembly/layout.ts";
import type { Instance } from "./core.ts";
import { forgetRules } from "./flows.ts";
import { holds, type LoadedChain, placeIn, type RulePlace } from "./tables.ts";
import type { Rows } from "./views.ts";

/** Rule rows that nobody has any more are given out again when they are so many, and a fifth of all. */
const RETIRED_MIN = 1024;
const RETIRED_SHARE = 1 / 5;

export type RetiredState = Pick<LoadedChain, "table" | "chain" | "firstRule" | "rules">[];

export class RetiredRules {
	readonly #rows: Rows;
	readonly #engine: Instance;
	#rules: RetiredState;
	#count: number;

	constructor(rows: Rows, engine: Instance, state: RetiredState = []) {
		this.#rows = rows;
		this.#engine = engine;
		this.#rules = [...state];
		this.#count = state.reduce((sum, { rules }) => sum + rules + 1, 0);
	}

	/** Copied. */
	get state(): RetiredState {
		return [...this.#rules];
	}

	/** A chain's rules are no more. */
	add({ table, chain, firstRule, rules }: LoadedChain): void {
		this.#rules.push({ table, chain, firstRule, rules });
		this.#count += rules + 1;
	}

	/** Where a rule row stood; null: it is none of these. */
	placeOf(row: number): RulePlace | null {
		const retired = this.#rules.find((own) => holds(own, row));
		return retired === undefined ? null : placeIn(retired, row);
	}

	get isCrowded(): boolean {
		return this.#count > RETIRED_MIN && this.#count > this.#rows.count(L.TABLE_RULE) * RETIRED_SHARE;
	}

	/** Gives the rows out again: nothing that they counted names them any more, and flows that such a rule decided are decided by none that is known. */
	free(isGone: (rule: number) => boolean): void {
		forgetRules(this.#rows, this.#engine, isGone);
		for (const { firstRule, rules } of this.#rules) this.#rows.give(L.TABLE_RULE, firstRule, rules + 1);
		this.#rules = [];
		this.#count = 0;
	}
}
