// `npm run bench -- [--only NAME]… [--json FILE]`: measures, prints a line a figure, and writes `bench/RESULTS.md` where
// everything was measured. `--only` takes a whole name or its beginning.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../scripts/run.mjs";
import { type Figure, measure, sampled } from "./figure.ts";
import { line, machine, markdown } from "./results.ts";
import { SAMPLED, SUBJECTS } from "./subjects.ts";

const { values } = parseArgs({
	options: { json: { type: "string" }, only: { type: "string", multiple: true, default: [] } },
});
const all = [...SUBJECTS, ...SAMPLED];
const chosen = all.filter(
	({ name }) => values.only.length === 0 || values.only.some((only) => name === only || name.startsWith(only)),
);
if (chosen.length === 0) {
	process.stderr.write(
		`no figure is named ${values.only.join(", ")}; there are ${all.map(({ name }) => name).join(", ")}\n`,
	);
	process.exit(2);
}

const figures: Figure[] = [];
const started = performance.now();
for (const subject of chosen) {
	const figure = await ("samples" in subject ? sampled(subject) : measure(subject));
	process.stdout.write(`${line(figure)}\n`);
	figures.push(figure);
	// The tables of the last subject are hundreds of megabytes: let them go before the next one's.
	globalThis.gc?.();
}
const { user, system } = process.cpuUsage();
const share = (user + system) / 1000 / (performance.now() - started);
if (values.json !== undefined) {
	await writeFile(values.json, `${JSON.stringify({ machine: machine(share), figures }, null, "\t")}\n`);
}
if (chosen.length === all.length) await writeFile(join(ROOT, "bench/RESULTS.md"), markdown(figures, share));
