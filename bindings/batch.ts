// Packets into TABLE_BATCH, a whole batch a crossing: records that a recording's engine has written are copied into the engine
// that carries them, and no object is made a packet.

import * as L from "../assembly/layout.ts";
import type { PacketColumns } from "./columns.ts";
import type { Core } from "./core.ts";
import type { KeptRows, Recording } from "./recording.ts";
import { CapacityError } from "./views.ts";

/** Numbers of a replay as the engine counts them, since `reset`. */
export interface OfferCounts {
	/** Rows handed over, and those that a netns sent. */
	rows: number;
	carried: number;
	/** Recorded replies whose flow nobody answered in this run. */
	unanswerable: number;
}

export class Batch {
	readonly #core: Core;
	readonly #recording: Recording;
	readonly #replies: number;
	readonly #capacity: number;
	#echoReplies = 0;
	#rows = 0;
	#carried = 0;
	/** IPv6 addresses of the recording that have a number in the engine that carries. */
	#numbered = 0;

	/** Forgets all flows and counts of `core`, which carries what `recording` has read; answers as `replies` says (REPLIES_*). */
	constructor(core: Core, recording: Recording, replies: number) {
		this.#core = core;
		this.#recording = recording;
		this.#replies = replies;
		this.#capacity = Math.min(core.engine.capacity(L.TABLE_BATCH), L.COLUMN_ROWS);
		core.engine.flowsReset();
		core.engine.replayReset();
		core.engine.replayMode(replies);
		recording.engine.batchReset();
		recording.placed(recording.engine.batchRecords());
	}

	/** Gives the IPv6 addresses that the recording has by now their numbers in the engine that carries. Throws AddressesFullError. */
	number(): void {
		const { engine } = this.#recording;
		for (const count = engine.addressCount(); this.#numbered < count; this.#numbered++) {
			const [hi, lo] = this.#recording.address(this.#numbered);
			this.#recording.placed(engine.addAddressNumber(this.#core.rows.addresses.intern(hi, lo)));
		}
	}

	/**
	 * Adds the classified rows from `row` on, below `end`, up to the first that is not before `dueNs`; hands batches over as they
	 * fill. Returns where it stopped. Throws as `submit`.
	 */
	add(columns: Pick<PacketColumns, "address">, row: number, end: number, dueNs: bigint): number {
		return this.#fill(this.#recording.engine.fillBatch, columns.address, row, end, dueNs);
	}

	/** The same for rows that were kept. */
	addKept({ address, count }: KeptRows, row: number, dueNs: bigint): number {
		return this.#fill(this.#recording.engine.fillKept, address, row, count, dueNs);
	}

	#fill(fill: Recording["engine"]["fillBatch"], address: number, row: number, end: number, dueNs: bigint): number {
		const { engine } = this.#recording;
		const replies = this.#replies === L.REPLIES_NONE ? 0 : 1;
		for (let at = row; ; this.submit()) {
			at = fill(address, at, end, this.#capacity, dueNs, replies);
			if (engine.batchCount() < this.#capacity) return at;
		}
	}

	/** Hands over what has been added. Throws CapacityError where flows or packets found their tables full. */
	submit(): void {
		const from = this.#recording.engine;
		const count = from.batchCount();
		if (count === 0) return;
		const { engine } = this.#core;
		const records = this.#recording.bytes(from.batchRecords() >>> 0, count * L.BATCH_STRIDE);
		new Uint8Array(engine.memory.buffer, this.#core.batch(0), records.length).set(records);
		this.#echoReplies += from.batchEchoReplies();
		from.batchTaken();
		this.#rows += count;
		this.#carried += engine.offer(count);
		if (engine.flowsOverflow() > 0) throw new CapacityError(L.TABLE_FLOW, engine.capacity(L.TABLE_FLOW));
		const explained = this.#carried + this.#echoReplies + engine.repliesUnanswerable();
		if (explained < this.#rows) throw new CapacityError(L.TABLE_PACKET, engine.capacity(L.TABLE_PACKET));
	}

	/** Moves the engine's clock, after all that has been added. */
	tick(now: bigint): void {
		this.submit();
		this.#core.engine.tick(now);
	}

	/** Lets everything happen that still waits (neighbours that never answer). */
	settle(): void {
		this.submit();
		const { engine } = this.#core;
		for (let due = engine.due(); due < NEVER; due = engine.due()) engine.tick(due);
	}

	get counts(): OfferCounts {
		return { rows: this.#rows, carried: this.#carried, unanswerable: this.#core.engine.repliesUnanswerable() };
	}
}

const NEVER = (1n << 63n) - 1n;
