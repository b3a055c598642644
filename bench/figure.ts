// What a benchmark is, and how it is timed: two contenders over the same inputs, the engine and its twin in typed-array
// TypeScript, both warm, one after the other in one run of benny.

import b from "benny";

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

/** A subject that times itself. */
export interface Samples {
	name: string;
	unit: Unit;
	/** Seconds of each run. */
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

const ROUNDS = 5;
const ROUND_SECONDS = 0.25;
const WARM_MS = 700;

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
		default:
			throw new RangeError(`${unit} is not a rate or a time`);
	}
}

/** Many small calls: V8 replaces a WebAssembly function only when it is entered anew. */
async function warm({ run }: Contender): Promise<void> {
	const started = performance.now();
	while (performance.now() - started < WARM_MS) await run();
}

/** Engine and twin agree after one run each; throws where they do not. */
export async function agree(name: string, { engine, twin }: Case): Promise<void> {
	await engine.run();
	if (twin === null) return;
	await twin.run();
	const [is, expected] = [engine.checksum(), twin.checksum()];
	if (is !== expected) throw new Error(`${name}: the engine's checksum is ${is}, its twin's ${expected}`);
}

/** Seconds of a run, by side. The sides take turns, so that whatever else the machine does falls on both. */
async function timed(name: string, sides: readonly Contender[]): Promise<number[][]> {
	const seconds: number[][] = sides.map(() => []);
	for (let round = 1; round <= ROUNDS; round++) {
		const cases = sides.map((side, i) => b.add(i === 0 ? "engine" : "twin", () => side.run()));
		const options = b.configure({ cases: { maxTime: ROUND_SECONDS, minSamples: 2 } });
		const { results } = await b.suite(`${name} ${round}/${ROUNDS}`, options, ...cases);
		for (const [i, { details }] of results.entries()) seconds[i]?.push(...details.sampleResults);
	}
	return seconds;
}

export async function measure({ name, unit, size, prepare }: Subject): Promise<Figure> {
	const subject = await prepare(size);
	const { engine, twin, perRun } = subject;
	await agree(name, subject);
	const sides = twin === null ? [engine] : [engine, twin];
	for (const side of sides) await warm(side);
	const [own = [], other] = await timed(name, sides);
	return figure(name, unit, perRun, own, other ?? null);
}

export async function sampled({ name, unit, samples }: Samples): Promise<Figure> {
	return figure(name, unit, 1, await samples(), null);
}

/** From the seconds of each run, the twin's too where there is one. */
function figure(name: string, unit: Unit, perRun: number, own: number[], other: number[] | null): Figure {
	if (own.length === 0) throw new Error(`${name}: nothing was measured`);
	const baseline = other === null ? null : median(other);
	return {
		name,
		unit,
		median: inUnit(unit, median(own), perRun),
		best: inUnit(unit, Math.min(...own), perRun),
		runs: own.length,
		baseline: baseline === null ? null : inUnit(unit, baseline, perRun),
		ratio: baseline === null ? null : baseline / median(own),
	};
}

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}
