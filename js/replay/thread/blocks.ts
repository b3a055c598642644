// A source's bytes as blocks of their own, which can be handed to another thread: whoever has opened the source may keep its.

import { chunksOf, type FlowInput } from "../../flows/open.ts";

/** Bytes of a block, at most. */
const BLOCK = 1 << 18;

export class Blocks {
	readonly #stream: FlowInput["stream"];
	#chunks: ReturnType<typeof chunksOf> | null = null;
	/** Of the chunk at hand, what is not handed over. */
	#rest = new Uint8Array();
	#last: Promise<unknown> = Promise.resolve();

	constructor(stream: FlowInput["stream"]) {
		this.#stream = stream;
	}

	/** The next block; none: the stream has ended. Those that are asked for at once come in their order. Throws what the stream does. */
	next(): Promise<Uint8Array<ArrayBuffer>> {
		const next = this.#last.then(() => this.#read());
		this.#last = next.catch(() => undefined);
		return next;
	}

	async #read(): Promise<Uint8Array<ArrayBuffer>> {
		if ("readInto" in this.#stream) {
			const block = new Uint8Array(BLOCK);
			return block.subarray(0, this.#stream.readInto(block));
		}
		this.#chunks ??= chunksOf(this.#stream);
		while (this.#rest.length === 0) {
			const { done, value } = await this.#chunks.next();
			if (done) return new Uint8Array();
			this.#rest = value as Uint8Array<ArrayBuffer>;
		}
		// A Buffer's `slice` is no copy.
		const block = new Uint8Array(this.#rest.subarray(0, BLOCK));
		this.#rest = this.#rest.subarray(BLOCK);
		return block;
	}

	/** Lets go of the source. */
	async close(): Promise<void> {
		await this.#last;
		if ("readInto" in this.#stream) this.#stream.close();
		else await (this.#chunks ?? chunksOf(this.#stream)).return();
	}
}
