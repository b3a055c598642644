// What comes when it comes, for one who waits for it.

/** One waits at a time. */
export class Arrivals<T> {
	#here: T[] = [];
	#waiting: ((value: T) => void) | null = null;

	add(value: T): void {
		const waiting = this.#waiting;
		this.#waiting = null;
		if (waiting === null) this.#here.push(value);
		else waiting(value);
	}

	next(): Promise<T> {
		const value = this.#here.shift();
		if (value !== undefined) return Promise.resolve(value);
		return new Promise((resolve) => {
			this.#waiting = resolve;
		});
	}
}
