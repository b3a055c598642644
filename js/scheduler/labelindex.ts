// Things that select by labels, found by the labels that they may select: each is filed under one pair that it asks for, so
// that few of them are looked at.

import type { Labels } from "../api/selector.ts";

export class LabelIndex<T> {
	#byPair = new Map<string, T[]>();
	/** Those that ask for no pair. */
	readonly #loose: T[] = [];

	/** `pairs`: labels without which it selects nothing. */
	add(item: T, pairs: Labels): void {
		let fewest: T[] | null = null;
		for (const [key, value] of Object.entries(pairs)) {
			const pair = `${key}=${value}`;
			const filed = this.#byPair.get(pair) ?? [];
			if (filed.length === 0) this.#byPair.set(pair, filed);
			if (fewest === null || filed.length < fewest.length) fewest = filed;
		}
		(fewest ?? this.#loose).push(item);
	}

	/** Whatever may select these labels. */
	*of(labels: Labels | undefined): Generator<T> {
		yield* this.#loose;
		for (const [key, value] of Object.entries(labels ?? {})) yield* this.#byPair.get(`${key}=${value}`) ?? [];
	}
}
