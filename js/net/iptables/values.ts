// Value types shared by the option tables: each reads an option's words and prints the value as iptables-save does.
// Numbers may be decimal, 0x hexadecimal or 0 octal, as strtoul(3) with base 0 reads them.

import { nearestWord } from "../error.ts";
import type { Value } from "../ruleset.ts";
import { Refusal, type RuleContext, type ValueType } from "./extension.ts";
import { protocolNumber } from "./protocols.ts";
import { services } from "./services.ts";

export const flag: ValueType = {
	wordCount: 0,
	expected: "nothing",
	parse: () => ({ kind: "flag" }),
	print: () => "",
};

/** A non-negative number in C notation, or null. */
export function readNumber(text: string): bigint | null {
	if (/^0[xX][0-9a-fA-F]+$/.test(text)) return BigInt(text);
	if (/^0[0-7]*$/.test(text)) return BigInt(text === "0" ? text : `0o${text.slice(1)}`);
	return /^[1-9][0-9]*$/.test(text) ? BigInt(text) : null;
}

/** As readNumber, within bounds; throws Refusal. */
export function readUint(text: string, min: number, max: number, what: string): number {
	const number = readNumber(text);
	if (number === null || number < BigInt(min) || number > BigInt(max)) throw new Refusal(what);
	return Number(number);
}

export function hex(number: number): string {
	return `0x${number.toString(16)}`;
}

interface UintOptions {
	min?: number;
	max?: number;
	print?: (number: number) => string;
	/** Names for numbers. */
	names?: Readonly<Record<string, number>>;
}

export function uint(options: UintOptions = {}): ValueType {
	const { min = 0, max = 0xffffffff, print = String, names = {} } = options;
	const expected = `a number ${min}–${max}${Object.keys(names).length > 0 ? ` or one of ${Object.keys(names).join(" ")}` : ""}`;
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => ({ kind: "uint", value: names[word] ?? readUint(word, min, max, expected) }),
		print: (value) => (value.kind === "uint" ? print(value.value) : ""),
	};
}

/** A number of up to 64 bits. */
export function bigUint(max = (1n << 64n) - 1n): ValueType {
	const expected = `a number 0–${max}`;
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const value = readNumber(word);
			if (value === null || value > max) throw new Refusal(expected);
			return { kind: "bigint", value };
		},
		print: (value) => (value.kind === "bigint" ? String(value.value) : ""),
	};
}

/** `min:max`, `min:`, `:max`, `:` or one number. 1.8.11 refuses min > max; earlier tools take it (it matches nothing). */
export function range(max: number, read?: (text: string, what: string) => number): ValueType {
	const expected = `a number 0–${max} or a range min:max`;
	const end = read ?? ((text: string) => readUint(text, 0, max, expected));
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""], context) => {
			const value = readRange(word, max, expected, end);
			if (context.version !== "1.8.9" && value.min > value.max) throw new Refusal(`${expected} with min ≤ max`);
			return value;
		},
		print: (value) => (value.kind === "range" ? printRange(value.min, value.max) : ""),
	};
}

export function readRange(
	word: string,
	max: number,
	expected: string,
	end: (text: string, what: string) => number,
): { kind: "range"; min: number; max: number } {
	const parts = word.split(":");
	const [first = "", second] = parts;
	if (parts.length > 2 || word === "") throw new Refusal(expected);
	if (second === undefined) {
		const value = end(first, expected);
		return { kind: "range", min: value, max: value };
	}
	return {
		kind: "range",
		min: first === "" ? 0 : end(first, expected),
		max: second === "" ? max : end(second, expected),
	};
}

export function printRange(min: number, max: number): string {
	return min === max ? String(min) : `${min}:${max}`;
}

const PORT_EXPECTED = "a port 0–65535 or a service name";

/** A port number or service name. */
export function readPort(text: string, expected = PORT_EXPECTED): number {
	const number = readNumber(text);
	if (number !== null && number <= 0xffffn) return Number(number);
	const named = services().get(text);
	if (named !== undefined) return named;
	throw new Refusal(expected, /^[a-z]/i.test(text) ? nearestWord(text, services().keys()) : null);
}

export const port: ValueType = {
	wordCount: 1,
	expected: PORT_EXPECTED,
	parse: ([word = ""]) => ({ kind: "uint", value: readPort(word) }),
	print: (value) => (value.kind === "uint" ? String(value.value) : ""),
};

/** A port or `min:max`; names are allowed. */
export const portRange: ValueType = {
	...range(0xffff, readPort),
	expected: "a port 0–65535, a service name or a range min:max",
};

