// Probes of a network in the engine, with everything a probe of a real one records: outcome, conntrack entries, rule hits,
// hops, trace. The twin of the lab in `js/verify`, and judged by the same comparison.

import * as L from "../../assembly/layout.ts";
import { type ConntrackEntry, conntrackEntry, isLive, type Tuple } from "../../bindings/conntrack.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { Machine } from "../../bindings/machine.ts";
import { ipv4FromNumber } from "../net/address.ts";
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
import { describeHeader, describeHop, describeStep, hookAndTable, protoName } from "./describe.ts";
import { rawAttempt } from "./raw.ts";
import { Wire } from "./wire.ts";

const SECOND_NS = 1_000_000_000n;
/** Time between two probes. */
const PAUSE_NS = 50_000_000n;
const TCP_STATES = [
	"NONE",
	"SYN_SENT",
	"SYN_RECV",
	"ESTABLISHED",
	"FIN_WAIT",
	"CLOSE_WAIT",
	"LAST_ACK",
	"TIME_WAIT",
	"CLOSE",
	"SYN_SENT2",
];
const SCTP_STATES = [
	"NONE",
	"CLOSED",
	"COOKIE_WAIT",
	"COOKIE_ECHOED",
	"ESTABLISHED",
	"SHUTDOWN_SENT",
	"SHUTDOWN_RECD",
	"SHUTDOWN_ACK_SENT",
	"HEARTBEAT_SENT",
];

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
		const before = this.machine.counters().packets;
		const attempts: ProbeDetail[] = [];
		let events: TraceEvent[] = [];
		const count = probe.count ?? 1;
		for (let i = 0; i < count; i++) {
			const made = probe.raw ? rawAttempt(this.wire, probe, this.#held) : attempt(this.wire, probe);
			if (made.held) this.#held.set(index, made.held);
			made.detail.conntrack = this.#tied(made.events);
			attempts.push(made.detail);
			events = made.events;
			this.wire.advance(PAUSE_NS + BigInt(Math.round((probe.interval ?? 0) * 1e9)));
		}
		const result: ProbeResult = { probe, summary: summarise(probe, attempts), ruleHits: this.#hits(before) };
		if (count > 1) return result;
		const [detail] = attempts;
		const hops = events.map((event) => describeHop(this.machine, event)).filter((hop) => hop !== null);
		return { ...result, ...(detail ? { result: detail } : {}), hops, trace: this.#trace(events) };
	}

	#act({ action }: ProbeAction): void {
		if (action.sleep !== undefined) this.wire.advance(BigInt(Math.round(action.sleep * 1e9)));
		if (action.conntrackFlush !== undefined) {
			this.machine.core.engine.conntrackFlush(this.machine.netnsRow(`node:${action.conntrackFlush}`), this.wire.now);
		}
		if (action.iptablesRestore) {
			const { node, text, noflush } = action.iptablesRestore;
			const netns = `node:${node}`;
			const current = this.machine.netnsOf(netns).ruleset ?? emptyRuleset("ipv4");
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

	/** Entries that packets of an attempt went by, and that are still there. */
	#tied(events: readonly TraceEvent[]): Record<string, ConntrackEntryJson[]> {
		const told: Record<string, ConntrackEntryJson[]> = {};
		for (const row of new Set(events.flatMap(trackedRow))) {
			const entry = conntrackEntry(this.machine.core, row);
			if (entry === null || !isLive(entry, this.wire.now)) continue;
			const netns = this.machine.netnsName(entry.netns);
			told[netns] = [...(told[netns] ?? []), this.#entryJson(entry)];
		}
		return told;
	}

	#entryJson(entry: ConntrackEntry): ConntrackEntryJson {
		const flags = [
			...(entry.status & L.IPS_ASSURED ? ["ASSURED"] : []),
			...(entry.status & L.IPS_SEEN_REPLY ? [] : ["UNREPLIED"]),
		];
		const json: ConntrackEntryJson = {
			proto: protoName(entry.proto),
			state: stateName(entry),
			flags,
			orig: tupleJson(entry.proto, entry.orig),
			reply: tupleJson(entry.proto, entry.reply),
			mark: entry.mark,
			nat: natOf(entry),
		};
		if (this.#timeouts) {
			const seconds = Number((entry.deadlineNs - this.wire.now) / SECOND_NS);
			json.timeout = Math.ceil(seconds / 10) * 10;
		}
		return json;
	}

	#hits(before: BigUint64Array): Record<string, string[]> {
		const after = this.machine.counters().packets;
		const told: Record<string, string[]> = {};
		for (let row = 0; row < after.length; row++) {
			const hits = (after[row] ?? 0n) - (before[row] ?? 0n);
			if (hits === 0n) continue;
			const place = this.machine.placeOf(row);
			if (place === null || !place.netns.startsWith("node:")) continue;
			const text = place.rule
				? `-A ${place.chain} ${printRule(place.rule)}`.trimEnd()
				: this.#policy(place.netns, place.table, place.chain);
			if (text !== null) told[place.netns] = [...(told[place.netns] ?? []), `${hits} ${place.table} ${text}`];
		}
		return told;
	}

	#policy(netns: string, table: string, chain: string): string | null {
		const tables = this.machine.netnsOf(netns).ruleset?.tables ?? [];
		const found = tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === chain);
		return found?.policy ? `${chain} policy ${found.policy}` : null;
	}

	/** By netns: each packet's way through its tables. */
	#trace(events: readonly TraceEvent[]): Record<string, TracedPacketJson[]> {
		const told: Record<string, TracedPacketJson[]> = {};
		const open = new Map<string, TracedPacketJson>();
		for (const event of events) {
			const netns = this.machine.netnsName(event.netns);
			const key = `${netns} ${event.packet}`;
			if (event.kind === L.EVENT_OUT && !this.#isBridge(event.device)) open.delete(key);
			const step = describeStep(this.machine, event);
			if (step === null) continue;
			let packet = open.get(key);
			if (packet === undefined) {
				packet = { packet: describeHeader(event.header, event.inside), hookPath: [], steps: [] };
				open.set(key, packet);
				told[netns] = [...(told[netns] ?? []), packet];
			}
			const hook = hookAndTable(event);
			if (packet.hookPath.at(-1) !== hook) packet.hookPath.push(hook);
			packet.steps.push(step);
		}
		return told;
	}

	#isBridge(device: number): boolean {
		const ref = this.machine.encoded.deviceNames[device];
		const devices = ref ? this.machine.netnsOf(ref.netns).devices : [];
		return devices.find(({ name }) => name === ref?.device)?.kind === "bridge";
	}
}

