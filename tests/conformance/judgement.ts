// Results of comparing what was expected of one probe or case with what podwire says.

import type { Result } from "./result.ts";

/** The value with the keys of its objects sorted, so that equal values have equal texts. */
function canonical(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(canonical);
	if (typeof value !== "object" || value === null) return value;
	const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
	return Object.fromEntries(entries.map(([key, entry]) => [key, canonical(entry)]));
}

export function compare(name: string, expected: unknown, got: unknown): Result {
	const equal = JSON.stringify(canonical(expected)) === JSON.stringify(canonical(got));
	return { name, status: equal ? "passed" : "failed", expected, got };
}

export function skipped(name: string, reason: string): Result {
	return { name, status: "skipped", reason };
}

export function failed(name: string, reason: string): Result {
	return { name, status: "failed", reason };
}
