// A line into words with their columns, and a value back into a word. Two quotings: that of iptables-restore
// (a double quote opens and closes, a backslash escapes inside quotes only, the closing quote ends the word) and
// that of a shell command line (POSIX quoting without expansion).

import { TextError } from "../error.ts";

export interface Word {
	text: string;
	/** 1-based, in the line. */
	column: number;
	quoted: boolean;
}

export interface Place {
	file: string;
	line: number;
}

/** A word: what stands before a quote, what is quoted, the closing quote; or what has no quote in it. */
const WORD = /([^ \t\r\n"]*)"((?:[^"\\]|\\[\s\S])*)("?)|[^ \t\r\n"]+/g;

/** Words of a line of iptables-restore input. `offset`: columns before the text. */
export function splitRestoreLine(text: string, place: Place, offset = 0): Word[] {
	const words: Word[] = [];
	for (const match of text.matchAll(WORD)) {
		const [whole, before, inside, closed] = match;
		const column = offset + match.index + 1;
		if (inside === undefined) words.push({ text: whole, column, quoted: false });
		else if (closed === "") throw unclosed(place, column - 1, text.slice(match.index));
		else words.push({ text: before + unescaped(inside), column, quoted: true });
	}
	return words;
}

function unescaped(text: string): string {
	return text.includes("\\") ? text.replace(/\\([\s\S])/g, "$1") : text;
}

/** Words of a command line, quoted as a POSIX shell quotes (no expansion). */
export function splitCommandLine(text: string, place: Place): Word[] {
	const words: Word[] = [];
	let current = "";
	let start = -1;
	let quote = "";
	let quoted = false;
	for (let i = 0; i < text.length; i++) {
		const char = text[i] as string;
		if (quote === "" && /\s/.test(char)) {
			if (start >= 0) words.push({ text: current, column: start + 1, quoted });
			current = "";
			start = -1;
			quoted = false;
			continue;
		}
		if (start < 0) start = i;
		if (quote === "'" ? char === "'" : quote === '"' && char === '"') quote = "";
		else if (quote === "" && (char === "'" || char === '"')) {
			quote = char;
			quoted = true;
		} else if (char === "\\" && quote !== "'" && i + 1 < text.length) {
			const next = text[++i] as string;
			current += quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next;
		} else current += char;
	}
	if (quote !== "") throw unclosed(place, start, text.slice(start));
	if (start >= 0) words.push({ text: current, column: start + 1, quoted });
	return words;
}

function unclosed(place: Place, start: number, word: string): TextError {
	return new TextError({ ...place, column: start + 1, word, expected: "a closing quote" });
}

/** A free text as iptables-save prints it: bare where it has only letters, digits, `_` and `-`; else quoted. */
export function quoteWord(text: string): string {
	if (/^[A-Za-z0-9_-]+$/.test(text)) return text;
	return `"${text.replace(/["\\']/g, (char) => `\\${char}`)}"`;
}

/** A word so that iptables-restore reads it back as one word: quoted only where it must be. */
export function protectWord(text: string): string {
	if (/^[^\s"\\]+$/.test(text)) return text;
	return `"${text.replace(/["\\]/g, (char) => `\\${char}`)}"`;
}
