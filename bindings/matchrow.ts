// A row of TABLE_MATCH before it is written, what encoders of matches share, and the error of a ruleset that no kernel takes.

import type { Family } from "../js/net/ruleset.ts";
import type { Addresses } from "./addresses.ts";
import type { Interned } from "./interned.ts";
import { Carried } from "./option.ts";

/** All ports, as a row holds a range: min | max << 16. */
export const ALL_PORTS = 0xffff0000;

/** One match row before it is written; `state`: how a row of TABLE_STATE starts, or which list of `recent` it is. */
export interface MatchRow {
	kind: number;
	invert: number;
	args: number[];
	state: { initial: [bigint, bigint] } | { list: string } | null;
}

/** What matches refer to. */
export interface MatchContext {
	interned: Interned;
	addresses: Addresses;
	/** ipsets of the netns, by name. */
	sets: ReadonlyMap<string, number>;
	family: Family;
	/** `-p` of the rule where it is not negated; 0: any. */
	protocol: number;
}

/** An extension that does not fit its rule or names what does not exist: the kernel refuses it too. */
export class EncodeError extends Error {
	readonly line: number | null;
	constructor(message: string, line: number | null = null) {
		super(line === null ? message : `line ${line}: ${message}`);
		this.name = "EncodeError";
		this.line = line;
	}
}

/** A row without state. */
export function plain(kind: number, invert: number, ...args: number[]): MatchRow {
	return { kind, invert, args, state: null };
}

/** A range of ports as a row holds it; absent: all. */
export function ports(range: { min: number; max: number } | undefined): number {
	return range === undefined ? ALL_PORTS : (range.min | (range.max << 16)) >>> 0;
}

/** The OR of the words' bits; a word that is not known is carried. */
export function bits(extension: string, words: readonly string[], known: Readonly<Record<string, number>>): number {
	return words.reduce((sum, word) => {
		const bit = known[word];
		if (bit === undefined) throw new Carried(extension, word);
		return sum | bit;
	}, 0);
}
