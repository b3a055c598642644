// A slow, obvious walk of a packet through a node's iptables rules, rule by rule, for a packet that starts a connection
// (ctstate NEW, no mark, no memory in `recent`). Every branch of a `statistic` match is explored. Knows what kube-proxy
// writes and little more; anything else is an error, so that nothing is judged by accident. Only tests use it.

import { familyOf, prefixContains } from "../../js/net/address.ts";
import { printRule } from "../../js/net/iptables/index.ts";
import type {
	Chain,
	Extension,
	Negatable,
	Option,
	Prefix,
	Rule,
	Ruleset,
	TableName,
	Target,
	Value,
} from "../../js/net/ruleset.ts";

const PROTOCOLS: Record<string, number> = { tcp: 6, udp: 17, sctp: 132 };
const LOOPBACK = ["127.0.0.1", "::1"];

export interface WalkPacket {
	src: string;
	dst: string;
	/** Lowercase. */
	proto: string;
	dport: number;
	/** Device it came in by; null: made on the node itself. */
	iif: string | null;
	mark: number;
	/** A DNAT rule has rewritten it. */
	translated: boolean;
	masqueraded: boolean;
}

/** Where a packet is after a walk: `null` verdict means that no rule decided. */
interface State {
	packet: WalkPacket;
	verdict: "ACCEPT" | "DROP" | "REJECT" | null;
	/** The rule that decided, none for a policy. */
	rule: Rule | null;
}

export interface WalkOutcome {
	verdict: "ACCEPT" | "DROP" | "REJECT" | "PASS";
	packet: WalkPacket;
}

interface Context {
	table: TableName;
	chains: ReadonlyMap<string, Chain>;
	isLocal: (address: string) => boolean;
	oif: string | null;
}

/** `match` is certain, `chance` is one branch of a lot. */
type Matched = "no" | "match" | "chance";

function negate(option: { not: boolean }, matches: boolean): boolean {
	return option.not ? !matches : matches;
}

function inPrefix({ address, mask }: Prefix, packetAddress: string): boolean {
	const family = familyOf(address);
	if (family === null || typeof mask !== "number") throw new Error(`walk: mask ${mask} is not contiguous`);
	return prefixContains({ family, address, length: mask }, packetAddress);
}

function matchesPrefix(prefix: Negatable<Prefix> | null, address: string): boolean {
	return prefix === null || negate(prefix, inPrefix(prefix.value, address));
}

function matchesDevice(wanted: Negatable<string> | null, device: string | null): boolean {
	if (wanted === null) return true;
	const { value } = wanted;
	const name = device ?? "";
	return negate(wanted, value.endsWith("+") ? name.startsWith(value.slice(0, -1)) : name === value);
}

function unknown(what: string, rule: Rule): Error {
	return new Error(`walk: ${what} is not known: ${printRule(rule)}`);
}

function matchesPort(option: Option, packet: WalkPacket, rule: Rule): boolean {
	if (option.name !== "dport" || option.value.kind !== "range") throw unknown(`port option ${option.name}`, rule);
	return negate(option, packet.dport >= option.value.min && packet.dport <= option.value.max);
}

function matchesAddressType(option: Option, packet: WalkPacket, context: Context, rule: Rule): boolean {
	const address = option.name === "src-type" ? packet.src : packet.dst;
	if (option.value.kind !== "words" || option.value.words.join() !== "LOCAL") throw unknown("address type", rule);
	return negate(option, context.isLocal(address));
}

function matchesState(option: Option, packet: WalkPacket, rule: Rule): boolean {
	if (option.name !== "ctstate" || option.value.kind !== "words")
		throw unknown(`conntrack option ${option.name}`, rule);
	const states = packet.translated ? ["NEW", "DNAT"] : ["NEW"];
	return negate(
		option,
		option.value.words.some((word) => states.includes(word)),
	);
}

function matchesMark(option: Option, packet: WalkPacket, rule: Rule): boolean {
	if (option.value.kind !== "masked") throw unknown("mark", rule);
	return negate(option, (packet.mark & option.value.mask) >>> 0 === option.value.value);
}

