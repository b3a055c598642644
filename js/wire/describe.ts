// Packets and events as one line each, in the words of tcpdump and of `iptables -j TRACE`: what a trace prints, and what
// the recorded kernel scenarios compare.

import * as L from "../../assembly/layout.ts";
import type { Header, TraceEvent } from "../../bindings/events.ts";
import type { Machine } from "../../bindings/machine.ts";

export const HOOK_NAMES = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] as const;
export const TABLE_NAMES = ["raw", "mangle", "nat", "filter", "security"] as const;

const FLAG_LETTERS: readonly [number, string][] = [
	[L.TCP_FIN, "F"],
	[L.TCP_SYN, "S"],
	[L.TCP_RST, "R"],
	[L.TCP_PSH, "P"],
	[L.TCP_ACK, "A"],
	[L.TCP_URG, "U"],
];
const UNREACHABLE: Readonly<Record<number, string>> = {
	0: "net-unreachable",
	1: "host-unreachable",
	2: "proto-unreachable",
	3: "port-unreachable",
	4: "frag-needed",
	5: "source-route-failed",
	6: "net-unknown",
	7: "host-unknown",
	9: "net-prohibited",
	10: "host-prohibited",
	11: "tos-net-unreachable",
	12: "tos-host-unreachable",
	13: "admin-prohibited",
};
/** ICMPv6's destination unreachable, in the words of ip6tables' `--reject-with` (RFC 4443 3.1). */
const UNREACHABLE6: Readonly<Record<number, string>> = {
	0: "no-route",
	1: "adm-prohibited",
	2: "beyond-scope",
	3: "addr-unreachable",
	4: "port-unreachable",
	5: "policy-fail",
	6: "reject-route",
};
const QUERIES6: Readonly<Record<number, string>> = { 128: "echo-request", 129: "echo-reply" };
const QUERIES: Readonly<Record<number, string>> = {
	0: "echo-reply",
	8: "echo-request",
	13: "timestamp-request",
	14: "timestamp-reply",
	17: "address-mask-request",
	18: "address-mask-reply",
};

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

/** A conntrack entry's state as `conntrack -L` prints it; null for protocols without one. */
export function stateName(proto: number, state: number): string | null {
	if (proto === L.PROTO_TCP) return TCP_STATES[state] ?? null;
	if (proto === L.PROTO_SCTP) return SCTP_STATES[state] ?? null;
	return null;
}

/** `tcp`, `udp` … or `proto-N`. */
export function protoName(proto: number): string {
	return PROTO_NAMES[proto] ?? `proto-${proto}`;
}

const PROTO_NAMES: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp" };

/** ICMP or ICMPv6. */
export function isIcmp(proto: number): boolean {
	return proto === L.PROTO_ICMP || proto === L.PROTO_ICMPV6;
}

export function hasPorts(proto: number): boolean {
	return proto === L.PROTO_TCP || proto === L.PROTO_UDP || proto === L.PROTO_SCTP;
}

/** Type and code of a packet of either ICMP as icmpName says them. */
export function icmpNameOf({ proto, dport }: Pick<Header, "proto" | "dport">): string {
	const [type, code] = [dport >>> 8, dport & 255];
	return proto === L.PROTO_ICMPV6 ? icmp6Name(type, code) : icmpName(type, code);
}

function icmp6Name(type: number, code: number): string {
	if (type === 1) return UNREACHABLE6[code] ?? `unreachable-${code}`;
	if (type === 2) return "packet-too-big";
	if (type === 3) return code === 0 ? "ttl-exceeded" : "reassembly-timeout";
	if (type === 4) return code === 1 ? "unknown-header" : `parameter-problem-${code}`;
	return QUERIES6[type] ?? `type-${type}/${code}`;
}

/** The address that a header came from. */
export function sourceText({ addresses, family, src }: Header): string {
	return addresses.text(src, family);
}

/** The address that it is for. */
export function destinationText({ addresses, family, dst }: Header): string {
	return addresses.text(dst, family);
}

