// A file that another thread has opened: its bytes come in blocks, which go back to be filled again.

import type { BlockFile } from "../../flows/reader.ts";
import { Arrivals } from "./arrivals.ts";
import { BLOCK, type FileBlock } from "./messages.ts";

/** Blocks that are asked for before they are needed. */
const AHEAD = 8;

export class RemoteFile implements BlockFile, AsyncIterable<Uint8Array> {
	readonly #ask: (block: ArrayBuffer) => void;
	readonly #blocks = new Arrivals<FileBlock>();
	/** The one that is read, and how far; null: none is here. */
	#block: FileBlock | null = null;
	#at = 0;
	#asked = false;

	/** `ask`: sends for the next bytes. */
	constructor(ask: (block: ArrayBuffer) => void) {
		this.#ask = ask;
	}

	arrived(block: FileBlock): void {
		this.#blocks.add(block);
	}

	/** The next block is here. */
	async turn(): Promise<void> {
		if (!this.#asked) for (let i = 0; i < AHEAD; i++) this.#ask(new ArrayBuffer(BLOCK));
		this.#asked = true;
		if (this.#block !== null) return;
		this.#block = await this.#blocks.next();
		this.#at = 0;
	}

	/** After `turn`. */
	readInto(into: Uint8Array): number {
		const from = this.#block;
		if (from === null || from.count === 0) return 0;
		const count = Math.min(into.length, from.count - this.#at);
		into.set(new Uint8Array(from.block, this.#at, count));
		this.#at += count;
		if (this.#at === from.count) {
			this.#block = null;
			this.#ask(from.block);
		}
		return count;
	}

	close(): void {}

	/** Pieces of their own: who unpacks them may keep them a while. */
	async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
		for (;;) {
			await this.turn();
			const piece = new Uint8Array(BLOCK);
			const count = this.readInto(piece);
			if (count === 0) return;
			yield piece.subarray(0, count);
		}
	}
}
