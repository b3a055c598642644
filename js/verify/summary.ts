// The summary of a probe's attempts: outcomes by number, everything else as the set of values seen. Where chance picks the
// endpoint, a recording holds the union over more attempts than the probe asks for; fewer attempts may see fewer values.

import type { ProbeSummary } from "../net/probe.ts";
import { VARIES } from "../net/probe.ts";
import type { Difference } from "./difference.ts";
import { Renaming } from "./renaming.ts";

const VALUE_FIELDS = [
	"server",
	"serverSawSrc",
	"serverLocal",
	"replyFrom",
	"sportPreserved",
	"replyAddrMismatch",
	"by",
	"localError",
	"icmpFrom",
	"arrivedAt",
	"lastSeen",
] as const satisfies (keyof ProbeSummary)[];
const SOCKET_FIELDS = ["errno", "phase"] as const satisfies (keyof ProbeSummary)[];

/** Every difference between two summaries. `sockets`: also errno and phase. */
export function compareSummary(
	expected: ProbeSummary,
	got: ProbeSummary,
	renaming = new Renaming(),
	sockets = false,
): Difference[] {
	const fewer = attemptsOf(got) < attemptsOf(expected);
	const differences = compareOutcomes(expected, got, fewer);
	for (const field of sockets ? [...VALUE_FIELDS, ...SOCKET_FIELDS] : VALUE_FIELDS) {
		if (!sameValues(expected[field], got[field], fewer, renaming)) {
			differences.push({ path: `summary.${field}`, expected: expected[field], got: got[field] });
		}
	}
	if (expected.icmpType !== VARIES && got.icmpType !== VARIES && String(expected.icmpType) !== String(got.icmpType)) {
		differences.push({ path: "summary.icmpType", expected: expected.icmpType, got: got.icmpType });
	}
	return [...differences, ...compareServerCount(expected, got, fewer)];
}

function attemptsOf(summary: ProbeSummary): number {
	return summary.attempts ?? summary.n;
}

function compareOutcomes(expected: ProbeSummary, got: ProbeSummary, fewer: boolean): Difference[] {
	const differences: Difference[] = [];
	for (const outcome of new Set([...Object.keys(expected.outcomes), ...Object.keys(got.outcomes)])) {
		const wanted = expected.outcomes[outcome as keyof ProbeSummary["outcomes"]];
		const counted = got.outcomes[outcome as keyof ProbeSummary["outcomes"]];
		if (!sameCount(wanted, counted, expected, got, fewer)) {
			differences.push({ path: `summary.outcomes.${outcome}`, expected: wanted, got: counted });
		}
	}
	return differences;
}

type Count = ProbeSummary["outcomes"][keyof ProbeSummary["outcomes"]];

function sameCount(wanted: Count, counted: Count, expected: ProbeSummary, got: ProbeSummary, fewer: boolean): boolean {
	if (wanted === undefined) return counted === undefined;
	if (counted === undefined) return wanted === VARIES && fewer;
	if (wanted === VARIES || counted === VARIES) return true;
	// Every attempt ended so: the numbers agree whatever each side counts, the attempts asked for or those made.
	const always = (count: number, of: ProbeSummary) => count === of.n || count === of.attempts;
	return wanted === counted || (always(wanted, expected) && always(counted, got));
}

function sameValues(expected: unknown, got: unknown, fewer: boolean, renaming: Renaming): boolean {
	if (expected === VARIES || got === VARIES) return true;
	if (expected === undefined || got === undefined) return expected === got || (got === undefined && fewer);
	const wanted = Array.isArray(expected) ? expected : [expected];
	const seen = Array.isArray(got) ? got : [got];
	const same = (a: unknown, b: unknown) =>
		a === b || (typeof a === "string" && typeof b === "string" && renaming.sameText(a, b));
	const known = seen.every((value) => wanted.some((candidate) => same(candidate, value)));
	return known && (fewer || wanted.every((value) => seen.some((candidate) => same(value, candidate))));
}

function compareServerCount(expected: ProbeSummary, got: ProbeSummary, fewer: boolean): Difference[] {
	const wanted = expected.distinctServers;
	const counted = got.distinctServers;
	if (wanted === undefined || wanted === VARIES || counted === VARIES || wanted === counted) return [];
	if (fewer && counted !== undefined && counted <= wanted) return [];
	return [{ path: "summary.distinctServers", expected: wanted, got: counted }];
}
