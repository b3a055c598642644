// Blocks of words that rules refer to, each once: the options of a match, the ports of a list, addresses too long for a row, and
// the patterns of interface names. A block is given back when no chain holds it any more.

import * as L from "../assembly/layout.ts";
import type { Interner } from "./interner.ts";
import type { Rows } from "./views.ts";

const ANYTHING = -2;
const WILDCARD = -1;

/** What a chain's rules refer to: given back with `release`. */
export interface Held {
	/** First words of blocks, once for each reference. */
	words: number[];
	/** Rows of TABLE_PATTERN. */
	patterns: number[];
}

interface Block {
	key: string;
	first: number;
	count: number;
	references: number;
}

interface Pattern {
	text: string;
	row: number;
	references: number;
	/** A wildcard's bits: which strings begin so. */
	words: { first: number; count: number } | null;
}

export interface InternedState {
	blocks: Block[];
	patterns: Pattern[];
}

export class Interned {
	readonly #rows: Rows;
	readonly #strings: Interner;
	readonly #blocks: Map<string, Block>;
	readonly #byFirst: Map<number, Block>;
	readonly #patterns: Map<string, Pattern>;
	readonly #byRow: Map<number, Pattern>;
	readonly #wildcards: Set<Pattern>;
	#held: Held = { words: [], patterns: [] };

	constructor(rows: Rows, strings: Interner, { blocks, patterns }: InternedState = { blocks: [], patterns: [] }) {
		this.#rows = rows;
		this.#strings = strings;
		this.#blocks = new Map(blocks.map((block) => [block.key, block]));
		this.#byFirst = new Map(blocks.map((block) => [block.first, block]));
		this.#byRow = new Map(patterns.map((pattern) => [pattern.row, pattern]));
		this.#patterns = new Map(patterns.map((pattern) => [pattern.text, pattern]));
		this.#wildcards = new Set(patterns.filter(({ words }) => words !== null));
	}

