// Keys of objects by a value of theirs, in order. Versions share what they have in common, so a copy is a reference.

import type { KubernetesObject } from "../api/meta.ts";
import { getEntry, keysOf, sizeOf, type Treap, treapOf, withEntry, withoutEntry } from "../apiserver/storage/treap.ts";

type Keys = Treap<null>;

export class ObjectIndex {
	readonly #valuesOf: (object: KubernetesObject) => readonly string[];
	/** By value. */
	#keys: Treap<Keys> = null;

	constructor(valuesOf: (object: KubernetesObject) => readonly string[]) {
		this.#valuesOf = valuesOf;
	}

	/** Of all objects at once, in order of their keys; forgets those before. */
	fill(objects: Iterable<{ key: string; value: KubernetesObject }>): void {
		const byValue = new Map<string, Set<string>>();
		for (const { key, value: object } of objects) {
			for (const value of this.#valuesOf(object)) {
				const known = byValue.get(value);
				if (known === undefined) byValue.set(value, new Set([key]));
				else known.add(key);
			}
		}
		const values = [...byValue.keys()].sort();
		this.#keys = treapOf(
			values.map((value) => [value, treapOf(Array.from(byValue.get(value) ?? [], (key) => [key, null] as const))]),
		);
	}

	/** One object changed: undefined where there was none, or is none. */
	change(key: string, previous: KubernetesObject | undefined, object: KubernetesObject | undefined): void {
		const before = previous === undefined ? [] : this.#valuesOf(previous);
		const now = object === undefined ? [] : this.#valuesOf(object);
		for (const value of before) {
			if (now.includes(value)) continue;
			const left = withoutEntry(this.#of(value), key);
			this.#keys = left === null ? withoutEntry(this.#keys, value) : withEntry<Keys>(this.#keys, value, left);
		}
		for (const value of now)
			if (!before.includes(value))
				this.#keys = withEntry<Keys>(this.#keys, value, withEntry(this.#of(value), key, null));
	}

	/** In order. */
	keys(value: string): string[] {
		return keysOf(this.#of(value));
	}

	count(value: string): number {
		return sizeOf(this.#of(value));
	}

	/** The same, with a future of its own. */
	fork(): ObjectIndex {
		const copy = new ObjectIndex(this.#valuesOf);
		copy.#keys = this.#keys;
		return copy;
	}

	#of(value: string): Keys {
		return getEntry(this.#keys, value) ?? null;
	}
}
