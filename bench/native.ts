// The engine ahead of time (wasm2c and gcc, `npm run build:native`) beside the same engine in V8: the subjects that say most,
// with Wasm in the twin's place, and the whole path as one ratio. Nothing where it cannot be built.

import { missingForNative } from "../scripts/native.mjs";
import { opened } from "./connect.ts";
import { fibs } from "./fib.ts";
import { type Case, type Contender, median, type Samples, type Subject } from "./figure.ts";
import { established } from "./forward.ts";
import { lookups } from "./lookup.ts";
import { onBackend } from "./module.ts";
import { replay } from "./replay.ts";
import { timed } from "./timing.ts";

const CHOSEN = ["fib-pods", "conntrack-lookup-1m", "forward-1m", "forward-10k", "new-100", "replay-pcap"];
const WHOLE_PATH = "forward-1m";
const ROUNDS = 9;
const all = [...fibs, ...lookups, ...established, ...opened, ...replay];
const canBuild = missingForNative() === null;

async function prepare(subject: Subject, size: number): Promise<Case> {
	const { engine: twin } = await onBackend("wasm", () => subject.prepare(size));
	const { engine, perRun } = await onBackend("native", () => subject.prepare(size));
	return { perRun, engine, twin };
}

async function samples(): Promise<number[]> {
	const subject = all.find(({ name }) => name === WHOLE_PATH) as Subject;
	const { engine, twin } = await prepare(subject, subject.size);
	const ratios: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const [own = [], other = []] = await timed("native", [engine, twin as Contender], 1);
		ratios.push(median(other) / median(own));
	}
	return ratios;
}

/** Each against Wasm in the same run. */
export const natives: readonly Subject[] = all
	.filter(({ name }) => canBuild && CHOSEN.includes(name))
	.map((subject) => ({
		...subject,
		name: `native-${subject.name}`,
		prepare: (size: number) => prepare(subject, size),
	}));

/** How many times faster the whole path is at a million connections. */
export const native: readonly Samples[] = canBuild ? [{ name: "native", unit: "x", samples }] : [];
