// IP sets as `ipset save` prints and `ipset restore` reads them (ipset(8), measured against 7.17). Elements of the types
// in TYPES are read typed and printed canonically; sets of other types are carried: their elements stay as written.
// Ranges (`10.0.0.1-10.0.0.9`, `tcp:80-90`) become one element each; ranges of networks are refused.

import { nearestWord, TextError } from "./error.ts";
import type { Family } from "./ruleset.ts";
import { ElementReading, printParts, type SetPart, type SetWord, TYPES } from "./setelement.ts";
import { linesOf } from "./text.ts";

export interface IpSetEntry {
	/** Canonical text: `10.0.0.1,tcp:80`. */
	element: string;
	/** One a dimension; null for a carried type. */
	parts: SetPart[] | null;
	nomatch: boolean;
	/** Seconds left; 0: for ever; null: none given. */
	timeout: number | null;
	packets: bigint | null;
	bytes: bigint | null;
	comment: string | null;
	/** Other words of the entry, `skbmark 0x1/0xff`, in order. */
	attributes: { name: string; value: string }[];
	line: number | null;
}

export interface IpSet {
	name: string;
	/** `hash:ip,port` … */
	type: string;
	family: Family;
	/** Words of `create` after the type, in order: `family` → `inet`; `""` for words without a value. */
	options: ReadonlyMap<string, string>;
	entries: IpSetEntry[];
	/** The type's elements are kept as written. */
	carried: boolean;
	line: number | null;
}

/** Set types that are carried. */
const OTHER_TYPES = ["bitmap:ip,mac"];

/** Words of `create` and `add` that take no value. */
const FLAGS = ["counters", "comment", "forceadd", "skbinfo"];
const CREATE_WORDS = [
	"family",
	"hashsize",
	"maxelem",
	"timeout",
	"netmask",
	"bitmask",
	"range",
	"size",
	"markmask",
	"bucketsize",
	"initval",
	...FLAGS,
];
const ADD_WORDS = ["timeout", "nomatch", "packets", "bytes", "comment", "skbmark", "skbprio", "skbqueue"];

/** Longest name of a set, in bytes. */
const NAME_MAX = 31;

export interface IpSetReadOptions {
	file?: string;
}

/** The sets of a text, in its order. `create`, `add`, `flush`, `destroy` and `del` are read. Throws TextError. */
export function parseIpsetSave(text: string, options: IpSetReadOptions = {}): IpSet[] {
	const reading = new IpSetReading(options.file ?? "-");
	for (const [index, line] of linesOf(text).entries()) reading.readLine(line, index + 1);
	return [...reading.sets.values()];
}

class IpSetReading {
	readonly sets = new Map<string, IpSet>();
	readonly elements = new ElementReading(this.sets, (word, expected, nearest) => this.refuse(word, expected, nearest));
	readonly file: string;
	line = 0;
	end = 0;

	constructor(file: string) {
		this.file = file;
	}

	refuse(word: SetWord | undefined, expected: string, nearest: string | null = null): TextError {
		return new TextError({
			file: this.file,
			line: this.line,
			column: word?.column ?? this.end + 1,
			word: word?.text ?? null,
			expected,
			nearest,
		});
	}

	readLine(text: string, line: number): void {
		this.line = line;
		this.end = text.trimEnd().length;
		const words = this.split(text);
		const [command, name, ...rest] = words;
		if (command === undefined || command.text.startsWith("#") || command.text === "COMMIT" || command.text === "quit")
			return;
		const verb = command.text.replace(/^-+/, "");
		if (!["create", "add", "del", "flush", "destroy", "N", "A", "D", "F", "X"].includes(verb)) {
			throw this.refuse(
				command,
				"create, add, del, flush or destroy",
				nearestWord(command.text, ["create", "add", "del", "flush", "destroy"]),
			);
		}
		if (verb === "create" || verb === "N") this.create(name, rest);
		else if (verb === "add" || verb === "A") this.add(this.known(name), rest);
		else if (verb === "del" || verb === "D") this.remove(this.known(name), rest);
		else if (verb === "flush" || verb === "F")
			for (const set of name === undefined ? this.sets.values() : [this.known(name)]) set.entries = [];
		else if (name === undefined) this.sets.clear();
		else this.sets.delete(this.known(name).name);
	}

