// UDP and SCTP programs: one question, one answer. A server bound to a wildcard address answers from the address that
// routing prefers, unless it uses IP_PKTINFO (ip(7)): so an answer may come from another address than was asked.

import * as L from "../../assembly/layout.ts";
import { isIpv6 } from "../../bindings/addresses.ts";
import type { Header, TraceEvent } from "../../bindings/events.ts";
import type { Listener } from "../net/topology.ts";
import type { Program } from "./program.ts";
import { ANSWER_BYTES, REQUEST_BYTES } from "./tcp.ts";
import { headerBytes, type Outgoing, type Wire } from "./wire.ts";

const UDP_BYTES = 8;
const ECHO_REQUEST = 8;
const ECHO_REQUEST6 = 128;

const WILDCARDS = ["0.0.0.0", "::"];

/** A whole packet with a header of 8 bytes above IP's, as UDP's and an echo's are. */
function bytesOf(dst: number, payload: number): number {
	return headerBytes(dst) + UDP_BYTES + payload;
}

/** The question. */
export function datagram(from: { src: number; dst: number; sport: number; dport: number }, ttl?: number): Outgoing {
	const packet = { proto: L.PROTO_UDP, ...from, payload: REQUEST_BYTES, len: bytesOf(from.dst, REQUEST_BYTES) };
	return ttl === undefined ? packet : { ...packet, ttl };
}

/** What a server answers to a delivered datagram. */
export function answerDatagram(wire: Wire, { netns, header }: TraceEvent, listener: Listener | null): Outgoing {
	const bound = listener?.pktinfo || (listener?.bind !== undefined && !WILDCARDS.includes(listener.bind));
	return {
		proto: header.proto,
		src: bound ? header.dst : (wire.sourceFor(netns, header.src) ?? header.dst),
		dst: header.src,
		sport: header.dport,
		dport: header.sport,
		payload: ANSWER_BYTES,
		len: bytesOf(header.src, ANSWER_BYTES),
	};
}

/** A client that keeps the first answer. */
export class DatagramClient implements Program {
	answer: TraceEvent | null = null;

	receive(event: TraceEvent): Outgoing[] {
		const answers = event.header.proto === L.PROTO_UDP || event.header.proto === L.PROTO_SCTP;
		if (answers) this.answer ??= event;
		return [];
	}
}

/** A client that keeps the first echo reply. */
export class EchoClient implements Program {
	answer: TraceEvent | null = null;

	receive(event: TraceEvent): Outgoing[] {
		if (isEchoReply(event.header)) this.answer ??= event;
		return [];
	}
}

/** Is it an echo request, of either ICMP? */
export function isEchoRequest({ proto, dport }: Header): boolean {
	const type = dport >>> 8;
	return (proto === L.PROTO_ICMP && type === ECHO_REQUEST) || (proto === L.PROTO_ICMPV6 && type === ECHO_REQUEST6);
}

function isEchoReply({ proto, dport }: Header): boolean {
	const type = dport >>> 8;
	return (proto === L.PROTO_ICMP && type === 0) || (proto === L.PROTO_ICMPV6 && type === ECHO_REQUEST6 + 1);
}

/** An echo request; `id` is the socket's. */
export function echoRequest(src: number, dst: number, id: number, ttl?: number): Outgoing {
	const six = isIpv6(dst);
	const packet = {
		proto: six ? L.PROTO_ICMPV6 : L.PROTO_ICMP,
		src,
		dst,
		sport: id,
		dport: (six ? ECHO_REQUEST6 : ECHO_REQUEST) << 8,
		payload: REQUEST_BYTES,
		len: bytesOf(dst, REQUEST_BYTES),
	};
	return ttl === undefined ? packet : { ...packet, ttl };
}
