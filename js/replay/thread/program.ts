// What the thread that reads runs: files come in as blocks of bytes, rows go out as drafts. It is a program of its own (`reader.js`
// beside the engine), a Web Worker's.

import * as L from "../../../assembly/layout.ts";
import type { PacketColumns } from "../../flows/columns.ts";
import type { FlowSource } from "../../flows/open.ts";
import { type Reading, readSources, rowsBefore, tallyOf } from "../reading.ts";
import { Arrivals } from "./arrivals.ts";
import { type Asked, type FromReader, plainError, type Rows, type ToReader } from "./messages.ts";
import { RemoteFile } from "./remotefile.ts";

type Send = (message: FromReader, transfer?: ArrayBuffer[]) => void;

/** Rows of one message, at most, and messages that are under way. */
const ROWS = 4 * L.COLUMN_ROWS;
const MESSAGES_AHEAD = 4;

class Reader {
	readonly #send: Send;
	#files: RemoteFile[] = [];
	/** Room for drafts. */
	readonly #free = new Arrivals<ArrayBuffer>();

	constructor(send: Send) {
		this.#send = send;
	}

	receive(message: ToReader): void {
		if (message.kind === "block") this.#files[message.file]?.arrived(message);
		else if (message.kind === "taken") this.#free.add(message.drafts);
		else this.#read(message).catch((error) => this.#send({ kind: "failed", error: plainError(error) }));
	}

	async #read({ module, files, owned, options, untilNs }: Asked): Promise<void> {
		for (let i = 0; i < MESSAGES_AHEAD; i++) this.#free.add(new ArrayBuffer(ROWS * L.BATCH_STRIDE));
		this.#files = files.map(
			(_, file) => new RemoteFile((block) => this.#send({ kind: "wanted", file, block }, [block])),
		);
		const sources = files.map((name, file) => ({ name, open: () => this.#files[file] as RemoteFile }));
		const reading = readSources(sources, owned, { ...options, module });
		const rows = new Outgoing(reading, owned.names.length);
		let isWhole = true;
		try {
			for await (const columns of reading.batches) {
				const count = rowsBefore(columns, untilNs);
				isWhole = count === columns.count;
				if (count > 0) rows.add(columns, count);
				if (rows.isFull) await this.#hand(rows);
				if (!isWhole) break;
			}
		} finally {
			// Rows before damage are carried.
			if (!rows.isEmpty) await this.#hand(rows);
		}
		this.#send({ kind: "read", tally: tallyOf(reading), isWhole });
	}

	async #hand(rows: Outgoing): Promise<void> {
		const drafts = await this.#free.next();
		this.#send(rows.take(drafts), [drafts]);
	}
}

/** Rows that are to be handed over, and what came up with them. */
class Outgoing {
	readonly #reading: Reading;
	#room = 0;
	#count = 0;
	#firstNs = 0n;
	#lastNs = 0n;
	#read = 0;
	#names: number;
	#addresses = 0;

	/** `names`: owners that are known. */
	constructor(reading: Reading, names: number) {
		this.#reading = reading;
		this.#names = names;
	}

	get #recording() {
		return (this.#reading.sources[0] as FlowSource).addresses.recording;
	}

	get isEmpty(): boolean {
		return this.#read === 0;
	}

	/** A batch more may not fit. */
	get isFull(): boolean {
		return this.#count > ROWS - L.COLUMN_ROWS;
	}

	add(columns: PacketColumns, count: number): void {
		if (this.#room === 0) this.#room = this.#recording.draftRoom(ROWS);
		if (this.#read === 0) this.#firstNs = columns.timeNs[0] as bigint;
		this.#lastNs = columns.timeNs[count - 1] as bigint;
		this.#read += count;
		this.#count += this.#recording.draft(columns, count, this.#room + this.#count * L.BATCH_STRIDE);
	}

	/** `drafts`: where they are to be, ROWS of them at most. */
	take(drafts: ArrayBuffer): Rows {
		const { owners } = this.#reading;
		const count = this.#count;
		new Uint8Array(drafts).set(this.#recording.bytes(this.#room, count * L.BATCH_STRIDE));
		const names = owners.names.slice(this.#names);
		const addresses = this.#newAddresses();
		this.#names += names.length;
		this.#read = 0;
		this.#count = 0;
		return { kind: "rows", drafts, count, firstNs: this.#firstNs, lastNs: this.#lastNs, names, addresses };
	}

	/** Of IPv6. They are numbered in their order. */
	#newAddresses(): Uint8Array<ArrayBuffer> {
		const first = this.#addresses;
		this.#addresses = this.#recording.engine.addressCount();
		return this.#recording.addressBytes(first, this.#addresses);
	}
}

declare const self: {
	postMessage: Send;
	onmessage: (event: { data: ToReader }) => void;
};

const reader = new Reader((message, transfer) => self.postMessage(message, transfer));
self.onmessage = ({ data }) => reader.receive(data);
