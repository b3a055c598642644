// The state of reading one rule's words, which the readers of base options and of extensions' options share.

import { TextError } from "../error.ts";
import type { Family, Negatable, Prefix, Rule, TableName } from "../ruleset.ts";
import { type Backend, type ExtensionTable, Refusal, type RuleContext, type ToolVersion } from "./extension.ts";
import type { GivenOption } from "./finish.ts";
import type { Word } from "./words.ts";

export interface RuleOptions {
	/** For errors. */
	file?: string;
	/** 1-based; becomes the rule's `line`. */
	line?: number | null;
	/** The chain that the rule stands in, for checks of hooks. */
	chain?: string | null;
	/** The chains of the table; null: not known, every name goes. */
	chains?: ReadonlySet<string> | null;
	/** Names of the ipsets that exist; null: not known. */
	sets?: ReadonlySet<string> | null;
	backend?: Backend;
	version?: ToolVersion;
	/** Refuse extensions without a table instead of carrying them. */
	strict?: boolean;
}

export const VERDICTS: readonly string[] = ["ACCEPT", "DROP", "RETURN", "QUEUE"];

export type BaseOption =
	| "source"
	| "destination"
	| "protocol"
	| "in"
	| "out"
	| "jump"
	| "goto"
	| "match"
	| "fragment"
	| "counters"
	| "family4"
	| "family6"
	| "wait"
	| "refused";

export interface Loaded {
	table: ExtensionTable | null;
	name: string;
	word: Word;
	given: GivenOption[];
	carried: Word[];
}

export interface Reading {
	words: Word[];
	next: number;
	family: Family;
	options: Required<Pick<RuleOptions, "backend" | "version">> & RuleOptions;
	table: TableName;
	sources: Negatable<Prefix>[];
	destinations: Negatable<Prefix>[];
	in: Negatable<string> | null;
	out: Negatable<string> | null;
	protocol: Negatable<number> | null;
	fragment: Negatable<true> | null;
	counters: Rule["counters"];
	matches: Loaded[];
	target: Loaded | null;
	jump: { name: string; goto: boolean; word: Word } | null;
	seen: Map<BaseOption, Word>;
	not: Word | null;
}

export function refuse(
	reading: Reading,
	word: Word | null,
	expected: string,
	nearest: string | null = null,
): TextError {
	const last = reading.words.at(-1);
	const column = word?.column ?? (last === undefined ? 1 : last.column + last.text.length);
	return new TextError({
		file: reading.options.file ?? null,
		line: reading.options.line ?? 1,
		column,
		word: word?.text ?? null,
		expected,
		nearest,
	});
}

export function takeArgument(reading: Reading, option: Word, what: string): Word {
	const word = reading.words[reading.next];
	if (word === undefined) throw refuse(reading, option, `${what} after ${option.text}`);
	reading.next++;
	return word;
}

export function located<T>(reading: Reading, words: Word[], read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (!(error instanceof Refusal)) throw error;
		throw refuse(reading, words[Math.min(error.wordIndex, words.length - 1)] ?? null, error.expected, error.nearest);
	}
}

export function contextOf(reading: Reading): RuleContext {
	return {
		family: reading.family,
		table: reading.table,
		chain: reading.options.chain ?? null,
		backend: reading.options.backend,
		version: reading.options.version,
		protocol: reading.protocol,
		hasInInterface: reading.in !== null,
		hasOutInterface: reading.out !== null,
		matches: reading.matches.map((loaded) => ({
			name: loaded.name,
			options: loaded.given.map(({ option }) => option),
		})),
		sets: reading.options.sets ?? null,
		strict: reading.options.strict ?? false,
	};
}
