// Where the time of `replay-pcap` goes, by rounds of its capture, a request and an answer of each connection in each: milliseconds
// of the survey and of carrying, and of what comes behind the last packet of each. Medians. `node scripts/ts.mjs bench/rounds.ts`

import { replays } from "./replay.ts";
import { recorded } from "./scenes/recorded.ts";

const [CONNECTIONS, ROUNDS, RUNS, COLD] = [20_000, 10, 48, 8];

/** Milliseconds of each round, run by run, and of the rest. */
class Laps {
	readonly #rounds: number[][] = Array.from({ length: ROUNDS + 1 }, () => []);
	#round = 0;
	#began = 0;

	start(): void {
		this.#round = 0;
		this.#began = performance.now();
	}

	/** So many packets are done. */
	at(packets: number): void {
		if (packets >= (this.#round + 1) * CONNECTIONS * 2) this.lap();
	}

	lap(): void {
		const now = performance.now();
		this.#rounds[this.#round++]?.push(now - this.#began);
		this.#began = now;
	}

	get text(): string {
		const warm = this.#rounds.map((times) => times.slice(COLD).sort((a, b) => a - b));
		return warm.map((times) => times[times.length >> 1]?.toFixed(1) ?? "-").join(" ");
	}
}

const replay = await replays(recorded(CONNECTIONS, ROUNDS).path);
const [surveyed, carried] = [new Laps(), new Laps()];
for (let run = 0; run < RUNS; run++) {
	surveyed.start();
	await replay({
		surveyed: (packets) => surveyed.at(packets),
		opened() {
			surveyed.lap();
			carried.start();
		},
		carried: (packets) => carried.at(packets),
	});
	carried.lap();
}
process.stdout.write(
	`survey, then the engine emptied: ${surveyed.text}\ncarrying, then sweep and report: ${carried.text}\n`,
);
