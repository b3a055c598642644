// What happened, revision by revision, as far back as a watch may begin. Chunks are shared between copies of a log; only the
// last one is still written.

import type { KubernetesObject } from "../../api/meta.ts";

export interface Change {
	/** Of the whole storage, counting up by one a change. */
	readonly revision: number;
	readonly type: "ADDED" | "MODIFIED" | "DELETED";
	/** `PLURAL` or `PLURAL.GROUP`. */
	readonly resource: string;
	/** As it is now; of DELETED: as it was last, with the revision of its deletion. */
	readonly object: KubernetesObject;
	/** As it was before; undefined of ADDED. */
	readonly previous: KubernetesObject | undefined;
}

export interface ChangeLogState {
	window: number;
	/** Revision of the first change. */
	first: number;
	changes: readonly Change[];
}

const CHUNK = 1024;

export class ChangeLog {
	/** Changes that are kept at least, one a revision. */
	readonly #window: number;
	#chunks: Change[][];
	#first: number;

	/** `first`: the revision of the first change that will be written. */
	constructor(window: number, first: number, chunks: Change[][] = []) {
		this.#window = window;
		this.#first = first;
		this.#chunks = chunks;
	}

	/** Revisions below this one are forgotten. */
	get first(): number {
		return this.#first;
	}

	get #length(): number {
		const last = this.#chunks.at(-1);
		return last === undefined ? 0 : (this.#chunks.length - 1) * CHUNK + last.length;
	}

	append(change: Change): void {
		const last = this.#chunks.at(-1);
		if (last === undefined || last.length === CHUNK) this.#chunks.push([change]);
		else last.push(change);
		if (this.#length < this.#window + CHUNK) return;
		this.#chunks.shift();
		this.#first += CHUNK;
	}

	/** Forgets what lies before `revision`, by whole chunks where that is less. */
	compact(revision: number): void {
		while (this.#chunks.length > 1 && this.#first + CHUNK <= revision) {
			this.#chunks.shift();
			this.#first += CHUNK;
		}
	}

	/** Changes after `revision`, oldest first. The caller has seen to it that `revision + 1 >= first`. */
	*since(revision: number): Generator<Change, void> {
		for (let i = revision + 1 - this.#first; i < this.#length; i++) {
			yield (this.#chunks[Math.floor(i / CHUNK)] as Change[])[i % CHUNK] as Change;
		}
	}

	/** The same, newest first: what is to be undone. */
	*back(revision: number): Generator<Change, void> {
		for (let i = this.#length - 1; i > revision - this.#first; i--) {
			yield (this.#chunks[Math.floor(i / CHUNK)] as Change[])[i % CHUNK] as Change;
		}
	}

	/** What happened after `revision`, as far as it is kept. */
	stateAfter(revision: number): ChangeLogState {
		const first = Math.max(this.#first, revision + 1);
		return { window: this.#window, first, changes: [...this.since(first - 1)] };
	}

	/** Goes on where another one was. */
	static of({ window, first, changes }: ChangeLogState): ChangeLog {
		const chunks = Array.from({ length: Math.ceil(changes.length / CHUNK) }, (_, i) => {
			return changes.slice(i * CHUNK, (i + 1) * CHUNK);
		});
		return new ChangeLog(window, first, chunks);
	}

	/** A log of its own future, with the same past. */
	fork(): ChangeLog {
		const last = this.#chunks.at(-1);
		const chunks = last === undefined ? [] : [...this.#chunks.slice(0, -1), [...last]];
		return new ChangeLog(this.#window, this.#first, chunks);
	}
}
