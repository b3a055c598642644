// An engine's memory as those of its pages that are not empty: most of its tables are.
//
// Runs of pages: pages that are left out, pages that follow, their bytes; to the end of the memory.

import { ByteReader, ByteWriter } from "./bytes.ts";

/** Bytes; a part of the pages that Wasm's memory grows by. */
const PAGE = 4096;

/** `memory`: whole pages of Wasm's. */
export function writePages(memory: Uint8Array): Uint8Array<ArrayBuffer> {
	const words = new Int32Array(memory.buffer, memory.byteOffset, memory.byteLength / 4);
	const count = memory.length / PAGE;
	const out = new ByteWriter();
	out.uint(count);
	for (let page = 0; page < count; ) {
		const first = nextPage(words, page, count, false);
		const end = nextPage(words, first, count, true);
		out.uint(first - page);
		out.uint(end - first);
		out.bytes(memory.subarray(first * PAGE, end * PAGE));
		page = end;
	}
	return out.take();
}

/** The first page from one on that is empty, or is not. */
function nextPage(words: Int32Array, from: number, count: number, empty: boolean): number {
	let page = from;
	while (page < count && isEmpty(words, page) !== empty) page++;
	return page;
}

function isEmpty(words: Int32Array, page: number): boolean {
	const end = ((page + 1) * PAGE) / 4;
	for (let at = (page * PAGE) / 4; at < end; at++) if (words[at] !== 0) return false;
	return true;
}

/** Throws SnapshotError, also where it would be more than `most` bytes. */
export function readPages(part: string, bytes: Uint8Array, most = 2 ** 32): Uint8Array<ArrayBuffer> {
	const input = new ByteReader(part, bytes);
	const count = input.uint();
	if (count * PAGE > most) throw input.broken(`${count} pages are too many`);
	const memory = new Uint8Array(count * PAGE);
	for (let page = 0; page < count; ) {
		page += input.uint();
		const pages = input.uint();
		if (page + pages > count) throw input.broken(`page ${page + pages} of ${count}`);
		memory.set(input.bytes(pages * PAGE), page * PAGE);
		page += pages;
		if (pages === 0 && page < count) throw input.broken(`no page follows page ${page} of ${count}`);
	}
	if (input.left > 0) throw input.broken(`${input.left} bytes are left over`);
	return memory;
}
