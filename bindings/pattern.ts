// Interface names of rules as rows of TABLE_PATTERN: an exact name is its number, a wildcard (`veth+`) the set of the
// names known so far that begin so, a bare `+` anything. Device names are interned before rulesets are encoded.

import * as L from "../assembly/layout.ts";
import type { Interner } from "./interner.ts";
import type { Rows } from "./views.ts";

const ANYTHING = -2;
const WILDCARD = -1;

/** Patterns of one encoding, each written once. */
export class Patterns {
	readonly #rows: Rows;
	readonly #strings: Interner;
	readonly #known = new Map<string, number>();

	constructor(rows: Rows, strings: Interner) {
		this.#rows = rows;
		this.#strings = strings;
	}

	/** Row of the pattern. */
	row(pattern: string): number {
		const known = this.#known.get(pattern);
		if (known !== undefined) return known;
		const row = this.#rows.append(L.TABLE_PATTERN);
		const at = this.#rows.at(L.TABLE_PATTERN, row);
		if (!pattern.endsWith("+")) this.#rows.setI32(at + L.PATTERN_NAME, this.#strings.intern(pattern));
		else if (pattern === "+") this.#rows.setI32(at + L.PATTERN_NAME, ANYTHING);
		else this.#writeWildcard(at, pattern.slice(0, -1));
		this.#known.set(pattern, row);
		return row;
	}

	#writeWildcard(at: number, beginning: string): void {
		const words = new Array<number>(Math.ceil(this.#strings.size / 32)).fill(0);
		for (let id = 0; id < this.#strings.size; id++) {
			if (this.#strings.text(id).startsWith(beginning)) words[id >>> 5] = ((words[id >>> 5] ?? 0) | (1 << (id & 31))) >>> 0;
		}
		this.#rows.setI32(at + L.PATTERN_NAME, WILDCARD);
		this.#rows.setU32(at + L.PATTERN_BITS, words.length === 0 ? 0 : this.#rows.words(words));
		this.#rows.setU32(at + L.PATTERN_BIT_WORDS, words.length);
	}
}
