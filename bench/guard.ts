// The guard of `npm test`: short runs of the main subjects, whose ratios to their twins may not fall a quarter below the lowest
// ones recorded on the same processor (bench/RESULTS.json). A ratio and not a time, for both sides run here and now; the lowest
// of records, for a host's other guests move a ratio by half, for hours, with the same code; and one that misses is measured
// again, for they may come in between. Ends with `N passed, N failed, N skipped`.
//
// `--record`: measures once, and keeps what is lower than before. `--record --anew`: forgets this processor's records first,
// for an engine that has become faster; then record some more, at other times.

import { parseArgs } from "node:util";
import { exposeCollector } from "./collect.ts";
import { measure, type Subject } from "./figure.ts";
import { committed, keepLowest, processor } from "./report.ts";
import { lowestOf, short, withLowest } from "./results.ts";
import { SUBJECTS } from "./subjects.ts";

const GUARDED = [
	"fib-pods",
	"rule-walk",
	"dispatch-10k",
	"conntrack-lookup-100k",
	"conntrack-insert-100k",
	"forward-10k",
	"new-100",
];
const KEPT = 0.75;
const ATTEMPTS = 3;
const ROUNDS = 2;

const { values } = parseArgs({
	options: { record: { type: "boolean", default: false }, anew: { type: "boolean", default: false } },
});
exposeCollector();
const { lowest } = await committed();
if (values.record) await record();
else await guard();

async function ratioOf(subject: Subject): Promise<number> {
	const { ratio } = await measure(subject, ROUNDS);
	globalThis.gc?.();
	return ratio ?? 0;
}

function subjectOf(name: string): Subject {
	const found = SUBJECTS.find((one) => one.name === name);
	if (found === undefined) throw new RangeError(`${name}: nothing measures it`);
	return found;
}

async function record(): Promise<void> {
	const ratios: Record<string, number> = {};
	for (const name of GUARDED) ratios[name] = await ratioOf(subjectOf(name));
	await keepLowest(withLowest(values.anew ? { ...lowest, [processor()]: {} } : lowest, processor(), ratios));
}

async function guard(): Promise<void> {
	const count = { passed: 0, failed: 0, skipped: 0 };
	for (const name of GUARDED) {
		const before = lowestOf(lowest, processor(), name);
		if (before === null) {
			process.stdout.write(`${name}: no record\n`);
			count.skipped++;
			continue;
		}
		let best = 0;
		for (let attempt = 0; attempt < ATTEMPTS && best < before * KEPT; attempt++)
			best = Math.max(best, await ratioOf(subjectOf(name)));
		const held = best >= before * KEPT;
		process.stdout.write(`${held ? "ok" : "LOST"} ${name}: ${short(best)}x its twin, recorded ${short(before)}x\n`);
		count[held ? "passed" : "failed"]++;
	}
	process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
	process.exitCode = count.failed > 0 ? 1 : 0;
}
