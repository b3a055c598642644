// Rows of a table that are free again, in pieces: what is taken is of the same length where there is one, else cut from a
// longer one. Neighbours become one piece only when no piece is long enough.

export interface FreeBlocksState {
	byLength: Map<number, number[]>;
	given: number;
}

export class FreeBlocks {
	/** First rows, by length. */
	#byLength: Map<number, number[]>;
	/** Pieces that were given since neighbours were last joined. */
	#given: number;

	constructor({ byLength, given }: FreeBlocksState = { byLength: new Map(), given: 0 }) {
		this.#byLength = byLength;
		this.#given = given;
	}

	/** Copied. */
	get state(): FreeBlocksState {
		return { byLength: new Map([...this.#byLength].map(([rows, firsts]) => [rows, [...firsts]])), given: this.#given };
	}

	give(first: number, rows: number): void {
		if (rows === 0) return;
		const pieces = this.#byLength.get(rows);
		if (pieces === undefined) this.#byLength.set(rows, [first]);
		else pieces.push(first);
		this.#given++;
	}

	/** First row of a piece of just so many; null: there is none as long. */
	take(rows: number): number | null {
		return this.#same(rows) ?? this.#cut(rows) ?? (this.#join() ? (this.#same(rows) ?? this.#cut(rows)) : null);
	}

	#same(rows: number): number | null {
		const pieces = this.#byLength.get(rows);
		const first = pieces?.pop();
		if (pieces?.length === 0) this.#byLength.delete(rows);
		return first ?? null;
	}

	/** From the shortest piece that is longer. */
	#cut(rows: number): number | null {
		let shortest = Number.POSITIVE_INFINITY;
		for (const length of this.#byLength.keys()) if (length > rows && length < shortest) shortest = length;
		const first = this.#same(shortest);
		if (first === null) return null;
		this.give(first + rows, shortest - rows);
		return first;
	}

	/** Makes neighbours one piece. False: that was tried already. */
	#join(): boolean {
		if (this.#given === 0) return false;
		const pieces = [...this.#byLength].flatMap(([rows, firsts]) => firsts.map((first) => ({ first, rows })));
		pieces.sort((a, b) => a.first - b.first);
		this.#byLength = new Map();
		let open = { first: -1, rows: 0 };
		for (const piece of pieces) {
			if (open.first + open.rows === piece.first) open.rows += piece.rows;
			else {
				this.give(open.first, open.rows);
				open = piece;
			}
		}
		this.give(open.first, open.rows);
		this.#given = 0;
		return true;
	}
}
