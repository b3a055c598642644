// iptables-restore: reads a text of tables, chains and rule commands onto a ruleset. All or nothing: an error leaves
// the ruleset as it was. With `noflush`, a `:CHAIN` line empties that user chain and everything else stays.

import type { Chain, Counters, Family, Rule, Ruleset, Table } from "../ruleset.ts";
import { BUILT_IN_CHAINS, checkChainName, isTableName, newChain, sortChains } from "./chains.ts";
import { checkTable } from "./check.ts";
import { emptied, type OpenTable, TableEditing } from "./edit.ts";
import type { Backend, ToolVersion } from "./extension.ts";
import { Form, type FormPlace, formKey, wordsOfLine } from "./form.ts";
import { printRule } from "./print.ts";
import type { RuleOptions } from "./reading.ts";
import { parseRules } from "./rule.ts";
import { splitRestoreLine, type Word } from "./words.ts";

export interface RestoreOptions {
	/** Keep what the text does not name (`--noflush`). */
	noflush?: boolean;
	/** For errors. */
	file?: string;
	backend?: Backend;
	version?: ToolVersion;
	/** Names of the ipsets that exist; null: not known, any name goes. */
	sets?: ReadonlySet<string> | null;
	/** Take the counters of chains and rules (`--counters`); default true. `-c` in a rule always counts. */
	counters?: boolean;
	/** Refuse extensions without a table instead of carrying them. */
	strict?: boolean;
}

/**
 * The ruleset after `iptables-restore`: chains in the order in which the tools print them. Tables that the text does not name,
 * and chains that it leaves as they are, are the same objects. Throws TextError.
 */
export function applyRestore(ruleset: Ruleset, text: string, options: RestoreOptions = {}): Ruleset {
	const tables = readRestore(ruleset, text, options);
	for (const table of tables) if (!ruleset.tables.includes(table)) completeTable(table);
	return { family: ruleset.family, tables };
}

/** Adds the built-in chains that are missing and sorts as iptables-save prints. */
export function completeTable(table: Table): void {
	for (const hook of BUILT_IN_CHAINS[table.name]) {
		if (!table.chains.some(({ name }) => name === hook)) table.chains.push(newChain(table.name, hook));
	}
	sortChains(table);
}

/** The tables after the text, chains in the order of the text. */
export function readRestore(ruleset: Ruleset, text: string, options: RestoreOptions): Table[] {
	const reading = new RestoreReading(ruleset, options);
	let count = 0;
	// Line by line: a list of hundreds of thousands would outlive the lines' use.
	for (let start = 0; start <= text.length; ) {
		const end = text.indexOf("\n", start);
		const line = end < 0 ? text.slice(start) : text.slice(start, end);
		reading.readLine(line.endsWith("\r") ? line.slice(0, -1) : line, ++count);
		start = end < 0 ? text.length + 1 : end + 1;
	}
	reading.end(count);
	return reading.tables;
}

class RestoreReading extends TableEditing {
	readonly tables: Table[];
	readonly family: Family;
	readonly options: RestoreOptions;
	open: OpenTable | null = null;
	/** By key; null: rules of it are not alike. */
	readonly forms = new Map<string, Form | null>();

	constructor(ruleset: Ruleset, options: RestoreOptions) {
		super(options.file ?? "-", options.backend ?? "legacy");
		this.tables = [...ruleset.tables];
		this.family = ruleset.family;
		this.options = options;
	}

	get version(): ToolVersion {
		return this.options.version ?? "1.8.9";
	}

	readLine(text: string, line: number): void {
		this.line = line;
		const trimmed = text.trim();
		if (trimmed === "" || trimmed.startsWith("#")) return;
		const start = text.length - text.trimStart().length;
		if (trimmed.startsWith("*")) this.openTable(trimmed.slice(1).trim(), start + 2);
		else if (trimmed === "COMMIT") this.commit();
		else if (trimmed.startsWith(":")) this.readChain(text.slice(start + 1), start + 1);
		else if (!this.readAlike(text)) this.readCommand(text, start);
	}

	/** A rule in the words of one before, see `form.ts`; false: it is none, or to be read by itself. */
	readAlike(text: string): boolean {
		const { open } = this;
		const words = wordsOfLine(text);
		const chain = open?.chains.get(words?.[1] ?? "");
		if (open === null || words === null || chain === undefined) return false;
		const { family } = this;
		const hook = chain.policy === null ? "" : chain.name;
		const place: FormPlace = { table: open.table.name, family, hook, chains: open.chains, version: this.version };
		const key = formKey(words, place);
		const form = this.forms.get(key);
		if (form === undefined) {
			const before = chain.rules.length;
			this.readCommand(text, 0);
			const [first, ...more] = this.writable(open, chain).rules.slice(before);
			this.forms.set(key, first === undefined || more.length > 0 ? null : Form.of(first, words, place));
			return true;
		}
		const rule = form?.read(words, text.slice((words[1] as string).length + 4), this.line, place) ?? null;
		if (rule !== null) this.writable(open, chain).rules.push(rule);
		return rule !== null;
	}