function matchExtension(match: Extension, packet: WalkPacket, context: Context, rule: Rule): Matched {
	const all = (test: (option: Option) => boolean): Matched => (match.options.every(test) ? "match" : "no");
	switch (match.name) {
		case "comment":
		case "nfacct":
			return "match";
		case "tcp":
		case "udp":
		case "sctp":
			return packet.proto === match.name ? all((option) => matchesPort(option, packet, rule)) : "no";
		case "addrtype":
			return all((option) => matchesAddressType(option, packet, context, rule));
		case "conntrack":
			return all((option) => matchesState(option, packet, rule));
		case "mark":
			return all((option) => matchesMark(option, packet, rule));
		case "recent":
			// Nobody was seen before; a rule that only remembers matches always.
			return match.options.some(({ name }) => name === "set") ? "match" : "no";
		case "statistic":
			return "chance";
		default:
			throw unknown(`match ${match.name}`, rule);
	}
}

function matchRule(rule: Rule, packet: WalkPacket, context: Context): Matched {
	if (rule.fragment !== null) throw unknown("-f", rule);
	const { protocol } = rule;
	const number = PROTOCOLS[packet.proto];
	if (protocol !== null && !negate(protocol, protocol.value === 0 || protocol.value === number)) return "no";
	if (!matchesPrefix(rule.source, packet.src) || !matchesPrefix(rule.destination, packet.dst)) return "no";
	if (!matchesDevice(rule.inInterface, packet.iif) || !matchesDevice(rule.outInterface, context.oif)) return "no";
	let matched: Matched = "match";
	for (const match of rule.matches) {
		const result = matchExtension(match, packet, context, rule);
		if (result === "no") return "no";
		if (result === "chance") matched = "chance";
	}
	return matched;
}

function optionValue(target: Target, name: string, rule: Rule): Value {
	const option = target.options.find((entry) => entry.name === name);
	if (option === undefined) throw unknown(`${target.name} without ${name}`, rule);
	return option.value;
}

function setMark(packet: WalkPacket, target: Target, rule: Rule): WalkPacket {
	const value = optionValue(target, "set-xmark", rule);
	if (value.kind !== "masked") throw unknown("mark", rule);
	return { ...packet, mark: ((packet.mark & ~value.mask) ^ value.value) >>> 0 };
}

function translate(packet: WalkPacket, target: Target, rule: Rule): WalkPacket {
	const value = optionValue(target, "to-destination", rule);
	if (value.kind !== "nat" || value.addressMin === null || value.portMin === null) throw unknown("DNAT", rule);
	return { ...packet, dst: value.addressMin, dport: value.portMin, translated: true };
}

/** The ways on from a rule that matched: decided, returned to the caller, or going on with the next rule. */
interface Steps {
	decided: State[];
	returned: WalkPacket[];
	next: WalkPacket[];
}

function stepsOf(rule: Rule, packet: WalkPacket, context: Context): Steps {
	const { target } = rule;
	const steps: Steps = { decided: [], returned: [], next: [] };
	if (target === null) return { ...steps, next: [packet] };
	const decide = (verdict: "ACCEPT" | "DROP" | "REJECT", after = packet): void => {
		steps.decided.push({ packet: after, verdict, rule });
	};
	switch (target.name) {
		case "RETURN":
			steps.returned.push(packet);
			break;
		case "ACCEPT":
		case "DROP":
		case "REJECT":
			decide(target.name);
			break;
		case "MARK":
			steps.next.push(setMark(packet, target, rule));
			break;
		case "DNAT":
			decide("ACCEPT", translate(packet, target, rule));
			break;
		case "MASQUERADE":
			decide("ACCEPT", { ...packet, masqueraded: true });
			break;
		default:
			walkInto(target, rule, packet, context, steps);
	}
	return steps;
}

function walkInto(target: Target, rule: Rule, packet: WalkPacket, context: Context, steps: Steps): void {
	if (target.kind !== "chain") throw unknown(`target ${target.name}`, rule);
	const { decided, fallen } = walkChain(target.name, packet, context);
	steps.decided.push(...decided);
	(target.goto ? steps.returned : steps.next).push(...fallen);
}

