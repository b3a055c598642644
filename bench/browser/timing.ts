// In a page: how long a run takes. Its clock may be as coarse as 0.1 ms, so a sample is as many runs as fill 20 ms.

import type { Contender } from "../figure.ts";

const ROUNDS = 5;
const SAMPLES = 4;
const SAMPLE_MS = 20;

/** Seconds of a run, by side; the sides take turns. */
export async function timed(_name: string, sides: readonly Contender[], rounds = ROUNDS): Promise<number[][]> {
	const seconds: number[][] = sides.map(() => []);
	for (let sample = 0; sample < rounds * SAMPLES; sample++)
		for (const [i, side] of sides.entries()) seconds[i]?.push(await one(side));
	return seconds;
}

async function one({ run }: Contender): Promise<number> {
	const started = performance.now();
	let [runs, now] = [0, started];
	while (now - started < SAMPLE_MS) {
		await run();
		runs++;
		now = performance.now();
	}
	return (now - started) / 1000 / runs;
}
