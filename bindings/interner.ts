// Strings by number: device names, chain names. The engine knows numbers only.

/** Numbers strings from 0 on in the order of their first use. */
export class Interner {
	readonly #ids: Map<string, number>;
	readonly #texts: string[];

	/** `texts`: known from the start. */
	constructor(texts: readonly string[] = []) {
		this.#texts = [...texts];
		this.#ids = new Map(texts.map((text, id) => [text, id]));
	}

	/** In the order of their numbers. */
	get texts(): readonly string[] {
		return [...this.#texts];
	}

	/** How many strings are known; their numbers are 0 … size − 1. */
	get size(): number {
		return this.#texts.length;
	}

	/** The string's number; a new one where it is new. */
	intern(text: string): number {
		const known = this.#ids.get(text);
		if (known !== undefined) return known;
		const id = this.#texts.length;
		this.#ids.set(text, id);
		this.#texts.push(text);
		return id;
	}

	/** RangeError for a number that was never given out. */
	text(id: number): string {
		const text = this.#texts[id];
		if (text === undefined) throw new RangeError(`no string has the number ${id}: there are ${this.#texts.length}`);
		return text;
	}
}
