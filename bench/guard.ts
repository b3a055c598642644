// The guard of `npm test`: short runs of the main subjects, whose ratios to their twins may not fall a quarter below the committed
// ones of the same processor (bench/RESULTS.json). A ratio and not a time, for both sides run here and now; and one that misses is measured again, for
// a busy machine may disturb one side. Ends with `N passed, N failed, N skipped`.

import { exposeCollector } from "./collect.ts";
import { measure } from "./figure.ts";
import { committed, processor } from "./report.ts";
import { ratioOf, short } from "./results.ts";
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

exposeCollector();
const count = { passed: 0, failed: 0, skipped: 0 };
const results = await committed();
for (const name of GUARDED) {
	const subject = SUBJECTS.find((one) => one.name === name);
	const before = ratioOf(results, processor(), name);
	if (subject === undefined || before === null) {
		process.stdout.write(`${name}: ${subject === undefined ? "nothing measures it" : "no committed ratio"}\n`);
		count.skipped++;
		continue;
	}
	let best = 0;
	for (let attempt = 0; attempt < ATTEMPTS && best < before * KEPT; attempt++)
		best = Math.max(best, (await measure(subject, ROUNDS)).ratio ?? 0);
	const held = best >= before * KEPT;
	process.stdout.write(`${held ? "ok" : "LOST"} ${name}: ${short(best)}x its twin, committed ${short(before)}x\n`);
	count[held ? "passed" : "failed"]++;
	globalThis.gc?.();
}
process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
process.exitCode = count.failed > 0 ? 1 : 0;
