// A capture or a file of flow records, its format told by its first bytes, as batches of columns in time order. Gzip is
// undone on the way. Only Web standards: who has a file path opens it elsewhere. Left out: other compressions, Parquet,
// cloud providers' own flow log forms.

import { SOURCE_PCAP, SOURCE_PCAPNG } from "../../assembly/layout.ts";
import type { EngineModule } from "../../bindings/core.ts";
import { AddressTable } from "./addresses.ts";
import { CaptureReader } from "./capture.ts";
import { BATCH_ROWS, type PacketColumns } from "./columns.ts";
import { CaptureError } from "./errors.ts";
import { PIECE_BYTES } from "./inlet.ts";
import { InterfaceTable } from "./interfaces.ts";
import { TimeOrder } from "./order.ts";
import { BLOCK_SECTION } from "./pcapng-writer.ts";
import type { BlockFile, FormatReader, ReaderContext } from "./reader.ts";
import { RECORD_HEADER, RecordReader } from "./records.ts";
import { FlowTally } from "./tally.ts";

const FORMATS = `pcap, pcapng (either may be gzipped), or CSV with the header ${RECORD_HEADER}`;

export interface FlowInput {
	/** What errors call it: the path. */
	name: string;
	/** What also has `readInto` is read straight into the engine's memory. */
	stream: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | (AsyncIterable<Uint8Array> & BlockFile);
}

export interface FlowOptions {
	/** Stop at damage that could be passed over (default true). Damage that ends a file is an error either way. */
	strict?: boolean;
	/**
	 * A capture that ends inside a record: an error, behind all rows before it (the default), or the end, noted in the tally, as
	 * tcpdump and capinfos read what there is.
	 */
	truncated?: "error" | "end";
	/** Read what is inside VXLAN and Geneve packets in place of them (default false). */
	decapsulate?: boolean;
	/** Rows of a batch: 8 to 4096 (default 4096). */
	batchRows?: number;
	/** The engine's module; default: the package's own. */
	module?: EngineModule;
	/** To be shared by sources that are merged. */
	addresses?: AddressTable;
	interfaces?: InterfaceTable;
}

/** One source of packets. Iterate once; each batch holds until the next one is asked for. */
export interface FlowSource extends AsyncIterable<PacketColumns> {
	readonly name: string;
	readonly addresses: AddressTable;
	/** Grows while the source is read; a batch's interfaces are there with it. */
	readonly interfaces: InterfaceTable;
	readonly tally: FlowTally;
}

/** Throws CaptureError or LineError while it is iterated, after all rows before the damage were delivered. */
export function openFlows(input: FlowInput, options: FlowOptions = {}): FlowSource {
	const { strict = true, decapsulate = false, truncated = "error" } = options;
	const { addresses = new AddressTable(), interfaces = new InterfaceTable() } = options;
	const tally = new FlowTally();
	return {
		name: input.name,
		addresses,
		interfaces,
		tally,
		async *[Symbol.asyncIterator]() {
			const recording = addresses.recordingOf(options.module ?? (await ownModule()));
			const context = { file: input.name, recording, addresses, interfaces, tally, strict, decapsulate };
			try {
				yield* batches(input, context, options.batchRows ?? BATCH_ROWS);
			} catch (error) {
				if (truncated === "error" || !(error instanceof CaptureError && error.truncated)) throw error;
				tally.truncated = error;
			}
		},
	};
}

/** Asked for only where nobody gives one: a thread that reads has no others. */
async function ownModule(): Promise<EngineModule> {
	const { loadModule } = await import("#core");
	return loadModule();
}

async function* batches(
	input: FlowInput,
	context: ReaderContext,
	rows: number,
): AsyncGenerator<PacketColumns, void, undefined> {
	const order = new TimeOrder(context, rows);
	let columns = order.spare();
	let failure: { error: unknown } | null = null;
	const chunks = chunksOf(input.stream);
	try {
		const [reader, rest, plain] = await detect(chunks, input.name, context, true);
		const file = "readInto" in input.stream && plain && reader.pull !== undefined ? input.stream : null;
		for await (const _ of file === null ? appended(reader, rest) : pulled(reader, rest, file)) {
			while (reader.read(columns)) {
				const filled = columns;
				columns = order.spare();
				const ready = order.push(filled);
				if (ready !== null) yield ready;
			}
		}
		reader.finish(columns);
	} catch (error) {
		failure = { error };
	} finally {
		// Of a file whose format nobody knows nothing else is read.
		await chunks.return();
	}
	if (columns.count > 0) {
		const ready = order.push(columns);
		if (ready !== null) yield ready;
	}
	const last = order.flush();
	if (last !== null) yield last;
	if (failure !== null) throw failure.error;
}

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

