// The tunnel devices of a network form a ring, so that each finds the others (DEVICE_NEXT_VTEP).

import * as L from "../assembly/layout.ts";
import type { Rows } from "./views.ts";

export interface TunnelsState {
	before: ReadonlyMap<number, number>;
	last: number;
}

export class Tunnels {
	readonly #rows: Rows;
	/** The one before each, by row. */
	readonly #before: Map<number, number>;
	#last: number;

	constructor(rows: Rows, { before, last }: TunnelsState = { before: new Map(), last: -1 }) {
		this.#rows = rows;
		this.#before = new Map(before);
		this.#last = last;
	}

	/** Copied. */
	get state(): TunnelsState {
		return { before: new Map(this.#before), last: this.#last };
	}

	/** A tunnel device comes behind the last one. */
	join(row: number): void {
		const next = this.#last < 0 ? row : this.#nextOf(this.#last);
		this.#follow(this.#last < 0 ? row : this.#last, row);
		this.#follow(row, next);
		this.#last = row;
	}

	leave(row: number): void {
		const before = this.#before.get(row);
		if (before === undefined) throw new RangeError(`device ${row} is no tunnel`);
		if (before === row) this.#last = -1;
		else this.#follow(before, this.#nextOf(row));
		if (this.#last === row) this.#last = before;
		this.#before.delete(row);
	}

	#nextOf(row: number): number {
		return this.#rows.view.getInt32(this.#rows.at(L.TABLE_DEVICE, row) + L.DEVICE_NEXT_VTEP, true);
	}

	#follow(row: number, next: number): void {
		this.#rows.setI32(this.#rows.at(L.TABLE_DEVICE, row) + L.DEVICE_NEXT_VTEP, next);
		this.#before.set(next, row);
	}
}