	end(lineCount: number): void {
		if (this.open === null) return;
		throw this.refuse(
			Math.max(1, lineCount),
			1,
			null,
			`COMMIT at the end of table ${this.open.table.name} (opened in line ${this.open.line})`,
		);
	}

	openTable(name: string, column: number): void {
		if (this.open !== null) throw this.refuse(this.line, column, `*${name}`, "COMMIT before the next table");
		if (!isTableName(name))
			throw this.refuse(this.line, column, name, `one of the tables ${Object.keys(BUILT_IN_CHAINS).join(" ")}`);
		const index = this.tables.findIndex((table) => table.name === name);
		const old = this.tables[index];
		const kept =
			old === undefined
				? []
				: this.options.noflush
					? [...old.chains]
					: old.chains.filter((chain) => chain.policy !== null).map(emptied);
		const table: Table = { name, chains: kept };
		if (index < 0) this.tables.push(table);
		else this.tables[index] = table;
		const chains = new Map(kept.map((chain): [string, Chain] => [chain.name, chain]));
		this.open = { table, chains, names: new Set(chains.keys()), owned: new Set(), line: this.line };
	}

	commit(): void {
		if (this.open === null) throw this.refuse(this.line, 1, "COMMIT", "a table (*NAME) before COMMIT");
		checkTable(this.open.table, { file: this.file, family: this.family });
		// Chains are many, and most have few rules: their lists have no room to spare.
		for (const chain of this.open.owned) chain.rules = chain.rules.slice();
		this.open = null;
	}

	inTable(column: number, word: string): OpenTable {
		if (this.open === null) throw this.refuse(this.line, column, word, "a table (*NAME) before this line");
		return this.open;
	}

	readChain(text: string, offset: number): void {
		const [nameWord, policyWord, countersWord, extra] = splitRestoreLine(
			text,
			{ file: this.file, line: this.line },
			offset,
		);
		const open = this.inTable(offset, `:${text.trim()}`);
		if (nameWord === undefined) throw this.refuse(this.line, offset + 1, null, "a chain's name after :");
		if (policyWord === undefined)
			throw this.refuse(
				this.line,
				nameWord.column + nameWord.text.length,
				null,
				"ACCEPT, DROP or - after the chain's name",
			);
		if (extra !== undefined) throw this.refuse(this.line, extra.column, extra.text, "nothing after the counters");
		const counters = countersWord === undefined ? null : this.readChainCounters(countersWord);
		const chain = this.declare(open, nameWord);
		this.setPolicy(open, chain, policyWord);
		if (counters !== null && this.options.counters !== false) chain.counters = counters;
	}

	readChainCounters(word: Word): Counters {
		const match = /^\[([0-9]+):([0-9]+)\]$/.exec(word.text);
		if (match === null) throw this.refuse(this.line, word.column, word.text, "counters [packets:bytes]");
		return { packets: BigInt(match[1] as string), bytes: BigInt(match[2] as string) };
	}

	readCommand(text: string, start: number): void {
		let offset = start;
		let counters: Counters | null = null;
		const prefix = /^\[([0-9]+):([0-9]+)\]\s*/.exec(text.slice(start));
		if (prefix !== null) {
			counters = { packets: BigInt(prefix[1] as string), bytes: BigInt(prefix[2] as string) };
			offset += prefix[0].length;
		} else if (text.slice(start).startsWith("[")) {
			throw this.refuse(this.line, start + 1, text.slice(start).split(/\s/)[0] ?? null, "counters [packets:bytes]");
		}
		const words = splitRestoreLine(text.slice(offset), { file: this.file, line: this.line }, offset);
		const first = words[0];
		if (first === undefined) throw this.refuse(this.line, offset + 1, null, "a command (-A …) after the counters");
		const open = this.inTable(first.column, first.text);
		const at = words.findIndex((word) => !word.quoted && commandOf(word.text) !== null);
		if (at < 0)
			throw this.refuse(this.line, first.column, first.text, "a table (*), a chain (:), a command (-A …), COMMIT or #");
		const [command] = words.splice(at, 1) as [Word];
		this.run(open, command, words, at, text, this.options.counters === false ? null : counters);
	}

	run(open: OpenTable, command: Word, words: Word[], at: number, text: string, counters: Counters | null): void {
		const kind = commandOf(command.text) as Command;
		const [first, second] = words.slice(at);
		switch (kind) {
			case "append":
			case "insert":
			case "replace":
			case "delete":
			case "check":
				this.changeRule(open, kind, command, words, at, text, counters);
				return;
			case "new":
				if (first === undefined) throw this.refuse(this.line, command.column, command.text, "a chain's name after -N");
				checkChainName(first.text, this.place(first));
				if (open.chains.has(first.text))
					throw this.refuse(this.line, first.column, first.text, "a chain that does not exist yet");
				this.addChain(open, newChain(open.table.name, first.text));
				return;
			case "policy": {
				const chain = this.chainNamed(open, first, command);
				if (second === undefined)
					throw this.refuse(this.line, command.column, command.text, "a policy after the chain");
				if (chain.policy === null || second.text === "-")
					throw this.refuse(this.line, second.column, second.text, "a built-in chain and ACCEPT or DROP");
				this.setPolicy(open, chain, second);
				return;
			}
			case "rename":
				this.rename(open, command, first, second);
				return;
			case "flush":
			case "zero":
				for (const chain of first === undefined ? [...open.chains.values()] : [this.chainNamed(open, first, command)]) {
					const owned = this.writable(open, chain);
					if (kind === "flush") owned.rules = [];
					else zero(owned);
				}
				return;
			default:
				this.deleteChains(open, command, first);
		}
	}

