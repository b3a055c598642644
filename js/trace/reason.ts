// Verdicts and reasons of a packet's end, in the stable words of a trace. The engine says which stage ended it; where a
// rule did, the rule's place says why: kube-proxy's chains and comments (pkg/proxy/iptables/proxier.go) have words of
// their own, any other rule is `drop-rule` or `reject-rule`.

import * as L from "../../assembly/layout.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { Machine } from "../../bindings/machine.ts";
import type { RulePlace } from "../../bindings/tables.ts";
import { printRule } from "../net/iptables/index.ts";
import type { Rule } from "../net/ruleset.ts";
import type { Verdict } from "./path.ts";

const VERDICTS: Readonly<Record<number, Verdict>> = {
	[L.VERDICT_DELIVERED]: "delivered",
	[L.VERDICT_REJECTED]: "rejected",
	[L.VERDICT_DROPPED]: "dropped",
	[L.VERDICT_UNREACHABLE]: "unreachable",
	[L.VERDICT_BLOCKED_LOCALLY]: "blocked-locally",
	[L.VERDICT_UNKNOWN]: "unknown",
};

const REASONS: Readonly<Record<number, string>> = {
	[L.REASON_PORT_CLOSED]: "port-closed",
	[L.REASON_REPLY_LOST]: "reply-lost",
	[L.REASON_CONNTRACK_INVALID]: "conntrack-invalid",
	[L.REASON_CONNTRACK_FULL]: "conntrack-full",
	[L.REASON_NAT_EXHAUSTED]: "nat-exhausted",
	[L.REASON_HAIRPIN]: "hairpin",
	[L.REASON_RP_FILTER]: "rp-filter",
	[L.REASON_MARTIAN]: "martian",
	[L.REASON_NO_IP_FORWARD]: "no-ip-forward",
	[L.REASON_MTU]: "mtu",
	[L.REASON_NO_ROUTE]: "no-route",
	[L.REASON_NEIGHBOUR_FAILED]: "neighbour-failed",
	[L.REASON_TTL]: "ttl",
	[L.REASON_BLACKHOLE]: "blackhole",
	[L.REASON_PROHIBIT]: "prohibit",
	[L.REASON_OTHERHOST]: "otherhost",
	[L.REASON_NO_BRIDGE_PORT]: "no-bridge-port",
	[L.REASON_SILENT]: "silent",
	[L.REASON_NO_SOCKET]: "no-socket",
	[L.REASON_ICMP_RATELIMIT]: "icmp-ratelimit",
	[L.REASON_ANTI_SPOOFING]: "anti-spoofing",
	[L.REASON_UNREACHABLE_ROUTE]: "unreachable-route",
	[L.REASON_RULE_BUDGET]: "rule-budget",
	[L.REASON_QUEUE_FULL]: "queue-full",
	[L.REASON_PROTO_UNREACHABLE]: "proto-unreachable",
	[L.REASON_DEVICE_DOWN]: "device-down",
};

/** The verdict that ended a packet; RangeError for an event that ends none. */
export function verdictOf(event: TraceEvent): Verdict {
	const verdict = VERDICTS[event.verdict];
	if (verdict === undefined) throw new RangeError(`event ${event.kind} ends no packet`);
	return verdict;
}

/** Why a packet ended; null where it was delivered. */
export function reasonOf(
	machine: Machine,
	event: Pick<TraceEvent, "kind" | "verdict" | "reason" | "rule">,
): string | null {
	if (event.kind === L.EVENT_DELIVER) return null;
	const byRule = reasonOfRule(machine, event);
	const ownWord = REASONS[event.reason];
	if (event.verdict === L.VERDICT_UNKNOWN) return ruleText(machine, event.rule) ?? ownWord ?? "unknown";
	if (event.reason !== L.REASON_RULE && event.reason !== L.REASON_NONE) return ownWord ?? `reason-${event.reason}`;
	if (byRule === null) throw new RangeError(`the engine gives no reason for verdict ${event.verdict}`);
	const named = byRule !== "drop-rule" && byRule !== "reject-rule";
	if (event.verdict === L.VERDICT_BLOCKED_LOCALLY && !named) return ruleText(machine, event.rule) ?? byRule;
	return byRule;
}

/** The word of a VERDICT_ code; null for VERDICT_NONE. */
export function verdictWord(verdict: number): Verdict | null {
	return VERDICTS[verdict] ?? null;
}

/** Why something ended that was not delivered, from the engine's codes and the rule that decided (-1: none). */
export function reasonOfEnd(machine: Machine, verdict: number, reason: number, rule: number): string {
	if (verdict === L.VERDICT_NONE) return "unfinished";
	return reasonOf(machine, { kind: L.EVENT_DROP, verdict, reason, rule }) ?? "unknown";
}

function reasonOfRule(machine: Machine, event: Pick<TraceEvent, "rule">): string | null {
	const place = machine.placeOf(event.rule);
	if (place === null) return null;
	const { chain, rule } = place;
	if (rule === null) return "drop-rule";
	const comment = commentOf(rule);
	const rejects = rule.target?.name === "REJECT";
	if (rejects) return comment.endsWith(" has no endpoints") ? "no-endpoints" : "reject-rule";
	if (comment.endsWith(" has no local endpoints")) return "no-local-endpoints";
	if (chain === "KUBE-PROXY-FIREWALL" || chain.startsWith("KUBE-FW-")) return "source-range";
	if (chain === "KUBE-FORWARD" && matchesInvalid(rule)) return "conntrack-invalid";
	return "drop-rule";
}

function commentOf(rule: Rule): string {
	const option = rule.matches.find(({ name }) => name === "comment")?.options[0];
	return option?.value.kind === "string" ? option.value.value : "";
}

function matchesInvalid(rule: Rule): boolean {
	const states = rule.matches.find(({ name }) => name === "conntrack")?.options.find(({ name }) => name === "ctstate");
	return states?.value.kind === "words" && states.value.words.includes("INVALID");
}

/** A rule row's own text: `-A CHAIN …`, of a policy `-P CHAIN DROP`, of a user chain's end null. */
export function ruleText(machine: Machine, row: number): string | null {
	const place = machine.placeOf(row);
	return place === null ? null : placeText(place);
}

/** As `ruleText`, of a row whose place is known. */
export function placeText(place: RulePlace): string | null {
	if (place.rule !== null) return `-A ${place.chain} ${printed(place.rule)}`.trimEnd();
	return place.policy === null ? null : `-P ${place.chain} ${place.policy}`;
}

const words = new WeakMap<Rule, string>();

/** As `printRule`: rules are values, and every packet of a cluster meets the same few. */
function printed(rule: Rule): string {
	let text = words.get(rule);
	if (text === undefined) {
		text = printRule(rule);
		words.set(rule, text);
	}
	return text;
}
