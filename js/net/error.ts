// The one error of every text reader in js/net: where in the text, which word, what was expected, and the nearest
// thing that would have been right. The message leads with `file:line:column` as compilers do.

export interface TextErrorDetail {
	/** Name of the text: a path, or what the caller calls it. */
	file?: string | null;
	/** 1-based. */
	line?: number | null;
	/** 1-based, in UTF-16 units of the line. */
	column?: number | null;
	/** The offending word as it was written; null where something is missing. */
	word?: string | null;
	/** What was expected there, a noun phrase. */
	expected: string;
	/** The valid word nearest to the offending one. */
	nearest?: string | null;
}

export class TextError extends Error {
	readonly file: string;
	readonly line: number;
	readonly column: number;
	readonly word: string | null;
	readonly expected: string;
	readonly nearest: string | null;

	constructor(detail: TextErrorDetail) {
		const file = detail.file ?? "-";
		const line = detail.line ?? 1;
		const column = detail.column ?? 1;
		const word = detail.word ?? null;
		const nearest = detail.nearest ?? null;
		const got = word === null ? "" : `${JSON.stringify(word)}: `;
		const hint = nearest === null ? "" : ` (nearest: ${nearest})`;
		super(`${file}:${line}:${column}: ${got}expected ${detail.expected}${hint}`);
		this.name = "TextError";
		this.file = file;
		this.line = line;
		this.column = column;
		this.word = word;
		this.expected = detail.expected;
		this.nearest = nearest;
	}
}

/** The candidate with the smallest edit distance to `word`, if that is at most a third of its length (at least 1). */
export function nearestWord(word: string, candidates: Iterable<string>): string | null {
	let best: string | null = null;
	let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
	for (const candidate of candidates) {
		if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
		const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
		if (distance < bestDistance) {
			bestDistance = distance;
			best = candidate;
		}
	}
	return best;
}

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
	let beforePrevious: number[] = [];
	let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
	for (let i = 1; i <= a.length; i++) {
		const current = [i];
		for (let j = 1; j <= b.length; j++) {
			const replace = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			let least = Math.min(replace, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
				least = Math.min(least, (beforePrevious[j - 2] ?? 0) + 1);
			}
			current.push(least);
		}
		beforePrevious = previous;
		previous = current;
	}
	return previous[b.length] ?? 0;
}
