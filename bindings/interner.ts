// Strings by number: names of devices, and of those that rules ask for. The engine knows numbers only.

/** By number: the string, null for one that nobody has; and how many have it. Numbers that are free, the next one last. */
export interface InternerState {
	texts: readonly (string | null)[];
	users: readonly number[];
	free: readonly number[];
}

/** Numbers strings from 0 on. A string keeps its number as long as somebody has it; then another one may get it. */
export class Interner {
	readonly #ids: Map<string, number>;
	readonly #texts: (string | null)[];
	/** Who has each. */
	readonly #users: number[];
	readonly #free: number[];

	constructor({ texts, users, free }: InternerState = { texts: [], users: [], free: [] }) {
		this.#texts = [...texts];
		this.#users = [...users];
		this.#ids = new Map(texts.flatMap((text, id) => (text === null ? [] : [[text, id]])));
		this.#free = [...free];
	}

	/** Copied. */
	get state(): InternerState {
		return { texts: [...this.#texts], users: [...this.#users], free: [...this.#free] };
	}

	/** Numbers that were ever given out are 0 … size − 1. */
	get size(): number {
		return this.#texts.length;
	}

	/** The string's number, of which there is one more user now; a new one where it is new. */
	intern(text: string): number {
		const known = this.#ids.get(text);
		if (known !== undefined) {
			this.#users[known] = (this.#users[known] ?? 0) + 1;
			return known;
		}
		const id = this.#free.pop() ?? this.#texts.length;
		this.#ids.set(text, id);
		this.#texts[id] = text;
		this.#users[id] = 1;
		return id;
	}

	/** One user less. */
	release(text: string): void {
		const id = this.#ids.get(text);
		if (id === undefined) throw new RangeError(`nobody has the string ${JSON.stringify(text)}`);
		const users = (this.#users[id] ?? 0) - 1;
		this.#users[id] = users;
		if (users > 0) return;
		this.#ids.delete(text);
		this.#texts[id] = null;
		this.#free.push(id);
	}

	/** Null for a number that nobody has. */
	text(id: number): string | null {
		return this.#texts[id] ?? null;
	}
}
