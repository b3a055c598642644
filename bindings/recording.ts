// An engine of its own for what is recorded: capture files that are read together, their rows as columns, their IPv6
// addresses. Its memory grows with them; views are made anew when it has. Nothing of a network is in it.

import * as L from "../assembly/layout.ts";
import { PacketColumns } from "./columns.ts";
import { EngineError, type EngineModule, instantiate } from "./core.ts";
import { Origin, type OriginExports } from "./origin.ts";

/** What `core.wasm` exports for recordings; `assembly/index.ts` documents each. */
interface RecordingExports extends OriginExports {
	abi(): number;
	stretch(bytes: number): number;
	inherit(): void;
	captureOpen(format: number, options: number): number;
	captureRoom(source: number, bytes: number): number;
	captureFilled(source: number, bytes: number): void;
	captureRead(source: number, columns: number, count: number, rows: number): number;
	captureInterface(source: number, columns: number, index: number): void;
	captureEnd(source: number): number;
	addColumns(): number;
	emptyColumns(columns: number): void;
	copyRows(from: number, i: number, into: number, j: number, count: number): void;
	draftRoom(count: number): number;
	draftRows(columns: number, count: number, at: number): number;
	keepRows(columns: number, count: number): number;
	keptRows(): number;
	firstAfter(columns: number, row: number, count: number, time: bigint, equal: number): number;
	isSorted(columns: number, count: number): number;
	sortRows(a: number, aCount: number, b: number, bCount: number, first: number, second: number): number;
	addressLimit(addresses: number): void;
	addressCount(): number;
	addressRows(): number;
	internWords(w0: number, w1: number, w2: number, w3: number): number;
	internFailed(): number;
	isOfLink(index: number): number;
	offersReset(copyWindowNs: bigint): void;
	setInterface(index: number, netns: number, packets: number): void;
	setNetns(netns: number, passesOn: number): void;
	classify(columns: number, row: number, count: number): number;
	ownerAskedFamily(): number;
	ownerAsked(): number;
	answerOwner(netns: number): void;
	offersCounted(which: number): number;
	surveyRows(columns: number, count: number): number;
	surveyPackets(): number;
	hasOffered(netns: number): number;
	answererRows(): number;
	answererTotal(): number;
	repliedRows(): number;
	repliedSize(): number;
	repliedRoom(flows: number): number;
	hasAnswered6(index: number): number;
	setOwnerRow(owner: number, row: number): number;
	addAddressNumber(number: number): number;
	fillBatch(columns: number, row: number, end: number, limit: number, due: bigint, replies: number): number;
	fillDrafts(drafts: number, row: number, end: number, limit: number, due: bigint, replies: number): number;
	batchReset(): void;
	batchRecords(): number;
	batchCount(): number;
	batchEchoReplies(): number;
	batchTaken(): void;
	batchPackets(): number;
	batchIpv6(): number;
	batchUnowned(): number;
}

/** What there is to offer of a batch of rows, as drafts of batch records (`assembly/capture/draft`) in the recording's memory. */
export interface Drafts {
	/** Of the first draft. */
	address: number;
	/** Drafts: fewer than rows where some are not offered. */
	count: number;
	/** Time of the first and of the last row of the batch. */
	firstNs: bigint;
	lastNs: bigint;
}

/** Where an empty engine for a recording comes from. */
export type TakeRecording = (module: EngineModule) => Recording;

const ADDRESS_BYTES = 16;
/** More than the module's variables take. */
const GLOBALS_ROOM = 65536;

export class Recording {
	readonly engine: RecordingExports;
	#columns: PacketColumns[] = [];
	#view: DataView;
	/** null: it is made anew, not emptied. */
	readonly #origin: Origin | null;
	/** Where tables are laid out that a reading asks for. */
	readonly #room: number;

	constructor(module: EngineModule) {
		this.engine = instantiate<RecordingExports>(module);
		const abi = this.engine.abi();
		if (abi !== L.ABI) throw new EngineError(`core.wasm has ABI ${abi}, this package wants ${L.ABI}`);
		this.#room = this.engine.memory.buffer.byteLength;
		this.#origin = this.engine.stretch(this.#room + GLOBALS_ROOM) ? Origin.of(this.engine, this.#room) : null;
		this.#view = new DataView(this.engine.memory.buffer);
	}

	/** Bytes of the memory. */
	get bytesHeld(): number {
		return this.engine.memory.buffer.byteLength;
	}

