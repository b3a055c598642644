// What a benchmark is, and how it is timed: two contenders over the same inputs, the engine and its twin in typed-array
// TypeScript, both warm, one after the other in one run.

import { isLess } from "./budget.ts";
import { timed } from "./timing.ts";

export type Unit = "Mpps" | "M/s" | "k/s" | "/s" | "x" | "ns" | "ms" | "s" | "MiB" | "B";

/** One side of a comparison. */
export interface Contender {
	/** One timed operation. */
	run(): unknown;
	/** Of everything that the runs so far have done; equal on both sides after equally many runs. */
	checksum(): number;
}

export interface Case {
	/** Things (packets, look-ups, rules) in one run. */
	perRun: number;
	engine: Contender;
	twin: Contender | null;
}

/** A subject with its name, its unit and how large it is by default. */
export interface Subject {
	name: string;
	unit: Unit;
	size: number;
	/** Builds both sides for a size: routes, rules, entries, connections. */
	prepare(size: number): Promise<Case>;
}

/** A subject that measures itself: a process, a size, the ratio of two runs. */
export interface Samples {
	name: string;
	unit: Unit;
	/** One value a run, in `unit`. */
	samples(): Promise<number[]>;
}

/** A row of the JSON; `baseline` is the twin's median, `ratio` how many times faster the engine is (higher is better). */
export interface Figure {
	name: string;
	unit: Unit;
	median: number;
	best: number;
	runs: number;
	baseline: number | null;
	ratio: number | null;
}

/** A side is warm when it has not become faster by a twentieth for so long; one that still does after so long is taken as it is. */
const WARM_MS = 700;
const WARM_MAX_MS = 5000;

/** Seconds of one run as a figure in `unit`. */
export function inUnit(unit: Unit, seconds: number, perRun: number): number {
	switch (unit) {
		case "Mpps":
		case "M/s":
			return perRun / seconds / 1e6;
		case "k/s":
			return perRun / seconds / 1e3;
		case "/s":
			return perRun / seconds;
		case "ns":
			return (seconds / perRun) * 1e9;
		case "ms":
			return (seconds / perRun) * 1e3;
		case "s":
			return seconds / perRun;
		default:
			throw new RangeError(`${unit} is not a rate or a time`);
	}
}

/** Many small calls: V8 replaces a WebAssembly function only when it is entered anew. */
async function warm({ run }: Contender): Promise<void> {
	const started = performance.now();
	let [best, since] = [Number.POSITIVE_INFINITY, started];
	for (let now = started; now - since < WARM_MS && now - started < WARM_MAX_MS; ) {
		await run();
		const took = performance.now() - now;
		now += took;
		if (took >= best * 0.95) continue;
		best = took;
		since = now;
	}
}

/** Engine and twin agree after one run each; throws where they do not. */
export async function agree(name: string, { engine, twin }: Case): Promise<void> {
	await engine.run();
	if (twin === null) return;
	await twin.run();
	const [is, expected] = [engine.checksum(), twin.checksum()];
	if (is !== expected) throw new Error(`${name}: the engine's checksum is ${is}, its twin's ${expected}`);
}

/** `rounds`: in which the sides take turns; default five. */
export async function measure({ name, unit, size, prepare }: Subject, rounds?: number): Promise<Figure> {
	const subject = await prepare(size);
	const { engine, twin, perRun } = subject;
	await agree(name, subject);
	const sides = twin === null ? [engine] : [engine, twin];
	for (const side of sides) await warm(side);
	const [own = [], other] = await timed(name, sides, rounds);
	const baseline = other === undefined ? null : median(other);
	const values = own.map((seconds) => inUnit(unit, seconds, perRun));
	return {
		...figure(name, unit, values),
		baseline: baseline === null ? null : inUnit(unit, baseline, perRun),
		ratio: baseline === null ? null : baseline / median(own),
	};
}

export async function sampled({ name, unit, samples }: Samples): Promise<Figure> {
	return figure(name, unit, await samples());
}

/** Of one value a run, without a twin. */
export function figure(name: string, unit: Unit, values: number[]): Figure {
	if (values.length === 0) throw new Error(`${name}: nothing was measured`);
	const best = isLess(name, unit) ? Math.min(...values) : Math.max(...values);
	return { name, unit, median: median(values), best, runs: values.length, baseline: null, ratio: null };
}

export function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}
