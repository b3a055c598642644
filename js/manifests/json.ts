// JSON text (one object after another, as `kubectl get -o json` prints) to documents with positions; RFC 8259.
// JSON.parse gives no positions, takes any depth and keeps only the last of duplicate keys, so it is not used.

import { type Document, type Limits, Places, type Text } from "./document.ts";
import { ManifestError, quote } from "./error.ts";

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const SPACE = /[ \t\r\n]*/y;
/** A string without its quotes: escapes and anything but quote, backslash and control characters. */
const STRING = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;

/** Whether kubectl would read the text as JSON: its first character is `{`. */
export function looksLikeJson(text: string): boolean {
	return /^\s*\{/.test(text);
}

/** Documents of a JSON text. The first error ends it. */
export function parseJson(
	text: Text,
	options: { limits: Limits; strict: boolean },
): { documents: Document[]; errors: ManifestError[] } {
	const reader = new Reader(text, options);
	const documents: Document[] = [];
	try {
		for (let offset = reader.space(); offset < text.text.length; offset = reader.space()) {
			if (documents.length >= options.limits.documentsMax)
				throw reader.error(`more than ${options.limits.documentsMax} documents in one file`);
			documents.push({ text, root: reader.value(0), offset, places: reader.places });
		}
	} catch (error) {
		if (!(error instanceof ManifestError)) throw error;
		return { documents, errors: [error] };
	}
	return { documents, errors: [] };
}

class Reader {
	readonly places = new Places();
	private readonly text: Text;
	private readonly options: { limits: Limits; strict: boolean };
	private at = 0;

	constructor(text: Text, options: { limits: Limits; strict: boolean }) {
		this.text = text;
		this.options = options;
	}

	error(detail: string, at = this.at): ManifestError {
		return this.text.error(at, "", `JSON: ${detail}`);
	}

	/** Skips white space; the offset of what follows. */
	space(): number {
		SPACE.lastIndex = this.at;
		SPACE.exec(this.text.text);
		this.at = SPACE.lastIndex;
		return this.at;
	}

	value(depth: number): unknown {
		if (depth > this.options.limits.depthMax)
			throw this.error(`nested deeper than ${this.options.limits.depthMax} levels`);
		switch (this.text.text[this.at]) {
			case "{":
				return this.map(depth);
			case "[":
				return this.list(depth);
			case '"':
				return this.string();
			case "t":
				return this.word("true", true);
			case "f":
				return this.word("false", false);
			case "n":
				return this.word("null", null);
			default:
				return this.number();
		}
	}

	private word(word: string, value: boolean | null): boolean | null {
		if (!this.text.text.startsWith(word, this.at)) throw this.unexpected("a value");
		this.at += word.length;
		return value;
	}

	private unexpected(wanted: string): ManifestError {
		const found = this.text.text[this.at];
		return this.error(
			found === undefined ? `the text ends where ${wanted} should be` : `expected ${wanted}, got ${quote(found)}`,
		);
	}

	private expect(character: string): void {
		if (this.text.text[this.at] !== character) throw this.unexpected(quote(character));
		this.at++;
	}

	private number(): number {
		NUMBER.lastIndex = this.at;
		const match = NUMBER.exec(this.text.text);
		if (match === null) throw this.unexpected("a value");
		this.at = NUMBER.lastIndex;
		return Number(match[0]);
	}

	private string(): string {
		const start = this.at;
		this.expect('"');
		STRING.lastIndex = this.at;
		STRING.exec(this.text.text);
		this.at = Math.max(this.at, STRING.lastIndex);
		if (this.text.text[this.at] !== '"') throw this.unexpected('the end of the string ("\\"")');
		this.at++;
		if (this.at - start > this.options.limits.scalarCharsMax) {
			throw this.error(`a string of more than ${this.options.limits.scalarCharsMax} characters`, start);
		}
		return JSON.parse(this.text.text.slice(start, this.at)) as string;
	}

	private list(depth: number): unknown[] {
		const list: unknown[] = [];
		this.at++;
		this.space();
		while (this.text.text[this.at] !== "]") {
			if (list.length > 0) {
				this.expect(",");
				this.space();
			}
			this.places.set(list, String(list.length), { key: this.at, value: this.at });
			list.push(this.value(depth + 1));
			this.space();
		}
		this.at++;
		return list;
	}

	private map(depth: number): Record<string, unknown> {
		const map: Record<string, unknown> = Object.create(null);
		let first = true;
		this.at++;
		this.space();
		while (this.text.text[this.at] !== "}") {
			if (!first) {
				this.expect(",");
				this.space();
			}
			first = false;
			this.field(map, depth);
			this.space();
		}
		this.at++;
		return map;
	}

	private field(map: Record<string, unknown>, depth: number): void {
		const keyAt = this.at;
		if (this.text.text[this.at] !== '"') throw this.unexpected('a key ("...")');
		const key = this.string();
		if (key in map && this.options.strict) throw this.error(`key ${quote(key)} is already defined in this map`, keyAt);
		this.space();
		this.expect(":");
		const valueAt = this.space();
		map[key] = this.value(depth + 1);
		this.places.set(map, key, { key: keyAt, value: valueAt });
	}
}
