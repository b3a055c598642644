// One flow of a replay in words: a line of `--per-flow`. A flow is one conntrack entry at the first netns that tracks it.

import * as L from "../../assembly/layout.ts";
import type { FlowRow } from "../../bindings/flows.ts";
import type { Machine } from "../../bindings/machine.ts";
import { timeText } from "../flows/time.ts";
import type { Address } from "../net/network.ts";
import type { Delivered, Protocol, Seen, Verdict } from "../trace/path.ts";
import { reasonOfEnd, verdictWord } from "../trace/reason.ts";

export interface FlowReport {
	/** Seconds since 1970 with nine decimals, of the first packet. */
	time: string;
	proto: Protocol | "icmpv6" | `${number}`;
	src: string;
	/** ICMP: the echo's id; and `dport` its type << 8 | code. */
	sport: number;
	dst: string;
	dport: number;
	/** Both directions, as offered and answered; bytes are IP bytes. */
	packets: number;
	bytes: number;
	verdict: Verdict;
	reason: string | null;
	/** It had been answered, and its last packet was lost: a connection that broke, and why; null: it did not. */
	broken: { verdict: Verdict; reason: string } | null;
	/** Who got the request, whether or not the answer came back. */
	delivered: Delivered | null;
	/** What the receiver saw. */
	seen: Seen | null;
	/** Node whose uplink took it in while its destination was still undecided; null: none did. */
	entryNode: string | null;
	/** It went on from there to another node. */
	secondHop: boolean;
	/** `NAMESPACE/NAME:PORT` of the Service whose address it was sent to. */
	service: string | null;
	/** Seconds since 1970 of the last packet. */
	last: string;
}

export interface FlowWords {
	machine: Machine;
	/** The Node that a netns is, or is on. */
	nodeOf: (netns: string) => string | null;
	serviceOf: (address: Address, proto: number, port: number) => string | null;
}

const PROTOCOLS: Readonly<Record<number, FlowReport["proto"]>> = {
	[L.PROTO_ICMP]: "icmp",
	[L.PROTO_ICMPV6]: "icmpv6",
	[L.PROTO_TCP]: "tcp",
	[L.PROTO_UDP]: "udp",
	[L.PROTO_SCTP]: "sctp",
};

export function flowReport(row: FlowRow, words: FlowWords): FlowReport {
	const { machine } = words;
	const verdict = verdictWord(row.verdict) ?? "unknown";
	const reached = row.server >= 0;
	const text = (address: number) => machine.core.rows.addresses.text(address, row.family);
	return {
		time: timeText(row.timeNs),
		proto: PROTOCOLS[row.proto] ?? `${row.proto}`,
		src: text(row.src),
		sport: row.sport,
		dst: text(row.dst),
		dport: row.dport,
		packets: row.packets,
		bytes: row.bytes,
		verdict,
		reason: verdict === "delivered" ? null : reasonOfEnd(machine, row.verdict, row.reason, row.rule),
		broken: brokenOf(row, machine),
		delivered: reached ? receiver(row, words) : null,
		seen: reached ? { source: text(row.seenSrc), sourcePort: hasPorts(row) ? row.seenSport : null } : null,
		...entry(row, words),
		service: words.serviceOf(addressOf(machine, row.dst, row.family), row.proto, row.dport),
		last: timeText(row.lastNs),
	};
}

function brokenOf({ brokenVerdict, brokenReason, rule }: FlowRow, machine: Machine): FlowReport["broken"] {
	if (brokenVerdict === L.VERDICT_NONE) return null;
	const verdict = verdictWord(brokenVerdict) ?? "unknown";
	return { verdict, reason: reasonOfEnd(machine, brokenVerdict, brokenReason, rule) };
}

function hasPorts({ proto }: FlowRow): boolean {
	return proto !== L.PROTO_ICMP && proto !== L.PROTO_ICMPV6;
}

/** An address of a flow as a network has it. */
export function addressOf({ core }: Machine, address: number, family: number): Address {
	return family === 6 ? core.rows.addresses.text(address, 6) : address;
}

function receiver(row: FlowRow, { machine, nodeOf }: FlowWords): Delivered {
	const netns = machine.netnsName(row.server);
	const colon = netns.indexOf(":");
	const [kind, name] = colon < 0 ? ["router", netns] : [netns.slice(0, colon), netns.slice(colon + 1)];
	const address = machine.core.rows.addresses.text(row.seenDst, row.family);
	const at = { address, port: hasPorts(row) ? row.seenDport : null };
	const slash = name.indexOf("/");
	if (kind === "pod")
		return {
			kind: "Pod",
			namespace: slash < 0 ? null : name.slice(0, slash),
			name: name.slice(slash + 1),
			node: nodeOf(netns),
			...at,
		};
	if (kind === "node") return { kind: "Node", namespace: null, name, node: name, ...at };
	if (kind === "host") return { kind: "Host", namespace: null, name, node: null, ...at };
	return { kind: "Router", namespace: null, name, node: null, ...at };
}

function entry(row: FlowRow, { machine, nodeOf }: FlowWords): Pick<FlowReport, "entryNode" | "secondHop"> {
	const name = (netns: number) => nodeOf(machine.netnsName(netns));
	if (row.entryNode < 0) return { entryNode: null, secondHop: false };
	return { entryNode: name(row.entryNode), secondHop: (row.flags & L.FLOWF_SECOND_HOP) !== 0 };
}
