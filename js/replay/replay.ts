// A recording offered again to a machine: read, classified, written into batches, carried, counted. Two passes: `survey`
// has read the sources once, so the machine has netns for the machines outside, and tables as large as the flows need
// (`capacitiesFor`). All flows of a replay are rows of the engine, 192 bytes each with their line of the path cache, until it ends.

import * as L from "../../assembly/layout.ts";
import { alikeFlows } from "../../bindings/alike.ts";
import { Batch } from "../../bindings/batch.ts";
import type { Capacities } from "../../bindings/core.ts";
import { flowRows } from "../../bindings/flows.ts";
import type { Machine } from "../../bindings/machine.ts";
import type { Recording } from "../../bindings/recording.ts";
import { address6Sizes, connectionSizes, connectionSlots, powerOfTwo, sizesOf } from "../../bindings/sizes.ts";
import type { Threads } from "../../bindings/threads.ts";
import { timeText } from "../flows/time.ts";
import type { Acting, TimedAction } from "./events.ts";
import { type FlowReport, type FlowWords, flowReport } from "./flow.ts";
import { KeptOffering, type Offered, type Offering, ReadOffering } from "./offering.ts";
import { NetnsNodes, translators } from "./places.ts";
import { readSources } from "./reading.ts";
import { conntrackOf, type RecordingCounts, type ReplayReport, Tallies } from "./report.ts";
import type { Survey } from "./survey.ts";
import { type StartReader, ThreadOffering } from "./thread/offering.ts";

export { JOBS_MAX } from "../../bindings/threads.ts";

export interface ReplayOptions {
	/** Default mirror: flows without recorded replies are answered by a mirror; none: nothing answers, recorded or not. */
	replies?: "mirror" | "none";
	/** In time order. */
	actions?: readonly TimedAction[];
	/** A cluster whose components act as the recording's time passes; null: what there is stays as it is. */
	acting?: Acting | null;
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
	/** False: no packet is repeated from the path cache, each is carried. The report is the same. Default true. */
	pathCache?: boolean;
	/** False: every stack looks at every packet that is carried. The report is the same. Default true. */
	megaflows?: boolean;
	/** Of the machine's engine, where it has several. */
	threads?: Threads | null;
	/** Another thread reads what the survey has not kept, where one is started by this. */
	startReader?: StartReader | null;
	/** Milliseconds from any beginning; without it a report has no speed. */
	now?: () => number;
}

const ENTRIES_MAX = 1 << 23;
/** Openings worth remembering at once: 24 MiB of them. */
const OPENINGS_MAX = 1 << 16;
/** And of what packets behind the first do: 5 MiB. */
const SEQUELS_MAX = 1 << 15;
/** And of the ways that they take: 7 MiB, with their steps. */
const JOURNEYS_MIN = 8192;
const STEPS_EACH = 24;
/** Of the 4 GiB that a module can address, what flows and their entries may take; the rest is rules, routes and devices. */
const TABLES_MAX = 3.25 * 2 ** 30;

/** Rows of both lines and the window beside them, slots, a head for one. */
function entryBytes(entries: number): number {
	const rows = entries * (L.CT_STRIDE + L.CTWINDOW_STRIDE);
	return rows + connectionSlots(entries) * L.TUPLE_STRIDE + powerOfTwo(entries) * 4;
}

/** Rounded up by a sixteenth at most: recordings of about as many flows have tables of one size, and so the same engine. */
function coarse(rows: number): number {
	const step = powerOfTwo(rows) / 32;
	return Math.ceil(rows / step) * step;
}

/**
 * Tables that hold the flows of a survey and their conntrack entries. There are as many entries as if every flow crossed every
 * machine that tracks, which few do; more were only more pages to touch.
 */