/** `ADDRESS:PORT`, `[ADDRESS]:PORT`. */
export function endText(address: string, port: number): string {
	return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `port-unreachable`, `ttl-exceeded`, `echo-request` … */
function icmpName(type: number, code: number): string {
	if (type === 3) return UNREACHABLE[code] ?? `unreachable-${code}`;
	if (type === 5) return code === 0 ? "redirect-net" : code === 1 ? "redirect-host" : `redirect-${code}`;
	if (type === 11) return code === 0 ? "ttl-exceeded" : "reassembly-timeout";
	return QUERIES[type] ?? `type-${type}/${code}`;
}

/** Flag letters in wire order: `S`, `SA`, `PA`. */
export function flagLetters(flags: number): string {
	let letters = "";
	for (const [bit, letter] of FLAG_LETTERS) if (flags & bit) letters += letter;
	return letters;
}

/** `tcp A:P > B:Q [SA] len N`, `udp A:P > B:Q len N`, `icmp A > B port-unreachable {quoted packet}`. */
export function describeHeader(header: Header, inside: Header | null = null): string {
	const src = sourceText(header);
	const dst = destinationText(header);
	const name = protoName(header.proto);
	if (isIcmp(header.proto)) return `${name} ${src} > ${dst} ${describeIcmp(header)}`;
	if (!hasPorts(header.proto)) return `${name} ${src} > ${dst}`;
	const text = `${name} ${endText(src, header.sport)} > ${endText(dst, header.dport)}`;
	if (header.proto === L.PROTO_TCP) {
		return `${text} [${flagLetters(header.tcpFlags)}]${header.payload > 0 ? ` len ${header.payload}` : ""}`;
	}
	if (header.proto === L.PROTO_UDP) {
		return `${text} len ${header.payload}${inside ? ` vxlan{${describeHeader(inside)}}` : ""}`;
	}
	return text;
}

function describeIcmp(header: Header): string {
	const type = header.dport >>> 8;
	const name = icmpNameOf(header);
	if (type in (header.family === 6 ? QUERIES6 : QUERIES)) return `${name} id N`;
	return `${name} {${header.inner ? describeHeader(quotedHeader(header)) : ""}}`;
}

/** The header that an ICMP error quotes; its flags and length ride in fields that ICMP does not use. */
export function quotedHeader(header: Header): Header {
	const { inner } = header;
	if (inner === null) throw new RangeError("the packet quotes nothing");
	return { ...header, ...inner, tcpFlags: header.tcpFlags, payload: header.seq, seq: 0, ack: 0, len: 0, inner: null };
}

/** `node:n1/eth0 out`; null for events that are no hop. */
export function describeDevice(machine: Machine, event: TraceEvent): string | null {
	if (event.kind !== L.EVENT_IN && event.kind !== L.EVENT_OUT) return null;
	const direction = event.kind === L.EVENT_OUT ? "out" : event.otherhost ? "in-other" : "in";
	return `${machine.netnsName(event.netns)}/${machine.deviceName(event.device) ?? "?"} ${direction}`;
}

/** One hop: device, direction, packet, TTL; null for events that are no hop. */
export function describeHop(machine: Machine, event: TraceEvent): string | null {
	const where = describeDevice(machine, event);
	return where === null ? null : `${where} ${describeHeader(event.header, event.inside)} ttl ${event.header.ttl}`;
}

/** `FORWARD/filter KUBE-FORWARD:rule:3 (in=…,out=…) | packet`, as xt_TRACE logs it; null for other events. */
export function describeStep(machine: Machine, event: TraceEvent): string | null {
	const kind = STEP_KINDS[event.kind];
	const place = kind === undefined ? null : machine.placeOf(event.rule);
	if (place === null) return null;
	const devices = (
		[
			["in", event.iif],
			["out", event.oif],
			["physin", event.physin],
			["physout", event.physout],
		] as const
	).flatMap(([name, row]) => (row < 0 ? [] : [`${name}=${machine.deviceName(row)}`]));
	const packet = describeHeader(event.header, event.inside);
	const mark = event.mark === 0 ? "" : ` mark 0x${event.mark.toString(16)}`;
	return `${hookAndTable(event)} ${place.chain}:${kind}:${place.number}${mark} (${devices.join(",")}) | ${packet}`;
}

/** `FORWARD/filter`. */
export function hookAndTable(event: TraceEvent): string {
	return `${HOOK_NAMES[event.hook]}/${TABLE_NAMES[event.table]}`;
}

const STEP_KINDS: Readonly<Record<number, string>> = {
	[L.EVENT_RULE_MATCH]: "rule",
	[L.EVENT_POLICY]: "policy",
	[L.EVENT_RETURN]: "return",
};
