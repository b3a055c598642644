// Room for the numbers of one decision, used again by the next: by the order of the nodes in question, or by slot.

export class Room {
	#found = new Int32Array(0);
	#scores = new Float64Array(0);
	#counts = new Float64Array(0);
	#sums = new Float64Array(0);
	#known = new Uint8Array(0);

	/** Slots, with whatever is in them. */
	found(length: number): Int32Array {
		if (this.#found.length < length) this.#found = new Int32Array(length);
		return this.#found.subarray(0, length);
	}

	/** With whatever is in them. */
	scores(length: number): Float64Array {
		if (this.#scores.length < length) this.#scores = new Float64Array(length);
		return this.#scores.subarray(0, length);
	}

	/** By slot, all zero; whoever writes into it puts zeros back. */
	counts(length: number): Float64Array {
		if (this.#counts.length < length) this.#counts = new Float64Array(length);
		return this.#counts;
	}

	/** By domain, with whatever is in them. */
	sums(length: number): Float64Array {
		if (this.#sums.length < length) this.#sums = new Float64Array(length);
		return this.#sums.subarray(0, length);
	}

	/** By domain, with whatever is in them. */
	known(length: number): Uint8Array {
		if (this.#known.length < length) this.#known = new Uint8Array(length);
		return this.#known.subarray(0, length);
	}
}
