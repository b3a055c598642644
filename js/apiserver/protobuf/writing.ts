// Fields of the wire format, written; `wire.ts` reads them. A message is its fields one after another.

const encoder = new TextEncoder();

function varint(value: number): number[] {
	const bytes: number[] = [];
	for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value & 0x7f) | 0x80);
	return [...bytes, value];
}

export function message(fields: readonly Uint8Array[]): Uint8Array {
	const all = new Uint8Array(fields.reduce((length, field) => length + field.length, 0));
	let offset = 0;
	for (const field of fields) {
		all.set(field, offset);
		offset += field.length;
	}
	return all;
}

/** A message within a message, or bytes. */
export function bytesField(number: number, value: Uint8Array): Uint8Array {
	return message([Uint8Array.from([...varint(number * 8 + 2), ...varint(value.length)]), value]);
}

export function textField(number: number, value: string): Uint8Array {
	return bytesField(number, encoder.encode(value));
}

export function flagField(number: number, value: boolean): Uint8Array {
	return Uint8Array.from([...varint(number * 8), value ? 1 : 0]);
}
