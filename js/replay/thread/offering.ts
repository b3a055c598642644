// Rows that another thread reads while this one carries: it is told what to read (`program`), gets the files' bytes as it wants them,
// and hands over drafts, which are put into a recording here that knows nothing of the files.

import * as L from "../../../assembly/layout.ts";
import type { ReaderThread } from "../../../bindings/readerthread.ts";
import type { Recording } from "../../../bindings/recording.ts";
import { AddressTable } from "../../flows/addresses.ts";
import { type Offered, type Offering, offeredDrafts } from "../offering.ts";
import type { ReadingTally } from "../reading.ts";
import type { Survey } from "../survey.ts";
import { Arrivals } from "./arrivals.ts";
import { Blocks } from "./blocks.ts";
import { errorOf, type FromReader, type Read, type Rows, type ToReader, type Wanted } from "./messages.ts";

/** How a host starts the thread, and what it reads with: Wasm, whatever carries. */
export type StartReader = () => Promise<{ thread: ReaderThread; module: WebAssembly.Module }>;

interface Terms {
	/** Only packets before this time, ns; null: all. */
	untilNs: bigint | null;
	signal: AbortSignal | undefined;
	startReader: StartReader;
}

export class ThreadOffering implements Offering {
	readonly names: string[];
	readonly hasIPv6: boolean;
	readonly #survey: Survey;
	readonly #terms: Terms;
	readonly #addresses: AddressTable;
	/** null: it has not ended. */
	#read: Read | null = null;
	/** Of the drafts at hand: an address in the recording; 0: none yet. */
	#room = 0;

	constructor(survey: Survey, terms: Terms) {
		this.names = [...survey.owned.names];
		this.hasIPv6 = survey.owned.hasIPv6;
		this.#survey = survey;
		this.#terms = terms;
		this.#addresses = new AddressTable(undefined, survey.options.take);
	}

	get recording(): Recording {
		return this.#addresses.recording;
	}

	async *batches(): AsyncGenerator<Offered, void, undefined> {
		const { sources, owned, options } = this.#survey;
		const { untilNs, signal, startReader } = this.#terms;
		const { thread, module } = await startReader();
		const files: Blocks[] = [];
		try {
			this.#addresses.recordingOf(options.module ?? module);
			for (const source of sources) files.push(new Blocks(source.open()));
			const messages = new Messages(thread, files);
			const { taps, virtual, mappings, flows } = options;
			const asked = { module, files: sources.map(({ name }) => name), owned, untilNs };
			messages.send({ kind: "read", ...asked, options: { taps, virtual, mappings, flows } });
			for (;;) {
				const message = await messages.next();
				signal?.throwIfAborted();
				if (message.kind === "read") {
					this.#read = message;
					return;
				}
				const { drafts } = message;
				yield this.#offered(message);
				messages.send({ kind: "taken", drafts }, [drafts]);
			}
		} finally {
			await thread.end();
			for (const file of files) await file.close();
		}
	}

	#offered({ drafts, count, firstNs, lastNs, names, addresses }: Rows): Offered {
		const { recording } = this;
		for (const name of names) this.names.push(name);
		const words = new DataView(addresses.buffer);
		for (let at = 0; at < words.byteLength; at += 16) {
			const [w0, w1] = [words.getUint32(at), words.getUint32(at + 4)];
			this.#addresses.intern(w0, w1, words.getUint32(at + 8), words.getUint32(at + 12));
		}
		if (this.#room === 0) this.#room = recording.draftRoom(drafts.byteLength / L.BATCH_STRIDE);
		const bytes = count * L.BATCH_STRIDE;
		recording.bytes(this.#room, bytes).set(new Uint8Array(drafts, 0, bytes));
		return offeredDrafts({ address: this.#room, count, firstNs, lastNs });
	}

	get isWhole(): boolean {
		return this.#read?.isWhole ?? false;
	}

	/** Throws a TypeError before all has been read. */
	tally(): ReadingTally {
		if (this.#read === null) throw new TypeError("a reading that has not ended; expected its tally");
		return this.#read.tally;
	}
}

/** What the thread says about rows, in its order; blocks that it wants are sent as it asks. */
class Messages {
	readonly #thread: ReaderThread;
	readonly #files: readonly Blocks[];
	readonly #arrivals = new Arrivals<Rows | Read | { error: unknown }>();

	constructor(thread: ReaderThread, files: readonly Blocks[]) {
		this.#thread = thread;
		this.#files = files;
		const failed = (error: unknown) => this.#arrivals.add({ error });
		thread.listen((message) => {
			const said = message as FromReader;
			if (said.kind === "wanted") this.#supply(said).catch(failed);
			else if (said.kind === "failed") failed(errorOf(said.error));
			else this.#arrivals.add(said);
		}, failed);
	}

	send(message: ToReader, transfer: ArrayBuffer[] = []): void {
		this.#thread.send(message, transfer);
	}

	/** Throws what the thread or a source has thrown. */
	async next(): Promise<Rows | Read> {
		const arrived = await this.#arrivals.next();
		if ("error" in arrived) throw arrived.error;
		return arrived;
	}

	async #supply({ file, block }: Wanted): Promise<void> {
		const count = await (this.#files[file] as Blocks).fill(new Uint8Array(block));
		this.send({ kind: "block", file, block, count }, [block]);
	}
}
