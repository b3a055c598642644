// Raw probes: one crafted packet, where it came, and what else happened. Nobody waits for an answer.

import * as L from "../../assembly/layout.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { Probe, ProbeDetail, RawPacket } from "../net/probe.ts";
import type { Attempt, Held } from "./attempt.ts";
import { describeDevice, describeHeader } from "./describe.ts";
import { Conversation, type Program } from "./program.ts";
import type { TcpEnd } from "./tcp.ts";
import { familyOf, headerBytes, type Outgoing, type Wire } from "./wire.ts";

const FOLLOW_UP_NS = 120_000_000n;
const TCP_BYTES = 20;
const SHORT_BYTES = 8;
const SCTP_INIT_BYTES = 32;
const FLAG_BITS: Readonly<Record<string, number>> = {
	F: L.TCP_FIN,
	S: L.TCP_SYN,
	R: L.TCP_RST,
	P: L.TCP_PSH,
	A: L.TCP_ACK,
	U: L.TCP_URG,
};
const PROTOS = { tcp: L.PROTO_TCP, udp: L.PROTO_UDP, icmp: L.PROTO_ICMP, sctp: L.PROTO_SCTP } as const;

type HeldByProbe = ReadonlyMap<number, Held>;

/** Sends the crafted packet of a probe and follows it. RangeError where it names a connection that nobody holds. */
export function rawAttempt(wire: Wire, probe: Probe, held: HeldByProbe): Attempt {
	const netns = wire.machine.netnsRow(probe.from);
	const packet = probe.raw?.ofProbe === undefined ? crafted(wire, probe) : ofHeld(probe.raw, held);
	const conversation = new Conversation(wire);
	for (const { client, socket, netns: own, server } of held.values()) {
		conversation.own(socket, own, acknowledging(client.end));
		if (server) conversation.own(server.socket, server.netns, acknowledging(server.end));
	}
	const first = conversation.send(netns, packet);
	conversation.wait(wire.now + FOLLOW_UP_NS, () => false);
	for (const server of conversation.servers) conversation.disown(server.socket);
	return { detail: follow(wire, probe, conversation.events, first[0]), events: conversation.events, held: null };
}

/** A stack answers whatever its open connection does not expect with where it stands (RFC 9293 3.10.7.4, RFC 5961). */
function acknowledging(end: TcpEnd): Program {
	return {
		receive({ header }) {
			const odd = header.payload > 0 || header.seq !== end.ack;
			return header.proto === L.PROTO_TCP && odd && !(header.tcpFlags & L.TCP_RST) ? [end.segment(L.TCP_ACK)] : [];
		},
	};
}

function crafted(wire: Wire, probe: Probe): Outgoing {
	const raw = probe.raw ?? {};
	const netns = wire.machine.netnsRow(probe.from);
	const dst = wire.address(probe.dst);
	const src = probe.srcIp
		? wire.address(probe.srcIp)
		: (primaryAddress(wire, probe.from, familyOf(dst)) ?? wire.sourceFor(netns, dst) ?? 0);
	const payload = raw.payload?.length ?? 0;
	const ttl = probe.ttl === undefined ? {} : { ttl: probe.ttl };
	const ip = headerBytes(dst);
	const common = {
		proto: protoOf(probe.proto, dst),
		src,
		dst,
		sport: probe.sport ?? 0,
		dport: probe.port ?? 0,
		...ttl,
	};
	if (probe.proto === "tcp") return { ...common, ...segment(raw), payload, len: ip + TCP_BYTES + payload };
	if (probe.proto === "sctp") return { ...common, tcpFlags: L.SCTP_INIT, payload: 20, len: ip + SCTP_INIT_BYTES };
	if (probe.proto === "udp") return { ...common, payload, len: ip + SHORT_BYTES + payload };
	const quoted = raw.inner ? ip + 28 : 0;
	return { ...common, ...icmp(wire, probe, raw, dst), payload, len: ip + SHORT_BYTES + payload + quoted };
}

