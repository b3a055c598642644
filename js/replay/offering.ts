// What a replay is offered: batches of rows that go into the engine's batches, and what was counted beside them. They come from a
// reading, or are what the survey has kept of one; `thread/` has a third way.

import type { Batch } from "../../bindings/batch.ts";
import type { Drafts, Recording } from "../../bindings/recording.ts";
import type { FlowSource } from "../flows/open.ts";
import { type Reading, type ReadingTally, rowsBefore, tallyOf } from "./reading.ts";

/** Rows in time order. They hold until the next ones are asked for. */
export interface Offered {
	rows: number;
	/** Of the first and the last packet read, ns. */
	firstNs: bigint;
	lastNs: bigint;
	/** Adds rows from `row` on that are before `dueNs`; where it stopped. */
	add(batch: Batch, row: number, dueNs: bigint): number;
}

export interface Offering {
	/** Whose records the batches are made of; there once the first rows are. */
	readonly recording: Recording;
	/** Netns names of owners, by the numbers that rows have; grows with the rows. */
	readonly names: readonly string[];
	/** The network has addresses of IPv6. */
	readonly hasIPv6: boolean;
	/** To be iterated once. Throws what the sources do, and the signal's reason. */
	batches(): AsyncIterable<Offered>;
	/** All packets were offered. */
	readonly isWhole: boolean;
	tally(): ReadingTally;
}

abstract class OfReading {
	protected readonly reading: Reading;
	isWhole = false;

	constructor(reading: Reading) {
		this.reading = reading;
	}

	get recording(): Recording {
		return (this.reading.sources[0] as FlowSource).addresses.recording;
	}

	get names(): readonly string[] {
		return this.reading.owners.names;
	}

	get hasIPv6(): boolean {
		return this.reading.owners.hasIPv6;
	}

	tally(): ReadingTally {
		return tallyOf(this.reading);
	}
}

/** What a survey has kept. */
export class KeptOffering extends OfReading implements Offering {
	readonly #drafts: readonly Drafts[];
	readonly #signal: AbortSignal | undefined;

	constructor(reading: Reading, drafts: readonly Drafts[], signal?: AbortSignal) {
		super(reading);
		this.#drafts = drafts;
		this.#signal = signal;
	}

	async *batches(): AsyncGenerator<Offered, void, undefined> {
		for (const drafts of this.#drafts) {
			this.#signal?.throwIfAborted();
			yield offeredDrafts(drafts);
		}
		this.isWhole = true;
	}
}

export function offeredDrafts(drafts: Drafts): Offered {
	const { count, firstNs, lastNs } = drafts;
	return { rows: count, firstNs, lastNs, add: (batch, row, dueNs) => batch.addDrafts(drafts, row, dueNs) };
}

/** The sources read, up to a time. */
export class ReadOffering extends OfReading implements Offering {
	readonly #untilNs: bigint | null;

	/** `untilNs`: only packets before it; null: all. */
	constructor(reading: Reading, untilNs: bigint | null) {
		super(reading);
		this.#untilNs = untilNs;
	}

	async *batches(): AsyncGenerator<Offered, void, undefined> {
		for await (const columns of this.reading.batches) {
			const rows = rowsBefore(columns, this.#untilNs);
			if (rows > 0) {
				const [firstNs, lastNs] = [columns.timeNs[0] as bigint, columns.timeNs[rows - 1] as bigint];
				yield { rows, firstNs, lastNs, add: (batch, row, dueNs) => batch.add(columns, row, rows, dueNs) };
			}
			this.isWhole = rows === columns.count;
			if (!this.isWhole) break;
		}
	}
}
