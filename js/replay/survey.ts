// The first of two passes over a recording: which machines outside it needs, which of its flows have recorded replies, and
// how large the engine's tables have to be. It keeps one bit a flow; the sources are opened again for the replay itself, but
// for those of few packets, whose rows are kept.

import type { Drafts, Recording } from "../../bindings/recording.ts";
import type { PacketColumns } from "../flows/columns.ts";
import { OFFER } from "../flows/offer.ts";
import type { FlowSource } from "../flows/open.ts";
import type { Address, Network } from "../net/network.ts";
import type { HostSpec } from "../net/topology.ts";
import { type Owned, ownedIn } from "./owners.ts";
import { type Reading, type ReadingOptions, type ReplaySource, readSources } from "./reading.ts";

export interface SurveyOptions extends ReadingOptions {
	/** Addresses within the cluster's own ranges (pod networks): what answered there is no machine outside. */
	isOwnRange?: (address: Address) => boolean;
	/** An address that nobody owns is an error, not a machine outside. */
	strictSources?: boolean;
	/**
	 * TCP window tracking in conntrack: what is out of its window is INVALID, as in Linux; else no sequence number is looked at
	 * (`nf_conntrack_tcp_be_liberal`). Default: on where every source is a capture. Flow records have no sequence numbers.
	 */
	tcpWindows?: boolean;
	/** Rows that are kept at most, 64 bytes each: what has more is read again for the replay. Default 1,048,576. */
	keptRows?: number;
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

/** TCP windows shall be tracked, but flow records have no sequence numbers. */
export class SequenceError extends Error {
	constructor(files: readonly string[]) {
		super(
			`TCP windows cannot be tracked: flow records have no sequence numbers; expected captures only, got ${files.join(", ")}`,
		);
		this.name = "SequenceError";
	}
}

export interface Survey {
	readonly sources: readonly ReplaySource[];
	readonly options: SurveyOptions;
	/** Machines outside that the recording needs; their netns are `host:NAME`. They listen on any port. */
	readonly hosts: HostSpec[];
	readonly packets: number;
	/** Of the first packet; -1: there is none. */
	readonly firstNs: bigint;
	readonly flows: number;
	/** Addresses of IPv6 that it names. */
	readonly addresses6: number;
	/** Shall the machine track TCP windows? */
	readonly tcpWindows: boolean;
	/** Bit by flow number: the flow has recorded replies. */
	readonly replied: Uint32Array;
	/** All rows of a recording that has few, classified, and what read them; null: it is to be read again. */
	readonly kept: { reading: Reading; batches: readonly Drafts[] } | null;
	/** The network without `hosts`. */
	readonly network: Network;
	/** By which the replay numbers owners as the survey did. */
	readonly owned: Owned;
}

/** Of drafts: 64 MiB. */
const KEPT_ROWS = 1 << 20;

/** Reads the sources once. Throws SourceError, SequenceError, and what they throw. */
export async function survey(
	network: Network,
	sources: readonly ReplaySource[],
	options: SurveyOptions = {},
): Promise<Survey> {
	const owned = ownedIn(network);
	const reading = readSources(sources, owned, options);
	const { owners, offers } = reading;
	let recording: Recording | null = null;
	const keeper = new Keeper(options.keptRows ?? KEPT_ROWS);
	let firstNs = -1n;
	for await (const columns of reading.batches) {
		recording = (reading.sources[0] as FlowSource).addresses.recording;
		recording.survey(columns);
		if (firstNs < 0n && columns.count > 0) firstNs = columns.timeNs[0] as bigint;
		keeper.add(recording, columns);
		if (options.strictSources) checkSources(reading, columns);
		options.progress?.(recording.engine.surveyPackets());
	}
	// Owners are numbered in the order in which packets ask for them; what only answered comes after all of them.
	const needed = new Set<number>();
	for (let index = 0; index < owners.names.length; index++) {
		if (owners.host(index) !== null && recording?.engine.hasOffered(index)) needed.add(index);
	}
	for (const address of answerers(reading)) {
		if (owners.isInside(address) || options.isOwnRange?.(address)) continue;
		const index = owners.ownerOfAddress(address);
		if (index >= 0) needed.add(index);
	}
	const hosts = [...needed].sort((a, b) => a - b).flatMap((index) => owners.host(index) ?? []);
	const addresses6 = owners.hasIPv6 ? (recording?.engine.addressCount() ?? 0) : 0;
	const packets = recording?.engine.surveyPackets() ?? 0;
	const replied = recording?.replied() ?? new Uint32Array();
	const tcpWindows = tracksWindows(reading, options.tcpWindows);
	const kept = keeper.batches === null ? null : { reading, batches: keeper.batches };
	const { flows } = offers.tally;
	return { sources, options, hosts, packets, firstNs, flows, addresses6, tcpWindows, replied, kept, network, owned };
}

/** Copies of batches, until there are too many rows. */
class Keeper {
	batches: Drafts[] | null = [];
	readonly #most: number;
	#rows = 0;

	constructor(most: number) {
		this.#most = most;
	}

	add(recording: Recording, columns: PacketColumns): void {
		this.#rows += columns.count;
		const rows = this.batches === null || this.#rows > this.#most ? null : recording.keep(columns);
		if (rows === null) this.batches = null;
		else this.batches?.push(rows);
	}
}

/** On request, or where every source is a capture. Flow records have no sequence numbers. */
function tracksWindows({ sources }: Reading, asked?: boolean): boolean {
	const sequenced = sources[0]?.interfaces.list.every((from) => from.packets) ?? false;
	if (asked && !sequenced) throw new SequenceError(sources.map(({ name }) => name));
	return asked ?? sequenced;
}

/** Throws SourceError for a row that is offered by nobody of the network. */
function checkSources({ owners, sources }: Reading, columns: PacketColumns): void {
	for (let row = 0; row < columns.count; row++) {
		const index = columns.netns[row] as number;
		if (columns.kind[row] !== OFFER || (index >= 0 && owners.outside[index] === null)) continue;
		const { addresses, interfaces } = sources[0] as FlowSource;
		const file = interfaces.list[columns.interfaceIndex[row] as number]?.file ?? "";
		throw new SourceError(addresses.addressText(columns.family[row] as number, columns.src[row] as number), file);
	}
}

/** Addresses that answered, or that flow records were sent to. */
function answerers({ owners, sources }: Reading): Address[] {
	const [first] = sources;
	if (first === undefined || first.addresses.count + first.interfaces.list.length === 0) return [];
	const { addresses } = first;
	const of6 = owners.hasIPv6 ? addresses.recording.answerers6().map((index) => addresses.text(index)) : [];
	return [...addresses.recording.answerers(), ...of6];
}
