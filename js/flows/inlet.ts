// The bytes of a stream of text as one growing window, so that a line may span chunks of any size. The window moves on as
// lines are consumed; it grows only to the size of the longest line.

const FIRST_BYTES = 512 * 1024;
/** A larger chunk is taken in pieces of this size, so that a whole file given as one chunk is not copied whole. */
export const PIECE_BYTES = 256 * 1024;

export class Inlet {
	bytes = new Uint8Array(FIRST_BYTES);
	/** Unconsumed bytes. */
	start = 0;
	end = 0;

	append(piece: Uint8Array): void {
		if (this.end + piece.length > this.bytes.length) this.#compact(piece.length);
		this.bytes.set(piece, this.end);
		this.end += piece.length;
	}

	#compact(more: number): void {
		const kept = this.end - this.start;
		let { bytes } = this;
		if (kept + more > bytes.length) bytes = new Uint8Array(Math.max(bytes.length * 2, kept + more));
		bytes.set(this.bytes.subarray(this.start, this.end));
		this.bytes = bytes;
		this.start = 0;
		this.end = kept;
	}
}
