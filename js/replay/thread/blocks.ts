// A source's bytes in blocks that another thread brings to be filled: whoever has opened the source may keep its own memory.

import { chunksOf, type FlowInput } from "../../flows/open.ts";

export class Blocks {
	readonly #stream: FlowInput["stream"];
	#chunks: ReturnType<typeof chunksOf> | null = null;
	/** Of the chunk at hand, what is not handed over. */
	#rest: Uint8Array = new Uint8Array();
	#last: Promise<unknown> = Promise.resolve();

	constructor(stream: FlowInput["stream"]) {
		this.#stream = stream;
	}

	/**
	 * Fills the beginning of a block with the next bytes: how many; 0: the stream has ended. Blocks that are brought at once are filled in
	 * their order. Throws what the stream does.
	 */
	fill(block: Uint8Array): Promise<number> {
		const filled = this.#last.then(() => this.#read(block));
		this.#last = filled.catch(() => undefined);
		return filled;
	}

	async #read(block: Uint8Array): Promise<number> {
		if ("readInto" in this.#stream) return this.#stream.readInto(block);
		this.#chunks ??= chunksOf(this.#stream);
		while (this.#rest.length === 0) {
			const { done, value } = await this.#chunks.next();
			if (done) return 0;
			this.#rest = value;
		}
		const part = this.#rest.subarray(0, block.length);
		block.set(part);
		this.#rest = this.#rest.subarray(part.length);
		return part.length;
	}

	/** Lets go of the source. */
	async close(): Promise<void> {
		await this.#last;
		if ("readInto" in this.#stream) this.#stream.close();
		else await (this.#chunks ?? chunksOf(this.#stream)).return();
	}
}
