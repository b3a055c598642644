// YAML as kubectl writes it: sigs.k8s.io/yaml, which is go-yaml v2 with sorted keys, lists not indented below their key and
// scalars folded where a line is longer than 80. A scalar's style follows go-yaml's encoder (encode.go: stringv) and emitter (emitterc.go:
// yaml_emitter_analyze_scalar, yaml_emitter_select_scalar_style, yaml_emitter_write_*_scalar). U+0085, U+2028 and U+2029, which
// are line breaks to go-yaml, are escaped here.

import { resolvePlain } from "../../manifests/scalar.ts";
import { isMap, sortedEntries, sprint } from "./goformat.ts";

const STEP = "  ";
const LINE = 80;
/** Bytes of the longest key that stands on a line with its value. */
const SIMPLE_KEY_MAX = 128;
const TIMESTAMP = /^\d{4}-\d{1,2}-\d{1,2}([Tt ]\s*\d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?\s*(Z|[+-]\d{1,2}(:\d{2})?)?)?$/;
const BASE60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

export function yamlText(value: unknown): string {
	return `${node(value, "")}\n`;
}

/** What stands after `- ` or at the start: lines after the first are indented by `pad`. */
function node(value: unknown, pad: string): string {
	if (Array.isArray(value) && value.length > 0)
		return value.map((item) => `- ${node(item, pad + STEP)}`).join(`\n${pad}`);
	if (!isMap(value)) return scalar(value, pad, pad.length);
	const entries = sortedEntries(value).filter(([, held]) => held !== undefined);
	if (entries.length === 0) return "{}";
	return entries.map(([name, held]) => member(name, held, pad)).join(`\n${pad}`);
}

function member(name: string, value: unknown, pad: string): string {
	const key = text(name, pad, null);
	const isSimple = new TextEncoder().encode(name).length <= SIMPLE_KEY_MAX;
	const start = isSimple ? `${key}:` : `? ${key}\n${pad}:`;
	// A list begins at its key's own column.
	if (Array.isArray(value) && value.length > 0) {
		const items = value.map((item) => `- ${node(item, pad + STEP)}`);
		return `${start}\n${pad}${items.join(`\n${pad}`)}`;
	}
	if (isMap(value) && Object.values(value).some((held) => held !== undefined))
		return `${start}\n${pad}${STEP}${node(value, pad + STEP)}`;
	if (isMap(value)) return `${start} {}`;
	return `${start} ${scalar(value, pad + STEP, pad.length + (isSimple ? Array.from(key).length : 0) + 2)}`;
}

/** `pad`: of lines after the first, which begins at `column`. */
function scalar(value: unknown, pad: string, column: number): string {
	if (Array.isArray(value)) return "[]";
	if (value === null || value === undefined) return "null";
	return typeof value === "string" ? text(value, pad, column) : sprint(value);
}

/** `column` null: a key, which stays on its line. */
function text(value: string, pad: string, column: number | null): string {
	const isSpecial = !isPrintable(value);
	if (value.includes("\n")) {
		const breaksLiteral = isSpecial || / (\n|$)/.test(value);
		return breaksLiteral || column === null ? doubleQuoted(value, pad, column) : literal(value, pad);
	}
	const isText = value !== "" && typeof resolvePlain(value) === "string";
	if ((!isText && value !== "<<") || TIMESTAMP.test(value) || BASE60.test(value) || isSpecial)
		return doubleQuoted(value, pad, column);
	if (isPlain(value)) return folded(Array.from(value), pad, column);
	const quoted = Array.from(value, (char) => (char === "'" ? "''" : char));
	return `'${folded(quoted, pad, column === null ? null : column + 1)}'`;
}

/** A blank that stands alone behind column 80 becomes a line break. */
function folded(chars: readonly string[], pad: string, start: number | null): string {
	if (start === null) return chars.join("");
	let column = start;
	let line = "";
	chars.forEach((char, i) => {
		const inside = i > 0 && i < chars.length - 1;
		const alone = char === " " && chars[i - 1] !== " " && chars[i + 1] !== " ";
		if (alone && inside && column > LINE) {
			line += `\n${pad}`;
			column = pad.length;
		} else {
			line += char;
			column += char === "''" ? 2 : 1;
		}
	});
	return line;
}

/** Tab is none; line feed is. */
function isPrintable(value: string): boolean {
	return /^[\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/u.test(value);
}

function isPlain(value: string): boolean {
	if (/^ | $|^---|^\.\.\.|^[#,[\]{}&*!|>'"%@`]/.test(value)) return false;
	return !/^[-?:]( |$)|:( |$)| #/.test(value);
}

function literal(value: string, pad: string): string {
	const hint = /^[ \n]/.test(value) ? "2" : "";
	const chomp = !value.endsWith("\n") ? "-" : value.endsWith("\n\n") || value === "\n" ? "+" : "";
	const lines = value.replace(/\n$/, "").split("\n");
	return [`|${hint}${chomp}`, ...lines.map((line) => (line === "" ? "" : pad + line))].join("\n");
}

const ESCAPES: Readonly<Record<string, string>> = {
	...{ "\0": "\\0", "\u0007": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r" },
	...{ "\u001b": "\\e", '"': '\\"', "\\": "\\\\", "\u0085": "\\N", "\u2028": "\\L", "\u2029": "\\P" },
};

function doubleQuoted(value: string, pad: string, start: number | null): string {
	const chars = Array.from(value);
	let column = (start ?? 0) + 1;
	let line = '"';
	chars.forEach((char, i) => {
		const inside = i > 0 && i < chars.length - 1;
		if (start !== null && char === " " && chars[i - 1] !== " " && inside && column > LINE) {
			line += `\n${pad}${chars[i + 1] === " " ? "\\" : ""}`;
			column = pad.length + (chars[i + 1] === " " ? 1 : 0);
			return;
		}
		const shown = ESCAPES[char] ?? (isPrintable(char) ? char : escaped(char));
		line += shown;
		column += shown.length;
	});
	return `${line}"`;
}

function escaped(char: string): string {
	const code = char.codePointAt(0) ?? 0;
	if (code <= 0xff) return `\\x${hex(code, 2)}`;
	return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
	return code.toString(16).toUpperCase().padStart(digits, "0");
}
