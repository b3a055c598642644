// The wire format of protocol buffers (protobuf.dev/programming-guides/encoding): fields by number, each a varint, eight or four
// bytes, or bytes with their length. What a field holds is decided above.

/** The bytes are no message; where that was noticed. */
export class WireError extends Error {
	override readonly name = "WireError";
}

export interface WireField {
	number: number;
	/** A varint or fixed number, as unsigned 64 bits; or the bytes of a length-delimited field. */
	value: bigint | Uint8Array;
}

const VARINT_MAX = 10;

/** Of a varint: the value, and the offset that follows it. */
function varint(bytes: Uint8Array, start: number): [bigint, number] {
	let value = 0n;
	for (let i = 0; i < VARINT_MAX; i++) {
		const byte = bytes[start + i];
		if (byte === undefined) throw new WireError("unexpected EOF");
		value |= BigInt(byte & 0x7f) << BigInt(7 * i);
		if (byte < 0x80) return [BigInt.asUintN(64, value), start + i + 1];
	}
	throw new WireError("integer overflow");
}

/** The fields of a message in their order. Throws WireError. */
export function* fieldsOf(bytes: Uint8Array): Generator<WireField, void> {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const within = (end: number) => {
		if (end > bytes.length) throw new WireError("unexpected EOF");
		return end;
	};
	for (let offset = 0; offset < bytes.length; ) {
		const [tag, after] = varint(bytes, offset);
		const number = Number(tag >> 3n);
		if (number < 1) throw new WireError(`illegal tag ${number}`);
		switch (Number(tag & 7n)) {
			case 0: {
				const [value, next] = varint(bytes, after);
				yield { number, value };
				offset = next;
				break;
			}
			case 1:
				offset = within(after + 8);
				yield { number, value: view.getBigUint64(after, true) };
				break;
			case 2: {
				const [length, start] = varint(bytes, after);
				offset = within(start + Number(length));
				yield { number, value: bytes.subarray(start, offset) };
				break;
			}
			case 5:
				offset = within(after + 4);
				yield { number, value: BigInt(view.getUint32(after, true)) };
				break;
			default:
				throw new WireError(`illegal wire type ${tag & 7n}`);
		}
	}
}

/** Varints one after another: a packed repeated field. Throws WireError. */
export function* packedOf(bytes: Uint8Array): Generator<bigint, void> {
	for (let offset = 0; offset < bytes.length; ) {
		const [value, next] = varint(bytes, offset);
		yield value;
		offset = next;
	}
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Throws WireError where the bytes are no UTF-8. */
export function textOf(bytes: Uint8Array): string {
	try {
		return decoder.decode(bytes);
	} catch {
		throw new WireError("invalid UTF-8");
	}
}
