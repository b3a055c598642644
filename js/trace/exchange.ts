// One packet and what comes back: a client's first packet through the engine, then the first answer of whoever got it, or
// what a stack on the way said instead (RST, ICMP error). One packet each way: a SYN and its SYN-ACK, a datagram and its
// answer, an echo and its reply; no retransmission.

import * as L from "../../assembly/layout.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { Machine } from "../../bindings/machine.ts";
import type { Device } from "../net/network.ts";
import { answerDatagram, datagram, echoRequest } from "../wire/datagram.ts";
import { isIcmp } from "../wire/describe.ts";
import { TcpEnd, TcpServer } from "../wire/tcp.ts";
import { familyOf, type Outgoing, type Wire } from "../wire/wire.ts";

/** How long a packet may wait on its way (a neighbour that does not answer takes 3 s), ns. */
const PATIENCE_NS = 10_000_000_000n;

export interface Client {
	/** Row of its netns. */
	netns: number;
	/** Protocol number. */
	proto: number;
	src: number;
	dst: number;
	/** ICMP: the echo identifier. */
	sport: number;
	dport: number;
}

export interface Way {
	/** Events of the packet itself, in order. */
	events: TraceEvent[];
	/** The one that ended it. */
	end: TraceEvent;
}

export interface Exchange {
	request: Way;
	/** null: nothing came back. */
	reply: Way | null;
}

/** Sends the first packet of a client and follows it and its answer to their ends. */
export function exchange(wire: Wire, client: Client): Exchange {
	const laddr = client.proto === L.PROTO_TCP ? client.src : 0;
	const [raddr, rport] = client.proto === L.PROTO_TCP ? [client.dst, client.dport] : [0, 0];
	const socket = wire.open(client.netns, client.proto, laddr, client.sport, raddr, rport, familyOf(client.dst));
	try {
		const events = settle(wire, wire.send(client.netns, opening(client)));
		const request = wayOf(wire.machine, events, events[0]?.packet ?? -1);
		if (request === null) throw new RangeError("the packet's way has no end");
		const answer = answered(wire.machine, events, request) ?? program(wire, request);
		return { request, reply: answer };
	} finally {
		wire.close(socket);
	}
}

function opening(client: Client): Outgoing {
	if (isIcmp(client.proto)) return echoRequest(client.src, client.dst, client.sport);
	if (client.proto === L.PROTO_TCP) return new TcpEnd(client, Math.imul(client.sport, 2654435761)).segment(L.TCP_SYN);
	return { ...datagram(client), proto: client.proto };
}

/** All that comes of a packet, waiting included. */
function settle(wire: Wire, first: TraceEvent[]): TraceEvent[] {
	const events = [...first];
	const until = wire.now + PATIENCE_NS;
	const id = first[0]?.packet ?? -1;
	for (let due = wire.due; due !== null && due <= until && wayOf(wire.machine, events, id) === null; due = wire.due) {
		events.push(...wire.advance(due > wire.now ? due - wire.now : 0n));
	}
	return events;
}

/** The events of a packet and of the tunnel packets that carried it; null where it is still on its way. */
function wayOf(machine: Machine, events: readonly TraceEvent[], packet: number): Way | null {
	const family = sendersOf(events);
	const own = events.filter((event) => family.get(event.packet) === packet);
	const kept = withoutCopies(machine, own);
	const end = kept.findLast(({ kind, verdict }) => verdict !== L.VERDICT_NONE && isEnd(kind));
	return end === undefined ? null : { events: kept, end };
}

function isEnd(kind: number): boolean {
	return kind === L.EVENT_DELIVER || kind === L.EVENT_DROP || kind === L.EVENT_UNKNOWN;
}

/** Each packet to the one that a program or stack sent: a tunnel packet begins where its packet left by the tunnel. */
function sendersOf(events: readonly TraceEvent[]): Map<number, number> {
	const family = new Map<number, number>();
	let sent = -1;
	for (const { kind, packet, inside } of events) {
		if (!family.has(packet)) family.set(packet, inside !== null && sent >= 0 ? (family.get(sent) ?? sent) : packet);
		if (kind === L.EVENT_OUT && inside === null) sent = packet;
	}
	return family;
}

/** Without what a bridge flooded to stacks that the packet was not meant for. */
function withoutCopies(machine: Machine, events: readonly TraceEvent[]): TraceEvent[] {
	const strangers = new Set(
		events.flatMap((event) =>
			event.kind === L.EVENT_IN && event.otherhost && !isPort(machine, event.device) ? [event.device] : [],
		),
	);
	return events.filter((event) => {
		if (event.reason === L.REASON_OTHERHOST) return false;
		if (event.kind === L.EVENT_IN) return !strangers.has(event.device) || !event.otherhost;
		return event.kind !== L.EVENT_OUT || !strangers.has(peerOf(machine, event.device));
	});
}

function deviceOf(machine: Machine, row: number): Device | null {
	const ref = machine.encoded.deviceNames[row];
	const devices = ref === undefined ? [] : machine.netnsOf(ref.netns).devices;
	return devices.find(({ name }) => name === ref?.device) ?? null;
}

function isPort(machine: Machine, row: number): boolean {
	const device = deviceOf(machine, row);
	return device !== null && (device.master !== null || device.promisc);
}

function peerOf(machine: Machine, row: number): number {
	const peer = deviceOf(machine, row)?.peer;
	return peer ? (machine.encoded.deviceRow(peer.netns, peer.device) ?? -1) : -1;
}

/** What stacks sent by themselves: a reset, an ICMP error, an echo reply. The first of them that has an end. */
function answered(machine: Machine, events: readonly TraceEvent[], request: Way): Way | null {
	const own = request.events[0]?.packet;
	for (const packet of new Set(sendersOf(events).values())) {
		const way = packet === own ? null : wayOf(machine, events, packet);
		if (way !== null) return way;
	}
	return null;
}

/** The answer of the program behind the socket that got the request. */
function program(wire: Wire, request: Way): Way | null {
	const { end } = request;
	if (end.kind !== L.EVENT_DELIVER) return null;
	const { header, netns } = end;
	if (header.proto !== L.PROTO_TCP) {
		if (isIcmp(header.proto)) return null;
		return sent(wire, netns, answerDatagram(wire, end, listenerOf(wire, end)));
	}
	const { family, dst, dport, src, sport } = header;
	const socket = wire.open(netns, L.PROTO_TCP, dst, dport, src, sport, family);
	try {
		const [accept] = new TcpServer(header, socket, netns).receive(end);
		return accept === undefined ? null : sent(wire, netns, accept);
	} finally {
		wire.close(socket);
	}
}

function sent(wire: Wire, netns: number, packet: Outgoing): Way | null {
	const events = settle(wire, wire.send(netns, packet));
	return wayOf(wire.machine, events, events[0]?.packet ?? -1);
}

function listenerOf({ machine }: Wire, { netns, header }: TraceEvent) {
	const proto = header.proto === L.PROTO_UDP ? "udp" : "sctp";
	const { listen } = machine.netnsOf(machine.netnsName(netns));
	return listen.find((one) => one.proto === proto && one.port === header.dport) ?? null;
}