export function capacitiesFor({ flows, addresses6, network }: Survey): Capacities {
	const rows = coarse(Math.ceil(flows * 1.25) + 1024);
	const tracking = network.netns.filter(({ kind }) => kind === "node" || kind === "router").length;
	const wanted = Math.max(16384, rows * Math.min(4, tracking));
	let entries = Math.min(wanted, ENTRIES_MAX);
	const openings = Math.min(OPENINGS_MAX, powerOfTwo(rows));
	const bytes = rows * L.FLOW_STRIDE + powerOfTwo(rows * 2) * L.LINE_STRIDE + openings * L.OPENING_STRIDE;
	while (entries > 16384 && bytes + entryBytes(entries) > TABLES_MAX) entries >>>= 1;
	// A machine outside brings prefixes and a gateway of its own.
	const known6 = addresses6 === 0 ? 0 : (sizesOf(network)[L.TABLE_ADDRESS6] ?? 0);
	return {
		...(addresses6 === 0 ? {} : address6Sizes(known6 + addresses6 * 4)),
		[L.TABLE_FLOW]: rows,
		[L.TABLE_LINE]: powerOfTwo(rows * 2),
		[L.TABLE_OPENING]: openings,
		[L.TABLE_SEQUEL]: Math.min(SEQUELS_MAX, openings * 4),
		[L.TABLE_JOURNEY]: Math.max(JOURNEYS_MIN, openings),
		[L.TABLE_STEP]: Math.max(JOURNEYS_MIN, openings) * STEPS_EACH,
		...connectionSizes(entries),
	};
}

