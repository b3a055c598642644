// Figures as text: a line each, the table of `bench/RESULTS.md`, and the budget in `docs/performance.md`. Both tables are
// rendered from `bench/RESULTS.json`, the last figures of every name.

import { BUDGET, type Mark, markOf, type Row, rowOf, TWIN } from "./budget.ts";
import type { Figure } from "./figure.ts";

/** What `--json` writes. */
export interface Measured {
	/** Processor, how many of it, runtime, and how much of one CPU the run got. */
	machine: string;
	figures: Figure[];
}

/** What is committed. */
export interface Results extends Measured {
	/** By processor, the lowest ratio to its twin that a guarded figure was recorded with there (`bench/guard.ts --record`). */
	lowest: Lowest;
}

export type Lowest = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** With another record of a processor: where both have a figure, the lower ratio stays. */
export function withLowest(before: Lowest, processor: string, recorded: Readonly<Record<string, number>>): Lowest {
	const own = Object.entries(recorded).map(([name, ratio]) => {
		const known = before[processor]?.[name];
		return [name, known === undefined ? ratio : Math.min(known, ratio)] as const;
	});
	return { ...before, [processor]: { ...before[processor], ...Object.fromEntries(own) } };
}

/** The lowest recorded ratio of a figure on a processor; of one that has no record, the lowest of all. Null: there is none. */
export function lowestOf(lowest: Lowest, processor: string, name: string): number | null {
	const own = lowest[processor]?.[name];
	if (own !== undefined) return own;
	const known = Object.values(lowest).flatMap((by) => by[name] ?? []);
	return known.length > 0 ? Math.min(...known) : null;
}

export function line(figure: Figure): string {
	const { name, unit, median, best, runs, baseline, ratio } = figure;
	const beside = baseline === null ? "" : `; twin ${short(baseline)} ${unit}, ${short(ratio ?? 0)}x`;
	const mark = marked(figure);
	return `${name}: ${short(median)} ${unit} (best ${short(best)}, ${runs} runs)${beside}${mark ? `; ${WORDS[mark]}` : ""}`;
}

const WORDS: Readonly<Record<Mark, string>> = { goal: "goal reached", floor: "floor met", below: "floor not met" };

function marked({ name, median }: Figure): Mark | null {
	const row = rowOf(name);
	return row === undefined ? null : markOf(row, median);
}

/** Those of `before`, each replaced by a newer one of its name, in the budget's order; others stand at the end. */
export function merged(before: readonly Figure[], newer: readonly Figure[]): Figure[] {
	const byName = new Map([...before, ...newer].map((figure) => [figure.name, figure]));
	const order = new Map(BUDGET.map(({ name }, i) => [name, i]));
	const place = ({ name }: Figure) => order.get(name) ?? BUDGET.length;
	return [...byName.values()].sort((a, b) => place(a) - place(b));
}

/** Budget rows that no figure has. */
export function missing(figures: readonly Figure[]): Row[] {
	return BUDGET.filter(({ name }) => !figures.some((figure) => figure.name === name));
}

/** All of `bench/RESULTS.md`. */
export function markdown({ machine, figures }: Measured): string {
	const rows = figures.map((figure) => {
		const { name, unit, median, best, runs, baseline, ratio } = figure;
		const { floor = null, goal = null } = rowOf(name) ?? {};
		const twin = ratio === null ? null : markOf(TWIN, ratio);
		const cells = [short(median), short(best), runs, optional(floor), optional(goal), symbol(marked(figure))];
		return `| ${[name, unit, ...cells, optional(baseline), optional(ratio), symbol(twin)].join(" | ")} |`;
	});
	const absent = missing(figures).map(
		({ name, unit, floor, goal }) =>
			`| ${name} | ${unit} | missing | – | – | ${optional(floor)} | ${optional(goal)} | – | – | – | – |`,
	);
	return [
		"# Figures",
		"",
		`Written by \`npm run bench\`. Machine: ${machine}.`,
		"`twin`: the same algorithm in typed-array TypeScript (`bench/baseline`), in the same run; `ratio`: how many times faster the",
		`engine is (floor ${TWIN.floor}, goal ${TWIN.goal}). ${SYMBOLS_SAY} What each figure means is in`,
		"`docs/performance.md`; compare within a row, not between machines. Times are of the wall clock: where others used the",
		"machine (the share above is well below 100 %), absolute figures are low, ratios hold.",
		"",
		"| figure | unit | median | best | runs | floor | goal | | twin | ratio | |",
		"|---|---|--:|--:|--:|--:|--:|:-:|--:|--:|:-:|",
		...rows,
		...absent,
		"",
	].join("\n");
}

/** The rows with a budget, for people: between the two comments of `docs/performance.md`. */
export function budgetTable(figures: readonly Figure[]): string {
	const rows = BUDGET.filter(({ floor, goal }) => floor !== null || goal !== null).map((row) => {
		const found = figures.find(({ name }) => name === row.name);
		const now = found === undefined ? "missing" : `${short(found.median)} ${row.unit}`;
		const at = row.less ? "≤" : "≥";
		const wanted = [row.floor, row.goal].map((value) => (value === null ? "–" : `${at} ${short(value)}`));
		return `| \`${row.name}\` | ${now} | ${wanted.join(" | ")} | ${symbol(found === undefined ? null : marked(found))} |`;
	});
	return [SYMBOLS_SAY, "", "| figure | now | floor | goal | |", "|---|--:|--:|--:|:-:|", ...rows].join("\n");
}

const SYMBOLS_SAY = "★ goal reached, ✓ floor met, ✗ neither.";

function symbol(mark: Mark | null): string {
	return mark === null ? "–" : { goal: "★", floor: "✓", below: "✗" }[mark];
}

const FROM = "<!-- budget: written by `npm run bench` from bench/budget.ts and bench/RESULTS.json -->";
const TO = "<!-- /budget -->";

/** A page with the table between its two comments as it is now. Throws RangeError where the page has no such place. */
export function withBudget(page: string, figures: readonly Figure[]): string {
	const [from, to] = [page.indexOf(FROM), page.indexOf(TO)];
	if (from < 0 || to < from) throw new RangeError("the page has no place for the budget");
	return `${page.slice(0, from)}${FROM}\n\n${budgetTable(figures)}\n\n${page.slice(to)}`;
}

function optional(value: number | null): string {
	return value === null ? "–" : short(value);
}

/** Three digits that count. */
export function short(value: number): string {
	if (value >= 100) return value.toFixed(0);
	return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}
