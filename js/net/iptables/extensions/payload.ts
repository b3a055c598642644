// Matches that look into the payload or compute over bytes: string, u32, bpf.
// Their values are kept in the canonical text that iptables-save prints.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { choice, flag, hex, readUint, text, uint } from "../values.ts";
import { inTableOrder } from "./order.ts";

/** Longest pattern, in bytes. */
const PATTERN_MAX = 127;

function quoted(value: string): string {
	return `"${value.replace(/["\\]/g, (char) => `\\${char}`)}"`;
}

const pattern: ValueType = {
	wordCount: 1,
	expected: `a text of 1–${PATTERN_MAX} bytes`,
	parse: ([word = ""]) => ({ kind: "string", value: checkPattern(word) }),
	print: (value) => (value.kind === "string" ? quoted(value.value) : ""),
};

function checkPattern(word: string): string {
	const { length } = new TextEncoder().encode(word);
	if (length === 0 || length > PATTERN_MAX) throw new Refusal(pattern.expected);
	return word;
}

const HEX_EXPECTED = "a text with hexadecimal bytes between | and |";

/** Bytes of `te|0a 0B|st`; a backslash takes the next character as it is. */
function readHexPattern(word: string): number[] {
	const bytes: number[] = [];
	let inHex = false;
	for (let i = 0; i < word.length; i++) {
		const char = word[i] as string;
		if (char === "|") inHex = !inHex;
		else if (inHex) {
			if (/\s/.test(char)) continue;
			const pair = word.slice(i, i + 2);
			if (!/^[0-9a-fA-F]{2}$/.test(pair)) throw new Refusal(HEX_EXPECTED);
			bytes.push(Number.parseInt(pair, 16));
			i++;
		} else {
			const next = char === "\\" ? word[++i] : char;
			if (next === undefined) throw new Refusal(HEX_EXPECTED);
			bytes.push(...new TextEncoder().encode(next));
		}
	}
	if (inHex) throw new Refusal(HEX_EXPECTED);
	if (bytes.length === 0 || bytes.length > PATTERN_MAX) throw new Refusal(pattern.expected);
	return bytes;
}

/** `|hex|` of bytes: the canonical form of what is not all printable. */
function hexText(bytes: Iterable<number>): string {
	return `|${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}|`;
}

const hexPattern: ValueType = {
	wordCount: 1,
	expected: HEX_EXPECTED,
	parse: ([word = ""]) => ({ kind: "string", value: hexText(readHexPattern(word)) }),
	print: (value) => (value.kind === "string" ? `"${value.value}"` : ""),
};

/** Printable patterns are `--string`, others `--hex-string`, however they were given. */
function canonicalPattern(option: Option): Option {
	if ((option.name !== "string" && option.name !== "hex-string") || option.value.kind !== "string") return option;
	const bytes =
		option.name === "string" ? [...new TextEncoder().encode(option.value.value)] : readHexPattern(option.value.value);
	const isPrintable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f) && bytes.at(-1) !== 0x5c;
	if (!isPrintable) return { ...option, name: "hex-string", value: { kind: "string", value: hexText(bytes) } };
	return { ...option, name: "string", value: { kind: "string", value: String.fromCharCode(...bytes) } };
}

const OFFSET_MAX = 0xffff;

const string: ExtensionTable = {
	name: "string",
	kind: "match",
	options: [
		{ name: "string", type: pattern, negatable: true, excludes: ["hex-string"] },
		{ name: "hex-string", type: hexPattern, negatable: true, excludes: ["string"] },
		{ name: "algo", type: choice(["bm", "kmp"]), mandatory: true },
		{
			name: "from",
			type: uint({ max: OFFSET_MAX }),
			silent: ({ value }) => value.kind === "uint" && value.value === 0,
		},
		{
			name: "to",
			type: uint({ max: OFFSET_MAX }),
			silent: ({ value }) => value.kind === "uint" && value.value === OFFSET_MAX,
		},
		{ name: "icase", type: flag },
	],
	oneOf: [["string", "hex-string"]],
	canonical: (options) => {
		const from = optionOf(options, "from")?.value;
		const to = optionOf(options, "to")?.value;
		if (from?.kind === "uint" && to?.kind === "uint" && from.value > to.value)
			throw new Refusal("--from at most --to", null, 0, "from");
		return inTableOrder(options.map(canonicalPattern), string.options);
	},
};

/** Most tests, operators of a location and ranges of a test that the kernel holds. */
const U32_MAX = 10;

/** Reader of a u32 expression: tests joined by &&, each `location=ranges`. */
class U32Reader {
	readonly text: string;
	at = 0;

	constructor(source: string) {
		this.text = source;
	}

	skip(): void {
		while (/\s/.test(this.text[this.at] ?? "")) this.at++;
	}

