// Probes of a network in the engine, with everything a probe of a real one records: outcome, conntrack entries, rule hits,
// hops, trace. The twin of the lab in `js/verify`, and judged by the same comparison.

import * as L from "../../assembly/layout.ts";
import { type ConntrackEntry, conntrackEntries, conntrackEntry, isLive, type Tuple } from "../../bindings/conntrack.ts";
import type { RuleCounters } from "../../bindings/counters.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { Machine } from "../../bindings/machine.ts";
import { applyRestore, emptyRuleset, printRule } from "../net/iptables/index.ts";
import {
	type ConntrackEntryJson,
	isAction,
	type Probe,
	type ProbeAction,
	type ProbeDetail,
	type ProbeResult,
	type ProbeStep,
	summarise,
	type TracedPacketJson,
	type TupleJson,
} from "../net/probe.ts";
import { type Attempt, attempt } from "./attempt.ts";
import {
	describeHeader,
	describeHop,
	describeStep,
	hasPorts,
	hookAndTable,
	isIcmp,
	protoName,
	stateName,
} from "./describe.ts";
import { rawAttempt } from "./raw.ts";
import { Wire } from "./wire.ts";

const SECOND_NS = 1_000_000_000n;
/** Time between two probes. */
const PAUSE_NS = 50_000_000n;

export interface ProberOptions {
	/** Also record `timeout` of conntrack entries, rounded up to a multiple of 10 s. */
	timeouts?: boolean;
}

/** Runs probes and actions in order on one network; its state lives on between them. */
export class Prober {
	readonly machine: Machine;
	readonly wire: Wire;
	readonly #timeouts: boolean;
	readonly #held = new Map<number, NonNullable<Attempt["held"]>>();
	#index = 0;

	constructor(machine: Machine, options: ProberOptions = {}) {
		this.machine = machine;
		this.wire = new Wire(machine);
		this.#timeouts = options.timeouts ?? false;
	}

	/** One step; null for an action. */
	step(step: ProbeStep): ProbeResult | null {
		const index = this.#index++;
		if (isAction(step)) {
			this.#act(step);
			return null;
		}
		return this.probe(step, index);
	}

	/** Runs a probe `count` times. `index`: its number, by which later raw probes name its connection. */
	probe(probe: Probe, index = this.#index++): ProbeResult {
		const before = this.machine.counters();
		const attempts: ProbeDetail[] = [];
		let events: TraceEvent[] = [];
		const count = probe.count ?? 1;
		for (let i = 0; i < count; i++) {
			const made = probe.raw ? rawAttempt(this.wire, probe, this.#held) : attempt(this.wire, probe);
			if (made.held) this.#held.set(index, made.held);
			// Of several attempts only the summary is told.
			if (count === 1) made.detail.conntrack = this.#tied(made.events, probe.raw !== undefined);
			attempts.push(made.detail);
			events = made.events;
			const interval = i < count - 1 ? (probe.interval ?? 0) : 0;
			this.wire.advance(PAUSE_NS + BigInt(Math.round(interval * 1e9)));
		}
		const result: ProbeResult = { probe, summary: summarise(probe, attempts), ruleHits: this.#hits(before) };
		if (count > 1) return result;
		const [detail] = attempts;
		const hops = events.map((event) => describeHop(this.machine, event)).filter((hop) => hop !== null);
		return { ...result, ...(detail ? { result: detail } : {}), hops, trace: this.#trace(events) };
	}

	/** `count` attempts one after the other: how often which server answered, and which outcomes there were. */
	bulk(probe: Probe, count: number): { servers: Record<string, number>; outcomes: Record<string, number> } {
		const servers: Record<string, number> = {};
		const outcomes: Record<string, number> = {};
		for (let i = 0; i < count; i++) {
			const { detail } = attempt(this.wire, { ...probe, hold: false });
			outcomes[detail.outcome] = (outcomes[detail.outcome] ?? 0) + 1;
			if (detail.server !== undefined) servers[detail.server] = (servers[detail.server] ?? 0) + 1;
			this.wire.advance(PAUSE_NS);
		}
		return { servers, outcomes };
	}

	#act({ action }: ProbeAction): void {
		if (action.sleep !== undefined) this.wire.advance(BigInt(Math.round(action.sleep * 1e9)));
		if (action.conntrackFlush !== undefined) {
			this.machine.core.engine.conntrackFlush(this.machine.netnsRow(`node:${action.conntrackFlush}`), this.wire.now);
		}
		if (action.iptablesRestore) {
			const { node, text, noflush, family = "ipv4" } = action.iptablesRestore;
			const netns = `node:${node}`;
			const current = this.machine.rulesetOf(netns, family) ?? emptyRuleset(family);
			this.machine.loadRuleset(netns, applyRestore(current, text, { noflush: noflush ?? false }));
		}
		if (action.release) this.#release();
	}

	#release(): void {
		for (const { client, netns, conversation, server } of this.#held.values()) {
			if (server) server.hold = false;
			conversation.send(netns, client.end.segment(L.TCP_FIN | L.TCP_ACK));
		}
		this.#held.clear();
	}

	/** Entries that the probe's packets opened or went by, and that are still there: its own tuple's, and those beyond. */
	#tied(events: readonly TraceEvent[], crafted: boolean): Record<string, ConntrackEntryJson[]> {
		// A crafted packet may be invalid, and so have gone by no entry, though its tuple has one.
		const live = crafted ? conntrackEntries(this.machine.core, this.wire.now) : this.#seen(events);
		const told: Record<string, ConntrackEntryJson[]> = {};
		for (const entry of tiedTo(events[0], live)) {
			const netns = this.machine.netnsName(entry.netns);
			told[netns] = [...(told[netns] ?? []), this.#entryJson(entry)];
		}
		return told;
	}

	/** Live entries that packets went by. */
	#seen(events: readonly TraceEvent[]): ConntrackEntry[] {
		const rows = [...new Set(events.flatMap(trackedRow))];
		const entries = rows.map((row) => conntrackEntry(this.machine.core, row));
		return entries.filter((entry) => entry !== null).filter((entry) => isLive(entry, this.wire.now));
	}

