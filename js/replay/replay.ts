// A recording offered again to a machine: read, classified, written into batches, carried, counted. Two passes: `survey`
// has read the sources once, so the machine has netns for the machines outside, and tables as large as the flows need
// (`capacitiesFor`). All flows of a replay are rows of the engine, 96 bytes each, until it ends; packets are never kept.

import * as L from "../../assembly/layout.ts";
import { Batch } from "../../bindings/batch.ts";
import type { Capacities } from "../../bindings/core.ts";
import { type FlowRow, flowRows } from "../../bindings/flows.ts";
import { type Machine, powerOfTwo } from "../../bindings/machine.ts";
import { type PacketColumns, PROTO_TCP, TCP_ACK, TCP_SYN, TIME_HIGH, TIME_LOW } from "../flows/columns.ts";
import { OFFER, type OfferColumns, REPLY } from "../flows/offer.ts";
import { timeText } from "../flows/time.ts";
import type { TimedAction } from "./events.ts";
import { type FlowReport, type FlowWords, flowReport } from "./flow.ts";
import { nodeOfNetns, translators } from "./places.ts";
import { type RecordingCounts, type ReplayReport, Tallies } from "./report.ts";
import { type Reading, readSources, type Survey } from "./survey.ts";

export interface ReplayOptions {
	/** Default mirror: flows without recorded replies are answered by a mirror; none: nothing answers, recorded or not. */
	replies?: "mirror" | "none";
	/** In time order. */
	actions?: readonly TimedAction[];
	/** Replay only packets before this time. */
	untilNs?: bigint;
	/** Called for each flow in the order of first packets, when all is replayed. */
	perFlow?: (flow: FlowReport) => void;
	signal?: AbortSignal;
	progress?: (packets: number, total: number) => void;
	seed?: number;
	serviceOf?: FlowWords["serviceOf"];
	zoneOf?: (node: string) => string | null;
	/** Public addresses by node address, where the router translates 1:1. */
	nat11?: Readonly<Record<string, string>>;
	assumed?: readonly string[];
	/** Milliseconds from any beginning; without it a report has no speed. */
	now?: () => number;
}

/** Tables that hold the flows of a survey and their conntrack entries. */
export function capacitiesFor({ flows, network }: Survey): Capacities {
	const rows = Math.ceil(flows * 1.25) + 1024;
	const tracking = network.netns.filter(({ kind }) => kind === "node" || kind === "router").length;
	const entries = Math.min(Math.max(16384, rows * Math.min(4, tracking)), 1 << 22);
	return {
		[L.TABLE_FLOW]: rows,
		[L.TABLE_LINE]: powerOfTwo(rows * 2),
		[L.TABLE_CT]: entries,
		[L.TABLE_TUPLE]: powerOfTwo(entries * 4),
		[L.TABLE_BYSOURCE]: powerOfTwo(entries),
	};
}

/** The flows of the last replay, one at a time, in the order of their first packets. */
export function* flowReports(machine: Machine, options: Pick<ReplayOptions, "serviceOf"> = {}): Generator<FlowReport> {
	const words: FlowWords = {
		machine,
		nodeOf: nodeOfNetns(machine.network),
		serviceOf: options.serviceOf ?? (() => null),
	};
	for (const row of flowRows(machine.core)) yield flowReport(row, words);
}

/** Replays what was surveyed. Throws CapacityError, EventError, the sources' errors, and the signal's reason. */
export async function replay(machine: Machine, survey: Survey, options: ReplayOptions = {}): Promise<ReplayReport> {
	const started = options.now?.() ?? 0;
	const run = new Run(machine, survey, options);
	await run.carry();
	const seconds = options.now === undefined ? 0 : (options.now() - started) / 1000;
	return run.report(seconds);
}

