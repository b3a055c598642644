// `npm run conformance -- DIR…`: every case below the folders through podwire; a line for each failure, the reasons of
// what was skipped, then `N passed, N failed, N skipped`. Status 1 when anything failed, 2 when there was nothing to run.

import { existsSync } from "node:fs";
import { judgeAll } from "./collect.ts";
import { line } from "./result.ts";

function usage(message: string): never {
	process.stderr.write(`${message}\nusage: npm run conformance -- DIR…\n`);
	process.exit(2);
}

const paths = process.argv.slice(2);
if (paths.length === 0) usage("no folder named");
for (const path of paths) if (!existsSync(path)) usage(`${path}: no such file or folder`);

const total = { passed: 0, failed: 0, skipped: 0 };
const reasons = new Map<string, number>();
for await (const { path, results } of judgeAll(paths)) {
	for (const result of results) {
		total[result.status]++;
		if (result.status === "failed") process.stdout.write(`${line(path, result)}\n`);
		const reason = result.reason ?? "no reason given";
		if (result.status === "skipped") reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
	}
}

if (total.passed + total.failed + total.skipped === 0) usage(`no case in ${paths.join(" ")}`);
for (const [reason, count] of [...reasons].sort()) process.stdout.write(`skipped ${count}: ${reason}\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
