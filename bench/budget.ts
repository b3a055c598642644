// The budget of the engine as data: every figure by its name, with its unit, what it has to reach on one core (floor), what
// we are after (goal), and which way is better. What nobody measures yet is missing in the report, not absent from it.

import type { Figure, Unit } from "./figure.ts";

export interface Row {
	name: string;
	unit: Unit;
	/** null: reported, without a budget of its own. */
	floor: number | null;
	goal: number | null;
	/** Lower is better; else higher. */
	less: boolean;
	/** What measures it; default `bench`. */
	by?: "bench:kernel";
}

const more = (name: string, unit: Unit, floor: number | null = null, goal: number | null = null): Row => ({
	name,
	unit,
	floor,
	goal,
	less: false,
});
const less = (...row: Parameters<typeof more>): Row => ({ ...more(...row), less: true });

export const BUDGET: readonly Row[] = [
	more("fib-pods", "M/s", 100, 250),
	more("fib-bgp", "M/s"),
	less("fib-bytes", "B", 4),
	less("rule-walk", "ns", 2, 0.2),
	less("rule-scan", "ns", 2, 0.2),
	less("dispatch-100", "ns"),
	less("dispatch-10k", "ns"),
	less("dispatch-growth", "x", 2, 1.05),
	more("conntrack-lookup-1m", "M/s"),
	more("conntrack-insert-1m", "M/s"),
	more("forward-1m", "Mpps", 5, 10),
	more("forward-100k", "Mpps"),
	more("forward-10k", "Mpps"),
	more("forward-windows", "Mpps"),
	more("forward-cached-1m", "Mpps", 12, 20),
	more("forward-cached-100k", "Mpps", 16, 35),
	more("new-100", "M/s", 3, 8),
	more("new-1k", "M/s"),
	more("new-10k", "M/s", 2, 6),
	more("replay-pcap", "Mpps", 4, 10),
	more("trace", "k/s", 100, 500),
	more("trace-json", "k/s", 20, 50),
	more("workers-2", "x", 1.8, 1.95),
	more("native", "x", 1.15),
	less("v6-over-v4", "x", 2, 1.3),
	less("update-10k", "ms", 5, 0.5),
	less("compile-5k", "s", 20, 3),
	less("memory-5k", "MiB", 1024, 256),
	less("start", "ms", 150, 30),
	less("up-5k", "s", 60, 20),
	less("up-5k-rss", "MiB", 4096, 1536),
	less("scale-one-5k", "ms", null, 5),
	{ ...more("established-vs-linux", "x", 40, 100), by: "bench:kernel" },
	{ ...more("new-vs-linux", "x", 60, 200), by: "bench:kernel" },
];

/** What every figure with a twin has to reach against it. */
export const TWIN: Row = more("twin", "x", 1.5, 3);

const LOWER: ReadonlySet<Unit> = new Set<Unit>(["ns", "ms", "s", "MiB", "B"]);

/** Whether lower is better: as the budget says, else by the unit. */
export function isLess(name: string, unit: Unit): boolean {
	return rowOf(name)?.less ?? LOWER.has(unit);
}

export function rowOf(name: string): Row | undefined {
	return BUDGET.find((row) => row.name === name);
}

export type Mark = "goal" | "floor" | "below";

/** Where a value stands; null without a budget. */
export function markOf({ floor, goal, less }: Row, value: number): Mark | null {
	const reaches = (wanted: number) => (less ? value <= wanted : value >= wanted);
	if (goal !== null && reaches(goal)) return "goal";
	if (floor === null) return null;
	return reaches(floor) ? "floor" : "below";
}

/** How much dearer a packet is in 10,000 Services than in 100: of two figures of one run; none where one is missing. */
export function growth(figures: readonly Figure[]): Figure[] {
	const [few, many] = ["dispatch-100", "dispatch-10k"].map((name) => figures.find((figure) => figure.name === name));
	if (few === undefined || many === undefined) return [];
	const [median, best] = [many.median / few.median, many.best / few.best];
	return [
		{
			name: "dispatch-growth",
			unit: "x",
			median,
			best,
			runs: Math.min(few.runs, many.runs),
			baseline: null,
			ratio: null,
		},
	];
}
