// Do two results of one probe agree? Pure comparison with the rules of the recorded kernel data: ephemeral and randomised
// ports and ICMP ids agree up to one consistent renaming, `eph` is any such, `<varies>` excuses; what an expectation does not
// record (conntrack, hops, trace) is not judged. Used by the conformance runner and by `podwire verify`.

import type {
	ConntrackEntryJson,
	IcmpErrorJson,
	PortJson,
	ProbeDetail,
	ProbeResult,
	TracedPacketJson,
	TupleJson,
} from "../net/probe.ts";
import { VARIES } from "../net/probe.ts";
import { type Difference, describeList } from "./difference.ts";
import { firstMismatch, matchUnordered } from "./matching.ts";
import { literalIds, literalPorts, Renaming } from "./renaming.ts";
import { compareSummary } from "./summary.ts";

export type { Difference } from "./difference.ts";
export { compareSummary } from "./summary.ts";

export interface CompareOptions {
	/** Ports that somebody wrote down: never renamed. Default: those of the probe itself. */
	literalPorts?: Iterable<number>;
	/** ICMP ids of that kind. Default: those of the probe itself. */
	literalIds?: Iterable<number>;
	/** Also judge what only the client's socket tells (errno, phase, error queue, local address, reply TTL). Default false. */
	sockets?: boolean;
	/** Parts that are not judged. */
	without?: readonly ("summary" | "result" | "conntrack" | "ruleHits" | "hops" | "trace")[];
}

/** Every difference between two results of one probe; empty when they agree. */
export function compareProbe(expected: ProbeResult, got: ProbeResult, options: CompareOptions = {}): Difference[] {
	const { from: _from, expect: _expect, ...question } = expected.probe;
	const renaming = new Renaming(
		options.literalPorts ?? literalPorts(question.port, question.sport, question.raw),
		options.literalIds ?? literalIds([expected.probe]),
	);
	const judged = (part: NonNullable<CompareOptions["without"]>[number]) => !(options.without ?? []).includes(part);
	const differences: Difference[] = [];
	if (judged("summary")) differences.push(...compareSummary(expected.summary, got.summary, renaming, options.sockets));
	if (judged("result") && expected.result) {
		differences.push(...compareDetail(expected.result, got.result, renaming, options.sockets));
	}
	if (judged("hops") && expected.hops) differences.push(...compareHops(expected.hops, got.hops ?? [], renaming));
	if (judged("conntrack") && expected.result?.conntrack) {
		differences.push(...compareConntrack(expected.result.conntrack, got.result?.conntrack ?? {}, renaming));
	}
	if (judged("ruleHits") && expected.ruleHits) {
		const byChance = expected.summary.server === VARIES ? netnsAgreedByLuck(expected.ruleHits) : [];
		differences.push(...compareRuleHits(without(expected.ruleHits, byChance), without(got.ruleHits ?? {}, byChance)));
	}
	if (judged("trace") && expected.trace) differences.push(...compareTrace(expected.trace, got.trace ?? {}, renaming));
	return differences;
}

/** Judged wherever either side has them. */
const DETAIL_FIELDS = [
	"outcome",
	"server",
	"serverSawSrc",
	"serverSawSport",
	"serverLocal",
	"replyFrom",
	"replyFromPort",
	"replyAddrMismatch",
	"by",
	"localError",
	"arrivedAt",
	"arrivedAs",
	"lastSeen",
] as const satisfies (keyof ProbeDetail)[];

/** What only the client's socket tells. */
const SOCKET_FIELDS = [
	"local",
	"errno",
	"phase",
	"replyTtl",
	"icmpType",
	"icmpFrom",
	"errqueue",
	"sent",
] as const satisfies (keyof ProbeDetail)[];

