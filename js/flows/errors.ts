// What a reader of captures, flow records or events says about input that it cannot take: where, what was found, and
// what was expected there. Offsets are of the uncompressed bytes.

/** Damage in a capture. `offset` is in bytes from the start of the (uncompressed) file. */
export class CaptureError extends Error {
	readonly file: string;
	readonly offset: number;
	readonly expected: string;
	/** The file ends inside a record, as where who wrote it was stopped: nothing is wrong with what comes before. */
	readonly truncated: boolean;

	constructor(
		file: string,
		offset: number,
		found: string,
		expected: string,
		{ truncated = false, ...options }: ErrorOptions & { truncated?: boolean } = {},
	) {
		super(`${file}: offset=${offset}: ${found}; expected ${expected}`, options);
		this.truncated = truncated;
		this.name = "CaptureError";
		this.file = file;
		this.offset = offset;
		this.expected = expected;
	}
}

/** A line of flow records or events that cannot be read. Line and column count from 1; `column` counts characters. */
export class LineError extends Error {
	readonly file: string;
	readonly line: number;
	readonly column: number;
	readonly expected: string;

	constructor(file: string, line: number, column: number, found: string, expected: string) {
		super(`${file}:${line}:${column}: ${found}; expected ${expected}`);
		this.name = "LineError";
		this.file = file;
		this.line = line;
		this.column = column;
		this.expected = expected;
	}
}

/** A word of the input as an error may show it: control characters out, at most 40 characters. */
export function shown(word: string): string {
	const clean = word.replace(/\p{Cc}/gu, "?");
	return JSON.stringify(clean.length > 40 ? `${clean.slice(0, 37)}...` : clean);
}
