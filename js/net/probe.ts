// A probe is one question put to a network, and its result what really came of it: who answered, what the server saw,
// which conntrack entries and rule hits it left, and every hop. The shapes are those of the recorded kernel scenarios
// (`probes` of a scenario and of a result file), so that podwire, a lab of Linux namespaces and a recording compare.
// Field by field they are plain JSON; times are seconds, ports numbers.

import type { Family } from "./ruleset.ts";

export type ProbeProto = "tcp" | "udp" | "icmp" | "sctp";

/** A port or ICMP id: a number, or `eph` where a recording only says that it was chosen at run time. */
export type PortJson = number | "eph";

/** `differed between the repeats of a recording`. */
export const VARIES = "<varies>";
export type Varies = typeof VARIES;

/** One crafted packet, sent with the source address of the probe's `from`. */
export interface RawPacket {
	/** TCP flag letters of `SAFRPU`. */
	flags?: string;
	seq?: number;
	ack?: number;
	/** TCP window; default 64240. */
	win?: number;
	payload?: string;
	/** ICMP type, code, id. */
	type?: number;
	code?: number;
	id?: number;
	/** The packet that an ICMP error quotes. */
	inner?: { proto: ProbeProto; src: string; dst: string; sport?: number; dport?: number; icmpId?: number };
	/** A segment of the connection that probe number `ofProbe` holds open, sent by that side; sequence numbers are relative. */
	ofProbe?: number;
	side?: "server" | "client";
	seqOffset?: number;
	ackOffset?: number;
}

export interface Probe {
	/** `pod:NAME`, `node:NAME` or `host:NAME`. */
	from: string;
	proto: ProbeProto;
	dst: string;
	/** Destination port; null or absent for ICMP. */
	port?: number | null;
	/** Source port, or ICMP id; null or absent: the kernel's choice. */
	sport?: number | null;
	/** Attempts, one after the other; default 1. */
	count?: number;
	/** Pause between attempts, seconds. */
	interval?: number;
	/** Seconds; default 0.9, below the first SYN retransmission. */
	timeout?: number;
	/** TTL of the packets sent; default the kernel's 64. */
	ttl?: number;
	/** Bind to this source address first. */
	srcIp?: string;
	/** Keep the TCP connection open until the scenario's end or a `release` action. */
	hold?: boolean;
	raw?: RawPacket;
	/** What the scenario's author expected; no part of the question. */
	expect?: unknown;
}

/** Something done between probes. */
export interface ProbeAction {
	action: {
		/** `family`: default `ipv4`. */
		iptablesRestore?: { node: string; text: string; noflush?: boolean; family?: Family };
		/** Node whose conntrack table is emptied. */
		conntrackFlush?: string;
		/** Seconds. */
		sleep?: number;
		/** Close the connections that probes hold. */
		release?: boolean;
	};
}

export type ProbeStep = Probe | ProbeAction;

export function isAction(step: ProbeStep): step is ProbeAction {
	return "action" in step;
}

/** What the client noticed. */
export type Outcome = "delivered" | "refused" | "timeout" | "unreachable" | "reset" | "blocked-locally";

/** One direction of a conntrack entry. Ports for TCP, UDP, SCTP; type, code and id for ICMP. */
export interface TupleJson {
	src: string;
	dst: string;
	sport?: PortJson;
	dport?: PortJson;
	type?: number;
	code?: number;
	id?: PortJson;
}

/** One line of `conntrack -L`. */
export interface ConntrackEntryJson {
	proto: string;
	/** TCP and SCTP state as conntrack prints it (`TIME_WAIT`); null for protocols without one. */
	state: string | null;
	/** `ASSURED`, `UNREPLIED`. */
	flags: string[];
	orig: TupleJson;
	reply: TupleJson;
	mark: number;
	/** `dnat` where reply.src differs from orig.dst (or the port does), `snat` where reply.dst differs from orig.src. */
	nat: ("dnat" | "snat")[];
	/** Seconds left, rounded up to a multiple of 10 where recorded. */
	timeout?: number;
}

/** An ICMP error that came to the client. */
export interface IcmpErrorJson {
	from: string;
	type: number;
	code: number;
	/** `port-unreachable`, `ttl-exceeded` … */
	name: string;
	inner: { proto: string; src: string; dst: string; sport?: PortJson; dport?: PortJson; icmpId?: PortJson };
	/** The quoted packet is the one that the client sent. */
	matchesProbe: boolean;
}

/** An entry of the client socket's error queue (IP_RECVERR). */
export interface SocketErrorJson {
	errno: string;
	origin: "icmp" | "local";
	type: number;
	code: number;
	offender: string;
}