/** Compares one attempt without its conntrack entries. */
export function compareDetail(
	expected: ProbeDetail,
	got: ProbeDetail | undefined,
	renaming: Renaming,
	sockets = false,
): Difference[] {
	if (got === undefined) return [{ path: "result", expected, got }];
	const differences: Difference[] = [];
	for (const field of sockets ? [...DETAIL_FIELDS, ...SOCKET_FIELDS] : DETAIL_FIELDS) {
		differences.push(...compareValue(`result.${field}`, expected[field], got[field], renaming));
	}
	differences.push(...compareIcmp(expected.icmp ?? [], got.icmp ?? [], renaming));
	differences.push(...compareLines("result.followUp", expected.followUp ?? [], got.followUp ?? [], renaming));
	return differences;
}

/** Any JSON value: texts up to the ports in them, numbers under a `…port`, `id` or `icmpId` key up to renaming, lists in order. */
function compareValue(path: string, expected: unknown, got: unknown, renaming: Renaming): Difference[] {
	if (expected === VARIES) return [];
	if (isChosen(expected) && isChosen(got) && (isPort(path) || isId(path))) {
		const same = isPort(path) ? renaming.same(expected, got) : renaming.sameId(expected, got);
		return same ? [] : [{ path, expected, got }];
	}
	if (expected === got && typeof expected !== "string") return [];
	if (typeof expected === "string" && typeof got === "string" && renaming.sameText(expected, got)) return [];
	if (isRecord(expected) && isRecord(got)) {
		const keys = new Set([...Object.keys(expected), ...Object.keys(got)]);
		return [...keys].flatMap((key) =>
			compareValue(`${path}${Array.isArray(expected) ? `[${key}]` : `.${key}`}`, expected[key], got[key], renaming),
		);
	}
	return [{ path, expected, got }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null;
}

function isChosen(value: unknown): value is PortJson {
	return typeof value === "number" || value === "eph";
}

function isPort(path: string): boolean {
	return /[pP]ort$/.test(path);
}

function isId(path: string): boolean {
	return /\.(?:id|icmpId)$/.test(path);
}

function compareIcmp(
	expected: readonly IcmpErrorJson[],
	got: readonly IcmpErrorJson[],
	renaming: Renaming,
): Difference[] {
	const told = ({ from, type, code, inner }: IcmpErrorJson) => ({ from, type, code, inner });
	return compareValue("result.icmp", expected.map(told), got.map(told), renaming);
}

function compareLines(
	path: string,
	expected: readonly string[],
	got: readonly string[],
	renaming: Renaming,
): Difference[] {
	const at = firstMismatch(expected, got, (a, b) => renaming.sameText(a, b), renaming);
	if (at === null) return [];
	return [{ path: `${path}[${at.expectedAt}]`, expected: expected[at.expectedAt], got: got[at.gotAt] }];
}

/** Hops in order; the first that differs is told, for all later ones usually follow from it. */
export function compareHops(
	expected: readonly string[],
	got: readonly string[],
	renaming = new Renaming(),
): Difference[] {
	return compareLines("hops", expected, got, renaming);
}

/** Entries of each netns in any order. A netns that one side does not name has none. */
export function compareConntrack(
	expected: Record<string, ConntrackEntryJson[]>,
	got: Record<string, ConntrackEntryJson[]>,
	renaming = new Renaming(),
): Difference[] {
	return eachNetns(expected, got).flatMap((netns) => {
		const path = `result.conntrack.${netns}`;
		const same = (a: ConntrackEntryJson, b: ConntrackEntryJson) => sameEntry(a, b, renaming);
		const { missing, extra } = matchUnordered(expected[netns] ?? [], got[netns] ?? [], same, renaming);
		const told = missing.length === 1 && extra.length === 1 ? compareValue(path, missing[0], extra[0], renaming) : [];
		return told.length > 0 ? told : describeList(path, missing, extra);
	});
}

function sameEntry(expected: ConntrackEntryJson, got: ConntrackEntryJson, renaming: Renaming): boolean {
	return (
		expected.proto === got.proto &&
		expected.state === got.state &&
		expected.mark === got.mark &&
		sameWords(expected.flags, got.flags) &&
		sameWords(expected.nat, got.nat) &&
		(expected.timeout === undefined || got.timeout === undefined || tens(expected.timeout) === tens(got.timeout)) &&
		sameTuple(expected.orig, got.orig, renaming) &&
		sameTuple(expected.reply, got.reply, renaming)
	);
}

function sameTuple(expected: TupleJson, got: TupleJson, renaming: Renaming): boolean {
	const samePort = (a: PortJson | undefined, b: PortJson | undefined) =>
		a === undefined || b === undefined ? a === b : renaming.same(a, b);
	const sameId = (a: PortJson | undefined, b: PortJson | undefined) =>
		a === undefined || b === undefined ? a === b : renaming.sameId(a, b);
	return (
		expected.src === got.src &&
		expected.dst === got.dst &&
		expected.type === got.type &&
		expected.code === got.code &&
		samePort(expected.sport, got.sport) &&
		samePort(expected.dport, got.dport) &&
		sameId(expected.id, got.id)
	);
}

function sameWords(expected: readonly string[], got: readonly string[]): boolean {
	return expected.length === got.length && expected.every((word) => got.includes(word));
}

function tens(seconds: number): number {
	return Math.ceil(seconds / 10) * 10;
}

/** Where another server answered in each repeat, a netns whose counts nevertheless agreed in all of them did so by luck. */
function netnsAgreedByLuck(hits: NonNullable<ProbeResult["ruleHits"]>): string[] {
	return Object.keys(hits).filter((netns) => hits[netns] !== VARIES && !hits[netns]?.includes(VARIES));
}

function without<T>(record: Record<string, T>, keys: readonly string[]): Record<string, T> {
	return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

/** Counts of each netns's rules and policies, in any order. A netns that one side does not name has none. */
export function compareRuleHits(
	expected: NonNullable<ProbeResult["ruleHits"]>,
	got: NonNullable<ProbeResult["ruleHits"]>,
): Difference[] {
	return eachNetns(expected, got).flatMap((netns) => {
		const wanted = expected[netns] ?? [];
		const counted = got[netns] ?? [];
		if (wanted === VARIES || counted === VARIES) return [];
		const { missing, extra } = matchUnordered(wanted, counted, (a, b) => a === b, new Renaming());
		return pairByRule(`ruleHits.${netns}`, missing, extra);
	});
}

/** `2 nat -A X` expected and `1 nat -A X` got is one difference: a wrong count. */
function pairByRule(path: string, missing: readonly string[], extra: readonly string[]): Difference[] {
	const rest = [...extra];
	const differences: Difference[] = missing.map((line) => {
		const partner = rest.findIndex((candidate) => ruleOf(candidate) === ruleOf(line));
		return { path, expected: line, got: partner < 0 ? `0 ${ruleOf(line)}` : rest.splice(partner, 1)[0] };
	});
	return [...differences, ...rest.map((line) => ({ path, expected: `0 ${ruleOf(line)}`, got: line }))];
}

function ruleOf(line: string): string {
	return line.slice(line.indexOf(" ") + 1);
}

/** Packets in order, each with its hooks and steps in order. */
export function compareTrace(
	expected: Record<string, TracedPacketJson[]>,
	got: Record<string, TracedPacketJson[]>,
	renaming = new Renaming(),
): Difference[] {
	return eachNetns(expected, got).flatMap((netns) => {
		const wanted = expected[netns] ?? [];
		const traced = got[netns] ?? [];
		for (let index = 0; index < Math.max(wanted.length, traced.length); index++) {
			const differences = compareTracedPacket(`trace.${netns}[${index}]`, wanted[index], traced[index], renaming);
			if (differences.length > 0) return differences;
		}
		return [];
	});
}

function compareTracedPacket(
	path: string,
	expected: TracedPacketJson | undefined,
	got: TracedPacketJson | undefined,
	renaming: Renaming,
): Difference[] {
	if (expected === undefined || got === undefined) return [{ path, expected: expected?.packet, got: got?.packet }];
	return [
		...compareValue(`${path}.packet`, expected.packet, got.packet, renaming),
		...compareLines(`${path}.hookPath`, expected.hookPath, got.hookPath, renaming),
		...compareLines(`${path}.steps`, expected.steps, got.steps, renaming),
	];
}

function eachNetns(expected: object, got: object): string[] {
	return [...new Set([...Object.keys(expected), ...Object.keys(got)])].sort();
}