	/** Words; a double quote opens a word that may hold blanks. */
	split(text: string): SetWord[] {
		const words: SetWord[] = [];
		for (const match of text.matchAll(/"([^"]*)"|[^\s"]\S*|"/g)) {
			const column = (match.index ?? 0) + 1;
			if (match[0] === '"') throw this.refuse({ text: text.slice(column - 1), column }, "a closing quote");
			words.push({ text: match[1] ?? match[0], column });
		}
		return words;
	}

	known(name: SetWord | undefined): IpSet {
		const set = name === undefined ? undefined : this.sets.get(name.text);
		if (set === undefined)
			throw this.refuse(
				name,
				"the name of a set created before",
				name === undefined ? null : nearestWord(name.text, this.sets.keys()),
			);
		return set;
	}

	create(name: SetWord | undefined, words: SetWord[]): void {
		const type = words[0];
		if (name === undefined || type === undefined) throw this.refuse(undefined, "create NAME TYPE");
		if (new TextEncoder().encode(name.text).length > NAME_MAX)
			throw this.refuse(name, `a name of at most ${NAME_MAX} bytes`);
		if (this.sets.has(name.text)) throw this.refuse(name, "a name that no set has");
		const near = nearestWord(type.text, Object.keys(TYPES));
		const isType =
			TYPES[type.text] !== undefined ||
			OTHER_TYPES.includes(type.text) ||
			(near === null && /^(hash|bitmap|list):[a-z,]+$/.test(type.text));
		if (!isType) throw this.refuse(type, "a set type", near);
		const options = new Map<string, string>();
		for (let i = 1; i < words.length; i++) {
			const word = words[i] as SetWord;
			if (!CREATE_WORDS.includes(word.text))
				throw this.refuse(word, "an option of create", nearestWord(word.text, CREATE_WORDS));
			if (options.has(word.text)) throw this.refuse(word, `${word.text} once`);
			const value = FLAGS.includes(word.text) ? null : words[++i];
			if (value === undefined) throw this.refuse(undefined, `a value after ${word.text}`);
			options.set(word.text, value?.text ?? "");
		}
		const family: Family = options.get("family") === "inet6" ? "ipv6" : "ipv4";
		const carried = TYPES[type.text] === undefined;
		this.sets.set(name.text, {
			name: name.text,
			type: type.text,
			family,
			options,
			entries: [],
			carried,
			line: this.line,
		});
	}

	add(set: IpSet, words: SetWord[]): void {
		const element = words[0];
		if (element === undefined) throw this.refuse(undefined, `an element of set ${set.name}`);
		const entry: Omit<IpSetEntry, "element" | "parts"> = {
			nomatch: false,
			timeout: null,
			packets: null,
			bytes: null,
			comment: null,
			attributes: [],
			line: this.line,
		};
		for (let i = 1; i < words.length; i++) {
			const word = words[i] as SetWord;
			if (!ADD_WORDS.includes(word.text))
				throw this.refuse(word, "an option of add", nearestWord(word.text, ADD_WORDS));
			if (word.text === "nomatch") {
				entry.nomatch = true;
				continue;
			}
			const value = words[++i];
			if (value === undefined) throw this.refuse(undefined, `a value after ${word.text}`);
			this.setOption(entry, word.text, value);
		}
		if (entry.timeout !== null && !set.options.has("timeout"))
			throw this.refuse(element, `no timeout: set ${set.name} was created without one`);
		for (const parts of this.elements.read(set, element)) {
			set.entries.push({ ...entry, element: parts === null ? element.text : printParts(parts), parts });
		}
	}

	setOption(entry: Omit<IpSetEntry, "element" | "parts">, name: string, value: SetWord): void {
		if (name === "comment") entry.comment = value.text;
		else if (name.startsWith("skb")) entry.attributes.push({ name, value: value.text });
		else if (!/^[0-9]+$/.test(value.text)) throw this.refuse(value, "a number");
		else if (name === "timeout") entry.timeout = Number(value.text);
		else if (name === "packets") entry.packets = BigInt(value.text);
		else entry.bytes = BigInt(value.text);
	}

	remove(set: IpSet, words: SetWord[]): void {
		const element = words[0];
		if (element === undefined) throw this.refuse(undefined, `an element of set ${set.name}`);
		for (const parts of this.elements.read(set, element)) {
			const text = parts === null ? element.text : printParts(parts);
			const index = set.entries.findIndex((entry) => entry.element === text);
			if (index < 0) throw this.refuse(element, `an element that set ${set.name} has`);
			set.entries.splice(index, 1);
		}
	}
}

/** The text of `ipset save`; each line ends in a line feed. */
export function printIpsetSave(sets: readonly IpSet[]): string {
	return sets
		.flatMap((set) => [createLine(set), ...set.entries.map((entry) => addLine(set, entry))])
		.map((line) => `${line}\n`)
		.join("");
}

function createLine(set: IpSet): string {
	const options = [...set.options].map(([name, value]) => (value === "" ? name : `${name} ${value}`));
	return ["create", set.name, set.type, ...options].join(" ");
}

function addLine(set: IpSet, entry: IpSetEntry): string {
	const words = ["add", set.name, entry.element];
	if (entry.timeout !== null) words.push("timeout", String(entry.timeout));
	if (entry.nomatch) words.push("nomatch");
	if (entry.packets !== null) words.push("packets", String(entry.packets));
	if (entry.bytes !== null) words.push("bytes", String(entry.bytes));
	if (entry.comment !== null) words.push("comment", `"${entry.comment}"`);
	for (const { name, value } of entry.attributes) words.push(name, value);
	return words.join(" ");
}

export type { SetPart };
