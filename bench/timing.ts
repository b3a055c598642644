// How long a run takes: benny's samples. A page has `browser/timing.ts` in its place.

import b from "benny";
import type { Contender } from "./figure.ts";

const ROUNDS = 5;
const ROUND_SECONDS = 0.25;

/** Seconds of a run, by side. The sides take turns, so that whatever else the machine does falls on both. */
export async function timed(name: string, sides: readonly Contender[], rounds = ROUNDS): Promise<number[][]> {
	const seconds: number[][] = sides.map(() => []);
	for (let round = 1; round <= rounds; round++) {
		const cases = sides.map((side, i) => b.add(i === 0 ? "engine" : "twin", () => side.run()));
		const options = b.configure({ cases: { maxTime: ROUND_SECONDS, minSamples: 2 } });
		const { results } = await b.suite(`${name} ${round}/${rounds}`, options, ...cases);
		for (const [i, { details }] of results.entries()) seconds[i]?.push(...details.sampleResults);
	}
	return seconds;
}
