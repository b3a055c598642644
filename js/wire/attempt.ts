// One attempt of a probe: a client program in a netns, and what it noticed, in the shape of the recorded scenarios.
// errno, phase and the error queue are told as a Linux socket with IP_RECVERR would.

import * as L from "../../assembly/layout.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { IcmpErrorJson, Outcome, Probe, ProbeDetail } from "../net/probe.ts";
import { DatagramClient, datagram, EchoClient, echoRequest, isEchoRequest } from "./datagram.ts";
import { destinationText, endText, icmpNameOf, isIcmp, protoName, quotedHeader, sourceText } from "./describe.ts";
import { Conversation } from "./program.ts";
import { TcpClient, TcpEnd, type TcpServer } from "./tcp.ts";
import { familyOf, type Wire } from "./wire.ts";

const SECOND_NS = 1_000_000_000n;
/** First SYN retransmissions: linear, one second apart (tcp_syn_linear_timeouts, Linux 6.5 and later). */
const SYN_RETRANSMIT_NS = SECOND_NS;
const SYN_LINEAR = 5;
const DEFAULT_TIMEOUT_SECONDS = 0.9;

/** Both ends of an open connection, their sockets still in the engine. */
export interface Held {
	client: TcpClient;
	socket: number;
	server: TcpServer | null;
	netns: number;
	conversation: Conversation;
}

export interface Attempt {
	detail: ProbeDetail;
	events: TraceEvent[];
	/** A connection that stays open. */
	held: Held | null;
}

