// `npm run bench -- [--only NAME]… [--json FILE] [--keep]`: measures, prints a line a figure. `--only` takes a whole name, or
// else the beginning of some. Where everything was measured, or with `--keep`, the figures go into `bench/RESULTS.json`.
// `--render` measures nothing: after the budget or a text has changed, the pages are written anew.

import { parseArgs } from "node:util";
import { BUDGET, growth } from "./budget.ts";
import { exposeCollector } from "./collect.ts";
import { type Figure, measure, type Samples, type Subject, sampled } from "./figure.ts";
import { SAMPLED, SUBJECTS } from "./host.ts";
import { keep, machine, writeJson } from "./report.ts";
import { line, missing } from "./results.ts";

const { values } = parseArgs({
	options: {
		json: { type: "string" },
		only: { type: "string", multiple: true, default: [] },
		keep: { type: "boolean", default: false },
		render: { type: "boolean", default: false },
	},
});
if (values.render) {
	await keep([], null);
	process.exit();
}
const all: readonly (Subject | Samples)[] = [...SUBJECTS, ...SAMPLED];
const chosen = choose(values.only);

exposeCollector();
const figures: Figure[] = [];
for (const subject of chosen) {
	try {
		say(await ("samples" in subject ? sampled(subject) : measure(subject)));
	} catch (error) {
		process.stderr.write(`${subject.name}: ${error instanceof Error ? error.stack : error}\n`);
		process.exitCode = 1;
	}
	globalThis.gc?.();
}
for (const figure of growth(figures)) say(figure);
const whole = chosen.length === all.length;
if (whole) for (const { name, by } of missing(figures)) process.stdout.write(`${name}: ${by ?? "missing"}\n`);
if (values.json !== undefined) await writeJson(values.json, { machine: machine(), figures });
if (whole || values.keep) await keep(figures, whole ? machine() : null);

function say(figure: Figure): void {
	process.stdout.write(`${line(figure)}\n`);
	figures.push(figure);
}

/** Subjects by `--only`; ends the process where a name fits none. */
function choose(names: readonly string[]): readonly (Subject | Samples)[] {
	if (names.length === 0) return all;
	const wanted = new Set<Subject | Samples>();
	for (const only of names) {
		const exact = all.filter(({ name }) => name === only);
		const found = exact.length > 0 ? exact : all.filter(({ name }) => name.startsWith(only));
		for (const subject of found) wanted.add(subject);
		if (found.length === 0) {
			const known = BUDGET.some(({ name }) => name === only) ? "is missing: nothing measures it yet" : "is no figure";
			process.stderr.write(`${only} ${known}; there are ${all.map(({ name }) => name).join(", ")}\n`);
			process.exit(2);
		}
	}
	return all.filter((subject) => wanted.has(subject));
}
