// One document of a manifest as plain values that remember where each of them stood in the text.
// Maps are null-prototype objects: `__proto__` is a key like any other. Positions hang beside the values, so that the
// values stay what JSON would give.

import { ManifestError, type Position, printable } from "./error.ts";

/** Offsets of a field's key (of an item: its value) and of its value. */
interface Place {
	key: number;
	value: number;
}

export class Text {
	readonly file: string;
	readonly text: string;
	private readonly lineStarts: number[] = [0];

	constructor(file: string, text: string) {
		this.file = file;
		this.text = text;
		for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.lineStarts.push(at + 1);
	}

	/** Position of a 0-based offset. */
	position(offset: number): Position {
		let low = 0;
		let high = this.lineStarts.length - 1;
		while (low < high) {
			const middle = (low + high + 1) >> 1;
			if ((this.lineStarts[middle] ?? 0) <= offset) low = middle;
			else high = middle - 1;
		}
		return { file: this.file, line: low + 1, column: offset - (this.lineStarts[low] ?? 0) + 1 };
	}

	/** The line at `offset` and a caret under it, at most 120 columns of it. */
	excerpt(offset: number): string {
		const { line, column } = this.position(offset);
		const start = this.lineStarts[line - 1] ?? 0;
		const end = this.text.indexOf("\n", start);
		const whole = this.text.slice(start, end < 0 ? undefined : end);
		const from = Math.max(0, column - 80);
		const shown = printable(whole.slice(from, from + 120).replace(/\t/g, " "));
		return `${shown}\n${" ".repeat(column - 1 - from)}^`;
	}

	error(offset: number, path: string, detail: string): ManifestError {
		return new ManifestError(this.position(offset), path, detail, this.excerpt(offset));
	}
}

/** Where the fields of each map and the items of each list stand. */
export class Places {
	private readonly places = new WeakMap<object, Map<string, Place>>();

	set(container: object, key: string, place: Place): void {
		let fields = this.places.get(container);
		if (fields === undefined) {
			fields = new Map();
			this.places.set(container, fields);
		}
		fields.set(key, place);
	}

	get(container: object, key: string): Place | undefined {
		return this.places.get(container)?.get(key);
	}

	/** The fields of `from` stand in `to` too (a merge key). */
	copy(from: object, to: object, key: string): void {
		const place = this.get(from, key);
		if (place !== undefined) this.set(to, key, place);
	}
}

export interface Document {
	text: Text;
	root: unknown;
	/** Offset of the root value. */
	offset: number;
	places: Places;
}

/** A copy of a program's value as JSON would carry it: null-prototype maps, lists, scalars. RangeError beyond 100 levels. */
export function plain(value: unknown, depth = 0): unknown {
	if (depth > LIMITS.depthMax) throw new RangeError(`an object nests deeper than ${LIMITS.depthMax} levels`);
	if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
	if (typeof value !== "object" || value === null) return value;
	// Without a prototype an object is a hash table, which is larger and slower.
	const copy: Record<string, unknown> = Object.hasOwn(value, "__proto__") ? Object.create(null) : {};
	for (const [key, entry] of Object.entries(value)) if (entry !== undefined) copy[key] = plain(entry, depth + 1);
	return copy;
}

/** Removes the fields that hold null: to the API server they are absent. */
export function dropNulls(value: unknown): void {
	if (typeof value !== "object" || value === null) return;
	for (const [key, entry] of Object.entries(value)) {
		if (entry !== null) dropNulls(entry);
		else if (!Array.isArray(value)) delete (value as Record<string, unknown>)[key];
	}
}

export type Path = readonly (string | number)[];

/**
 * Offset of the value at `path` below `root`, or of the nearest container that is there.
 * `key`: of the field's name instead.
 */
export function locate(document: Document, root: unknown, offset: number, path: Path, key = false): number {
	let at = offset;
	let value = root;
	path.forEach((step, index) => {
		if (typeof value !== "object" || value === null) return;
		const place = document.places.get(value, String(step));
		if (place !== undefined) at = key && index === path.length - 1 ? place.key : place.value;
		value = (value as Record<string, unknown>)[step];
	});
	return at;
}

/** `spec.ports[0].port`; a key that is no plain word is printed `["a.b/c"]`. */
export function printPath(path: Path): string {
	let text = "";
	for (const step of path) {
		if (typeof step === "number") text += `[${step}]`;
		else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) text += text === "" ? step : `.${step}`;
		else text += `[${JSON.stringify(step)}]`;
	}
	return text;
}

/** Limits for untrusted input: reliability of a reader is that nothing in a file can hang it. */
export interface Limits {
	fileCharsMax: number;
	documentsMax: number;
	depthMax: number;
	aliasesMax: number;
	scalarCharsMax: number;
	errorsMax: number;
}

export const LIMITS: Limits = {
	fileCharsMax: 16 * 1024 * 1024,
	documentsMax: 10_000,
	depthMax: 100,
	aliasesMax: 100,
	scalarCharsMax: 1024 * 1024,
	errorsMax: 50,
};