/** Gives the reader piece after piece; it reads between them. */
async function* appended(reader: FormatReader, chunks: Chunks): AsyncGenerator<void, void, undefined> {
	for await (const chunk of chunks) {
		for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
			reader.append(chunk.subarray(at, at + PIECE_BYTES));
			yield;
		}
	}
}

/** As `appended`, the first chunk apart, which told the format: the reader takes the rest from the file itself. */
async function* pulled(reader: FormatReader, chunks: Chunks, file: BlockFile): AsyncGenerator<void, void, undefined> {
	try {
		const first = await chunks.next();
		if (!first.done) reader.append(first.value);
		do {
			yield;
			await file.turn();
		} while ((reader.pull?.(file) ?? 0) > 0);
	} finally {
		await chunks.return();
	}
}

/** Its reader, all of its bytes, and whether these are the file's own (`gzip`: they may have to be unpacked first). */
async function detect(
	chunks: Chunks,
	name: string,
	context: ReaderContext,
	gzip: boolean,
): Promise<[reader: FormatReader, chunks: Chunks, plain: boolean]> {
	const { head, ended } = await peek(chunks, DETECT_BYTES);
	const rest = rejoin(head, chunks);
	if (head.length === 0 && ended) throw new CaptureError(name, 0, "an empty file", FORMATS);
	if (gzip && head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b)
		return detect(gunzip(rest, name), name, context, false);
	const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
	if (head.length >= 4) {
		const magics = [view.getUint32(0), view.getUint32(0, true)];
		if (magics[0] === BLOCK_SECTION) return [new CaptureReader(context, SOURCE_PCAPNG), rest, gzip];
		if (magics.some((magic) => PCAP_MAGICS.includes(magic)))
			return [new CaptureReader(context, SOURCE_PCAP), rest, gzip];
	}
	if (looksLikeText(head)) return [new RecordReader(context), rest, gzip];
	const bytes = [...head.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
	throw new CaptureError(name, 0, `first bytes ${bytes.join(" ")}`, FORMATS);
}

/** Of microseconds and of nanoseconds. */
const PCAP_MAGICS = [0xa1b2c3d4, 0xa1b23c4d];

/** What a format is told by. */
const DETECT_BYTES = 5;

/** Printable ASCII from the first byte on, or a byte-order mark. */
function looksLikeText(head: Uint8Array): boolean {
	if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return true;
	const first = head.subarray(0, DETECT_BYTES);
	return (head[0] as number) >= 32 && first.every((byte) => byte === 10 || byte === 13 || (byte >= 32 && byte < 127));
}

/** The first `bytes` bytes or more; fewer only where the stream ended. */
async function peek(chunks: Chunks, bytes: number): Promise<{ head: Uint8Array; ended: boolean }> {
	let head = new Uint8Array(0);
	while (head.length < bytes) {
		const next = await chunks.next();
		if (next.done) return { head, ended: true };
		const joined = new Uint8Array(head.length + next.value.length);
		joined.set(head);
		joined.set(next.value, head.length);
		head = joined;
	}
	return { head, ended: false };
}

async function* rejoin(head: Uint8Array, rest: Chunks): Chunks {
	try {
		yield head;
		yield* rest;
	} finally {
		await rest.return();
	}
}

/** To be left by `return` where it is not read to its end. */
export async function* chunksOf(stream: FlowInput["stream"]): Chunks {
	if (!("getReader" in stream)) {
		yield* stream;
		return;
	}
	const reader = stream.getReader();
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			yield value;
		}
	} finally {
		// Of a stream that ended or failed this does nothing; of one that is left early it frees the source.
		await reader.cancel().catch(() => undefined);
	}
}

async function* gunzip(chunks: Chunks, name: string): Chunks {
	const compressed = new ReadableStream<Uint8Array<ArrayBuffer>>({
		async pull(controller) {
			const next = await chunks.next();
			if (next.done) controller.close();
			else controller.enqueue(next.value as Uint8Array<ArrayBuffer>);
		},
		async cancel() {
			await chunks.return();
		},
	});
	let offset = 0;
	try {
		for await (const chunk of chunksOf(compressed.pipeThrough(new DecompressionStream("gzip")))) {
			yield chunk;
			offset += chunk.length;
		}
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		throw new CaptureError(name, offset, `gzip data that cannot be undone (${why})`, "a whole gzip file", {
			cause: error,
		});
	}
}
