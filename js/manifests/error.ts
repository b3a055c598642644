// What a manifest error says and where: file, line, column (1-based), the path of the field, the offending line with a
// caret. Terminal control characters of the input never reach the message.

export interface Position {
	file: string;
	/** 1-based; 0 where the object did not come from a text. */
	line: number;
	/** 1-based, in UTF-16 units; 0 where the object did not come from a text. */
	column: number;
}

/** `file:line:column`, or the file alone where there is no line. */
export function printPosition({ file, line, column }: Position): string {
	return line > 0 ? `${file}:${line}:${column}` : file;
}

export class ManifestError extends Error {
	readonly file: string;
	readonly line: number;
	readonly column: number;
	/** Field path, `spec.ports[0].port`; empty for the text as a whole. */
	readonly path: string;
	/** The message without position and path. */
	readonly detail: string;
	/** The line of the text and a caret below the offending word; empty without a text. */
	readonly excerpt: string;

	constructor(position: Position, path: string, detail: string, excerpt = "") {
		const words = [printPosition(position), path, detail].filter((word) => word !== "");
		super(printable(words.join(": ")));
		this.name = "ManifestError";
		this.file = position.file;
		this.line = position.line;
		this.column = position.column;
		this.path = path;
		this.detail = printable(detail);
		this.excerpt = excerpt;
	}
}

/** A word of the input as an error shows it: quoted, cut at 60 characters. */
export function quote(value: unknown): string {
	const text = typeof value === "string" ? JSON.stringify(value) : describe(value);
	return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function describe(value: unknown): string {
	if (value === null || value === undefined) return "nothing";
	if (Array.isArray(value)) return "a list";
	return typeof value === "object" ? "a map" : String(value);
}

/** C0, C1 and ESC become spaces, so that no input can move the cursor of a terminal. */
export function printable(text: string): string {
	return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, " ");
}
