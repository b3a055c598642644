// Events of the engine as hops: the fields of `iptables -j TRACE`, a device's tcpdump line, and what routing and
// connection tracking decided. Neighbour resolution is left out.

import * as L from "../../assembly/layout.ts";
import type { Header, TraceEvent } from "../../bindings/events.ts";
import type { Machine } from "../../bindings/machine.ts";
import {
	destinationText,
	flagLetters,
	HOOK_NAMES,
	hasPorts,
	icmpNameOf,
	isIcmp,
	protoName,
	quotedHeader,
	sourceText,
	TABLE_NAMES,
} from "../wire/describe.ts";
import type { Hop, HopEvent, PacketFields } from "./path.ts";
import { placeText, reasonOf } from "./reason.ts";

const EVENTS: Readonly<Record<number, HopEvent>> = {
	[L.EVENT_IN]: "receive",
	[L.EVENT_OUT]: "transmit",
	[L.EVENT_RULE_MATCH]: "rule",
	[L.EVENT_POLICY]: "policy",
	[L.EVENT_RETURN]: "return",
	[L.EVENT_ROUTE]: "route",
	[L.EVENT_NAT]: "nat",
	[L.EVENT_DELIVER]: "deliver",
	[L.EVENT_DROP]: "drop",
	[L.EVENT_ICMP_OUT]: "icmp-error",
	[L.EVENT_RST_OUT]: "reset",
	[L.EVENT_CONNTRACK]: "conntrack",
	[L.EVENT_LOG]: "log",
	[L.EVENT_UNKNOWN]: "unknown",
};

const AT_HOOK = new Set<HopEvent>(["rule", "policy", "return", "nat", "conntrack", "log"]);
const IN_TABLE = new Set<HopEvent>(["rule", "policy", "return", "nat", "log"]);
/** enum ip_conntrack_info: from IP_CT_IS_REPLY (3) on a reply. */
const CT_STATES = ["ESTABLISHED", "RELATED", "NEW", "ESTABLISHED", "RELATED", "NEW"];
const CT_UNTRACKED = 7;

/** The hops of events, in order. */
export function hopsOf(machine: Machine, events: readonly TraceEvent[]): Hop[] {
	const frames = framesOf(machine);
	const hops: Hop[] = [];
	for (const event of events) {
		const frame = frames.of(event);
		if (frame === null) continue;
		hops.push(hopIn(frame, event));
	}
	return hops;
}

function hopIn(frame: Frame, { gateway, header, inside }: TraceEvent): Hop {
	const packet = packetFields(header, inside);
	const { netns, device, event, hook, table, chain, rule, ctstate, mark, reason } = frame;
	const hop: Hop = { netns, device, event, hook, table, chain, rule, packet };
	if (ctstate !== undefined) hop.ctstate = ctstate;
	if (mark !== undefined) hop.mark = mark;
	if (event === "route" && gateway !== 0 && gateway !== header.dst)
		hop.via = header.addresses.text(gateway, header.family);
	if (reason !== undefined) hop.reason = reason;
	return hop;
}

/** What a hop says beside its packet and the gateway that this one takes. */
type Frame = Omit<Hop, "packet" | "via">;

/** What a frame is made of. */
type Said = Pick<
	TraceEvent,
	"kind" | "hook" | "table" | "verdict" | "reason" | "ctinfo" | "netns" | "device" | "rule" | "iif" | "mark"
>;

interface Known {
	said: Said;
	frame: Frame | null;
}

const FRAMES_MAX = 1 << 16;

/** Frames by what events say: packets meet the same rules and devices again and again. As long as rules are not replaced. */
class Frames {
	readonly #machine: Machine;
	readonly #revision: number;
	readonly #known = new Map<number, Known[]>();
	#count = 0;

	constructor(machine: Machine) {
		this.#machine = machine;
		this.#revision = machine.rulesRevision;
	}

	get hold(): boolean {
		return this.#revision === this.#machine.rulesRevision && this.#count < FRAMES_MAX;
	}