/** All ways through a user or built-in chain: decided ones, and packets that fall off its end. */
function walkChain(name: string, packet: WalkPacket, context: Context): { decided: State[]; fallen: WalkPacket[] } {
	const chain = context.chains.get(name);
	if (chain === undefined) throw new Error(`walk: no chain ${name} in table ${context.table}`);
	const decided: State[] = [];
	const fallen: WalkPacket[] = [];
	let here = [packet];
	for (const rule of chain.rules) {
		const next: WalkPacket[] = [];
		for (const current of here) {
			const matched = matchRule(rule, current, context);
			if (matched !== "match") next.push(current);
			if (matched === "no") continue;
			const steps = stepsOf(rule, current, context);
			decided.push(...steps.decided);
			fallen.push(...steps.returned);
			next.push(...steps.next);
		}
		here = next;
	}
	return { decided, fallen: [...fallen, ...here] };
}

/** A built-in chain: what falls off its end meets the policy. */
function walkHook(
	rulesets: Ruleset,
	table: TableName,
	hook: string,
	packet: WalkPacket,
	local: Context["isLocal"],
	oif: string | null,
): State[] {
	const chains = new Map(
		(rulesets.tables.find(({ name }) => name === table)?.chains ?? []).map((chain) => [chain.name, chain]),
	);
	const chain = chains.get(hook);
	if (chain === undefined) return [{ packet, verdict: null, rule: null }];
	const { decided, fallen } = walkChain(hook, packet, { table, chains, isLocal: local, oif });
	const byPolicy = fallen.map(
		(left): State => ({ packet: left, verdict: chain.policy === "DROP" ? "DROP" : null, rule: null }),
	);
	return [...decided, ...byPolicy];
}

export interface WalkNode {
	/** All addresses of the node. */
	ips: string[];
}

/**
 * Every outcome of a connection's first packet on a node: nat, then filter, then nat again on the way out.
 * `ACCEPT`: a filter rule let it in to the node itself without translating it; `PASS`: nothing touched it.
 */
export function walkNode(
	ruleset: Ruleset,
	node: WalkNode,
	packet: Pick<WalkPacket, "src" | "dst" | "proto" | "dport" | "iif">,
): WalkOutcome[] {
	const isLocal = (address: string): boolean =>
		node.ips.includes(address) ||
		LOOPBACK.includes(address) ||
		(address.startsWith("127.") && familyOf(address) === "ipv4");
	const start: WalkPacket = { ...packet, mark: 0, translated: false, masqueraded: false };
	const fromNode = packet.iif === null;
	const entered = walkHook(ruleset, "nat", fromNode ? "OUTPUT" : "PREROUTING", start, isLocal, null);
	return entered.flatMap((state) =>
		state.verdict === "DROP" ? [outcome(state)] : filterAndLeave(ruleset, state.packet, fromNode, isLocal),
	);
}

function filterAndLeave(
	ruleset: Ruleset,
	packet: WalkPacket,
	fromNode: boolean,
	isLocal: Context["isLocal"],
): WalkOutcome[] {
	const hooks = fromNode
		? isLocal(packet.dst)
			? ["OUTPUT", "INPUT"]
			: ["OUTPUT"]
		: [isLocal(packet.dst) ? "INPUT" : "FORWARD"];
	let states: State[] = [{ packet, verdict: null, rule: null }];
	for (const hook of hooks) {
		states = states.flatMap((state) =>
			state.verdict === "DROP" || state.verdict === "REJECT"
				? [state]
				: walkHook(ruleset, "filter", hook, state.packet, isLocal, null),
		);
	}
	return states.flatMap((state) => leave(ruleset, state, isLocal));
}

function leave(ruleset: Ruleset, state: State, isLocal: Context["isLocal"]): WalkOutcome[] {
	if (state.verdict === "DROP" || state.verdict === "REJECT") return [outcome(state)];
	const left = walkHook(ruleset, "nat", "POSTROUTING", state.packet, isLocal, "eth0");
	return left.map((after) => outcome({ ...after, verdict: after.verdict === "DROP" ? "DROP" : state.verdict }));
}

function outcome({ packet, verdict }: State): WalkOutcome {
	return { packet, verdict: verdict ?? "PASS" };
}
