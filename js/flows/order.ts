// Rows of one source in time order, one batch late: captures of several interfaces and flow records of several exporters
// are nearly sorted, so a batch that follows the one before it passes untouched, and only overlapping ones are sorted
// together. A row that comes later than that is an error (or, read leniently, is moved and counted).

import { compareTimes, type PacketColumns } from "./columns.ts";
import { CaptureError, LineError } from "./errors.ts";
import type { ReaderContext } from "./reader.ts";
import { timeText } from "./time.ts";

export class TimeOrder {
	readonly #context: ReaderContext;
	readonly #capacity: number;
	readonly #free: PacketColumns[] = [];
	#held: PacketColumns | null = null;
	#given: PacketColumns | null = null;
	#lastNs = -1n;

	constructor(context: ReaderContext, capacity: number) {
		this.#context = context;
		this.#capacity = capacity;
	}

	/** Empty columns to fill. */
	spare(): PacketColumns {
		const { recording } = this.#context;
		const columns = this.#free.pop() ?? recording.columns(this.#capacity);
		recording.empty(columns);
		return columns;
	}

	/** Takes a filled batch; returns the rows before it, or null. What was returned holds until the next call. */
	push(batch: PacketColumns): PacketColumns | null {
		this.#reclaim();
		const held = this.#held;
		if (held === null) {
			this.#held = this.#context.recording.isSorted(batch) ? batch : this.#sort(batch, null)[0];
			return null;
		}
		if (this.#context.recording.isSorted(batch) && compareTimes(held, held.count - 1, batch, 0) <= 0) {
			this.#held = batch;
			return this.#give(held);
		}
		const [first, second] = this.#sort(held, batch);
		this.#held = second;
		return this.#give(first);
	}

	/** The rows that are left, or null. */
	flush(): PacketColumns | null {
		this.#reclaim();
		const held = this.#held;
		this.#held = null;
		return held === null ? null : this.#give(held);
	}

	#reclaim(): void {
		if (this.#given !== null) this.#free.push(this.#given);
		this.#given = null;
	}

	#give(batch: PacketColumns): PacketColumns {
		this.#given = batch;
		if ((batch.timeNs[0] as bigint) < this.#lastNs) this.#late(batch);
		this.#lastNs = batch.timeNs[batch.count - 1] as bigint;
		return batch;
	}

	/** Sorts the rows of both by time, equal times as they came; both are given back to the pool. */
	#sort(a: PacketColumns, b: PacketColumns | null): [PacketColumns, PacketColumns] {
		const first = this.spare();
		const second = b === null ? first : this.spare();
		this.#context.recording.sort(a, b, first, second);
		this.#free.push(a);
		if (b !== null) this.#free.push(b);
		return [first, second];
	}

	#late(batch: PacketColumns): void {
		const behindNs = this.#lastNs - (batch.timeNs[0] as bigint);
		const origin = batch.origin[0] as number;
		const found = `time ${timeText(batch.timeNs[0] as bigint)}, ${timeText(behindNs)} s before a row already passed on`;
		const expected = `rows within ${this.#capacity} of time order: sort the file by time`;
		const packets = this.#context.interfaces.list[batch.interfaceIndex[0] as number]?.packets ?? true;
		const error = packets
			? new CaptureError(this.#context.file, origin, found, expected)
			: new LineError(this.#context.file, origin, 1, found, expected);
		if (this.#context.strict) {
			this.#held = null;
			throw error;
		}
		this.#context.tally.addDamage(error);
		for (let i = 0; i < batch.count && (batch.timeNs[i] as bigint) < this.#lastNs; i++) batch.timeNs[i] = this.#lastNs;
	}
}