class Run {
	readonly #machine: Machine;
	readonly #survey: Survey;
	readonly #options: ReplayOptions;
	readonly #batch: Batch;
	readonly #reading: Reading;
	readonly #actions: readonly TimedAction[];
	/** Machine row by owner number; -1: nothing of it is offered. */
	readonly #rows: number[] = [];
	#nextAction = 0;
	/** The next action's time as two words, so that no packet makes a BigInt. */
	#dueHigh = Number.POSITIVE_INFINITY;
	#dueLow = 0;
	#opened = -1;
	#ipv6 = 0;
	#unowned = 0;
	#packets = 0;
	#firstNs = -1n;
	#lastNs = -1n;

	constructor(machine: Machine, survey: Survey, options: ReplayOptions) {
		this.#machine = machine;
		this.#survey = survey;
		this.#options = options;
		this.#batch = new Batch(machine.core);
		this.#batch.reset(options.replies === "none" ? L.REPLIES_NONE : L.REPLIES_RECORDED);
		this.#actions = options.actions ?? [];
		const signal = options.signal === undefined ? {} : { signal: options.signal };
		this.#reading = readSources(survey.sources, survey.network, { ...survey.options, ...signal });
		this.#expectAction();
	}

	async carry(): Promise<void> {
		for await (const { columns, offers } of this.#reading.batches) {
			const rows = this.#rowsBefore(columns);
			for (let row = 0; row < rows; row++) this.#offer(columns, offers, row);
			this.#options.progress?.(this.#packets, this.#survey.packets);
			if (rows > 0) {
				if (this.#firstNs < 0n) this.#firstNs = columns.timeNs[0] as bigint;
				this.#lastNs = columns.timeNs[rows - 1] as bigint;
			}
			if (rows < columns.count) break;
		}
		while (this.#nextAction < this.#actions.length && this.#isBeforeEnd()) this.#act();
		this.#batch.submit();
		if (this.#lastNs >= 0n) this.#batch.tick(this.#lastNs);
	}

	#isBeforeEnd(): boolean {
		const { untilNs } = this.#options;
		return untilNs === undefined || (this.#actions[this.#nextAction] as TimedAction).timeNs < untilNs;
	}

	/** Rows that come before the end of what is to be replayed. */
	#rowsBefore(columns: PacketColumns): number {
		const { untilNs } = this.#options;
		if (untilNs === undefined) return columns.count;
		let rows = columns.count;
		while (rows > 0 && (columns.timeNs[rows - 1] as bigint) >= untilNs) rows--;
		return rows;
	}

	#offer(columns: PacketColumns, offers: OfferColumns, row: number): void {
		const kind = offers.kind[row];
		if (kind !== OFFER && kind !== REPLY) return;
		const repeat = columns.repeat[row] as number;
		if (columns.family[row] !== 4) {
			this.#ipv6 += repeat;
			return;
		}
		const netns = this.#rowOf(offers.netns[row] as number);
		if (netns < 0) {
			this.#unowned += repeat;
			return;
		}
		const high = columns.timeWords[row * 2 + TIME_HIGH] as number;
		const low = columns.timeWords[row * 2 + TIME_LOW] as number;
		while (high > this.#dueHigh || (high === this.#dueHigh && low >= this.#dueLow)) this.#act();
		this.#packets += repeat;
		if (kind === REPLY && (this.#options.replies === "none" || this.#isOpening(columns, row))) return;
		const flow = offers.flow[row] as number;
		let hints = this.#hasReplies(flow) && !(kind === OFFER && this.#isOpening(columns, row)) ? L.BATCHF_RECORDED : 0;
		if (kind === OFFER && flow > this.#opened) {
			this.#opened = flow;
			hints |= L.BATCHF_OPENS;
		}
		const as = kind === OFFER ? L.BATCH_OFFER : L.BATCH_REPLY;
		const tcp = columns.tcpFlags[row] as number;
		for (let i = 0; i < repeat; i++) {
			this.#batch.add(columns, row, tcp, netns, as, i === 0 ? hints : hints & ~L.BATCHF_OPENS);
		}
	}

	/**
	 * The bare SYN that a flow record begins with. All packets of a record have one time, so the answering side's is not sent
	 * when its record comes but as the answer to the initiator's: else what follows there would meet no connection.
	 */
	#isOpening(columns: PacketColumns, row: number): boolean {
		if (columns.proto[row] !== PROTO_TCP || ((columns.tcpFlags[row] as number) & (TCP_SYN | TCP_ACK)) !== TCP_SYN)
			return false;
		return !this.#reading.sources[0]?.interfaces.list[columns.interfaceIndex[row] as number]?.packets;
	}

	#hasReplies(flow: number): boolean {
		return (((this.#survey.replied[flow >>> 5] ?? 0) >>> (flow & 31)) & 1) === 1;
	}

	#rowOf(owner: number): number {
		if (owner < 0) return -1;
		let row = this.#rows[owner];
		if (row === undefined) {
			row = this.#machine.encoded.netns.get(this.#reading.owners.names[owner] as string) ?? -1;
			this.#rows[owner] = row;
		}
		return row;
	}

	#act(): void {
		const action = this.#actions[this.#nextAction++] as TimedAction;
		this.#batch.tick(action.timeNs);
		action.run(this.#machine);
		this.#expectAction();
	}

	#expectAction(): void {
		const next = this.#actions[this.#nextAction];
		this.#dueHigh = next === undefined ? Number.POSITIVE_INFINITY : Number(next.timeNs >> 32n);
		this.#dueLow = next === undefined ? 0 : Number(next.timeNs & 0xffffffffn);
	}

	report(seconds: number): ReplayReport {
		const machine = this.#machine;
		const nodeOf = nodeOfNetns(machine.network);
		const zoneOf = this.#options.zoneOf ?? (() => null);
		const tallies = new Tallies({
			machine,
			nodeOf,
			zoneOf,
			translatorOf: translators(machine.network, this.#options.nat11 ?? {}),
		});
		const words: FlowWords = { machine, nodeOf, serviceOf: this.#options.serviceOf ?? (() => null) };
		// Conntrack is counted before the clock moves on; what waited for a neighbour has its verdict only then.
		const conntrack = tallies.report();
		this.#batch.settle();
		for (const row of flowRows(machine.core)) this.#count(row, words, tallies);
		const counted = tallies.report();
		const atEnd = new Map(conntrack.perNode.map((node) => [node.name, node.conntrack]));
		return {
			...counted,
			perNode: counted.perNode.map((node) => ({ ...node, conntrack: atEnd.get(node.name) ?? node.conntrack })),
			conntrack: conntrack.conntrack,
			packets: this.#packets,
			recording: this.#recording(),
			span: this.#firstNs < 0n ? 0 : Number(this.#lastNs - this.#firstNs) / 1e9,
			end: this.#lastNs < 0n ? null : timeText(this.#lastNs),
			assumed: [...(this.#options.assumed ?? [])],
			seconds,
			packetsPerSecond: seconds > 0 ? Math.round(this.#packets / seconds) : 0,
			seed: this.#options.seed ?? 1,
		};
	}

	#count(row: FlowRow, words: FlowWords, tallies: Tallies): void {
		const flow = flowReport(row, words);
		tallies.add(flow, row);
		this.#options.perFlow?.(flow);
	}

	#recording(): RecordingCounts {
		const { tally } = this.#reading.offers;
		const skipped: Record<string, number> = {};
		let records = 0;
		for (const source of this.#reading.sources) {
			records += source.tally.records;
			for (const [kind, count] of Object.entries(source.tally.skipped)) skipped[kind] = (skipped[kind] ?? 0) + count;
		}
		const { offered, replies, duplicates, icmpErrors, laterFragments, cut, orphans } = tally;
		return {
			records,
			offered,
			replies,
			duplicates,
			icmpErrors,
			laterFragments,
			cut,
			orphans,
			unanswerable: this.#batch.counts.unanswerable,
			ipv6: this.#ipv6,
			unowned: this.#unowned,
			skipped,
		};
	}
}
