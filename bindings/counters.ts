// Counters of rules: the engine counts paths (the rules that one walk touched, in which netns and generation of its rules); here
// they are expanded to rule rows. Exact in every case: what a full path table could not hold was counted beside it, rule by
// rule. Now and then all of it is taken out of the engine, so that its tables are free again.

import * as L from "../assembly/layout.ts";
import type { Counters } from "../js/net/ruleset.ts";
import type { Instance } from "./core.ts";
import type { Rows } from "./views.ts";

/** Packets and bytes by rule row, in one netns; rows that are not there have counted nothing. */
export type RuleCounters = ReadonlyMap<number, Counters>;

/** The generation since which a rule row counts in a netns; null: nobody has the row any more. */
export type Since = (netns: number, row: number) => number | null;

type Visit = (netns: number, generation: number, row: number, packets: bigint, bytes: bigint) => void;

const NONE: Counters = { packets: 0n, bytes: 0n };
const GENERATIONS = 1 << 16;
/** Above this share of its rows the table of paths is crowded by those of old generations; below so many it is not they. */
const CROWDED = 5 / 8;
const RESTING = 8;

export interface RuleCountsState {
	/** By netns, taken out of the engine: as if of generation 0. */
	taken: ReadonlyMap<number, RuleCounters>;
	lost: bigint;
	generation: number;
}

/** What rules have counted, in the engine and taken out of it. */
export class RuleCounts {
	readonly #rows: Rows;
	readonly #engine: Instance;
	#taken: ReadonlyMap<number, RuleCounters>;
	#lost: bigint;
	#generation: number;

	constructor(
		rows: Rows,
		engine: Instance,
		{ taken, lost, generation }: RuleCountsState = { taken: new Map(), lost: 0n, generation: 0 },
	) {
		this.#rows = rows;
		this.#engine = engine;
		this.#taken = taken;
		this.#lost = lost;
		this.#generation = generation;
	}

	/** Of what is outside of the engine. */
	get state(): RuleCountsState {
		return { taken: this.#taken, lost: this.#lost, generation: this.#generation };
	}

	/** A netns's rules are others from now on; the generation that it gets. */
	next(): number {
		return ++this.#generation;
	}

	/** Is it time to take counts out, before rules change? */
	get isDue(): boolean {
		if (this.#generation + 1 === GENERATIONS) return true;
		const capacity = this.#engine.capacity(L.TABLE_PATH);
		if (capacity === 0) return true;
		const head = this.#engine.table(L.TABLE_PATH);
		const { view } = this.#rows;
		// What is counted rule by rule has no generation.
		if (view.getBigUint64(head + L.PATH_SPILLED, true) > 0n) return true;
		return this.#generation >= RESTING && view.getUint32(head + L.PATH_USED, true) > capacity * CROWDED;
	}

	/** Of all netns, or of one. Throws where TABLE_COUNTER was too small for what it had to hold. */
	read(since: Since, only: number | null = null): Map<number, RuleCounters> {
		this.#engine.settleAll();
		const lost = this.#lost + this.#lostNow();
		if (lost > 0n)
			throw new RangeError(`${lost} rule hits were not counted: the tables of paths and of counters are full`);
		return this.#sum(since, only);
	}

	/** Takes all counts out. Rows that nobody has any more are free of them, and generations begin anew. */
	takeOut(since: Since): void {
		this.#engine.settleAll();
		this.#lost += this.#lostNow();
		this.#taken = this.#sum(since, null);
		this.#generation = 0;
		this.#engine.countersReset();
	}

	#lostNow(): bigint {
		if (this.#engine.capacity(L.TABLE_PATH) === 0) return 0n;
		return this.#rows.view.getBigUint64(this.#engine.table(L.TABLE_PATH) + L.PATH_LOST, true);
	}

	#sum(since: Since, only: number | null): Map<number, Map<number, Counters>> {
		const all = new Map<number, Map<number, Counters>>();
		this.#each((netns, generation, row, packets, bytes) => {
			if (only !== null && netns !== only) return;
			const from = since(netns, row);
			if (from === null || generation < from) return;
			let own = all.get(netns);
			if (own === undefined) {
				own = new Map();
				all.set(netns, own);
			}
			const before = own.get(row) ?? NONE;
			own.set(row, { packets: packets + before.packets, bytes: bytes + before.bytes });
		});
		return all;
	}

	#each(visit: Visit): void {
		for (const [netns, rows] of this.#taken) {
			for (const [row, { packets, bytes }] of rows) visit(netns, 0, row, packets, bytes);
		}
		this.#eachPath(visit);
		this.#eachSpilled(visit);
	}

	#eachPath(visit: Visit): void {
		const { view } = this.#rows;
		const engine = this.#engine;
		const capacity = engine.capacity(L.TABLE_PATH);
		if (capacity === 0) return;
		const paths = engine.table(L.TABLE_PATH);
		const rules = engine.table(L.TABLE_PATHRULE);
		let left = view.getUint32(paths + L.PATH_USED, true);
		for (let slot = 1; slot < capacity && left > 0; slot++) {
			const path = paths + slot * L.PATH_STRIDE;
			const length = view.getUint16(path + L.PATH_COUNT, true);
			if (length === 0) continue;
			left--;
			const packets = view.getBigUint64(path + L.PATH_PACKETS, true);
			if (packets === 0n) continue;
			const netns = view.getInt32(path + L.PATH_NETNS, true);
			const generation = view.getUint16(path + L.PATH_GENERATION, true);
			const bytes = view.getBigUint64(path + L.PATH_BYTES, true);
			const isShort = length <= L.PATH_RULES_COUNT;
			const first = isShort ? path + L.PATH_RULES : rules + view.getUint32(path + L.PATH_FIRST, true) * 4;
			for (let at = first; at < first + length * 4; at += 4)
				visit(netns, generation, view.getUint32(at, true), packets, bytes);
		}
	}

	#eachSpilled(visit: Visit): void {
		const { view } = this.#rows;
		const engine = this.#engine;
		// With a table of paths its head says whether there is anything.
		const paths = engine.capacity(L.TABLE_PATH);
		if (paths > 0 && view.getBigUint64(engine.table(L.TABLE_PATH) + L.PATH_SPILLED, true) === 0n) return;
		const counters = engine.table(L.TABLE_COUNTER);
		for (let slot = 0; slot < engine.capacity(L.TABLE_COUNTER); slot++) {
			const at = counters + slot * L.COUNTER_STRIDE;
			const netns = view.getUint32(at + L.COUNTER_NETNS, true) - 1;
			if (netns < 0) continue;
			const packets = view.getBigUint64(at + L.COUNTER_PACKETS, true);
			const bytes = view.getBigUint64(at + L.COUNTER_BYTES, true);
			visit(netns, GENERATIONS, view.getUint32(at + L.COUNTER_RULE, true), packets, bytes);
		}
	}
}