/** The flows of the last replay, one at a time, in the order of their first packets. */
export function* flowReports(machine: Machine, options: Pick<ReplayOptions, "serviceOf"> = {}): Generator<FlowReport> {
	const words: FlowWords = {
		machine,
		nodeOf: new NetnsNodes(machine.network).of,
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

/** When what is not due happens. */
const NEVER = (1n << 63n) - 1n;

class Run {
	readonly #machine: Machine;
	readonly #survey: Survey;
	readonly #options: ReplayOptions;
	readonly #offering: Offering;
	readonly #actions: readonly TimedAction[];
	#begun: { recording: Recording; batch: Batch } | null = null;
	/** Owners whose netns the recording knows. */
	#owners = 0;
	#nextAction = 0;
	readonly #acting: Acting | null;
	readonly #nodes: NetnsNodes;
	#firstNs = -1n;
	#lastNs = -1n;

	constructor(machine: Machine, survey: Survey, options: ReplayOptions) {
		this.#machine = machine;
		this.#survey = survey;
		this.#options = options;
		this.#actions = options.actions ?? [];
		this.#acting = options.acting ?? null;
		this.#nodes = new NetnsNodes(machine.network);
		machine.retainNames(this.#acting !== null);
		machine.core.engine.pathCache(options.pathCache === false ? 0 : 1);
		machine.core.engine.megaflows(options.megaflows === false ? 0 : 1);
		this.#offering = offeringOf(survey, options);
	}

	async carry(): Promise<void> {
		for await (const offered of this.#offering.batches()) this.#offer(offered);
		while (this.#nextAction < this.#actions.length && this.#isBeforeEnd()) this.#do();
		while (this.#lastNs >= 0n && this.#dueNs <= this.#lastNs) this.#do();
		const { batch } = this.#begin();
		batch.flush();
		if (this.#lastNs < 0n) return;
		batch.tick(this.#lastNs);
		this.#machine.core.engine.conntrackSweep(this.#lastNs);
	}

	/** The recording is there once it is read. */
	#begin(): { recording: Recording; batch: Batch } {
		if (this.#begun === null) {
			const { recording } = this.#offering;
			const replies = this.#options.replies === "none" ? L.REPLIES_NONE : L.REPLIES_RECORDED;
			recording.knowReplied(this.#survey.replied);
			this.#begun = { recording, batch: new Batch(this.#machine.core, recording, replies, this.#options.threads) };
		}
		return this.#begun;
	}

	get #packets(): number {
		return this.#begun?.recording.engine.batchPackets() ?? 0;
	}

	#isBeforeEnd(): boolean {
		const { untilNs } = this.#options;
		return untilNs === undefined || (this.#actions[this.#nextAction] as TimedAction).timeNs < untilNs;
	}

	/** Hands over rows, and does between them what is due. */
	#offer({ rows, firstNs, lastNs, add }: Offered): void {
		const { batch } = this.#begin();
		this.#place();
		if (this.#offering.hasIPv6) batch.number();
		for (let row = 0; row < rows; ) {
			row = add(batch, row, this.#dueNs);
			if (row < rows) this.#do();
		}
		if (this.#firstNs < 0n) this.#firstNs = firstNs;
		this.#lastNs = lastNs;
		this.#options.progress?.(this.#packets, this.#survey.packets);
	}

	/** Netns of owners that the recording has named by now. */
	#place(): void {
		const { recording } = this.#begin();
		const { names } = this.#offering;
		for (; this.#owners < names.length; this.#owners++) {
			const row = this.#machine.encoded.netns.get(names[this.#owners] as string) ?? -1;
			recording.placed(recording.engine.setOwnerRow(this.#owners, row));
		}
	}

	/** Before which time packets are carried until something happens. */
	get #dueNs(): bigint {
		const action = this.#actions[this.#nextAction]?.timeNs ?? NEVER;
		const acting = this.#acting?.dueNs ?? NEVER;
		return acting < action ? acting : action;
	}

	/** What is due next; of two things at one time the action. */
	#do(): void {
		const { batch } = this.#begin();
		const action = this.#actions[this.#nextAction];
		const dueNs = this.#dueNs;
		batch.tick(dueNs);
		if (action?.timeNs === dueNs) {
			this.#nextAction++;
			action.run(this.#machine, this.#acting);
			return;
		}
		const change = this.#acting?.act() ?? null;
		if (change === null) return;
		this.#nodes.add(change.added);
		this.#owners = 0;
		this.#place();
	}

	report(seconds: number): ReplayReport {
		const machine = this.#machine;
		const nodeOf = this.#nodes.of;
		const zoneOf = this.#options.zoneOf ?? (() => null);
		const tallies = new Tallies({
			machine,
			nodeOf,
			zoneOf,
			translatorOf: translators(machine.network, this.#options.nat11 ?? {}),
		});
		const words: FlowWords = { machine, nodeOf, serviceOf: this.#options.serviceOf ?? (() => null) };
		// Conntrack is counted before the clock moves on; what waited for a neighbour has its verdict only then.
		const conntrack = conntrackOf(machine);
		this.#begin().batch.settle();
		const { perFlow } = this.#options;
		if (perFlow !== undefined) for (const row of flowRows(machine.core)) perFlow(flowReport(row, words));
		for (const alike of alikeFlows(machine.core)) tallies.add(alike, flowReport(alike.row, words));
		return {
			...tallies.report(conntrack),
			packets: this.#packets,
			recording: this.#recording(),
			span: this.#firstNs < 0n ? 0 : Number(this.#lastNs - this.#firstNs) / 1e9,
			end: this.#lastNs < 0n ? null : timeText(this.#lastNs),
			assumed: [...(this.#options.assumed ?? [])],
			seconds,
			packetsPerSecond: seconds > 0 ? Math.round(this.#packets / seconds) : 0,
			tcpWindows: this.#survey.tcpWindows,
			seed: this.#options.seed ?? 1,
		};
	}

	#recording(): RecordingCounts {
		const { recording, batch } = this.#begin();
		const { offers, files } = this.#offering.tally();
		const skipped: Record<string, number> = {};
		for (const file of files) {
			for (const [kind, count] of Object.entries(file.skipped)) skipped[kind] = (skipped[kind] ?? 0) + count;
		}
		const { offered, replies, duplicates, icmpErrors, laterFragments, cut, orphans, linkLocal } = offers;
		return {
			records: files.reduce((sum, { records }) => sum + records, 0),
			offered,
			replies,
			duplicates,
			icmpErrors,
			laterFragments,
			cut,
			orphans,
			linkLocal,
			unanswerable: batch.counts.unanswerable,
			ipv6: recording.engine.batchIpv6(),
			unowned: recording.engine.batchUnowned(),
			skipped,
			truncated: this.#offering.isWhole ? files.flatMap(({ truncated }) => truncated ?? []) : [],
		};
	}
}

/** Where a replay's rows come from. */
function offeringOf(survey: Survey, { signal, startReader, ...asked }: ReplayOptions): Offering {
	const { sources, kept, owned, options } = survey;
	const untilNs = asked.untilNs ?? null;
	// What is counted beside the rows counts for the whole recording.
	if (kept !== null && untilNs === null) return new KeptOffering(kept.reading, kept.batches, signal);
	if (startReader) return new ThreadOffering(survey, { untilNs, signal, startReader });
	return new ReadOffering(readSources(sources, owned, { ...options, ...(signal && { signal }) }), untilNs);
}
