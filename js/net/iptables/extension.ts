// What an extension of iptables is, as data: its options with their value types, where it may stand, and how its
// words become the canonical form that iptables-save prints. One generic reader (`rule.ts`) and one generic printer
// (`print.ts`) serve every table in `extensions/`. Sources: iptables-extensions(8), measured iptables 1.8.9.

import type { Family, Negatable, Option, TableName, Value } from "../ruleset.ts";

export type Hook = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";
export type Backend = "legacy" | "nft";
/** The tool whose checks and printing are followed; 1.8.11 refuses reversed and prints negated full ranges. */
export type ToolVersion = "1.8.9" | "1.8.11";

/** What is known of the rule around a value. */
export interface RuleContext {
	family: Family;
	table: TableName;
	chain: string | null;
	backend: Backend;
	version: ToolVersion;
	/** The rule's `-p`; while words are being read, only what stood before. */
	protocol: Negatable<number> | null;
	/** The rule's `-i` and `-o` and the addresses are not needed by any extension but for checks of presence. */
	hasInInterface: boolean;
	hasOutInterface: boolean;
	/** Full-form matches of the rule by name, for targets that ask for one (`TCPMSS` wants a SYN match). */
	matches: { name: string; options: Option[] }[];
	/** Names of the ipsets that exist; null: not known, any name goes. */
	sets: ReadonlySet<string> | null;
	/** Refuse what only a machine's own state could allow (a pinned BPF object). */
	strict: boolean;
}

/** Thrown by value types and checks; the reader adds file, line, column and word. */
export class Refusal extends Error {
	readonly expected: string;
	readonly nearest: string | null;
	/** Which of the option's words is at fault. */
	readonly wordIndex: number;
	/** The option at fault, where the check looks at several. */
	readonly option: string | null;

	constructor(expected: string, nearest: string | null = null, wordIndex = 0, option: string | null = null) {
		super(expected);
		this.expected = expected;
		this.nearest = nearest;
		this.wordIndex = wordIndex;
		this.option = option;
	}
}

/** How an option's words become a value and back. */
export interface ValueType {
	/** Words that it takes: 0 for a flag. */
	wordCount: 0 | 1 | 2;
	/** The one word may be missing. */
	optional?: boolean;
	/** Noun phrase for error messages. */
	expected: string;
	/** Throws Refusal. */
	parse(words: string[], context: RuleContext): Value;
	/** The words, separated by blanks, as iptables-save prints them; "" for a flag. */
	print(value: Value, context: PrintContext): string;
}

export interface PrintContext {
	backend: Backend;
	version: ToolVersion;
}

export interface OptionTable {
	name: string;
	/** Other accepted spellings. */
	aliases?: string[];
	type: ValueType;
	/** `!` may stand before it. */
	negatable?: boolean;
	/** The extension needs it. */
	mandatory?: boolean;
	/** It may be given more than once; else a second one is refused. */
	multiple?: boolean;
	/** Repeating it replaces the earlier one. */
	replace?: boolean;
	/** Options that may not stand beside it. */
	excludes?: string[];
	/** Options that it needs. */
	requires?: string[];
	/** Kept in the canonical form but not printed: a default. */
	silent?(option: Option): boolean;
}

export interface ExtensionTable {
	name: string;
	/** Other names that load it. */
	aliases?: string[];
	kind: "match" | "target";
	families?: Family[];
	/** The kernel takes it in these tables only. */
	tables?: TableName[];
	/** The kernel takes it on these hooks only. */
	hooks?: Hook[];
	/** The rule needs `-p` one of these, not negated. */
	protocols?: number[];
	/** In printing order. */
	options: OptionTable[];
	/** At least one of these groups' members must be given. */
	oneOf?: string[][];
	/** The canonical options, in printing order; throws Refusal where the combination is not valid. Default: order of the table. */
	canonical?(options: Option[], context: RuleContext): Option[];
	/** Checks that need the whole rule (protocol, hooks by name); throws Refusal. */
	check?(options: Option[], context: RuleContext): void;
	/** Hooks for these options, where narrower than `hooks`. */
	hooksOf?(options: Option[]): Hook[] | null;
}

/** The option of that name. */
export function optionOf(options: readonly Option[], name: string): Option | undefined {
	return options.find((option) => option.name === name);
}

/** A flag option. */
export function flagOption(name: string, not = false): Option {
	return { name, not, value: { kind: "flag" } };
}
