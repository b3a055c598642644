// The file that a snapshot is (docs/snapshot.md): a header, a directory of sections, the sections.
//
//   0   8  89 50 57 53 0d 0a 1a 0a    `\x89PWS`, and line ends that a transfer as text would change
//   8   4  format
//  12   4  sections
//  16   4  bytes of the directory, from 24 on
//  20   4  CRC-32 of bytes 0-19 and the directory
//  24      by section: length of its name 1, name, packing 1 (0 as it is, 1 gzip), bytes in the file 8, bytes unpacked 8,
//          CRC-32 of those in the file 4
//          the sections in this order, one behind another, to the end of the file
//
// All numbers little-endian.

import { crc32 } from "./crc32.ts";
import { SnapshotError } from "./error.ts";
import { gunzip, gzip } from "./gzip.ts";

/** Another one for any other meaning of the bytes (tests/snapshot/format.test.ts). */
export const FORMAT = 2;

const MAGIC = [0x89, 0x50, 0x57, 0x53, 0x0d, 0x0a, 0x1a, 0x0a];
const HEADER = 24;
const ENTRY = 22;
const AS_IS = 0;
const GZIP = 1;
/** Of one section unpacked: what an engine's memory can be. */
const SECTION_MAX = 2 ** 32;

export interface Section {
	/** ASCII, up to 255 letters. */
	name: string;
	bytes: Uint8Array<ArrayBuffer>;
	/** Whether it is packed. */
	packs: boolean;
}

interface Entry {
	name: string;
	packing: number;
	/** In the file. */
	first: number;
	length: number;
	/** Unpacked. */
	size: number;
	crc: number;
}

export async function writeFile(sections: readonly Section[]): Promise<Uint8Array<ArrayBuffer>> {
	const stored = await Promise.all(sections.map(({ bytes, packs }) => (packs ? gzip(bytes) : bytes)));
	const directoryBytes = sections.reduce((sum, { name }) => sum + ENTRY + name.length, 0);
	const file = new Uint8Array(stored.reduce((sum, { length }) => sum + length, HEADER + directoryBytes));
	const view = new DataView(file.buffer);
	file.set(MAGIC);
	view.setUint32(8, FORMAT, true);
	view.setUint32(12, sections.length, true);
	view.setUint32(16, directoryBytes, true);
	let at = HEADER;
	let first = HEADER + directoryBytes;
	for (const [i, { name, bytes, packs }] of sections.entries()) {
		const own = stored[i] as Uint8Array<ArrayBuffer>;
		view.setUint8(at++, name.length);
		for (const letter of name) view.setUint8(at++, letter.charCodeAt(0));
		view.setUint8(at, packs ? GZIP : AS_IS);
		view.setBigUint64(at + 1, BigInt(own.length), true);
		view.setBigUint64(at + 9, BigInt(bytes.length), true);
		view.setUint32(at + 17, crc32(own), true);
		at += ENTRY - 1;
		file.set(own, first);
		first += own.length;
	}
	view.setUint32(20, checksum(file, directoryBytes), true);
	return file;
}

function checksum(file: Uint8Array, directoryBytes: number): number {
	return crc32(file.subarray(HEADER, HEADER + directoryBytes), crc32(file.subarray(0, 20)));
}

/** The sections of a file, each unpacked when it is asked for. Throws SnapshotError where the file is foreign, cut off, damaged, or of another format. */
export class SnapshotFile {
	readonly #file: Uint8Array<ArrayBuffer>;
	readonly #entries: ReadonlyMap<string, Entry>;

	constructor(file: Uint8Array<ArrayBuffer>) {
		this.#file = file;
		const directoryBytes = checkHeader(file);
		this.#entries = new Map(entriesOf(file, directoryBytes).map((entry) => [entry.name, entry]));
	}

	get names(): string[] {
		return [...this.#entries.keys()];
	}

	/** Bytes that a section takes in the file, and unpacked. */
	sizeOf(name: string): { stored: number; unpacked: number } {
		const { length, size } = this.#entryOf(name);
		return { stored: length, unpacked: size };
	}

	/** Throws SnapshotError. */
	async section(name: string): Promise<Uint8Array<ArrayBuffer>> {
		const { first, length, size, packing, crc } = this.#entryOf(name);
		const stored = this.#file.subarray(first, first + length);
		if (crc32(stored) !== crc) throw new SnapshotError(name, first, "is damaged: its checksum is another one");
		if (packing === GZIP) return gunzip(name, stored, size);
		return stored;
	}

	#entryOf(name: string): Entry {
		const entry = this.#entries.get(name);
		if (entry === undefined) throw new SnapshotError("directory", null, `has no section ${name}`);
		return entry;
	}
}

/** Returns the directory's length. */
function checkHeader(file: Uint8Array<ArrayBuffer>): number {
	const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
	const differs = MAGIC.findIndex((byte, i) => file[i] !== byte);
	if (differs >= 0 && differs < file.length) {
		const asText = differs >= 4 ? ", or was transferred as text" : "";
		throw new SnapshotError("header", differs, `this is no snapshot of podwire's${asText}`);
	}
	if (file.length < HEADER) throw cutOff("header", file.length, HEADER);
	const format = view.getUint32(8, true);
	if (format !== FORMAT) {
		const age = format > FORMAT ? "a newer podwire's" : "an older podwire's";
		throw new SnapshotError("header", 8, `format ${format} is ${age}; this one reads ${FORMAT} alone`);
	}
	const directoryBytes = view.getUint32(16, true);
	if (file.length < HEADER + directoryBytes) throw cutOff("directory", file.length, HEADER + directoryBytes);
	if (checksum(file, directoryBytes) !== view.getUint32(20, true))
		throw new SnapshotError("directory", 20, "is damaged: its checksum is another one");
	return directoryBytes;
}

function entriesOf(file: Uint8Array<ArrayBuffer>, directoryBytes: number): Entry[] {
	const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
	const end = HEADER + directoryBytes;
	let at = HEADER;
	let first = end;
	const entries = Array.from({ length: Math.min(view.getUint32(12, true), directoryBytes / ENTRY) }, (): Entry => {
		const letters = at < end ? view.getUint8(at) : 0;
		if (at + ENTRY + letters > end) throw new SnapshotError("directory", at, "ends within an entry");
		const name = String.fromCharCode(...file.subarray(at + 1, at + 1 + letters));
		at += 1 + letters;
		const length = Number(view.getBigUint64(at + 1, true));
		const size = Number(view.getBigUint64(at + 9, true));
		const entry = { name, packing: view.getUint8(at), first, length, size, crc: view.getUint32(at + 17, true) };
		if (entry.packing > GZIP)
			throw new SnapshotError("directory", at, `section ${name}: there is no packing ${entry.packing}`);
		if (size > SECTION_MAX) throw new SnapshotError("directory", at + 9, `section ${name}: ${size} bytes are too many`);
		at += ENTRY - 1;
		first += length;
		return entry;
	});
	const last = entries.find((entry) => entry.first + entry.length > file.length);
	if (last !== undefined) throw cutOff(last.name, file.length, first);
	if (first < file.length) throw new SnapshotError("end", first, `${file.length - first} bytes are left over`);
	return entries;
}

function cutOff(part: string, length: number, expected: number): SnapshotError {
	return new SnapshotError(part, length, `the file ends here: ${expected} bytes are expected`);
}