/** Runs one attempt to its end: answered, refused, or out of time. */
export function attempt(wire: Wire, probe: Probe): Attempt {
	const netns = wire.machine.netnsRow(probe.from);
	const dst = wire.address(probe.dst);
	const src = probe.srcIp ? wire.address(probe.srcIp) : wire.sourceFor(netns, dst);
	if (src === null) return unroutable(probe);
	const sport = probe.sport ?? wire.ephemeralPort(netns);
	const conversation = new Conversation(wire);
	const client = { netns, src, dst, sport, dport: probe.port ?? 0 };
	const until = wire.now + BigInt(Math.round((probe.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1e9));
	if (probe.proto === "tcp") return tcpAttempt(conversation, probe, client, until);
	return datagramAttempt(conversation, probe, client, until);
}

interface Client {
	netns: number;
	src: number;
	dst: number;
	sport: number;
	dport: number;
}

function unroutable(probe: Probe): Attempt {
	const phase = probe.proto === "tcp" ? { phase: "connect" } : {};
	const local = probe.proto === "tcp" ? {} : { localError: "ENETUNREACH" };
	return {
		detail: { outcome: "unreachable", by: "local", errno: "ENETUNREACH", ...phase, ...local, conntrack: {} },
		events: [],
		held: null,
	};
}

function tcpAttempt(conversation: Conversation, probe: Probe, client: Client, until: bigint): Attempt {
	const { wire } = conversation;
	const { netns, src, dst, sport, dport } = client;
	const end = new TcpEnd(client, Math.imul(sport, 2654435761) ^ Number(wire.now & 0xffffffn));
	end.ttl = probe.ttl;
	const program = new TcpClient(end, probe.hold ?? false);
	conversation.hold = probe.hold ?? false;
	const socket = wire.open(netns, L.PROTO_TCP, src, sport, dst, dport, familyOf(dst));
	conversation.own(socket, netns, program);
	conversation.send(netns, program.connect());
	const settled = () =>
		program.state !== "connecting" || icmpErrors(conversation, client).some((error) => error.matchesProbe);
	for (let sent = 1; !settled() && wire.now < until; sent++) {
		const next =
			wire.now + (sent < SYN_LINEAR ? SYN_RETRANSMIT_NS : SYN_RETRANSMIT_NS << BigInt(sent - SYN_LINEAR + 1));
		conversation.wait(next < until ? next : until, settled);
		if (!settled() && wire.now < until) conversation.send(netns, program.connect());
	}
	const detail = tcpDetail(conversation, probe, client, program);
	if (detail.outcome === "delivered" && probe.hold) {
		return {
			detail,
			events: conversation.events,
			held: { client: program, socket, server: conversation.servers[0] ?? null, netns, conversation },
		};
	}
	conversation.disown(socket);
	for (const server of conversation.servers) conversation.disown(server.socket);
	return { detail, events: conversation.events, held: null };
}

function tcpDetail(conversation: Conversation, probe: Probe, client: Client, program: TcpClient): ProbeDetail {
	const errors = icmpErrors(conversation, client);
	const detail: ProbeDetail = {
		...outcomeOf(errors, "tcp"),
		local: { ip: conversation.wire.text(client.src), port: client.sport },
	};
	if (program.state === "refused" || program.state === "reset")
		Object.assign(detail, { outcome: program.state, by: "rst" });
	const answered = program.state === "answered" || program.state === "closed";
	if (answered) {
		detail.outcome = "delivered";
		delete detail.by;
		detail.replyFrom = probe.dst;
		detail.replyFromPort = client.dport;
	}
	if (answered || program.state === "established") Object.assign(detail, servedBy(conversation));
	return detail;
}

function datagramAttempt(conversation: Conversation, probe: Probe, client: Client, until: bigint): Attempt {
	const { wire } = conversation;
	const echo = probe.proto === "icmp";
	const program = echo ? new EchoClient() : new DatagramClient();
	const family = familyOf(client.dst);
	const icmp = family === 6 ? L.PROTO_ICMPV6 : L.PROTO_ICMP;
	const proto = echo ? icmp : probe.proto === "sctp" ? L.PROTO_SCTP : L.PROTO_UDP;
	const socket = wire.open(client.netns, proto, 0, client.sport, 0, 0, family);
	conversation.own(socket, client.netns, program);
	const packet = echo
		? echoRequest(client.src, client.dst, client.sport, probe.ttl)
		: { ...datagram(client, probe.ttl), proto, ...(proto === L.PROTO_SCTP ? { tcpFlags: L.SCTP_INIT } : {}) };
	const first = conversation.send(client.netns, packet);
	const settled = () => program.answer !== null || icmpErrors(conversation, client).some((error) => error.matchesProbe);
	const blocked = lostLocally(first);
	if (!blocked) conversation.wait(until, settled);
	conversation.disown(socket);
	const errors = icmpErrors(conversation, client);
	const detail: ProbeDetail = {
		...outcomeOf(errors, probe.proto),
		local: { ip: wire.text(client.src), port: client.sport },
	};
	if (blocked) Object.assign(detail, { localError: "EPERM" });
	if (blocked && detail.outcome === "timeout")
		Object.assign(detail, { outcome: "blocked-locally", by: "local", errno: "EPERM" });
	if (program.answer) Object.assign(detail, datagramAnswer(conversation, probe, program.answer, echo));
	return { detail, events: conversation.events, held: null };
}

function datagramAnswer(
	conversation: Conversation,
	probe: Probe,
	answer: TraceEvent,
	echo: boolean,
): Partial<ProbeDetail> {
	const from = sourceText(answer.header);
	const told: Partial<ProbeDetail> = {
		outcome: "delivered",
		replyFrom: from,
		...(echo ? echoServer(conversation) : servedBy(conversation)),
	};
	if (echo) told.replyTtl = answer.header.ttl;
	else told.replyFromPort = answer.header.sport;
	if (!echo && from !== probe.dst) told.replyAddrMismatch = true;
	return told;
}

function echoServer(conversation: Conversation): Partial<ProbeDetail> {
	const request = conversation.events.find((event) => event.kind === L.EVENT_DELIVER && isEchoRequest(event.header));
	return request ? { server: ownerName(conversation, request) } : {};
}

function servedBy(conversation: Conversation): Partial<ProbeDetail> {
	const { reached } = conversation;
	if (reached === null) return {};
	const { sport, dport } = reached.header;
	return {
		server: ownerName(conversation, reached),
		serverSawSrc: sourceText(reached.header),
		serverSawSport: sport,
		serverLocal: endText(destinationText(reached.header), dport),
	};
}

function ownerName(conversation: Conversation, event: TraceEvent): string {
	return conversation.wire.machine.netnsName(event.netns).replace(":", " ");
}

/** The sender's own OUTPUT or POSTROUTING refused it. */
function lostLocally(first: TraceEvent[]): boolean {
	const own = first[0]?.packet;
	return first.some(
		(event) =>
			event.kind === L.EVENT_DROP &&
			event.packet === own &&
			(event.flags & L.SKB_LOCAL_OUT) !== 0 &&
			refusedBySelf(event),
	);
}

function refusedBySelf(event: TraceEvent): boolean {
	const byRule = event.verdict === L.VERDICT_BLOCKED_LOCALLY || event.verdict === L.VERDICT_REJECTED;
	return byRule && event.iif < 0;
}

/** ICMP errors that came to the client's netns. */
function icmpErrors(conversation: Conversation, client: Client): IcmpErrorJson[] {
	return conversation.events.flatMap((event) => {
		if (event.kind !== L.EVENT_DELIVER || event.netns !== client.netns || event.header.inner === null) return [];
		const { header } = event;
		const inner = quotedHeader(header);
		const icmp = isIcmp(inner.proto);
		const ports = icmp ? { icmpId: inner.sport } : { sport: inner.sport, dport: inner.dport };
		const [type, code] = [header.dport >>> 8, header.dport & 255];
		const same = inner.src === client.src && inner.dst === client.dst && inner.sport === client.sport;
		return [
			{
				from: sourceText(header),
				type,
				code,
				name: icmpNameOf(header),
				inner: {
					proto: protoName(inner.proto),
					src: sourceText(inner),
					dst: destinationText(inner),
					...ports,
				},
				matchesProbe: same && (icmp || inner.dport === client.dport),
			},
		];
	});
}

/** What the first matching error means to a socket (icmp_err_convert). */
function outcomeOf(errors: IcmpErrorJson[], proto: string): ProbeDetail {
	const [first] = errors;
	if (first === undefined) return { outcome: "timeout" };
	const told: Partial<ProbeDetail> = { icmp: errors, icmpType: [first.type, first.code], icmpFrom: first.from };
	const mine = errors.find((error) => error.matchesProbe && !isRedirect(error));
	if (mine === undefined) return { outcome: "timeout", ...told };
	const outcome: Outcome = refuses(mine, proto) ? "refused" : "unreachable";
	return { outcome, by: "icmp", ...told };
}

function isRedirect({ from, type }: IcmpErrorJson): boolean {
	return !from.includes(":") && type === 5;
}

/** ECONNREFUSED: icmp_err_convert, icmpv6_err_convert. */
function refuses({ from, type, code }: IcmpErrorJson, proto: string): boolean {
	if (from.includes(":")) return type === 1 && code === 4;
	return type === 3 && (code === 3 || (code === 2 && proto !== "tcp"));
}
