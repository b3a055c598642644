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
	const hops: Hop[] = [];
	for (const event of events) {
		const hop = hopOf(machine, event);
		if (hop !== null) hops.push(hop);
	}
	return hops;
}

/** One event as a hop; null for what is no part of the packet's own way. */
export function hopOf(machine: Machine, event: TraceEvent): Hop | null {
	const kind = EVENTS[event.kind];
	if (kind === undefined) return null;
	const place = event.rule >= 0 && kind !== "deliver" ? machine.placeOf(event.rule) : null;
	const hop: Hop = {
		netns: netnsReference(machine.netnsName(event.netns)),
		device: deviceOf(machine, event, kind),
		event: kind,
		hook: AT_HOOK.has(kind) ? (HOOK_NAMES[event.hook] ?? null) : null,
		table: place?.table ?? (IN_TABLE.has(kind) ? (TABLE_NAMES[event.table] ?? null) : null),
		chain: place?.chain ?? null,
		rule: place === null ? null : placeText(place),
		packet: packetFields(event.header, event.inside),
	};
	const ctstate = ctstateOf(event, kind);
	if (ctstate !== null) hop.ctstate = ctstate;
	if (event.mark !== 0) hop.mark = `0x${event.mark.toString(16)}`;
	if (kind === "route" && event.gateway !== 0 && event.gateway !== event.header.dst)
		hop.via = event.header.addresses.text(event.gateway, event.header.family);
	if (kind === "drop" || kind === "unknown") hop.reason = reasonOf(machine, event) ?? "";
	return hop;
}

/** `pod:shop/cart-0` → `pod/shop/cart-0`, `node:n1` → `node/n1`; `router` stays. */
export function netnsReference(name: string): string {
	return name.replace(":", "/");
}

function deviceOf(machine: Machine, event: TraceEvent, kind: HopEvent): string | null {
	if (event.device >= 0 && kind !== "deliver") return machine.deviceName(event.device);
	if (kind === "deliver") return event.iif >= 0 ? machine.deviceName(event.iif) : null;
	return null;
}

function ctstateOf(event: TraceEvent, kind: HopEvent): string | null {
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
