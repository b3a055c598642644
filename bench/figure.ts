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

const SECONDS = 1.5;
const WARM_MS = 1000;

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

export async function measure({ name, unit, size, prepare }: Subject): Promise<Figure> {
	const subject = await prepare(size);
	const { engine, twin, perRun } = subject;
	await agree(name, subject);
	const sides = twin === null ? [engine] : [engine, twin];
	for (const side of sides) await warm(side);
	const cases = sides.map((side, i) => b.add(i === 0 ? "engine" : "twin", () => side.run()));
	const { results } = await b.suite(name, b.configure({ cases: { maxTime: SECONDS, minSamples: 5 } }), ...cases);
	const [own, other] = results.map(({ details }) => details);
	if (own === undefined) throw new Error(`${name}: nothing was measured`);
	const baseline = other === undefined ? null : inUnit(unit, other.median, perRun);
	return {
		name,
		unit,
		median: inUnit(unit, own.median, perRun),
		best: inUnit(unit, own.min, perRun),
		runs: own.sampleResults.length,
		baseline,
		ratio: other === undefined ? null : other.median / own.median,
	};
}

export async function sampled({ name, unit, samples }: Samples): Promise<Figure> {
	const seconds = (await samples()).sort((a, b) => a - b);
	const [best, median] = [seconds[0], seconds[seconds.length >> 1]];
	if (best === undefined || median === undefined) throw new Error(`${name}: nothing was measured`);
	return {
		name,
		unit,
		median: inUnit(unit, median, 1),
		best: inUnit(unit, best, 1),
		runs: seconds.length,
		baseline: null,
		ratio: null,
	};
}
