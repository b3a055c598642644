// Rules of one form: of the thousands in a text most differ in no more than an address, a port, a comment or the chain that they
// jump to. The first of a form is read word by word (`rule.ts`), of the others what differs, by the same value types.

import type { Chain, Extension, Family, Option, Rule, TableName, Target } from "../ruleset.ts";
import { type OptionTable, Refusal, type RuleContext, type ToolVersion } from "./extension.ts";
import { findExtension } from "./extensions/index.ts";
import { printPrefixText, readPrefix } from "./prefixes.ts";
import { printRule } from "./print.ts";

/** A line `-A CHAIN …` in words: quoted ones with their quotes, one blank between each two. */
export type Words = readonly string[];

/**
 * Extensions that remember nothing from packet to packet: rules may have the same object. Of two rules with a limit each counts by
 * itself.
 */
const STATELESS: ReadonlySet<string> = new Set([
	...["comment", "tcp", "udp", "sctp", "statistic", "conntrack", "mark", "addrtype"],
	...["DNAT", "MARK", "MASQUERADE", "REJECT"],
]);

function isShared(extension: Extension | Target): boolean {
	const { name, options, carried } = extension;
	if ("kind" in extension && extension.kind !== "extension") return true;
	const isCounted = options.some(({ name: option }) => option === "every");
	return carried === null && STATELESS.has(name) && !isCounted;
}

/** What stands around a rule. */
export interface FormPlace {
	table: TableName;
	family: Family;
	/** Its chain where that is built in, else "": some extensions look at it. */
	hook: string;
	/** The table's chains so far. */
	chains: ReadonlyMap<string, Chain>;
	version: ToolVersion;
}