	/** Copied. */
	get state(): InternedState {
		return {
			blocks: [...this.#byFirst.values()].map((block) => ({ ...block })),
			patterns: [...this.#byRow.values()].map((pattern) => ({ ...pattern })),
		};
	}

	/** What is asked for from now on is the caller's. */
	hold(): Held {
		this.#held = { words: [], patterns: [] };
		return this.#held;
	}

	/** First word of a block of TABLE_WORD with these values. */
	words(values: readonly number[]): number {
		const key = values.join();
		let block = this.#blocks.get(key);
		if (block === undefined) {
			block = { key, first: this.#write(values), count: values.length, references: 0 };
			this.#blocks.set(key, block);
			this.#byFirst.set(block.first, block);
		}
		block.references++;
		this.#held.words.push(block.first);
		return block.first;
	}

	/**
	 * Row of an interface name of rules: an exact name is its number, a wildcard (`veth+`) the set of the names that begin so, a
	 * bare `+` anything.
	 */
	pattern(text: string): number {
		let pattern = this.#patterns.get(text);
		if (pattern === undefined) {
			pattern = this.#writePattern(text);
			this.#patterns.set(text, pattern);
			this.#byRow.set(pattern.row, pattern);
			if (pattern.words !== null) this.#wildcards.add(pattern);
		}
		pattern.references++;
		this.#held.patterns.push(pattern.row);
		return pattern.row;
	}

	/** A device has a name that none had before: wildcards say whether it fits. Throws CapacityError. */
	named(name: string): void {
		if (this.#wildcards.size === 0) return;
		const id = this.#strings.intern(name);
		this.#strings.release(name);
		for (const pattern of this.#wildcards) this.#mark(pattern, id, name.startsWith(pattern.text.slice(0, -1)));
	}

	#mark(pattern: Pattern, id: number, fits: boolean): void {
		const { first, count } = pattern.words as NonNullable<Pattern["words"]>;
		const word = id >>> 5;
		if (word >= count) {
			if (fits) this.#lengthen(pattern, word + 1);
			else return;
		}
		const at = this.#rows.at(L.TABLE_WORD, (pattern.words?.first ?? first) + word);
		const bits = this.#rows.view.getUint32(at, true);
		this.#rows.setU32(at, fits ? bits | (1 << (id & 31)) : bits & ~(1 << (id & 31)));
	}

	/** A wildcard gets room for the bits of later strings. */
	#lengthen(pattern: Pattern, least: number): void {
		const { first, count } = pattern.words as NonNullable<Pattern["words"]>;
		const longer = least + (least >>> 2);
		const own = this.#rows.take(L.TABLE_WORD, longer);
		const { view } = this.#rows;
		for (let i = 0; i < count; i++) {
			const bits = view.getUint32(this.#rows.at(L.TABLE_WORD, first + i), true);
			this.#rows.setU32(this.#rows.at(L.TABLE_WORD, own + i), bits);
		}
		this.#rows.give(L.TABLE_WORD, first, count);
		pattern.words = { first: own, count: longer };
		this.#writeBits(pattern.row, pattern.words);
	}

	/** Rules that refer to the same were copied. */
	share({ words, patterns }: Held): Held {
		for (const first of words) (this.#byFirst.get(first) as Block).references++;
		for (const row of patterns) (this.#byRow.get(row) as Pattern).references++;
		return { words, patterns };
	}

	release({ words, patterns }: Held): void {
		for (const first of words) this.#releaseBlock(this.#byFirst.get(first) as Block);
		for (const row of patterns) this.#releasePattern(this.#byRow.get(row) as Pattern);
	}

	#releaseBlock(block: Block): void {
		if (--block.references > 0) return;
		this.#blocks.delete(block.key);
		this.#byFirst.delete(block.first);
		this.#rows.give(L.TABLE_WORD, block.first, block.count);
	}

	#releasePattern(pattern: Pattern): void {
		if (--pattern.references > 0) return;
		this.#patterns.delete(pattern.text);
		this.#byRow.delete(pattern.row);
		this.#wildcards.delete(pattern);
		this.#rows.give(L.TABLE_PATTERN, pattern.row);
		if (pattern.words !== null) this.#rows.give(L.TABLE_WORD, pattern.words.first, pattern.words.count);
		else if (pattern.text !== "+") this.#strings.release(pattern.text);
	}

	#write(values: readonly number[]): number {
		const first = this.#rows.take(L.TABLE_WORD, values.length);
		const at = this.#rows.at(L.TABLE_WORD, first);
		for (const [i, value] of values.entries()) this.#rows.setU32(at + i * 4, value);
		return first;
	}

	#writePattern(text: string): Pattern {
		const isWildcard = text.endsWith("+") && text !== "+";
		const name = text === "+" ? ANYTHING : isWildcard ? WILDCARD : this.#strings.intern(text);
		const bits = isWildcard ? this.#bits(text.slice(0, -1)) : [];
		const words = isWildcard ? { first: bits.length > 0 ? this.#write(bits) : 0, count: bits.length } : null;
		const row = this.#rows.take(L.TABLE_PATTERN);
		const at = this.#rows.at(L.TABLE_PATTERN, row);
		this.#rows.setI32(at + L.PATTERN_NAME, name);
		this.#writeBits(row, words ?? { first: 0, count: 0 });
		return { text, row, references: 0, words };
	}

	#writeBits(row: number, { first, count }: NonNullable<Pattern["words"]>): void {
		const at = this.#rows.at(L.TABLE_PATTERN, row);
		this.#rows.setU32(at + L.PATTERN_BITS, first);
		this.#rows.setU32(at + L.PATTERN_BIT_WORDS, count);
	}

	/** A bit a string that begins so. */
	#bits(beginning: string): number[] {
		const words: number[] = [];
		for (let id = 0; id < this.#strings.size; id++) {
			if (!this.#strings.text(id)?.startsWith(beginning)) continue;
			while (words.length <= id >>> 5) words.push(0);
			words[id >>> 5] = ((words[id >>> 5] ?? 0) | (1 << (id & 31))) >>> 0;
		}
		return words;
	}
}
