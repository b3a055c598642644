// A slow, obvious evaluator of typed iptables rules: one packet against one base chain, as iptables(8) and
// iptables-extensions(8) say, with strings and Maps. Trusted, never used by the product. No NAT targets, no chance.

import type { Chain, Extension, Option, Rule, Ruleset, TableName, Value } from "../../js/net/ruleset.ts";
import { connection, stateOf } from "./connection.ts";
import { deviceFits, nameFits, number, prefixFits, prefixHolds } from "./header.ts";

export interface RulePacket {
	src: string;
	dst: string;
	sport: number;
	dport: number;
	proto: number;
	tcpFlags: number;
	ttl: number;
	tos: number;
	len: number;
	/** Nanoseconds. */
	time: bigint;
	iif: string | null;
	oif: string | null;
	/** Bridge ports; null where the packet has no bridge information. */
	bridge: { physin: string | null; physout: string | null } | null;
	mark: number;
	ct: RuleConnection | "none" | "untracked";
}

export interface RuleConnection {
	state: "NEW" | "ESTABLISHED" | "RELATED";
	reply: boolean;
	status: string[];
	mark: number;
	orig: { src: string; dst: string; sport: number; dport: number };
	repl: { src: string; dst: string; sport: number; dport: number };
	proto: number;
	/** Seconds left. */
	expires: number;
}

export interface RuleWorld {
	local: ReadonlySet<string>;
	broadcast: ReadonlySet<string>;
	sets: ReadonlyMap<string, { type: string; entries: { element: string; nomatch: boolean }[] }>;
}

export type Step = { word: "rule" | "return" | "policy"; chain: string; number: number };

export interface Judged {
	verdict: "ACCEPT" | "DROP" | "REJECT" | "UNKNOWN";
	mark: number;
	ctmark: number | null;
	untracked: boolean;
	steps: Step[];
}

interface Seen {
	ttl: number;
	stamps: bigint[];
}

/** Holds what rules remember between packets. Rules are known by their object. */
export class SlowRules {
	readonly hits = new Map<Rule | Chain, { packets: bigint; bytes: bigint }>();
	readonly #ruleset: Ruleset;
	readonly #world: RuleWorld;
	readonly #recentMax: number;
	readonly #nth = new Map<Extension, number>();
	readonly #buckets = new Map<Extension, { credit: bigint; last: bigint }>();
	readonly #recent = new Map<string, Map<string, Seen>>();

	/** `recentMax`: addresses a list of `recent` holds (ip_list_tot). */
	constructor(ruleset: Ruleset, world: RuleWorld, recentMax = 100) {
		this.#recentMax = recentMax;
		this.#ruleset = ruleset;
		this.#world = world;
	}

	judge(packet: RulePacket, table: TableName, hook: string): Judged {
		const chains = this.#ruleset.tables.find(({ name }) => name === table)?.chains ?? [];
		const base = chains.find(({ name }) => name === hook);
		const p: RulePacket = { ...packet, ct: typeof packet.ct === "string" ? packet.ct : { ...packet.ct } };
		const steps: Step[] = [];
		const verdict = base === undefined ? "ACCEPT" : this.#base(p, base, chains, hook, steps);
		const ctmark = typeof p.ct === "string" ? null : p.ct.mark;
		return { verdict, mark: p.mark, ctmark, untracked: p.ct === "untracked", steps };
	}

