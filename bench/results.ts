// Figures as text: a line each, and the table of `bench/RESULTS.md`.

import { arch, cpus, platform } from "node:os";
import type { Figure } from "./figure.ts";

/** The machine as far as it explains a figure: processor, how many of it, runtime, and how much of one CPU the run got. */
export function machine(share: number): string {
	const all = cpus();
	const model = all[0]?.model.trim() ?? arch();
	return `${model}, ${all.length} CPUs, ${platform()} ${arch()}, Node ${process.versions.node} (V8 ${process.versions.v8}); the run had ${Math.round(share * 100)} % of one CPU`;
}

export function line({ name, unit, median, best, runs, baseline, ratio }: Figure): string {
	const beside = baseline === null ? "" : `; twin ${short(baseline)} ${unit}, ${short(ratio ?? 0)}x`;
	return `${name}: ${short(median)} ${unit} (best ${short(best)}, ${runs} runs)${beside}`;
}

export function markdown(figures: readonly Figure[], share: number): string {
	const rows = figures.map(({ name, unit, median, best, runs, baseline, ratio }) => {
		const beside = [baseline, ratio].map((value) => (value === null ? "–" : short(value)));
		return `| ${name} | ${unit} | ${short(median)} | ${short(best)} | ${runs} | ${beside[0]} | ${beside[1]} |`;
	});
	return [
		"# Figures",
		"",
		`Written by \`npm run bench\`. Machine: ${machine(share)}.`,
		"`twin`: the same algorithm in typed-array TypeScript (`bench/baseline`), in the same run; `ratio`: how many times faster the",
		"engine is. What each figure means is in `docs/performance.md`; compare within a row, not between machines. Times are of the",
		"wall clock: where others used the machine (the share above is well below 100 %), absolute figures are low, ratios hold.",
		"",
		"| figure | unit | median | best | runs | twin | ratio |",
		"|---|---|--:|--:|--:|--:|--:|",
		...rows,
		"",
	].join("\n");
}

function short(value: number): string {
	return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
