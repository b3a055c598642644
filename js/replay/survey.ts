// The first of two passes over a recording: which machines outside it needs, which of its flows have recorded replies, and
// how large the engine's tables have to be. It keeps one bit a flow; the sources are opened again for the replay itself.

import type { EngineModule } from "../../bindings/core.ts";
import { BATCH_ROWS, type PacketColumns } from "../flows/columns.ts";
import { mergeFlows, openAll } from "../flows/merge.ts";
import { OFFER, OfferColumns, Offers, REPLY } from "../flows/offer.ts";
import type { FlowInput, FlowOptions, FlowSource } from "../flows/open.ts";
import { ipv4FromNumber } from "../net/address.ts";
import type { Network } from "../net/network.ts";
import type { HostSpec } from "../net/topology.ts";
import { mapAddresses } from "./mapping.ts";
import { type OwnerOptions, Owners } from "./owners.ts";

/** A recording that can be read more than once. */
export interface ReplaySource {
	/** As errors name it: the path. */
	name: string;
	/** Its bytes from the beginning. */
	open(): FlowInput["stream"];
}

export interface SurveyOptions extends OwnerOptions {
	/** Addresses within the cluster's own ranges (pod networks): what answered there is no machine outside. */
	isOwnRange?: (address: number) => boolean;
	/** An address that nobody owns is an error, not a machine outside. */
	strictSources?: boolean;
	flows?: Pick<FlowOptions, "strict" | "decapsulate">;
	/** The engine's module that reads; default: the package's own. */
	module?: EngineModule;
	signal?: AbortSignal;
	/** Packets read so far. */
	progress?: (packets: number) => void;
}

/** A recording offers packets from an address that nobody owns. */
export class SourceError extends Error {
	readonly address: string;
	constructor(address: string, file: string) {
		super(
			`${file}: nobody owns the source ${address}; expected an address of a pod, a node or a machine outside (--map)`,
		);
		this.name = "SourceError";
		this.address = address;
	}
}

export interface Survey {
	readonly sources: readonly ReplaySource[];
	readonly options: SurveyOptions;
	/** Machines outside that the recording needs; their netns are `host:NAME`. They listen on any port. */
	readonly hosts: HostSpec[];
	readonly packets: number;
	readonly flows: number;
	/** Bit by flow number: the flow has recorded replies. */
	readonly replied: Uint32Array;
	/** The network without `hosts`, by which the replay numbers owners as the survey did. */
	readonly network: Network;
}

/** One reading of the sources, classified. The columns hold until the next batch is asked for. */
export interface Reading {
	owners: Owners;
	offers: Offers;
	sources: FlowSource[];
	batches: AsyncGenerator<{ columns: PacketColumns; offers: OfferColumns }, void, undefined>;
}

/** Opens and classifies. Throws CaptureError and LineError while it is iterated. */
export function readSources(sources: readonly ReplaySource[], network: Network, options: SurveyOptions): Reading {
	const opened = openAll(
		sources.map((source) => ({ name: source.name, stream: source.open() })),
		{ ...options.flows, ...(options.module === undefined ? {} : { module: options.module }) },
	);
	const interfaces = opened[0]?.interfaces;
	if (interfaces === undefined) throw new RangeError("nothing to replay: there is no source");
	const owners = new Owners(network, interfaces, options);
	const offers = new Offers(interfaces, owners);
	return { owners, offers, sources: opened, batches: classified(opened, owners, offers, options) };
}

async function* classified(
	opened: FlowSource[],
	owners: Owners,
	offers: Offers,
	options: SurveyOptions,
): Reading["batches"] {
	const out = new OfferColumns(BATCH_ROWS);
	for await (const columns of mergeFlows(opened)) {
		options.signal?.throwIfAborted();
		mapAddresses(columns, options.mappings ?? []);
		owners.learn(columns);
		offers.classify(columns, out);
		yield { columns, offers: out };
	}
}

/** Reads the sources once. Throws SourceError, and what they throw. */
export async function survey(
	network: Network,
	sources: readonly ReplaySource[],
	options: SurveyOptions = {},
): Promise<Survey> {
	const reading = readSources(sources, network, options);
	const needed = new Set<number>();
	const answerers = new Set<number>();
	let replied = new Uint32Array(1024);
	let packets = 0;
	for await (const { columns, offers } of reading.batches) {
		replied = grown(replied, reading.offers.tally.flows);
		for (let row = 0; row < columns.count; row++) {
			const kind = offers.kind[row];
			if (kind !== OFFER && kind !== REPLY) continue;
			packets += columns.repeat[row] as number;
			if (kind === OFFER) needInitiator(reading, offers.netns[row] as number, columns, row, options, needed);
			else {
				const flow = offers.flow[row] as number;
				replied[flow >>> 5] = (replied[flow >>> 5] as number) | (1 << (flow & 31));
			}
			needAnswerer(reading, kind, columns, row, options, answerers);
		}
		options.progress?.(packets);
	}
	// Owners are numbered in the order in which packets ask for them; what only answered comes after all of them.
	for (const address of answerers) {
		const index = reading.owners.ownerOf(4, address);
		if (index >= 0) needed.add(index);
	}
	const hosts = [...needed].sort((a, b) => a - b).map((index) => hostOf(reading.owners, index));
	return { sources, options, hosts, packets, flows: reading.offers.tally.flows, replied, network };
}

function grown(bits: Uint32Array<ArrayBuffer>, flows: number): Uint32Array<ArrayBuffer> {
	if (flows < bits.length * 32) return bits;
	const larger = new Uint32Array(Math.max(bits.length * 2, (flows >>> 5) + 1));
	larger.set(bits);
	return larger;
}

function needInitiator(
	{ owners, sources }: Reading,
	index: number,
	columns: PacketColumns,
	row: number,
	options: SurveyOptions,
	needed: Set<number>,
): void {
	if (index >= 0 && owners.outside[index] === -1) return;
	if (options.strictSources) {
		const file = sources[0]?.interfaces.list[columns.interfaceIndex[row] as number]?.file ?? "";
		throw new SourceError(
			sources[0]?.addresses.addressText(columns.family[row] as number, columns.src[row] as number) ?? "",
			file,
		);
	}
	if (index >= 0) needed.add(index);
}

/** What answered in the recording was there; of one-way records, what was sent to is taken to be there. */
function needAnswerer(
	{ owners, sources }: Reading,
	kind: number,
	columns: PacketColumns,
	row: number,
	options: SurveyOptions,
	answerers: Set<number>,
): void {
	if (columns.family[row] !== 4) return;
	const answered = kind === REPLY;
	if (!answered && sources[0]?.interfaces.list[columns.interfaceIndex[row] as number]?.packets) return;
	const address = (answered ? columns.src : columns.dst)[row] as number;
	if (owners.isInside(address) || options.isOwnRange?.(address)) return;
	answerers.add(address);
}

function hostOf(owners: Owners, index: number): HostSpec {
	const name = (owners.names[index] as string).slice("host:".length);
	return { name, ip: ipv4FromNumber(owners.outside[index] as number), listenAny: true };
}
