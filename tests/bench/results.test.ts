// Figures as they are told: by the budget's names and units, in the pages rendered from the last of them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BUDGET, growth, markOf, rowOf } from "../../bench/budget.ts";
import { type Figure, figure } from "../../bench/figure.ts";
import { SAMPLED, SUBJECTS } from "../../bench/host.ts";
import { committed } from "../../bench/report.ts";
import { line, markdown, merged, missing, withBudget } from "../../bench/results.ts";
import { ROOT } from "../../scripts/run.mjs";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("the budget", () => {
	it("agrees with every subject about its unit", () => {
		for (const { name, unit } of [...SUBJECTS, ...SAMPLED]) expect(rowOf(name)?.unit ?? unit, name).toBe(unit);
	});

	it("has one row a name", () => {
		expect(new Set(BUDGET.map(({ name }) => name)).size).toBe(BUDGET.length);
	});

	it("marks what reaches floor or goal, whichever way is better", () => {
		const rate = { name: "r", unit: "M/s", floor: 2, goal: 4, less: false } as const;
		expect([1, 2, 3, 4].map((value) => markOf(rate, value))).toEqual(["below", "floor", "floor", "goal"]);
		const time = { name: "t", unit: "ms", floor: 4, goal: 2, less: true } as const;
		expect([5, 4, 3, 2].map((value) => markOf(time, value))).toEqual(["below", "floor", "floor", "goal"]);
		expect(markOf({ ...time, floor: null, goal: null }, 1)).toBeNull();
	});
});

describe("figures", () => {
	it("have their best by the direction of the unit, or of the name", () => {
		expect(figure("any", "M/s", [1, 3, 2])).toMatchObject({ median: 2, best: 3, runs: 3 });
		expect(figure("any", "ms", [1, 3, 2]).best).toBe(1);
		expect(figure("v6-over-v4", "x", [1, 3, 2]).best).toBe(1);
		expect(figure("workers-2", "x", [1, 3, 2]).best).toBe(3);
	});

	it("of one name are the newest", () => {
		const old = figure("start", "ms", [9]);
		const other = figure("fib-pods", "M/s", [1]);
		expect(merged([old], [figure("start", "ms", [5]), other]).map(({ name, median }) => [name, median])).toEqual([
			["fib-pods", 1],
			["start", 5],
		]);
	});

	it("that nobody measured are told as missing", () => {
		const one = figure("start", "ms", [9]);
		expect(missing([one])).toHaveLength(BUDGET.length - 1);
		expect(markdown({ machine: "m", figures: [one] })).toContain("| fib-pods | M/s | missing |");
	});

	it("of 100 and of 10,000 Services give the growth", () => {
		const figures: Figure[] = [figure("dispatch-100", "ns", [4]), figure("dispatch-10k", "ns", [6])];
		expect(growth(figures)[0]).toMatchObject({ name: "dispatch-growth", unit: "x", median: 1.5 });
		expect(growth(figures.slice(1))).toEqual([]);
	});

	it("are a line each, with what they reach", () => {
		expect(line(figure("start", "ms", [140]))).toBe("start: 140 ms (best 140, 1 runs); floor met");
	});
});

describe("the pages", () => {
	it("are rendered from the last figures", async () => {
		const results = await committed();
		expect(read("bench/RESULTS.md")).toBe(markdown(results));
		const page = read("docs/performance.md");
		expect(withBudget(page, results.figures)).toBe(page);
	});
});
