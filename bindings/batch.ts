// Packets into TABLE_BATCH, a whole batch a crossing: records that a recording's engine has written are copied into the engine
// that carries them, and no object is made a packet. Where the engine has several threads, batches are larger, and the next one
// is read and written while they are at one.

import * as L from "../assembly/layout.ts";
import type { PacketColumns } from "./columns.ts";
import type { Core } from "./core.ts";
import type { Drafts, Recording } from "./recording.ts";
import type { Threads } from "./threads.ts";
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
	readonly #threads: Threads | null;
	#echoReplies = 0;
	#rows = 0;
	#carried = 0;
	/** Rows of the batch that is being written, and its first one. */
	#held = 0;
	#first = 0;
	#heldEchoes = 0;
	/** Threads are at the other batch. */
	#begun = false;
	/** IPv6 addresses of the recording that have a number in the engine that carries. */
	#numbered = 0;

	/**
	 * Forgets all flows and counts of `core`, which carries what `recording` has read; answers as `replies` says (REPLIES_*).
	 * `threads`: those of `core`.
	 */
	constructor(core: Core, recording: Recording, replies: number, threads: Threads | null = null) {
		this.#threads = threads;
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
		if (this.#numbered < engine.addressCount()) this.#finish();
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

	/** The same for drafts of rows. */
	addDrafts({ address, count }: Pick<Drafts, "address" | "count">, row: number, dueNs: bigint): number {
		return this.#fill(this.#recording.engine.fillDrafts, address, row, count, dueNs);
	}

	#fill(fill: Recording["engine"]["fillBatch"], address: number, row: number, end: number, dueNs: bigint): number {
		const { engine } = this.#recording;
		const replies = this.#replies === L.REPLIES_NONE ? 0 : 1;
		for (let at = row; ; this.submit()) {
			at = fill(address, at, end, this.#capacity, dueNs, replies);
			if (engine.batchCount() < this.#capacity) return at;
		}
	}

	/** Hands over what has been added, if it is enough for a batch. Throws CapacityError where flows or packets found their tables full. */
	submit(): void {
		const from = this.#recording.engine;
		const count = from.batchCount();
		if (count > 0) {
			const { engine } = this.#core;
			const records = this.#recording.bytes(from.batchRecords() >>> 0, count * L.BATCH_STRIDE);
			new Uint8Array(engine.memory.buffer, this.#core.batch(this.#first + this.#held), records.length).set(records);
			this.#held += count;
			this.#heldEchoes += from.batchEchoReplies();
			from.batchTaken();
		}
		if (this.#threads === null || this.#held + this.#capacity > this.#threads.rows) this.#offer();
	}

	#offer(): void {
		this.#finish();
		this.#rows += this.#held;
		this.#echoReplies += this.#heldEchoes;
		if (this.#threads === null) {
			this.#carried += this.#core.engine.offer(this.#held);
			this.#check();
		} else {
			this.#threads.offerBegin(this.#first, this.#held);
			this.#begun = true;
			this.#first = this.#first === 0 ? this.#threads.rows : 0;
		}
		this.#held = 0;
		this.#heldEchoes = 0;
	}

	#finish(): void {
		if (!this.#begun || this.#threads === null) return;
		this.#begun = false;
		this.#carried += this.#threads.offered();
		this.#check();
	}

	#check(): void {
		const { engine } = this.#core;
		if (engine.flowsOverflow() > 0) throw new CapacityError(L.TABLE_FLOW, engine.capacity(L.TABLE_FLOW));
		const explained = this.#carried + this.#echoReplies + engine.repliesUnanswerable();
		if (explained < this.#rows) throw new CapacityError(L.TABLE_PACKET, engine.capacity(L.TABLE_PACKET));
	}

	/** Everything that has been added is carried. Throws as `submit`. */
	flush(): void {
		this.submit();
		if (this.#held > 0) this.#offer();
		this.#finish();
	}

	/** Moves the engine's clock, after all that has been added. */
	tick(now: bigint): void {
		this.flush();
		this.#core.engine.tick(now);
	}

	/** Lets everything happen that still waits (neighbours that never answer). */
	settle(): void {
		this.flush();
		const { engine } = this.#core;
		for (let due = engine.due(); due < NEVER; due = engine.due()) engine.tick(due);
	}

	get counts(): OfferCounts {
		return { rows: this.#rows, carried: this.#carried, unanswerable: this.#core.engine.repliesUnanswerable() };
	}
}

const NEVER = (1n << 63n) - 1n;