	take(token: string): boolean {
		this.skip();
		if (!this.text.startsWith(token, this.at)) return false;
		this.at += token.length;
		return true;
	}

	number(): number {
		this.skip();
		const word = /^[0-9a-zA-Z]+/.exec(this.text.slice(this.at))?.[0] ?? "";
		const value = readUint(word, 0, 0xffffffff, `a number in the u32 test, at character ${this.at + 1}`);
		this.at += word.length;
		return value;
	}

	test(): string {
		let out = hex(this.number());
		let operators = 1;
		for (;;) {
			const operator = ["<<", ">>", "@"].find((token) => this.take(token)) ?? this.and();
			if (operator === null) break;
			if (++operators > U32_MAX + 1) throw new Refusal(`at most ${U32_MAX} operators in a u32 location`);
			out += operator + hex(this.number());
		}
		if (!this.take("=")) throw new Refusal(`= in the u32 test, at character ${this.at + 1}`);
		return `${out}=${this.ranges()}`;
	}

	/** `&` that is not the beginning of `&&`. */
	and(): string | null {
		this.skip();
		if (this.text[this.at] !== "&" || this.text[this.at + 1] === "&") return null;
		this.at++;
		return "&";
	}

	ranges(): string {
		const out: string[] = [];
		do {
			if (out.length >= U32_MAX) throw new Refusal(`at most ${U32_MAX} values in a u32 test`);
			const min = this.number();
			const max = this.take(":") ? this.number() : min;
			out.push(min === max ? hex(min) : `${hex(min)}:${hex(max)}`);
		} while (this.take(","));
		return out.join(",");
	}

	all(): string {
		const tests: string[] = [];
		do {
			if (tests.length >= U32_MAX + 1) throw new Refusal(`at most ${U32_MAX + 1} u32 tests`);
			tests.push(this.test());
		} while (this.take("&&"));
		this.skip();
		if (this.at < this.text.length) throw new Refusal(`&& or the end of the u32 tests, at character ${this.at + 1}`);
		return tests.join("&&");
	}
}

const u32Tests: ValueType = {
	wordCount: 1,
	expected: "u32 tests: location=value[:value][,…][&&…]",
	parse: ([word = ""]) => ({ kind: "string", value: new U32Reader(word).all() }),
	print: (value) => (value.kind === "string" ? `"${value.value}"` : ""),
};

const u32: ExtensionTable = {
	name: "u32",
	kind: "match",
	options: [{ name: "u32", type: u32Tests, negatable: true, mandatory: true }],
};

/** Most instructions of a program given as text. */
const BPF_MAX = 64;
const BPF_RETURN = 6;

const bytecode: ValueType = {
	wordCount: 1,
	expected: "a BPF program: COUNT, then COUNT instructions `code jt jf k`, separated by commas",
	parse: ([word = ""]) => {
		const [countText = "", ...lines] = word.split(",").map((part) => part.trim());
		const count = readUint(countText, 1, BPF_MAX, bytecode.expected);
		if (lines.length !== count) throw new Refusal(`${count} BPF instructions, as the count says`);
		const instructions = lines.map((line) => {
			const parts = line.split(/\s+/);
			if (parts.length !== 4) throw new Refusal(bytecode.expected);
			return parts.map((part, index) =>
				readUint(part, 0, [0xffff, 0xff, 0xff, 0xffffffff][index] as number, bytecode.expected),
			);
		});
		checkBpf(instructions);
		return { kind: "string", value: [count, ...instructions.map((parts) => parts.join(" "))].join(",") };
	},
	print: (value) => (value.kind === "string" ? `"${value.value}"` : ""),
};

/** The kernel takes no program that jumps past its end or does not end in a return. */
function checkBpf(instructions: number[][]): void {
	const last = instructions[instructions.length - 1] as number[];
	if (((last[0] as number) & 7) !== BPF_RETURN) throw new Refusal("a BPF program that ends with a return");
	for (const [index, [code = 0, jt = 0, jf = 0, k = 0]] of instructions.entries()) {
		const isJump = (code & 7) === 5;
		const farthest = (code & 0xf0) === 0 ? k : Math.max(jt, jf);
		if (isJump && index + 1 + farthest >= instructions.length)
			throw new Refusal("a BPF program whose jumps stay inside it");
	}
}

const bpf: ExtensionTable = {
	name: "bpf",
	kind: "match",
	options: [
		{ name: "bytecode", type: bytecode, excludes: ["object-pinned"] },
		{ name: "object-pinned", type: text({ max: 511 }), excludes: ["bytecode"] },
	],
	oneOf: [["bytecode", "object-pinned"]],
	check: (options, context) => {
		if (context.strict && optionOf(options, "object-pinned"))
			throw new Refusal("a pinned BPF object that exists", null, 0, "object-pinned");
	},
};

export const payloadMatches: ExtensionTable[] = [string, u32, bpf];
