// A file as bytes from its beginning, for hosts with Node's modules: read straight into memory that its reader has ready, or in
// pieces of its own for who has none.

import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";

/** Bytes of a piece. */
const PIECE = 1 << 18;
/** Reads after which the host gets a turn: signals, progress, other files. */
const READS_A_TURN = 32;

export class FileBytes implements AsyncIterable<Uint8Array> {
	readonly #path: string;
	#fd: number | null = null;
	#reads = 0;

	/** Opened when it is first read; an error is the host's. */
	constructor(path: string) {
		this.#path = path;
	}

	/** Fills the beginning of `into` with the next bytes; how many, 0: the file has ended. */
	readInto(into: Uint8Array): number {
		this.#fd ??= openSync(this.#path, "r");
		return readSync(this.#fd, into);
	}

	/** A turn for the host, now and then. */
	async turn(): Promise<void> {
		this.#reads = (this.#reads + 1) % READS_A_TURN;
		if (this.#reads === 0) await setImmediate();
	}

	close(): void {
		if (this.#fd !== null) closeSync(this.#fd);
		this.#fd = null;
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
		try {
			for (;;) {
				const piece = new Uint8Array(PIECE);
				const count = this.readInto(piece);
				if (count === 0) return;
				yield piece.subarray(0, count);
				await this.turn();
			}
		} finally {
			this.close();
		}
	}
}
