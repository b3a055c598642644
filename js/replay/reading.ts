// The sources of a replay read once: rows in time order, who owns what found out, each row classified. What is read, and how, is
// plain, for it may be read in another thread (`thread/`).

import type { EngineModule } from "../../bindings/core.ts";
import type { TakeRecording } from "../../bindings/recording.ts";
import { AddressTable } from "../flows/addresses.ts";
import type { PacketColumns } from "../flows/columns.ts";
import { mergeFlows, openAll } from "../flows/merge.ts";
import { Offers, type OfferTally } from "../flows/offer.ts";
import type { FlowInput, FlowOptions, FlowSource } from "../flows/open.ts";
import { type Mapping, mapAddresses } from "./mapping.ts";
import { type Owned, type OwnerOptions, Owners } from "./owners.ts";

/** A recording that can be read more than once. */
export interface ReplaySource {
	/** As errors name it: the path. */
	name: string;
	/** Its bytes from the beginning. */
	open(): FlowInput["stream"];
}

/** How to read, without what is the host's. */
export interface PlainOptions extends OwnerOptions {
	/** Addresses of the recording that belong to someone else here. */
	mappings?: readonly Mapping[] | undefined;
	flows?: Pick<FlowOptions, "strict" | "decapsulate"> | undefined;
}

export interface ReadingOptions extends PlainOptions {
	/** The engine's module that reads; default: the package's own. */
	module?: EngineModule;
	/** Where engines that read come from; default: each is a new one. What was surveyed, and its replay, need them to their end. */
	take?: TakeRecording;
	signal?: AbortSignal;
}

/** One reading of the sources, classified. The columns hold until the next batch is asked for. */
export interface Reading {
	owners: Owners;
	offers: Offers;
	sources: FlowSource[];
	batches: AsyncGenerator<PacketColumns, void, undefined>;
}

/** What a reading counts, as far as it has come. */
export interface ReadingTally {
	offers: OfferTally;
	files: readonly ReadFile[];
}

export interface ReadFile {
	records: number;
	/** Records of other kinds, by a name of the kind. */
	skipped: Readonly<Record<string, number>>;
	/** Where it ended inside a record; null: it did not. */
	truncated: string | null;
}

/** Opens and classifies. Throws CaptureError and LineError while it is iterated. */
export function readSources(sources: readonly ReplaySource[], owned: Owned, options: ReadingOptions): Reading {
	const opened = openAll(
		sources.map((source) => ({ name: source.name, stream: source.open() })),
		{
			...{ truncated: "end", addresses: new AddressTable(undefined, options.take), ...options.flows },
			...(options.module === undefined ? {} : { module: options.module }),
		},
	);
	const [first] = opened;
	if (first === undefined) throw new RangeError("nothing to replay: there is no source");
	const owners = new Owners(owned, first.interfaces, first.addresses, options);
	const offers = new Offers(first, owners);
	return { owners, offers, sources: opened, batches: classified(opened, owners, offers, options) };
}

async function* classified(
	opened: FlowSource[],
	owners: Owners,
	offers: Offers,
	options: ReadingOptions,
): Reading["batches"] {
	for await (const columns of mergeFlows(opened)) {
		options.signal?.throwIfAborted();
		mapAddresses(columns, options.mappings ?? []);
		owners.learn(columns);
		offers.classify(columns);
		yield columns;
	}
}

/** Rows before a time; null: all. */
export function rowsBefore({ count, timeNs }: PacketColumns, untilNs: bigint | null): number {
	if (untilNs === null) return count;
	let rows = count;
	while (rows > 0 && (timeNs[rows - 1] as bigint) >= untilNs) rows--;
	return rows;
}

export function tallyOf({ offers, sources }: Reading): ReadingTally {
	const files = sources.map(({ tally: { records, skipped, truncated } }) => ({
		...{ records, skipped },
		truncated: truncated?.message ?? null,
	}));
	return { offers: offers.tally, files };
}