/** As portRange, and min > max is refused by every version. */
export const orderedPortRange: ValueType = {
	...portRange,
	parse: (words, context) => {
		const value = portRange.parse(words, context);
		if (value.kind === "range" && value.min > value.max) throw new Refusal("a port range with min ≤ max");
		return value;
	},
};

export const protocol: ValueType = {
	wordCount: 1,
	expected: "a protocol's name or number 0–255",
	parse: ([word = ""]) => {
		const value = protocolNumber(word);
		if (value === null) throw new Refusal("a protocol's name or number 0–255");
		return { kind: "uint", value };
	},
	print: (value) => (value.kind === "uint" ? String(value.value) : ""),
};

interface TextOptions {
	/** Longest accepted, in bytes of UTF-8. */
	max?: number;
	min?: number;
	/** Longer texts are cut instead of refused. */
	cut?: boolean;
	/** How iptables-save prints it; default: as it is. */
	print?: (text: string) => string;
	expected?: string;
	check?: (text: string) => void;
}

const encoder = new TextEncoder();

export function byteLength(text: string): number {
	return /^[\x20-\x7e]*$/.test(text) ? text.length : encoder.encode(text).length;
}

export function text(options: TextOptions = {}): ValueType {
	const { max, min = 0, cut = false, print = (value: string) => value, check } = options;
	const expected = options.expected ?? (max === undefined ? "a text" : `a text of at most ${max} bytes`);
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const bytes = byteLength(word);
			if (bytes < min) throw new Refusal(expected);
			if (max !== undefined && bytes > max && !cut) throw new Refusal(expected);
			check?.(word);
			return { kind: "string", value: max !== undefined && cut ? word.slice(0, max) : word };
		},
		print: (value) => (value.kind === "string" ? print(value.value) : ""),
	};
}

/** One word of a list; `fold`: any case is accepted and the list's is kept. */
export function choice(
	words: readonly string[],
	options: { fold?: boolean; aliases?: Record<string, string> } = {},
): ValueType {
	const { fold = false, aliases = {} } = options;
	const expected = `one of ${words.join(" ")}`;
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const wanted = fold ? word.toLowerCase() : word;
			const found =
				words.find((candidate) => (fold ? candidate.toLowerCase() : candidate) === wanted) ?? aliases[wanted];
			if (found === undefined) throw new Refusal(expected, nearestWord(word, words));
			return { kind: "string", value: found };
		},
		print: (value) => (value.kind === "string" ? value.value : ""),
	};
}

/** A comma list of known words, printed in the order of `words`; `fold`: any case, and unambiguous beginnings where `prefix`. */
export function wordList(words: readonly string[], options: { fold?: boolean } = {}): ValueType {
	const { fold = false } = options;
	const expected = `a comma list of ${words.join(" ")}`;
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const given = word.split(",");
			const found = new Set<string>();
			for (const part of given) {
				const match = words.find((w) => (fold ? w.toLowerCase() === part.toLowerCase() : w === part));
				if (match === undefined) throw new Refusal(expected, nearestWord(part, words));
				found.add(match);
			}
			return { kind: "words", words: words.filter((w) => found.has(w)) };
		},
		print: (value) => (value.kind === "words" ? value.words.join(",") : ""),
	};
}

/** `value[/mask]`, u32 each; printed in hexadecimal, the mask only where it is not full. */
export function masked(options: { alwaysMask?: boolean; max?: number } = {}): ValueType {
	const { alwaysMask = false, max = 0xffffffff } = options;
	const expected = `value[/mask], each a number 0–${hex(max)}`;
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const parts = word.split("/");
			if (parts.length > 2) throw new Refusal(expected);
			const value = readUint(parts[0] ?? "", 0, max, expected);
			const mask = parts[1] === undefined ? max : readUint(parts[1], 0, max, expected);
			return { kind: "masked", value, mask };
		},
		print: (value) => {
			if (value.kind !== "masked") return "";
			return alwaysMask || value.mask !== max ? `${hex(value.value)}/${hex(value.mask)}` : hex(value.value);
		},
	};
}

/** Narrows a value to one kind; a wrong kind is a mistake in a table, not in a text. */
export function expectKind<K extends Value["kind"]>(value: Value, kind: K): Extract<Value, { kind: K }> {
	if (value.kind !== kind) throw new TypeError(`expected a ${kind} value, got ${value.kind}`);
	return value as Extract<Value, { kind: K }>;
}

export type { RuleContext };
