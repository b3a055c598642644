// gzip by the platform's own streams, which Node, Deno and browsers have.

import { SnapshotError } from "./error.ts";

export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
	const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
	return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** Just so many bytes. Throws SnapshotError, before more of them are made. */
export async function gunzip(
	part: string,
	packed: Uint8Array<ArrayBuffer>,
	length: number,
): Promise<Uint8Array<ArrayBuffer>> {
	const bytes = new Uint8Array(length);
	const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
	const reader = stream.getReader();
	let at = 0;
	try {
		for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
			const more = value as Uint8Array;
			if (at + more.length > length) throw new SnapshotError(part, null, `is unpacked to more than ${length} bytes`);
			bytes.set(more, at);
			at += more.length;
		}
	} catch (error) {
		await reader.cancel().catch(() => undefined);
		if (error instanceof SnapshotError) throw error;
		throw new SnapshotError(part, at, `is no gzip: ${(error as Error).message}`);
	}
	if (at < length) throw new SnapshotError(part, at, `${length} bytes are expected`);
	return bytes;
}