	/** null: the event is no hop. */
	of(event: TraceEvent): Frame | null {
		const key = keyOf(event);
		const known = this.#known.get(key);
		if (known !== undefined) {
			for (const { said, frame } of known) if (isSaid(said, event)) return frame;
		}
		const { kind, hook, table, verdict, reason, ctinfo, netns, device, rule, iif, mark } = event;
		const said = { kind, hook, table, verdict, reason, ctinfo, netns, device, rule, iif, mark };
		const frame = frameOf(this.#machine, said);
		if (known === undefined) this.#known.set(key, [{ said, frame }]);
		else known.push({ said, frame });
		this.#count++;
		return frame;
	}
}

function keyOf({ kind, netns, device, rule }: Said): number {
	return Math.imul(Math.imul(Math.imul(kind + 1, 31) + netns, 1021) + device, 8191) + rule;
}

function isSaid(a: Said, b: Said): boolean {
	return (
		a.rule === b.rule &&
		a.netns === b.netns &&
		a.device === b.device &&
		a.kind === b.kind &&
		a.ctinfo === b.ctinfo &&
		a.hook === b.hook &&
		a.table === b.table &&
		a.verdict === b.verdict &&
		a.reason === b.reason &&
		a.iif === b.iif &&
		a.mark === b.mark
	);
}

const framesByMachine = new WeakMap<Machine, Frames>();

function framesOf(machine: Machine): Frames {
	const known = framesByMachine.get(machine);
	if (known?.hold) return known;
	const frames = new Frames(machine);
	framesByMachine.set(machine, frames);
	return frames;
}

function frameOf(machine: Machine, said: Said): Frame | null {
	const event = EVENTS[said.kind];
	if (event === undefined) return null;
	const place = said.rule >= 0 && event !== "deliver" ? machine.placeOf(said.rule) : null;
	const frame: Frame = {
		netns: netnsReference(machine.netnsName(said.netns)),
		device: deviceOf(machine, said, event),
		event,
		hook: AT_HOOK.has(event) ? (HOOK_NAMES[said.hook] ?? null) : null,
		table: place?.table ?? (IN_TABLE.has(event) ? (TABLE_NAMES[said.table] ?? null) : null),
		chain: place?.chain ?? null,
		rule: place === null ? null : placeText(place),
	};
	const ctstate = ctstateOf(said, event);
	if (ctstate !== null) frame.ctstate = ctstate;
	if (said.mark !== 0) frame.mark = `0x${said.mark.toString(16)}`;
	if (event === "drop" || event === "unknown") frame.reason = reasonOf(machine, said) ?? "";
	return frame;
}

/** `pod:shop/cart-0` → `pod/shop/cart-0`, `node:n1` → `node/n1`; `router` stays. */
export function netnsReference(name: string): string {
	return name.replace(":", "/");
}

function deviceOf(machine: Machine, event: Said, kind: HopEvent): string | null {
	if (event.device >= 0 && kind !== "deliver") return machine.deviceName(event.device);
	if (kind === "deliver") return event.iif >= 0 ? machine.deviceName(event.iif) : null;
	return null;
}

function ctstateOf(event: Said, kind: HopEvent): string | null {
	if (event.ctinfo === CT_UNTRACKED) return "UNTRACKED";
	if (event.ctinfo !== null) return CT_STATES[event.ctinfo] ?? null;
	return kind === "conntrack" ? "INVALID" : null;
}

/** A header in the words of a trace. */
export function packetFields(header: Header, inside: Header | null = null): PacketFields {
	const fields = header.proto === L.PROTO_TCP ? tcpFields(header) : otherFields(header);
	if (inside !== null) fields.encapsulated = packetFields(inside);
	return fields;
}

/** In one literal, for nearly every hop of nearly every trace is of this shape. */
function tcpFields(header: Header): PacketFields {
	const { sport, dport, ttl, seq, ack, len: length } = header;
	const [proto, src, dst, flags] = ["tcp", sourceText(header), destinationText(header), flagLetters(header.tcpFlags)];
	if ((header.tcpFlags & L.TCP_ACK) === 0) return { proto, src, sport, dst, dport, ttl, flags, seq, length };
	return { proto, src, sport, dst, dport, ttl, flags, seq, ack, length };
}

function otherFields(header: Header): PacketFields {
	return {
		proto: protoName(header.proto),
		src: sourceText(header),
		...(hasPorts(header.proto) ? { sport: header.sport } : {}),
		dst: destinationText(header),
		...(hasPorts(header.proto) ? { dport: header.dport } : {}),
		ttl: header.ttl,
		...(isIcmp(header.proto) ? icmpFields(header) : {}),
		length: header.len,
	};
}

function icmpFields(header: Header): Partial<PacketFields> {
	const icmp = icmpNameOf(header);
	if (header.inner === null) return { icmp, id: header.sport };
	const quoted = quotedHeader(header);
	const { proto, sport, dport } = quoted;
	return {
		icmp,
		inner: { proto: protoName(proto), src: sourceText(quoted), sport, dst: destinationText(quoted), dport },
	};
}