/** The address of a netns's own: eth0's first. */
function primaryAddress(wire: Wire, netns: string, family: number): number | null {
	const { devices } = wire.machine.netnsOf(netns);
	const eth0 = devices.find(({ name }) => name === "eth0");
	if (family === 4) return eth0?.addresses[0]?.ip ?? null;
	const [own] = eth0?.addresses6 ?? [];
	return own === undefined ? null : wire.address(own.ip);
}

function protoOf(proto: Probe["proto"], dst: number): number {
	return proto === "icmp" && familyOf(dst) === 6 ? L.PROTO_ICMPV6 : PROTOS[proto];
}

function segment(raw: RawPacket): Partial<Outgoing> {
	const tcpFlags = [...(raw.flags ?? "")].reduce((bits, letter) => bits | (FLAG_BITS[letter] ?? 0), 0);
	return { tcpFlags, seq: (raw.seq ?? 0) >>> 0, ack: (raw.ack ?? 0) >>> 0, window: raw.win ?? 64240 };
}

function icmp(wire: Wire, probe: Probe, raw: RawPacket, outerDst: number): Partial<Outgoing> {
	const echo = familyOf(outerDst) === 6 ? 128 : 8;
	const dport = ((raw.type ?? echo) << 8) | (raw.code ?? 0);
	if (!raw.inner) return { sport: raw.id ?? probe.sport ?? 0, dport };
	const { proto, src, dst, sport, dport: innerDport, icmpId } = raw.inner;
	const ports =
		proto === "icmp" ? { sport: icmpId ?? 0, dport: echo << 8 } : { sport: sport ?? 0, dport: innerDport ?? 0 };
	const tcpFlags = proto === "tcp" ? L.TCP_SYN : 0;
	return {
		sport: 0,
		dport,
		inner: { proto: protoOf(proto, outerDst), src: wire.address(src), dst: wire.address(dst), tcpFlags, ...ports },
	};
}

function ofHeld(raw: RawPacket, held: HeldByProbe): Outgoing {
	const connection = held.get(raw.ofProbe ?? -1);
	const side = raw.side === "server" ? connection?.server?.end : connection?.client.end;
	if (side === undefined)
		throw new RangeError(`raw.ofProbe ${raw.ofProbe}: no probe of that number holds a connection`);
	const payload = raw.payload?.length ?? 0;
	const seq = side.seq + (raw.seqOffset ?? 0);
	const ack = side.ack + (raw.ackOffset ?? 0);
	const addresses = { src: side.src, dst: side.dst, sport: side.sport, dport: side.dport };
	return {
		proto: L.PROTO_TCP,
		...addresses,
		...segment({ ...raw, seq, ack }),
		payload,
		len: headerBytes(side.dst) + TCP_BYTES + payload,
	};
}

function follow(wire: Wire, probe: Probe, events: readonly TraceEvent[], first: TraceEvent | undefined): ProbeDetail {
	const hops = events.filter((event) => event.kind === L.EVENT_IN || event.kind === L.EVENT_OUT);
	const own = hops.filter((event) => event.packet === first?.packet);
	const others = hops.filter(
		(event) => event.packet !== first?.packet && wire.machine.deviceName(event.device) === "eth0",
	);
	const text = first ? describeHeader(first.header) : "";
	const detail: ProbeDetail = { outcome: "timeout", sent: first?.header.inner ? text : (text.split(" len ")[0] ?? "") };
	const arrival = own.find((event) => event.kind === L.EVENT_IN && !event.otherhost && isEnd(wire, event));
	if (arrival && wire.machine.netnsName(arrival.netns) !== probe.from) {
		detail.outcome = "delivered";
		detail.arrivedAt = wire.machine.netnsName(arrival.netns);
		detail.arrivedAs = describeHeader(arrival.header);
	} else {
		const last = own.at(-1);
		const where = last ? describeDevice(wire.machine, last) : null;
		if (where !== null) detail.lastSeen = where;
	}
	if (others.length > 0)
		detail.followUp = others.map((event) => `${describeDevice(wire.machine, event)} ${describeHeader(event.header)}`);
	return detail;
}

function isEnd(wire: Wire, event: TraceEvent): boolean {
	const netns = wire.machine.netnsName(event.netns);
	return wire.machine.deviceName(event.device) === "eth0" && (netns.startsWith("pod:") || netns.startsWith("host:"));
}
