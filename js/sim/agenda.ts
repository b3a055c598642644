// Pending work as data: what is to be looked at, when, in one total order. No promise, closure or timer waits inside a cluster,
// so that a copy of the agenda is a future of its own.

/** One key of one component, due at a time. `seq`: among those due at one time, the order in which they came. */
export interface Pending {
	readonly at: bigint;
	readonly seq: number;
	readonly component: string;
	readonly key: string;
	/** Work that a settling need not wait for. */
	readonly idle: boolean;
}

const slotOf = ({ component, key, idle }: Pick<Pending, "component" | "key" | "idle">) =>
	`${idle ? "i" : "p"} ${component} ${key}`;

const isBefore = (a: Pending, b: Pending) => a.at < b.at || (a.at === b.at && a.seq < b.seq);

export interface AgendaState {
	/** In order. */
	pending: readonly Pending[];
	seq: number;
}

export class Agenda {
	/** A binary heap; entries that `#due` does not have any more are skipped. */
	#heap: Pending[] = [];
	/** The one entry of a component's key, and of its idle work. */
	#due = new Map<string, Pending>();
	#seq = 0;
	#progress = 0;

	/** With the state of another one. */
	static of({ pending, seq }: AgendaState): Agenda {
		const agenda = new Agenda();
		// What is in order is a heap.
		agenda.#heap = [...pending];
		agenda.#due = new Map(pending.map((one) => [slotOf(one), one]));
		agenda.#progress = pending.filter(({ idle }) => !idle).length;
		agenda.#seq = seq;
		return agenda;
	}

	get state(): AgendaState {
		return { pending: this.entries(), seq: this.#seq };
	}

	/** Entries that a settling waits for. */
	get progress(): number {
		return this.#progress;
	}

	get size(): number {
		return this.#due.size;
	}

	/** A key that is there already stays where it is, unless the new time is earlier (client-go's delaying queue). */
	add(component: string, key: string, at: bigint, idle: boolean): void {
		const slot = slotOf({ component, key, idle });
		const before = this.#due.get(slot);
		if (before !== undefined && before.at <= at) return;
		const pending: Pending = { at, seq: this.#seq++, component, key, idle };
		this.#due.set(slot, pending);
		if (before === undefined && !idle) this.#progress++;
		this.#push(pending);
	}

	/** Takes back idle work: its object went, or does something else. */
	drop(component: string, key: string, idle: boolean): void {
		if (this.#due.delete(slotOf({ component, key, idle })) && !idle) this.#progress--;
	}

	/** The next one, which stays. */
	peek(): Pending | undefined {
		for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
			if (this.#due.get(slotOf(first)) === first) return first;
			this.#pop();
		}
		return undefined;
	}

	/** The next one, which is taken out. */
	next(): Pending | undefined {
		const first = this.peek();
		if (first === undefined) return undefined;
		this.#pop();
		this.drop(first.component, first.key, first.idle);
		return first;
	}

	/** In order. */
	entries(): Pending[] {
		return [...this.#due.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
	}

	#push(pending: Pending): void {
		const heap = this.#heap;
		let i = heap.length;
		heap.push(pending);
		while (i > 0) {
			const parent = (i - 1) >> 1;
			const above = heap[parent] as Pending;
			if (!isBefore(pending, above)) break;
			heap[i] = above;
			i = parent;
		}
		heap[i] = pending;
	}

	#pop(): void {
		const heap = this.#heap;
		const last = heap.pop() as Pending;
		if (heap.length === 0) return;
		let i = 0;
		for (;;) {
			let child = 2 * i + 1;
			if (child >= heap.length) break;
			const right = heap[child + 1];
			if (right !== undefined && isBefore(right, heap[child] as Pending)) child++;
			const below = heap[child] as Pending;
			if (!isBefore(below, last)) break;
			heap[i] = below;
			i = child;
		}
		heap[i] = last;
	}
}
