// Bytes that are written one after the other, and read so: integers of seven bits a byte (LEB128), the lowest first, doubles and
// 32-bit words as machines have them, little-endian.

import { SnapshotError } from "./error.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Texts up to so many letters are written letter by letter, as long as they are ASCII. */
const SHORT = 48;
const UTF8_MOST = 3;

export class ByteWriter {
	#bytes = new Uint8Array(1 << 16);
	#view = new DataView(this.#bytes.buffer);
	#length = 0;

	get length(): number {
		return this.#length;
	}

	/** What was written, and forgets it. */
	take(): Uint8Array<ArrayBuffer> {
		const taken = this.#bytes.slice(0, this.#length);
		this.#length = 0;
		return taken;
	}

	u8(value: number): void {
		this.#reach(1);
		this.#bytes[this.#length++] = value;
	}

	/** 0 to 2^53 - 1. */
	uint(value: number): void {
		this.#reach(8);
		let left = value;
		for (; left >= 0x80; left = Math.floor(left / 0x80)) this.#bytes[this.#length++] = (left % 0x80) | 0x80;
		this.#bytes[this.#length++] = left;
	}

	f64(value: number): void {
		this.#reach(8);
		this.#view.setFloat64(this.#length, value, true);
		this.#length += 8;
	}

	bytes(those: Uint8Array): void {
		this.#reach(those.length);
		this.#bytes.set(those, this.#length);
		this.#length += those.length;
	}

	/** Its length in bytes, and the text as UTF-8. */
	text(text: string): void {
		if (text.length <= SHORT && this.#ascii(text)) return;
		this.#reach(text.length * UTF8_MOST + 8);
		const at = this.#length;
		// Where the length goes is known when it is.
		const { written } = encoder.encodeInto(text, this.#bytes.subarray(at + 8));
		this.uint(written);
		this.#bytes.copyWithin(this.#length, at + 8, at + 8 + written);
		this.#length += written;
	}

	#ascii(text: string): boolean {
		this.#reach(text.length + 1);
		const at = this.#length + 1;
		for (let i = 0; i < text.length; i++) {
			const letter = text.charCodeAt(i);
			if (letter >= 0x80) return false;
			this.#bytes[at + i] = letter;
		}
		this.#bytes[this.#length] = text.length;
		this.#length = at + text.length;
		return true;
	}

	#reach(more: number): void {
		const wanted = this.#length + more;
		if (wanted <= this.#bytes.length) return;
		const larger = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
		larger.set(this.#bytes.subarray(0, this.#length));
		this.#bytes = larger;
		this.#view = new DataView(larger.buffer);
	}
}

/** Throws SnapshotError where the bytes end too early. */
export class ByteReader {
	readonly #part: string;
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	#at = 0;

	/** `part`: as errors name it. */
	constructor(part: string, bytes: Uint8Array) {
		this.#part = part;
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	get left(): number {
		return this.#bytes.length - this.#at;
	}

	u8(): number {
		this.#expect(1);
		return this.#bytes[this.#at++] as number;
	}

	uint(): number {
		let value = 0;
		for (let scale = 1; ; scale *= 0x80) {
			const byte = this.u8();
			value += (byte & 0x7f) * scale;
			if (value > Number.MAX_SAFE_INTEGER) throw this.broken("a number above 2^53");
			if (byte < 0x80) return value;
		}
	}

	/** How many parts follow, each of at least `bytes`. */
	count(bytes = 1): number {
		const count = this.uint();
		if (count * bytes > this.left) throw this.broken(`${count} parts in ${this.left} bytes`);
		return count;
	}

	f64(): number {
		this.#expect(8);
		this.#at += 8;
		return this.#view.getFloat64(this.#at - 8, true);
	}

	/** A view. */
	bytes(count: number): Uint8Array {
		this.#expect(count);
		this.#at += count;
		return this.#bytes.subarray(this.#at - count, this.#at);
	}

	text(): string {
		const bytes = this.bytes(this.uint());
		try {
			return decoder.decode(bytes);
		} catch {
			throw this.broken("a text that is no UTF-8");
		}
	}

	/** An error here. */
	broken(problem: string): SnapshotError {
		return new SnapshotError(this.#part, this.#at, problem);
	}

	#expect(count: number): void {
		if (count > this.left) throw this.broken(`${count} more bytes are expected, ${this.left} are left`);
	}
}
