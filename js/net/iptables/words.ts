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

/** Words of a line of iptables-restore input. `offset`: columns before the text. */
export function splitRestoreLine(text: string, place: Place, offset = 0): Word[] {
	const words: Word[] = [];
	let current = "";
	let start = -1;
	let quoted = false;
	let open = false;
	const end = (): void => {
		if (start >= 0) words.push({ text: current, column: offset + start + 1, quoted });
		current = "";
		start = -1;
		quoted = false;
	};
	for (let i = 0; i < text.length; i++) {
		const char = text[i] as string;
		if (open) {
			if (char === "\\" && i + 1 < text.length) current += text[++i];
			else if (char === '"') {
				open = false;
				end();
			} else current += char;
		} else if (char === '"') {
			if (start < 0) start = i;
			open = true;
			quoted = true;
		} else if (char === " " || char === "\t" || char === "\r" || char === "\n") end();
		else {
			if (start < 0) start = i;
			current += char;
		}
	}
	if (open) throw unclosed(place, offset + start, text.slice(start));
	end();
	return words;
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