	#entryJson(entry: ConntrackEntry): ConntrackEntryJson {
		const flags = [
			...(entry.status & L.IPS_ASSURED ? ["ASSURED"] : []),
			...(entry.status & L.IPS_SEEN_REPLY ? [] : ["UNREPLIED"]),
		];
		const json: ConntrackEntryJson = {
			proto: protoName(entry.proto),
			state: stateName(entry.proto, entry.state),
			flags,
			orig: tupleJson(this.wire, entry.proto, entry.orig),
			reply: tupleJson(this.wire, entry.proto, entry.reply),
			mark: entry.mark,
			nat: natOf(entry),
		};
		if (this.#timeouts) {
			const seconds = Number((entry.deadlineNs - this.wire.now) / SECOND_NS);
			json.timeout = Math.ceil(seconds / 10) * 10;
		}
		return json;
	}

	#hits(before: ReadonlyMap<number, RuleCounters>): Record<string, string[]> {
		const told: Record<string, string[]> = {};
		for (const [netns, counters] of this.machine.counters()) {
			const name = this.machine.netnsName(netns);
			if (!name.startsWith("node:")) continue;
			const lines: string[] = [];
			for (const [row, { packets }] of [...counters].sort(([a], [b]) => a - b)) {
				const hits = packets - (before.get(netns)?.get(row)?.packets ?? 0n);
				const place = this.machine.hasRule(netns, row) ? this.machine.placeOf(row) : null;
				if (hits === 0n || place === null) continue;
				const { chain, policy, rule, table } = place;
				const text = rule ? `-A ${chain} ${printRule(rule)}`.trimEnd() : policy && `${chain} policy ${policy}`;
				if (text !== null) lines.push(`${hits} ${table} ${text}`);
			}
			if (lines.length > 0) told[name] = lines;
		}
		return told;
	}

	/** By netns: each packet's way through its tables. */
	#trace(events: readonly TraceEvent[]): Record<string, TracedPacketJson[]> {
		const told: Record<string, TracedPacketJson[]> = {};
		const open = new Map<string, { id: number; packet: TracedPacketJson }>();
		for (const event of events) {
			const netns = this.machine.netnsName(event.netns);
			if (this.#leaves(event)) open.delete(netns);
			// The kernel logs what follows `-j TRACE`, in the netns of that rule.
			const step = event.flags & L.SKB_TRACE ? describeStep(this.machine, event) : null;
			if (step === null) continue;
			// A list starts where a packet enters the netns's tables; what a forwarding stack says meanwhile comes in between.
			let current = open.get(netns);
			const enters = event.hook === L.HOOK_PREROUTING || event.hook === L.HOOK_OUTPUT;
			if (current === undefined || (current.id !== event.packet && enters)) {
				current = {
					id: event.packet,
					packet: { packet: describeHeader(event.header, event.inside), hookPath: [], steps: [] },
				};
				open.set(netns, current);
				told[netns] = [...(told[netns] ?? []), current.packet];
			}
			const hook = hookAndTable(event);
			if (current.packet.hookPath.at(-1) !== hook) current.packet.hookPath.push(hook);
			current.packet.steps.push(step);
		}
		return told;
	}

	/** The packet leaves the netns, or comes back to it over lo. */
	#leaves(event: TraceEvent): boolean {
		if (event.kind !== L.EVENT_OUT && event.kind !== L.EVENT_IN) return false;
		const ref = this.machine.encoded.deviceNames[event.device];
		const devices = ref ? this.machine.netnsOf(ref.netns).devices : [];
		const kind = devices.find(({ name }) => name === ref?.device)?.kind;
		return event.kind === L.EVENT_OUT ? kind !== "bridge" : kind === "lo";
	}
}

