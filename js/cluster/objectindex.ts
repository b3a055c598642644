// Keys of objects by a value of theirs, in order. Versions share what they have in common, so a copy is a reference.

import type { KubernetesObject } from "../api/meta.ts";
import { entriesFrom, rankOf, type Treap, treapOf, withEntry, withoutEntry } from "../apiserver/storage/treap.ts";

/** Ends a value: below everything that a value or a key holds. */
const END = "\0";
const BEYOND = "\x01";

export class ObjectIndex {
	readonly #valuesOf: (object: KubernetesObject) => readonly string[];
	/** Keys by value and key. */
	#keys: Treap<string> = null;

	constructor(valuesOf: (object: KubernetesObject) => readonly string[]) {
		this.#valuesOf = valuesOf;
	}

	/** Of all objects at once: forgets those before. Keys are told apart. */
	fill(objects: Iterable<readonly [key: string, object: KubernetesObject]>): void {
		const entries = new Map<string, string>();
		for (const [key, object] of objects) for (const value of this.#valuesOf(object)) entries.set(slot(value, key), key);
		this.#keys = treapOf([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
	}

	/** One object changed: undefined where there was none, or is none. */
	change(key: string, previous: KubernetesObject | undefined, object: KubernetesObject | undefined): void {
		const before = previous === undefined ? [] : this.#valuesOf(previous);
		const now = object === undefined ? [] : this.#valuesOf(object);
		for (const value of before) if (!now.includes(value)) this.#keys = withoutEntry(this.#keys, slot(value, key));
		for (const value of now) if (!before.includes(value)) this.#keys = withEntry(this.#keys, slot(value, key), key);
	}

	/** In order. */
	keys(value: string): string[] {
		const found: string[] = [];
		for (const { key, value: own } of entriesFrom(this.#keys, value + END)) {
			if (!key.startsWith(value + END)) break;
			found.push(own);
		}
		return found;
	}

	count(value: string): number {
		return rankOf(this.#keys, value + BEYOND) - rankOf(this.#keys, value + END);
	}

	/** The same, with a future of its own. */
	fork(): ObjectIndex {
		const copy = new ObjectIndex(this.#valuesOf);
		copy.#keys = this.#keys;
		return copy;
	}
}

const slot = (value: string, key: string) => value + END + key;