const ADDRESS = /^\d+\.\d+\.\d+\.\d+(?:\/32)?$/;
const ADDRESS6 = /^[0-9a-f]*:[0-9a-f:]+(?:\/128)?$/;
const ENDPOINT = /^\d+\.\d+\.\d+\.\d+:\d+$|^\[[0-9a-f:]+\]:\d+$/;
const PORT = /^[1-9]\d{0,4}$/;
const PROBABILITY = /^0\.\d+$/;
const COMMENT = /^"[^"\\]*"$|^[^\s"\\!-][^\s"\\]*$/;

/** The words that may differ, by the option before. What they stand for depends on nothing but themselves. */
const VARIABLE: ReadonlyMap<string, (word: string, place: FormPlace) => boolean> = new Map([
	["-s", isAddress],
	["-d", isAddress],
	["-j", (word: string, { chains }: FormPlace) => chains.has(word)],
	["--dport", (word: string) => PORT.test(word)],
	["--probability", (word: string) => PROBABILITY.test(word)],
	["--to-destination", (word: string) => ENDPOINT.test(word)],
	["--comment", (word: string) => COMMENT.test(word)],
]);

function isAddress(word: string, { family }: FormPlace): boolean {
	return (family === "ipv4" ? ADDRESS : ADDRESS6).test(word);
}

/** null: it has to be read letter by letter. */
export function wordsOfLine(line: string): Words | null {
	if (!line.startsWith("-A ")) return null;
	const words: string[] = [];
	for (let start = 0; start < line.length + 1; ) {
		let end = line.indexOf(" ", start);
		if (line[start] === '"') {
			const close = line.indexOf('"', start + 1);
			if (close < 0) return null;
			end = close + 1 === line.length ? -1 : close + 1;
			if (end > 0 && line[end] !== " ") return null;
		}
		if (end === start || start === line.length) return null;
		words.push(end < 0 ? line.slice(start) : line.slice(start, end));
		start = end < 0 ? line.length + 1 : end + 1;
	}
	return words;
}

/** What rules of one form have in common. */
export function formKey(words: Words, place: FormPlace): string {
	let key = `${place.table} ${place.hook}`;
	for (let at = FIRST; at < words.length; at++) key += isVariable(words, at, place) ? "\n\n" : `\n${words[at]}`;
	return key;
}

/** After `-A CHAIN`. */
const FIRST = 2;

function isVariable(words: Words, at: number, place: FormPlace): boolean {
	return VARIABLE.get(words[at - 1] as string)?.(words[at] as string, place) ?? false;
}

function variableIn(words: Words, place: FormPlace): number[] {
	return words.flatMap((_, at) => (at >= FIRST && isVariable(words, at, place) ? at : []));
}

/** An option of a match, or of the target, whose value is a word. */
interface Variable {
	/** Its place in the words. */
	at: number;
	/** Of the match; -1: of the target. */
	match: number;
	option: number;
	type: OptionTable["type"];
	/** Matches with it that were made before, by the word. */
	made: Map<string, Made>;
}

interface Made {
	extension: Extension;
	/** Whether the tool prints the value as it was written. */
	isSame: boolean;
}

export class Form {
	readonly #first: Rule;
	/** Places in the words; 0: it has none. */
	readonly #source: number;
	readonly #destination: number;
	readonly #jump: number;
	readonly #options: readonly Variable[];
	readonly #context: RuleContext;
	/** Whether the tool would print it in other words than these, whatever differs; null: not known yet. */
	#isOther: boolean | null = null;

	private constructor(first: Rule, words: Words, place: FormPlace, options: readonly Variable[]) {
		const after = (option: string) => variableIn(words, place).find((at) => words[at - 1] === option) ?? 0;
		this.#first = first;
		this.#source = after("-s");
		this.#destination = after("-d");
		this.#jump = after("-j");
		this.#options = options;
		this.#context = contextAround(first, place);
	}

	/** `first`: what the words were read as. null: others like it are not to be read by it. */
	static of(first: Rule, words: Words, place: FormPlace): Form | null {
		if (![...first.matches, first.target].every((extension) => extension === null || isShared(extension))) return null;
		const variable = variableIn(words, place);
		if (new Set(variable.map((at) => words[at - 1])).size < variable.length) return null;
		const options: Variable[] = [];
		for (const at of variable) {
			if (!words[at - 1]?.startsWith("--")) continue;
			const found = variableOf(first, words, at, place);
			if (found === null) return null;
			options.push(found);
		}
		return new Form(first, words, place, options);
	}

	/** The rule of other words of the form; null: they are to be read letter by letter. `line`: 1-based, of the text. */
	read(words: Words, written: string, line: number, place: FormPlace): Rule | null {
		try {
			return this.#made(words, written, line, place);
		} catch (error) {
			if (error instanceof Refusal) return null;
			throw error;
		}
	}

	#made(words: Words, written: string, line: number, place: FormPlace): Rule {
		const first = this.#first;
		const source = this.#address(words, this.#source, first.source);
		const destination = this.#address(words, this.#destination, first.destination);
		let isSame = isPrintedAs(source, words[this.#source]) && isPrintedAs(destination, words[this.#destination]);
		let { matches, target } = first;
		for (const variable of this.#options) {
			const made = this.#extension(variable, words[variable.at] as string);
			isSame &&= made.isSame;
			if (variable.match < 0) target = made.extension as Target;
			else matches = matches.with(variable.match, made.extension);
		}
		if (this.#jump > 0 && target !== null)
			target = { ...target, name: place.chains.get(words[this.#jump] as string)?.name ?? target.name };
		const { inInterface, outInterface, protocol, fragment, counters } = first;
		const rule: Rule = {
			source,
			destination,
			inInterface,
			outInterface,
			protocol,
			fragment,
			matches,
			target,
			counters,
			line,
			written: null,
		};
		// Where what differs from rule to rule is printed as it was written, what does not differ decides, for all of them.
		if (isSame) this.#isOther ??= printRule(rule) !== written;
		if (!isSame || this.#isOther) rule.written = written;
		return rule;
	}

	#address(words: Words, at: number, like: Rule["source"]): Rule["source"] {
		if (at === 0 || like === null) return like;
		return { not: like.not, value: readPrefix(words[at] as string, this.#context.family) };
	}

	#extension(variable: Variable, word: string): Made {
		const known = variable.made.get(word);
		if (known !== undefined) return known;
		const { match, option, type } = variable;
		const like = (match < 0 ? this.#first.target : this.#first.matches[match]) as Extension;
		const { name, not } = like.options[option] as Option;
		const value = type.parse([unquoted(word)], this.#context);
		const extension = { ...like, options: like.options.with(option, { name, not, value }) };
		const made = { extension, isSame: type.print(value, this.#context) === word };
		// Hardly two rules have one target.
		if (match >= 0) variable.made.set(word, made);
		return made;
	}
}

/** Whatever was not looked at is as it was. */
function isPrintedAs(address: Rule["source"], word: string | undefined): boolean {
	return word === "-A" || address === null || printPrefixText(address.value) === word;
}

function variableOf(first: Rule, words: Words, at: number, place: FormPlace): Variable | null {
	const name = (words[at - 1] as string).slice(2);
	const owners = [...first.matches, first.target].flatMap((extension, index) =>
		extension?.options.some((option) => option.name === name) ? index : [],
	);
	const [owner] = owners;
	if (owner === undefined || owners.length > 1) return null;
	const isMatch = owner < first.matches.length;
	const extension = (isMatch ? first.matches[owner] : first.target) as Extension;
	const table = findExtension(isMatch ? "match" : "target", extension.name, place.family);
	const type = table?.options.find((option) => option.name === name)?.type;
	const option = extension.options.findIndex((one) => one.name === name);
	if (type === undefined) return null;
	const value = type.parse([unquoted(words[at] as string)], contextAround(first, place));
	if (JSON.stringify(value) !== JSON.stringify(extension.options[option]?.value)) return null;
	return { at, match: isMatch ? owner : -1, option, type, made: new Map() };
}

function unquoted(word: string): string {
	return word.startsWith('"') ? word.slice(1, -1) : word;
}

function contextAround({ protocol, matches }: Rule, { table, family, hook, version }: FormPlace): RuleContext {
	return {
		...{ family, table, chain: hook === "" ? null : hook, backend: "legacy", version, protocol },
		...{ hasInInterface: false, hasOutInterface: false, matches, sets: null, strict: false },
	};
}