/** One attempt. Fields that do not apply are absent. */
export interface ProbeDetail {
	outcome: Outcome;
	local?: { ip: string; port?: PortJson };
	/** `pod NAME`, `node NAME` or `host NAME`. */
	server?: string;
	serverSawSrc?: string;
	serverSawSport?: PortJson;
	/** `ADDRESS:PORT` the server was reached at. */
	serverLocal?: string;
	replyFrom?: string;
	replyFromPort?: PortJson;
	/** ICMP echo only. */
	replyTtl?: number;
	/** A UDP answer from another address than was asked. */
	replyAddrMismatch?: boolean;
	/** Who said no. */
	by?: "rst" | "icmp" | "local";
	errno?: string;
	/** `connect`, `send`, `recv`: the call that failed. */
	phase?: string;
	icmp?: IcmpErrorJson[];
	/** Of the first entry of `icmp`: [type, code] and sender. */
	icmpType?: [number, number];
	icmpFrom?: string;
	errqueue?: SocketErrorJson[];
	/** errno of a failed send. */
	localError?: string;
	/** Raw probes: the packet as sent, where and how it arrived, what else passed an eth0 until 0.12 s later, the last device that saw it. */
	sent?: string;
	arrivedAt?: string;
	arrivedAs?: string;
	followUp?: string[];
	lastSeen?: string;
	/** By netns (`node:n1`, `router`): the entries tied to this probe by their tuples. */
	conntrack?: Record<string, ConntrackEntryJson[]>;
}

/** A value seen in every attempt alike, the sorted distinct values, or `<varies>`. */
export type Summarised<T> = T | T[] | Varies;

/** Over all attempts. */
export interface ProbeSummary {
	/** Attempts that the probe asks for. */
	n: number;
	/** Attempts really made, where more. */
	attempts?: number;
	outcomes: Partial<Record<Outcome, number | Varies>>;
	server?: Summarised<string>;
	serverSawSrc?: Summarised<string>;
	serverLocal?: Summarised<string>;
	replyFrom?: Summarised<string>;
	sportPreserved?: boolean | Varies;
	replyAddrMismatch?: boolean;
	by?: Summarised<string>;
	errno?: Summarised<string>;
	localError?: Summarised<string>;
	phase?: Summarised<string>;
	icmpType?: [number, number] | Varies;
	icmpFrom?: Summarised<string>;
	/** Only where count > 1. */
	distinctServers?: number | Varies;
	arrivedAt?: Summarised<string>;
	lastSeen?: Summarised<string>;
}

/** One packet's way through one netns's tables, as `-j TRACE` logs it. */
export interface TracedPacketJson {
	/** As it came into the netns. */
	packet: string;
	/** `HOOK/table`, in order, without repeats. */
	hookPath: string[];
	/** `HOOK/table CHAIN:rule|return|policy:N (in=…,out=…,physin=…,physout=…) | packet`. */
	steps: string[];
}

export interface ProbeResult {
	probe: Probe;
	summary: ProbeSummary;
	/** Absent where `count` > 1. */
	result?: ProbeDetail;
	/** By netns: `COUNT TABLE RULE` and `COUNT TABLE CHAIN policy POLICY`, what `iptables-save -c` counted because of this probe. */
	ruleHits?: Record<string, (string | Varies)[] | Varies>;
	/** In time order: `NETNS/DEVICE out|in|in-other PROTO SRC:SPORT > DST:DPORT [FLAGS] ttl N`. */
	hops?: string[];
	trace?: Record<string, TracedPacketJson[]>;
}

/** A file of recorded results; `probes` in the scenario's order. */
export interface RecordedResult {
	scenario: string;
	backend: "legacy" | "nft";
	probes: ProbeResult[];
	_meta?: Record<string, unknown>;
}

/** Whoever answers probes: a lab of Linux namespaces, or podwire. Steps come in a scenario's order; `ofProbe` counts them. */
export interface Prober {
	probe(probe: Probe): Promise<ProbeResult> | ProbeResult;
	act(action: ProbeAction): Promise<void> | void;
}

/** The summary of a probe's attempts: outcomes counted, every other field the value all agree on or the sorted distinct ones. */
export function summarise(probe: Probe, attempts: readonly ProbeDetail[]): ProbeSummary {
	const summary: ProbeSummary = { n: probe.count ?? 1, outcomes: {} };
	if (attempts.length !== summary.n) summary.attempts = attempts.length;
	for (const { outcome } of attempts) {
		summary.outcomes[outcome] = ((summary.outcomes[outcome] as number | undefined) ?? 0) + 1;
	}
	for (const field of SUMMARISED) {
		const values = [
			...new Set(attempts.map((attempt) => attempt[field]).filter((value) => value !== undefined)),
		].sort();
		if (values.length > 0) Object.assign(summary, { [field]: values.length === 1 ? values[0] : values });
	}
	const icmpType = attempts.find((attempt) => attempt.icmpType)?.icmpType;
	if (icmpType) summary.icmpType = icmpType;
	if (attempts.some((attempt) => attempt.replyAddrMismatch)) summary.replyAddrMismatch = true;
	if (summary.n > 1) summary.distinctServers = new Set(attempts.flatMap((attempt) => attempt.server ?? [])).size;
	const served = attempts.filter((attempt) => attempt.serverSawSport !== undefined);
	if (served.length > 0)
		summary.sportPreserved = served.every((attempt) => attempt.serverSawSport === attempt.local?.port);
	return summary;
}

const SUMMARISED = [
	"server",
	"serverSawSrc",
	"serverLocal",
	"replyFrom",
	"by",
	"errno",
	"localError",
	"phase",
	"icmpFrom",
	"arrivedAt",
	"lastSeen",
] as const satisfies (keyof ProbeDetail & keyof ProbeSummary)[];
