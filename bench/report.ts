// Where figures end: `--json FILE`, `bench/RESULTS.json`, and the two pages that are rendered from it.

import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";
import { ROOT } from "../scripts/run.mjs";
import type { Figure } from "./figure.ts";
import { type Lowest, type Measured, markdown, merged, type Results, withBudget } from "./results.ts";

const RESULTS = join(ROOT, "bench/RESULTS.json");
const TABLE = join(ROOT, "bench/RESULTS.md");
const PAGE = join(ROOT, "docs/performance.md");

const started = performance.now();

/**
 * The processor's model, with its numbers where Linux tells them, as hosts give many generations one name. Ratios are told apart by it:
 * V8 runs a twin twice as fast on one as on another.
 */
export function processor(): string {
	const model = cpus()[0]?.model.trim() ?? arch();
	if (platform() !== "linux") return model;
	const info = readFileSync("/proc/cpuinfo", "utf8");
	const [family, number] = ["cpu family", "model"].map(
		(name) => new RegExp(`^${name}\\s*: (\\d+)$`, "m").exec(info)?.[1],
	);
	return family === undefined ? model : `${model} (family ${family}, model ${number})`;
}

/** The machine as far as it explains a figure: processor, how many of it, runtime, how much of one CPU this process got. */
export function machine(): string {
	const { user, system } = process.cpuUsage();
	const share = (user + system) / 1000 / (performance.now() - started);
	const host = `${processor()}, ${cpus().length} CPUs, ${platform()} ${arch()}`;
	return `${host}, ${runtime()} (V8 ${process.versions.v8}); the run had ${Math.round(share * 100)} % of one CPU`;
}

function runtime(): string {
	const { deno } = process.versions;
	return deno === undefined ? `Node ${process.versions.node}` : `Deno ${deno}`;
}

/** The last figures of every name, as committed. */
export async function committed(): Promise<Results> {
	return JSON.parse(await readFile(RESULTS, "utf8")) as Results;
}

export async function writeJson(file: string, results: Measured | Results): Promise<void> {
	await writeFile(file, `${JSON.stringify(results, null, "\t")}\n`);
}

/** Puts figures among the last ones, and renders both pages anew. `from`: says of which machine they are. */
export async function keep(figures: readonly Figure[], from: string | null): Promise<void> {
	const before = await committed();
	const results: Results = {
		machine: from ?? before.machine,
		figures: merged(before.figures, figures),
		lowest: before.lowest,
	};
	await writeJson(RESULTS, results);
	await writeFile(TABLE, markdown(results));
	await writeFile(PAGE, withBudget(await readFile(PAGE, "utf8"), results.figures));
}

/** Puts the guard's records in the place of those before. */
export async function keepLowest(lowest: Lowest): Promise<void> {
	await writeJson(RESULTS, { ...(await committed()), lowest });
}
