// One place where two results part, and how it is told.

export interface Difference {
	/** Where: `result.conntrack.node:n1`, `hops[12]`, `ruleHits.node:n2`. */
	path: string;
	/** undefined: nothing was expected here. */
	expected: unknown;
	/** undefined: nothing is there. */
	got: unknown;
}

/** One difference for each entry that one side has alone. */
export function describeList(path: string, missing: readonly unknown[], extra: readonly unknown[]): Difference[] {
	return [
		...missing.map((expected): Difference => ({ path, expected, got: undefined })),
		...extra.map((got): Difference => ({ path, expected: undefined, got })),
	];
}

/** `PATH: expected …, got …`, on one line. */
export function printDifference({ path, expected, got }: Difference): string {
	return `${path}: expected ${printValue(expected)}, got ${printValue(got)}`;
}

function printValue(value: unknown): string {
	if (value === undefined) return "nothing";
	return typeof value === "string" ? value : JSON.stringify(value);
}