	/**
	 * Makes the engine what it was before it read anything; columns of then are gone. Memory that it has got since stays as it is, for
	 * who lays something out there makes it zero where it has to be. False: it is not known what the engine was.
	 */
	makeEmpty(): boolean {
		if (this.#origin === null) return false;
		this.#origin.restore(this.#room);
		this.engine.inherit();
		this.#columns = [];
		return true;
	}

	/** The whole memory. To be asked for after each call of the engine. */
	get view(): DataView {
		this.settle();
		return this.#view;
	}

	/** Bytes of the memory; they hold until the engine is called. */
	bytes(address: number, count: number): Uint8Array<ArrayBuffer> {
		return new Uint8Array(this.engine.memory.buffer, address, count);
	}

	/** After a call that may have grown the memory: makes the views of all columns anew. */
	settle(): void {
		const { buffer } = this.engine.memory;
		if (this.#view.buffer === buffer) return;
		this.#view = new DataView(buffer);
		for (const columns of this.#columns) columns.bind(buffer);
	}

	/** An address that the engine returned. Throws EngineError where it is 0: the memory is at its maximum. */
	placed(address: number): number {
		if (address === 0) throw new EngineError("a recording does not fit into the engine's memory");
		this.settle();
		return address >>> 0;
	}

	/** Empty columns of 8 to 4096 rows; they live as long as the recording. */
	columns(rows: number): PacketColumns {
		const address = this.placed(this.engine.addColumns());
		const columns = new PacketColumns(this.engine.memory.buffer, address, rows);
		this.#columns.push(columns);
		return columns;
	}

	empty(columns: PacketColumns): void {
		this.engine.emptyColumns(columns.address);
		columns.count = 0;
	}

	/** Appends rows `from` to `from + count` of `source` to `target`. */
	append(target: PacketColumns, source: PacketColumns, from: number, count: number): void {
		this.engine.copyRows(source.address, from, target.address, target.count, count);
		target.count += count;
	}

	/** Keeps what there is to offer of classified rows as long as the recording lives. null: there is no room. */
	keep(source: PacketColumns): Drafts | null {
		const address = this.engine.keepRows(source.address, source.count) >>> 0;
		this.settle();
		if (address === 0) return null;
		const { timeNs, count } = source;
		return { address, count: this.engine.keptRows(), firstNs: timeNs[0] ?? 0n, lastNs: timeNs[count - 1] ?? 0n };
	}

	/** Room for `count` drafts, as long as the recording lives: its address. */
	draftRoom(count: number): number {
		return this.placed(this.engine.draftRoom(count));
	}

	/** Writes drafts of the first `count` rows into room at `address`; how many, fewer where some are not offered. */
	draft(source: Pick<PacketColumns, "address">, count: number, address: number): number {
		return this.engine.draftRows(source.address, count, address);
	}

	/** The first row from `row` on that is later than `timeNs`, or where `equal` not before it. */
	firstAfter(columns: PacketColumns, row: number, timeNs: bigint, equal: boolean): number {
		return this.engine.firstAfter(columns.address, row, columns.count, timeNs, equal ? 1 : 0);
	}

	isSorted(columns: PacketColumns): boolean {
		return this.engine.isSorted(columns.address, columns.count) !== 0;
	}

	/** Sorts the rows of `a` and `b` together, equal times as they came: as many as `a` has into `first`, the rest into `second`. */
	sort(a: PacketColumns, b: PacketColumns | null, first: PacketColumns, second: PacketColumns): void {
		const bCount = b === null ? 0 : b.count;
		const done = this.engine.sortRows(
			a.address,
			a.count,
			b === null ? a.address : b.address,
			bCount,
			first.address,
			second.address,
		);
		this.placed(done);
		first.count = a.count;
		if (b !== null) second.count = bCount;
	}

	/** Adds classified rows to what a first reading finds out. */
	survey(columns: PacketColumns): void {
		this.placed(this.engine.surveyRows(columns.address, columns.count));
	}

	/** IPv4 addresses that answered, or that flow records were sent to, in the order of their first rows. */
	answerers(): Uint32Array {
		const { buffer } = this.engine.memory;
		return new Uint32Array(buffer, this.engine.answererRows() >>> 0, this.engine.answererTotal()).slice();
	}

	/** Indices of the IPv6 addresses that did so, ascending. */
	answerers6(): number[] {
		const { engine } = this;
		const all = Array.from({ length: engine.addressCount() }, (_, index) => index);
		return all.filter((index) => engine.hasAnswered6(index) !== 0);
	}

	/** The first and last 64 bits of the IPv6 address at `index`. */
	address(index: number): [hi: bigint, lo: bigint] {
		const at = (this.engine.addressRows() >>> 0) + index * ADDRESS_BYTES;
		const { view } = this;
		return [view.getBigUint64(at), view.getBigUint64(at + 8)];
	}

	/** Copied: the IPv6 addresses from index `first` on, below `end`, 16 bytes each, as in packets. */
	addressBytes(first: number, end: number): Uint8Array<ArrayBuffer> {
		const at = (this.engine.addressRows() >>> 0) + first * ADDRESS_BYTES;
		return this.bytes(at, (end - first) * ADDRESS_BYTES).slice();
	}

	/** Bit by flow number: the flow has recorded replies. */
	replied(): Uint32Array {
		const { buffer } = this.engine.memory;
		return new Uint32Array(buffer, this.engine.repliedRows() >>> 0, this.engine.repliedSize() >>> 2).slice();
	}

	/** What a first reading found out about flows, for this one. */
	knowReplied(bits: Uint32Array): void {
		if (bits.length === 0) return;
		const address = this.placed(this.engine.repliedRoom(bits.length * 32 - 1));
		new Uint32Array(this.engine.memory.buffer, address, bits.length).set(bits);
	}
}
