// UDP and SCTP programs: one question, one answer. A server bound to a wildcard address answers from the address that
// routing prefers, unless it uses IP_PKTINFO (ip(7)): so an answer may come from another address than was asked.

import * as L from "../../assembly/layout.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { Listener } from "../net/topology.ts";
import type { Program } from "./program.ts";
import { ANSWER_BYTES, REQUEST_BYTES } from "./tcp.ts";
import type { Outgoing, Wire } from "./wire.ts";

const HEADERS_BYTES = 28;

/** The question. */
export function datagram(from: { src: number; dst: number; sport: number; dport: number }, ttl?: number): Outgoing {
	const packet = { proto: L.PROTO_UDP, ...from, payload: REQUEST_BYTES, len: HEADERS_BYTES + REQUEST_BYTES };
	return ttl === undefined ? packet : { ...packet, ttl };
}

/** What a server answers to a delivered datagram. */
export function answerDatagram(wire: Wire, { netns, header }: TraceEvent, listener: Listener | null): Outgoing {
	const bound = listener?.pktinfo || (listener?.bind !== undefined && listener.bind !== "0.0.0.0");
	return {
		proto: header.proto,
		src: bound ? header.dst : (wire.sourceFor(netns, header.src) ?? header.dst),
		dst: header.src,
		sport: header.dport,
		dport: header.sport,
		payload: ANSWER_BYTES,
		len: HEADERS_BYTES + ANSWER_BYTES,
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
		if (event.header.proto === L.PROTO_ICMP && event.header.dport >>> 8 === 0) this.answer ??= event;
		return [];
	}
}

/** An echo request; `id` is the socket's. */
export function echoRequest(src: number, dst: number, id: number, ttl?: number): Outgoing {
	const packet = {
		proto: L.PROTO_ICMP,
		src,
		dst,
		sport: id,
		dport: 8 << 8,
		payload: REQUEST_BYTES,
		len: HEADERS_BYTES + REQUEST_BYTES,
	};
	return ttl === undefined ? packet : { ...packet, ttl };
}
