// TCP programs (RFC 9293), as far as an exchange needs: handshake, a request, an answer, an orderly close that the server
// begins. 10 packets end to end: S, SA, A, PA (request), A, PA (answer), A, FA, FA, A. Header sizes are Linux's: 20 bytes of
// options on a SYN, 12 (timestamps) on every other segment. Loss after the handshake is not repaired.

import * as L from "../../assembly/layout.ts";
import type { Header, TraceEvent } from "../../bindings/events.ts";
import type { Program } from "./program.ts";
import { headerBytes, type Outgoing } from "./wire.ts";

const SYN_BYTES = 40;
const SEGMENT_BYTES = 32;
export const REQUEST_BYTES = 6;
/** The request of a client that keeps its connection open. */
const HOLD_BYTES = 5;
export const ANSWER_BYTES = 200;
const WINDOW = 64240;

/** One side's addresses and sequence numbers. */
export class TcpEnd {
	readonly src: number;
	readonly dst: number;
	readonly sport: number;
	readonly dport: number;
	/** Next sequence number to send, next expected. */
	seq: number;
	ack = 0;
	ttl: number | undefined;

	constructor(local: { src: number; dst: number; sport: number; dport: number }, isn: number) {
		this.src = local.src;
		this.dst = local.dst;
		this.sport = local.sport;
		this.dport = local.dport;
		this.seq = isn >>> 0;
	}

	segment(flags: number, payload = 0): Outgoing {
		const syn = (flags & L.TCP_SYN) !== 0;
		const packet: Outgoing = {
			proto: L.PROTO_TCP,
			src: this.src,
			dst: this.dst,
			sport: this.sport,
			dport: this.dport,
			tcpFlags: flags,
			seq: this.seq,
			ack: flags & L.TCP_ACK ? this.ack : 0,
			window: WINDOW,
			payload,
			len: headerBytes(this.dst) + (syn ? SYN_BYTES : SEGMENT_BYTES) + payload,
			...(this.ttl === undefined ? {} : { ttl: this.ttl }),
		};
		this.seq = (this.seq + payload + (syn ? 1 : 0) + (flags & L.TCP_FIN ? 1 : 0)) >>> 0;
		return packet;
	}

	/** Notes what the other side has sent. */
	hear(header: Header): void {
		const length = header.payload + (header.tcpFlags & L.TCP_SYN ? 1 : 0) + (header.tcpFlags & L.TCP_FIN ? 1 : 0);
		this.ack = (header.seq + length) >>> 0;
	}
}

export type TcpClientState = "connecting" | "established" | "answered" | "closed" | "refused" | "reset";

/** Connects, asks, reads the answer, closes when the server does. With `hold` it keeps the connection open. */
export class TcpClient implements Program {
	readonly end: TcpEnd;
	readonly hold: boolean;
	state: TcpClientState = "connecting";
	/** The SYN-ACK that opened the connection. */
	accepted: Header | null = null;

	constructor(end: TcpEnd, hold = false) {
		this.end = end;
		this.hold = hold;
	}

	connect(): Outgoing {
		const { seq } = this.end;
		const syn = this.end.segment(L.TCP_SYN);
		this.end.seq = seq;
		return syn;
	}

	receive({ header }: TraceEvent): Outgoing[] {
		if (header.proto !== L.PROTO_TCP) return [];
		if (header.tcpFlags & L.TCP_RST) {
			if (this.state === "connecting") this.state = "refused";
			else if (this.state === "established") this.state = "reset";
			return [];
		}
		if (this.state === "connecting") return this.#opened(header);
		this.end.hear(header);
		if (header.payload > 0 && this.state === "established") {
			this.state = "answered";
			return [this.end.segment(L.TCP_ACK)];
		}
		if (header.tcpFlags & L.TCP_FIN) {
			this.state = "closed";
			return [this.end.segment(L.TCP_FIN | L.TCP_ACK)];
		}
		return [];
	}

	#opened(header: Header): Outgoing[] {
		if ((header.tcpFlags & (L.TCP_SYN | L.TCP_ACK)) !== (L.TCP_SYN | L.TCP_ACK)) return [];
		this.accepted = header;
		this.state = "established";
		this.end.seq = (this.end.seq + 1) >>> 0;
		this.end.hear(header);
		return [
			this.end.segment(L.TCP_ACK),
			this.end.segment(L.TCP_PSH | L.TCP_ACK, this.hold ? HOLD_BYTES : REQUEST_BYTES),
		];
	}
}

/** Accepts, answers the request, closes once the answer is acknowledged. */
export class TcpServer implements Program {
	readonly end: TcpEnd;
	readonly socket: number;
	readonly netns: number;
	/** The client keeps the connection open: do not close. */
	hold: boolean;
	#answered = false;
	#closing = false;

	constructor(syn: Header, socket: number, netns: number, hold = false) {
		this.hold = hold;
		this.end = new TcpEnd(
			{ src: syn.dst, dst: syn.src, sport: syn.dport, dport: syn.sport },
			(syn.seq * 7 + 0x1000_0001) >>> 0,
		);
		this.socket = socket;
		this.netns = netns;
	}

	receive({ header }: TraceEvent): Outgoing[] {
		if (header.proto !== L.PROTO_TCP || header.tcpFlags & L.TCP_RST) return [];
		this.end.hear(header);
		if (header.tcpFlags & L.TCP_SYN) {
			const { seq } = this.end;
			const accept = this.end.segment(L.TCP_SYN | L.TCP_ACK);
			this.end.seq = (seq + 1) >>> 0;
			return [accept];
		}
		if (header.payload > 0 && !this.#answered) {
			this.#answered = true;
			return [this.end.segment(L.TCP_ACK), this.end.segment(L.TCP_PSH | L.TCP_ACK, ANSWER_BYTES)];
		}
		if (header.tcpFlags & L.TCP_FIN) {
			const ack = this.end.segment(L.TCP_ACK);
			if (this.#closing) return [ack];
			this.#closing = true;
			return [this.end.segment(L.TCP_FIN | L.TCP_ACK)];
		}
		if (header.payload > 0) return [this.end.segment(L.TCP_ACK)];
		if (this.#answered && !this.#closing && !this.hold) {
			this.#closing = true;
			return [this.end.segment(L.TCP_FIN | L.TCP_ACK)];
		}
		return [];
	}
}