	changeRule(
		open: OpenTable,
		kind: Command,
		command: Word,
		words: Word[],
		at: number,
		text: string,
		counters: Counters | null,
	): void {
		const chain = this.chainNamed(open, words[at], command);
		words.splice(at, 1);
		const numbered =
			words[at] !== undefined && /^[0-9]+$/.test(words[at].text) ? (words.splice(at, 1)[0] as Word) : null;
		if (numbered !== null && (kind === "append" || kind === "check"))
			throw this.refuse(this.line, numbered.column, numbered.text, "an option (-…)");
		if (kind === "replace" && numbered === null)
			throw this.refuse(this.line, command.column, command.text, "a rule's number after the chain");
		const position =
			numbered === null
				? null
				: this.readPosition(numbered, kind === "insert" ? chain.rules.length + 1 : chain.rules.length);
		if (kind === "delete" && position !== null && words.length === 0) {
			chain.rules.splice(position - 1, 1);
			return;
		}
		if (kind === "delete" && position !== null)
			throw this.refuse(
				this.line,
				(words[0] as Word).column,
				(words[0] as Word).text,
				"nothing after the rule's number",
			);
		const rules = this.readRules(open, chain, words, text, counters);
		if (kind === "append") chain.rules.push(...rules);
		else if (kind === "insert") chain.rules.splice((position ?? 1) - 1, 0, ...rules);
		else if (kind === "replace") chain.rules.splice((position as number) - 1, 1, ...rules);
		else for (const rule of rules) this.find(chain, rule, kind, command);
	}

	readPosition(word: Word, max: number): number {
		const number = Number(word.text);
		if (number < 1 || number > max)
			throw this.refuse(
				this.line,
				word.column,
				word.text,
				max < 1 ? "a chain that has rules" : `a rule's number 1–${max}`,
			);
		return number;
	}

	readRules(open: OpenTable, chain: Chain, words: Word[], text: string, counters: Counters | null): Rule[] {
		const options: RuleOptions = {
			file: this.file,
			line: this.line,
			chain: chain.name,
			chains: open.names,
			sets: this.options.sets ?? null,
			backend: this.options.backend ?? "legacy",
			version: this.version,
			strict: this.options.strict ?? false,
		};
		const rules = parseRules(words, open.table.name, this.family, options);
		const start = words[0];
		const written = start === undefined ? "" : text.slice(start.column - 1).trimEnd();
		for (const rule of rules) {
			rule.counters ??= counters;
			if (rules.length === 1 && printRule(rule) !== written) rule.written = written;
		}
		return rules;
	}

	/** Deletes the first rule that reads the same (`-D`), or only looks for it (`-C`). */
	find(chain: Chain, rule: Rule, kind: Command, command: Word): void {
		const text = printRule(rule);
		const index = chain.rules.findIndex((other) => printRule(other) === text);
		if (index < 0) throw this.refuse(this.line, command.column, text, `a rule that chain ${chain.name} has`);
		if (kind === "delete") chain.rules.splice(index, 1);
	}
}

function zero(chain: Chain): void {
	chain.counters = { packets: 0n, bytes: 0n };
	chain.rules = chain.rules.map((rule) => ({ ...rule, counters: { packets: 0n, bytes: 0n } }));
}

type Command =
	| "append"
	| "insert"
	| "replace"
	| "delete"
	| "check"
	| "new"
	| "policy"
	| "rename"
	| "flush"
	| "zero"
	| "delete-chain";

const COMMANDS: Readonly<Record<string, Command>> = {
	"-A": "append",
	"--append": "append",
	"-I": "insert",
	"--insert": "insert",
	"-R": "replace",
	"--replace": "replace",
	"-D": "delete",
	"--delete": "delete",
	"-C": "check",
	"--check": "check",
	"-N": "new",
	"--new-chain": "new",
	"-P": "policy",
	"--policy": "policy",
	"-E": "rename",
	"--rename-chain": "rename",
	"-F": "flush",
	"--flush": "flush",
	"-Z": "zero",
	"--zero": "zero",
	"-X": "delete-chain",
	"--delete-chain": "delete-chain",
};

function commandOf(word: string): Command | null {
	return COMMANDS[word] ?? null;
}

export function emptyRuleset(family: Family): Ruleset {
	return { family, tables: [] };
}