	#base(p: RulePacket, base: Chain, chains: readonly Chain[], hook: string, steps: Step[]): Judged["verdict"] {
		const verdict = this.#chain(p, base, chains, hook, steps, base);
		if (verdict !== null) return verdict;
		this.#count(base, p);
		steps.push({ word: "policy", chain: base.name, number: base.rules.length + 1 });
		return base.policy ?? "ACCEPT";
	}

	/** A verdict, or null where the packet returns to whoever sent it here by a jump. */
	#chain(
		p: RulePacket,
		chain: Chain,
		chains: readonly Chain[],
		hook: string,
		steps: Step[],
		base: Chain,
	): Judged["verdict"] | null {
		for (const [index, rule] of chain.rules.entries()) {
			const matched = this.#matches(p, rule, hook);
			if (matched === "unknown") return "UNKNOWN";
			if (!matched) continue;
			this.#count(rule, p);
			steps.push({ word: word(rule, chain, base), chain: chain.name, number: index + 1 });
			const { target } = rule;
			if (target === null) continue;
			if (target.name === "RETURN") return null;
			if (target.name === "ACCEPT" || target.name === "DROP" || target.name === "REJECT") return target.name;
			const next = target.kind === "chain" ? chains.find(({ name }) => name === target.name) : undefined;
			if (next !== undefined) {
				const verdict = this.#chain(p, next, chains, hook, steps, base);
				if (verdict !== null || target.goto) return verdict;
			} else if (!act(p, target.name, target.options)) return "UNKNOWN";
		}
		if (chain !== base) steps.push({ word: "return", chain: chain.name, number: chain.rules.length + 1 });
		return null;
	}

	#count(what: Rule | Chain, p: RulePacket): void {
		const old = this.hits.get(what) ?? { packets: 0n, bytes: 0n };
		this.hits.set(what, { packets: old.packets + 1n, bytes: old.bytes + BigInt(p.len) });
	}

	#matches(p: RulePacket, rule: Rule, hook: string): boolean | "unknown" {
		if (!prefixFits(rule.source, p.src) || !prefixFits(rule.destination, p.dst)) return false;
		if (!deviceFits(rule.inInterface, p.iif) || !deviceFits(rule.outInterface, p.oif)) return false;
		if (rule.protocol !== null && rule.protocol.value !== 0 && (rule.protocol.value === p.proto) === rule.protocol.not)
			return false;
		if (rule.fragment !== null && !rule.fragment.not) return false;
		for (const [index, match] of rule.matches.entries()) {
			if (isCarried(match)) {
				// Whatever it says, a later match without memory may say no.
				const later = rule.matches.slice(index + 1);
				const firm = later.slice(0, later.findIndex((m) => ["statistic", "recent", "limit"].includes(m.name)) >>> 0);
				return firm.every((m) => isCarried(m) || this.#match(p, m, hook)) ? "unknown" : false;
			}
			if (!this.#match(p, match, hook)) return false;
		}
		return true;
	}

	#match(p: RulePacket, match: Extension, hook: string): boolean {
		const o = new Map(match.options.map((option): [string, Option] => [option.name, option]));
		const holds = (name: string, test: (value: Value) => boolean) => {
			const option = o.get(name);
			return option === undefined || test(option.value) !== option.not;
		};
		const inRange = (port: number) => (value: Value) =>
			value.kind === "range" && port >= value.min && port <= value.max;
		const inRanges = (ports: number[]) => (value: Value) =>
			value.kind === "ranges" && ports.some((port) => value.ranges.some(({ min, max }) => port >= min && port <= max));
		const masked = (number: number) => (value: Value) =>
			value.kind === "masked" && (number & value.mask) >>> 0 === value.value;
		const isFlag = (truth: boolean) => () => truth;
		switch (match.name) {
			case "comment":
				return true;
			case "tcp":
				if (!holds("tcp-flags", (v) => v.kind === "tcpflags" && (p.tcpFlags & v.mask) === v.comp)) return false;
				return holds("sport", inRange(p.sport)) && holds("dport", inRange(p.dport));
			case "udp":
				return holds("sport", inRange(p.sport)) && holds("dport", inRange(p.dport));
			case "icmp":
				return holds(
					"icmp-type",
					(v) =>
						v.kind === "icmptype" &&
						(v.type === 255 ||
							(v.type === p.dport >> 8 && (p.dport & 255) >= v.codeMin && (p.dport & 255) <= v.codeMax)),
				);
			case "multiport":
				return (
					holds("sports", inRanges([p.sport])) &&
					holds("dports", inRanges([p.dport])) &&
					holds("ports", inRanges([p.sport, p.dport]))
				);
			case "mark":
				return holds("mark", masked(p.mark));
			case "connmark":
				return typeof p.ct !== "string" && holds("mark", masked(p.ct.mark));
			case "length":
				return holds("length", inRange(p.len));
			case "ttl":
				return (
					holds("ttl-eq", (v) => v.kind === "uint" && p.ttl === v.value) &&
					holds("ttl-lt", (v) => v.kind === "uint" && p.ttl < v.value) &&
					holds("ttl-gt", (v) => v.kind === "uint" && p.ttl > v.value)
				);
			case "tos":
				return holds("tos", masked(p.tos));
			case "state":
				return holds("state", (v) => v.kind === "words" && v.words.includes(stateOf(p)));
			case "conntrack":
				return connection(p, match.options);
			case "addrtype":
				return (
					holds("src-type", (v) => v.kind === "words" && v.words.includes(this.#typeOf(p.src))) &&
					holds("dst-type", (v) => v.kind === "words" && v.words.includes(this.#typeOf(p.dst)))
				);
			case "iprange": {
				const within = (ip: string) => (v: Value) =>
					v.kind === "addresses" && number(ip) >= number(v.min) && number(ip) <= number(v.max);
				return holds("src-range", within(p.src)) && holds("dst-range", within(p.dst));
			}
			case "physdev": {
				const { bridge } = p;
				if (bridge === null) return match.options.every(({ not }) => not);
				if (
					!holds("physdev-is-in", isFlag(bridge.physin !== null)) ||
					!holds("physdev-is-out", isFlag(bridge.physout !== null))
				)
					return false;
				if (!holds("physdev-is-bridged", isFlag(bridge.physout !== null))) return false;
				const named = (device: string) => (v: Value) => v.kind === "string" && nameFits(v.value, device);
				if (bridge.physin !== null && !holds("physdev-in", named(bridge.physin))) return false;
				return !o.has("physdev-out") || (bridge.physout !== null && holds("physdev-out", named(bridge.physout)));
			}
			case "set":
				return holds("match-set", (v) => v.kind === "set" && this.#inSet(p, v.set, v.dimensions));
			case "statistic": {
				const every = uint(o.get("every"));
				const start = uint(o.get("packet"));
				const count = this.#nth.get(match) ?? 0;
				this.#nth.set(match, count + 1);
				return (count % every === start) !== (o.get("every")?.not ?? false);
			}
			case "limit":
				return this.#limit(p, match, o);
			case "recent":
				return this.#recentSeen(p, o, hook);
			default:
				throw new Error(`the reference does not know -m ${match.name}`);
		}
	}

	#typeOf(ip: string): string {
		if (number(ip) >>> 28 === 14) return "MULTICAST";
		if (this.#world.broadcast.has(ip)) return "BROADCAST";
		return this.#world.local.has(ip) || ip.startsWith("127.") ? "LOCAL" : "UNICAST";
	}

	#inSet(p: RulePacket, name: string, sides: readonly ("src" | "dst")[]): boolean {
		const set = this.#world.sets.get(name);
		if (set === undefined) throw new Error(`no set ${name}`);
		const dimensions = set.type.slice("hash:".length).split(",");
		if (sides.length < dimensions.length) return false;
		let best: { length: number; nomatch: boolean } | null = null;
		for (const { element, nomatch } of set.entries) {
			let length = 0;
			const fits = element.split(",").every((part, index) => {
				if (dimensions[index] === "port") return part === portText(p, sides[index] ?? "src");
				const [address = "", bits = "32"] = part.split("/");
				length = Math.max(length, dimensions[index] === "net" ? Number(bits) : 0);
				return prefixHolds({ address, mask: Number(bits) }, sides[index] === "src" ? p.src : p.dst);
			});
			if (fits && (best === null || length > best.length)) best = { length, nomatch };
		}
		return best !== null && !best.nomatch;
	}

	/** Credits in units of 1/32000 s. */
	#limit(p: RulePacket, match: Extension, o: ReadonlyMap<string, Option>): boolean {
		const rate = o.get("limit")?.value;
		const burst = BigInt(uint(o.get("limit-burst")));
		const interval = BigInt(rate?.kind === "rate" ? rate.interval : 0);
		const credits = (user: bigint) => (user > 134217n ? (user / 10000n) * 32000n : (user * 32000n) / 10000n);
		const cap = credits(interval * burst);
		const now = p.time / 1_000_000n;
		const bucket = this.#buckets.get(match) ?? { credit: cap, last: now };
		const filled = bucket.credit + (now - bucket.last) * 32n;
		const credit = filled > cap ? cap : filled;
		const allowed = credit >= credits(interval);
		this.#buckets.set(match, { credit: allowed ? credit - credits(interval) : credit, last: now });
		return allowed;
	}

	#recentSeen(p: RulePacket, o: ReadonlyMap<string, Option>, hook: string): boolean {
		const text = (name: string, otherwise: string) => {
			const value = o.get(name)?.value;
			return value?.kind === "string" ? value.value : otherwise;
		};
		const listName = text("name", "DEFAULT");
		const list = this.#recent.get(listName) ?? new Map<string, Seen>();
		this.#recent.set(listName, list);
		const mask = number(text("mask", "255.255.255.255"));
		const address = String((number(o.has("rdest") ? p.dst : p.src) & mask) >>> 0);
		const ttl = hook === "FORWARD" || hook === "POSTROUTING" ? p.ttl + 1 : p.ttl;
		const action = ["set", "rcheck", "update", "remove"]
			.map((name) => o.get(name))
			.find((option) => option !== undefined);
		const not = action?.not ?? false;
		const entry = list.get(address);
		const known = entry !== undefined && (!o.has("rttl") || entry.ttl === ttl) ? entry : undefined;
		const stamp = () => {
			const stamps = [...(list.get(address)?.stamps ?? []), p.time].slice(-32);
			list.delete(address); // a Map keeps the order of insertion: the first is the one unused longest
			if (list.size >= this.#recentMax) list.delete(list.keys().next().value ?? "");
			list.set(address, { ttl, stamps });
		};
		if (action?.name === "set") {
			stamp();
			return !not;
		}
		if (known === undefined) return not;
		if (action?.name === "remove") {
			list.delete(address);
			return !not;
		}
		const since = p.time - BigInt(uint(o.get("seconds"))) * 1_000_000_000n;
		const hits = known.stamps.filter((time) => !o.has("seconds") || time >= since).length;
		const matched = hits >= Math.max(1, uint(o.get("hitcount"))) !== not;
		if (o.has("reap")) {
			const [oldest, seen] = list.entries().next().value ?? ["", known];
			const spared = action?.name === "update" && matched && oldest === address;
			if (!spared && (seen.stamps.at(-1) ?? 0n) < since) list.delete(oldest);
		}
		if (action?.name === "update" && matched) stamp();
		return matched;
	}
}

function word(rule: Rule, chain: Chain, base: Chain): Step["word"] {
	const isBare = [
		rule.source,
		rule.destination,
		rule.inInterface,
		rule.outInterface,
		rule.protocol,
		rule.fragment,
	].every((condition) => condition === null);
	if (!isBare || rule.matches.length > 0 || rule.target?.kind !== "verdict") return "rule";
	return chain === base ? "policy" : "return";
}

/** Changes the packet; false for a target that is carried. */
function act(p: RulePacket, name: string, options: readonly Option[]): boolean {
	const value = (option: string) => options.find((o) => o.name === option)?.value;
	const xmark = value("set-xmark");
	const mask = (option: string) => {
		const found = value(option);
		return found?.kind === "uint" ? found.value : 0xffffffff;
	};
	if (name === "MARK" && xmark?.kind === "masked") p.mark = ((p.mark & ~xmark.mask) ^ xmark.value) >>> 0;
	else if (name === "CONNMARK") {
		if (typeof p.ct === "string") return true;
		if (xmark?.kind === "masked") p.ct.mark = ((p.ct.mark & ~xmark.mask) ^ xmark.value) >>> 0;
		else if (value("save-mark")) p.ct.mark = ((p.ct.mark & ~mask("ctmask")) ^ (p.mark & mask("nfmask"))) >>> 0;
		else p.mark = ((p.mark & ~mask("nfmask")) ^ (p.ct.mark & mask("ctmask"))) >>> 0;
	} else if (name !== "LOG" && name !== "TRACE") return false;
	return true;
}

const EVALUATED = [
	"comment",
	"tcp",
	"udp",
	"icmp",
	"multiport",
	"mark",
	"connmark",
	"length",
	"ttl",
	"tos",
	"state",
	"conntrack",
	"addrtype",
	"iprange",
	"physdev",
	"set",
	"statistic",
	"limit",
	"recent",
];

function isCarried(match: Extension): boolean {
	return match.carried !== null || !EVALUATED.includes(match.name);
}

function uint(option: Option | undefined): number {
	return option?.value.kind === "uint" ? option.value.value : 0;
}

function portText(p: RulePacket, side: "src" | "dst"): string {
	const names: Record<number, string> = { 6: "tcp", 17: "udp", 132: "sctp" };
	const name = names[p.proto];
	return name === undefined ? "none" : `${name}:${side === "src" ? p.sport : p.dport}`;
}
