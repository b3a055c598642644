// Interface names of rules as rows of TABLE_PATTERN: an exact name is its number, a wildcard (`veth+`) the set of the
// names known so far that begin so, a bare `+` anything. Device names are interned before rulesets are encoded.

import * as L from "../assembly/layout.ts";
import type { Interner } from "./interner.ts";
import type { Rows } from "./views.ts";

const ANYTHING = -2;
const WILDCARD = -1;

interface KnownPattern {
	row: number;
	/** Strings that it was compared with: a wildcard is written again where a later one fits. */
	compared: number;
}

/** Patterns already written, for all rulesets of an engine. */
const written = new WeakMap<Rows, Map<string, KnownPattern>>();

/** Row of a pattern. */
export function patternRow(rows: Rows, strings: Interner, pattern: string): number {
	const known = written.get(rows) ?? new Map<string, KnownPattern>();
	written.set(rows, known);
	const old = known.get(pattern);
	if (old !== undefined && (!pattern.endsWith("+") || pattern === "+" || !newNameFits(strings, pattern, old)))
		return old.row;
	const row = writePattern(rows, strings, pattern);
	known.set(pattern, { row, compared: strings.size });
	return row;
}

function newNameFits(strings: Interner, pattern: string, known: KnownPattern): boolean {
	const beginning = pattern.slice(0, -1);
	for (; known.compared < strings.size; known.compared++) {
		if (strings.text(known.compared).startsWith(beginning)) return true;
	}
	return false;
}

function writePattern(rows: Rows, strings: Interner, pattern: string): number {
	const row = rows.append(L.TABLE_PATTERN);
	const at = rows.at(L.TABLE_PATTERN, row);
	if (!pattern.endsWith("+")) rows.setI32(at + L.PATTERN_NAME, strings.intern(pattern));
	else if (pattern === "+") rows.setI32(at + L.PATTERN_NAME, ANYTHING);
	else writeWildcard(rows, strings, at, pattern.slice(0, -1));
	return row;
}

function writeWildcard(rows: Rows, strings: Interner, at: number, beginning: string): void {
	const words: number[] = [];
	for (let id = 0; id < strings.size; id++) {
		if (!strings.text(id).startsWith(beginning)) continue;
		while (words.length <= id >>> 5) words.push(0);
		words[id >>> 5] = ((words[id >>> 5] ?? 0) | (1 << (id & 31))) >>> 0;
	}
	rows.setI32(at + L.PATTERN_NAME, WILDCARD);
	rows.setU32(at + L.PATTERN_BITS, words.length === 0 ? 0 : rows.words(words));
	rows.setU32(at + L.PATTERN_BIT_WORDS, words.length);
}
