// The bytes of a stream as one growing window, so that a record may span chunks of any size. The window moves on as
// records are consumed; it grows only to the size of the largest record.

const FIRST_BYTES = 512 * 1024;
/** A larger chunk is taken in pieces of this size, so that a whole file given as one chunk is not copied whole. */
export const PIECE_BYTES = 256 * 1024;

export class Inlet {
	#bytes = new Uint8Array(FIRST_BYTES);
	view = new DataView(this.#bytes.buffer);
	/** Unconsumed bytes of `view`; `start` may lie behind `end` while bytes are skipped. */
	start = 0;
	end = 0;
	/** File offset of `view`'s first byte. */
	base = 0;

	append(piece: Uint8Array): void {
		if (this.end + piece.length > this.#bytes.length) this.#compact(piece.length);
		this.#bytes.set(piece, this.end);
		this.end += piece.length;
	}

	#compact(more: number): void {
		const from = Math.min(this.start, this.end);
		const kept = this.end - from;
		let bytes = this.#bytes;
		if (kept + more > bytes.length) bytes = new Uint8Array(Math.max(bytes.length * 2, kept + more));
		bytes.set(this.#bytes.subarray(from, this.end));
		if (bytes !== this.#bytes) this.view = new DataView(bytes.buffer);
		this.#bytes = bytes;
		this.base += from;
		this.start -= from;
		this.end = kept;
	}
}