/** The entry that an event tells of; a tunnel's own packets are not the probe's. */
function trackedRow(event: TraceEvent): number[] {
	return event.kind === L.EVENT_CONNTRACK && event.ct >= 0 && event.inside === null ? [event.ct] : [];
}

function stateName(entry: ConntrackEntry): string | null {
	if (entry.proto === L.PROTO_TCP) return TCP_STATES[entry.state] ?? null;
	if (entry.proto === L.PROTO_SCTP) return SCTP_STATES[entry.state] ?? null;
	return null;
}

function tupleJson(proto: number, tuple: Tuple): TupleJson {
	const addresses = { src: ipv4FromNumber(tuple.src), dst: ipv4FromNumber(tuple.dst) };
	if (proto === L.PROTO_ICMP)
		return { ...addresses, type: tuple.dport >>> 8, code: tuple.dport & 255, id: tuple.sport };
	if (proto === L.PROTO_TCP || proto === L.PROTO_UDP || proto === L.PROTO_SCTP) {
		return { ...addresses, sport: tuple.sport, dport: tuple.dport };
	}
	return addresses;
}

function natOf({ proto, orig, reply }: ConntrackEntry): ("dnat" | "snat")[] {
	const ports = proto !== L.PROTO_ICMP;
	const dnat = reply.src !== orig.dst || (ports && reply.sport !== orig.dport);
	const snat = reply.dst !== orig.src || (ports && reply.dport !== orig.sport);
	return [...(dnat ? (["dnat"] as const) : []), ...(snat ? (["snat"] as const) : [])];
}
