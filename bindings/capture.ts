// A capture file that a recording's engine reads: bytes go in as blocks, rows come out in columns, and a status says what the
// file has besides: an interface to be numbered, damage, its end.

import * as L from "../assembly/layout.ts";
import type { PacketColumns } from "./columns.ts";
import type { Recording } from "./recording.ts";

/** Where a read stopped, and what it found there: READ_*. */
export interface ReadStatus {
	status: number;
	/** Byte offset in the (uncompressed) file. */
	offset: number;
	a: bigint;
	b: bigint;
}

/** An interface that the file describes. */
export interface DescribedInterface {
	/** pcapng: its number in its section. Linux cooked v2: the ifindex. */
	id: number;
	linktype: number;
	name: string | null;
	description: string | null;
}

export interface CaptureCounts {
	records: number;
	rows: number;
	arp: number;
	malformed: number;
	headless: number;
	cut: number;
	tunnelled: number;
}

const UTF8 = new TextDecoder();

export class Capture {
	readonly #recording: Recording;
	readonly #at: number;

	/** `format`: SOURCE_PCAP or SOURCE_PCAPNG; `options`: SOURCE_STRICT, SOURCE_DECAPSULATE. */
	constructor(recording: Recording, format: number, options: number) {
		this.#recording = recording;
		this.#at = recording.placed(recording.engine.captureOpen(format, options));
	}

	/** Bytes to be overwritten with the next `count` of the file, before any other call; then `filled`. */
	room(count: number): Uint8Array<ArrayBuffer> {
		const address = this.#recording.placed(this.#recording.engine.captureRoom(this.#at, count));
		return this.#recording.bytes(address, count);
	}

	/** That many bytes were written into `room`. */
	filled(count: number): void {
		this.#recording.engine.captureFilled(this.#at, count);
	}

	/** Appends rows to `columns` until it or the file's bytes are used up. */
	read(columns: PacketColumns): number {
		const { engine } = this.#recording;
		const status = engine.captureRead(this.#at, columns.address, columns.count, columns.capacity);
		columns.count = this.#recording.view.getUint32(this.#at + L.SOURCE_COUNT, true);
		return status;
	}

	/** Says which number the interface of READ_INTERFACE has; the row that waited for it is in `columns` then. */
	numbered(columns: PacketColumns, index: number): void {
		this.#recording.engine.captureInterface(this.#at, columns.address, index);
		columns.count = this.#recording.view.getUint32(this.#at + L.SOURCE_COUNT, true);
	}

	/** The file has no more bytes: READ_ENDED, or what is missing. */
	end(): number {
		return this.#recording.engine.captureEnd(this.#at);
	}

	/** What the last read stopped at. */
	found(status: number): ReadStatus {
		const { view } = this.#recording;
		return {
			status,
			offset: Number(view.getBigUint64(this.#at + L.SOURCE_OFFSET, true)),
			a: view.getBigUint64(this.#at + L.SOURCE_A, true),
			b: view.getBigUint64(this.#at + L.SOURCE_B, true),
		};
	}

	/** READ_TIME: the interface's offset in seconds. */
	get offsetSeconds(): bigint {
		const { view } = this.#recording;
		const high = BigInt(view.getInt32(this.#at + L.SOURCE_LINKTYPE, true));
		return (high << 32n) | BigInt(view.getUint32(this.#at + L.SOURCE_ID, true));
	}

	/** The interface of READ_INTERFACE. */
	described(): DescribedInterface {
		const { view } = this.#recording;
		return {
			id: view.getUint32(this.#at + L.SOURCE_ID, true),
			linktype: view.getUint32(this.#at + L.SOURCE_LINKTYPE, true),
			name: this.#text(L.SOURCE_NAME, L.SOURCE_NAME_BYTES),
			description: this.#text(L.SOURCE_DESCRIPTION, L.SOURCE_DESCRIPTION_BYTES),
		};
	}

	#text(at: number, bytes: number): string | null {
		const { view } = this.#recording;
		const count = view.getInt32(this.#at + bytes, true);
		return count < 0 ? null : UTF8.decode(this.#recording.bytes(view.getUint32(this.#at + at, true), count));
	}

	get counts(): CaptureCounts {
		const { view } = this.#recording;
		const count = (at: number) => Number(view.getBigUint64(this.#at + at, true));
		return {
			records: count(L.SOURCE_RECORDS),
			rows: count(L.SOURCE_ROWS),
			arp: count(L.SOURCE_ARP),
			malformed: count(L.SOURCE_MALFORMED),
			headless: count(L.SOURCE_HEADLESS),
			cut: count(L.SOURCE_CUT),
			tunnelled: count(L.SOURCE_TUNNELLED),
		};
	}

	/** Frames of kinds that are not read, by ethertype; 802.3 lengths at 0. */
	ethertypes(): Map<number, number> {
		const { view } = this.#recording;
		const at = view.getUint32(this.#at + L.SOURCE_ETHERTYPES, true);
		const counts = new Uint32Array(view.buffer, at, 65536);
		const seen = new Map<number, number>();
		for (let type = 0; type < counts.length; type++) {
			const count = counts[type] as number;
			if (count > 0) seen.set(type, count);
		}
		return seen;
	}
}