/** An entry's reply tuple turned round is the tuple of the packet behind it, by which the next netns knows it. */
function tiedTo(first: TraceEvent | undefined, entries: readonly ConntrackEntry[]): ConntrackEntry[] {
	if (first === undefined) return [];
	const { inner, proto } = first.header;
	const own = inner ? keyOf(inner.proto, inner) : keyOf(proto, first.header);
	const ahead = new Set([own]);
	const back = new Set([own, keyOf(inner?.proto ?? proto, reversed(inner ?? first.header))]);
	const chosen = new Set<ConntrackEntry>();
	const grow = (keys: Set<string>, near: "orig" | "reply", far: "orig" | "reply") => {
		for (const key of keys) {
			for (const entry of entries) {
				const forward = (side: "orig" | "reply") => (side === "orig" ? entry.orig : reversed(entry.reply));
				if (keyOf(entry.proto, forward(near)) !== key) continue;
				chosen.add(entry);
				keys.add(keyOf(entry.proto, forward(far)));
			}
		}
	};
	grow(ahead, "orig", "reply");
	grow(back, "reply", "orig");
	return entries.filter((entry) => chosen.has(entry));
}

function reversed({ src, dst, sport, dport }: Tuple): Tuple {
	return { src: dst, dst: src, sport: dport, dport: sport };
}

function keyOf(proto: number, { src, dst, sport, dport }: Tuple): string {
	// An echo's id stands for both ports, whichever way round the tuple is.
	const ports = isIcmp(proto) ? "icmp" : `${sport} ${dport}`;
	return `${proto} ${src} ${dst} ${ports}`;
}

/** The entry that an event tells of; a tunnel's own packets are not the probe's. */
function trackedRow(event: TraceEvent): number[] {
	return event.kind === L.EVENT_CONNTRACK && event.ct >= 0 && event.inside === null ? [event.ct] : [];
}

function tupleJson(wire: Wire, proto: number, tuple: Tuple): TupleJson {
	const addresses = { src: wire.text(tuple.src), dst: wire.text(tuple.dst) };
	if (isIcmp(proto)) return { ...addresses, type: tuple.dport >>> 8, code: tuple.dport & 255, id: tuple.sport };
	if (hasPorts(proto)) {
		return { ...addresses, sport: tuple.sport, dport: tuple.dport };
	}
	return addresses;
}

function natOf({ proto, orig, reply }: ConntrackEntry): ("dnat" | "snat")[] {
	const ports = !isIcmp(proto);
	const dnat = reply.src !== orig.dst || (ports && reply.sport !== orig.dport);
	const snat = reply.dst !== orig.src || (ports && reply.dport !== orig.sport);
	return [...(dnat ? (["dnat"] as const) : []), ...(snat ? (["snat"] as const) : [])];
}
