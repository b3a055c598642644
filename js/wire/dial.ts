// A TCP connection that a program opens and is soon done with: connect(2) as far as it comes at once, a request and its answer where
// it has one, an orderly close. Nothing waits here: whoever dials sends the SYN again when it is time.

import * as L from "../../assembly/layout.ts";
import type { Header, TraceEvent } from "../../bindings/events.ts";
import type { ConnectError, Connection } from "../ports.ts";
import { Conversation, type Program } from "./program.ts";
import { TcpClient, TcpEnd } from "./tcp.ts";
import { familyOf, type Outgoing, type Wire } from "./wire.ts";

export interface Call {
	/** Row of the caller's netns. */
	netns: number;
	/** An address's number. */
	dst: number;
	dport: number;
	/** Source port; null: an ephemeral one. */
	sport: number | null;
	/** Asks something and reads the answer; else it closes as soon as it is connected. */
	asks: boolean;
}

/** ICMP's words as errors of connect(2): icmp_err_convert of net/ipv4/icmp.c, by the code of destination-unreachable. */
const ERRORS4: readonly (ConnectError | null)[] = [
	...(["ENETUNREACH", "EHOSTUNREACH", "ENOPROTOOPT", "ECONNREFUSED", null, "EOPNOTSUPP", "ENETUNREACH"] as const),
	...(["EHOSTDOWN", "ENONET", "ENETUNREACH", "EHOSTUNREACH", "ENETUNREACH", "EHOSTUNREACH"] as const),
	...(["EHOSTUNREACH", "EHOSTUNREACH", "EHOSTUNREACH"] as const),
];
/** icmpv6_err_convert of net/ipv6/icmp.c. */
const ERRORS6: readonly (ConnectError | null)[] = [
	...(["ENETUNREACH", "EACCES", "EHOSTUNREACH", "EHOSTUNREACH", "ECONNREFUSED", "EACCES", "EACCES"] as const),
];
const UNREACHABLE = 3;
const TIME_EXCEEDED = 11;
const UNREACHABLE6 = 1;
const TIME_EXCEEDED6 = 3;

/** One SYN and all that comes of it at once. Throws RangeError where sockets or packets have no room. */
export function dial(wire: Wire, { netns, dst, dport, sport: given, asks }: Call): Connection {
	const src = wire.sourceFor(netns, dst);
	const sport = given ?? wire.ephemeralPort(netns);
	if (src === null) return { reached: "ENETUNREACH", port: sport };
	const conversation = new Conversation(wire);
	// The same SYN each time that it is sent.
	const end = new TcpEnd({ src, dst, sport, dport }, Math.imul(sport, 2654435761));
	const client = asks ? new TcpClient(end) : new Knock(end);
	const socket = wire.open(netns, L.PROTO_TCP, src, sport, dst, dport, familyOf(dst));
	conversation.own(socket, netns, client);
	conversation.send(netns, client.connect());
	conversation.disown(socket);
	for (const server of conversation.servers) conversation.disown(server.socket);
	if (client.state !== "connecting") return { reached: REACHED[client.state], port: sport };
	const error = conversation.events.map((event) => errorOf(event, netns, end)).find((one) => one !== null);
	return { reached: error ?? "waiting", port: sport };
}

const REACHED = {
	established: "unanswered",
	answered: "connected",
	closed: "connected",
	refused: "ECONNREFUSED",
	// An answer that does not come is all that whoever asked can tell of it.
	reset: "unanswered",
} as const;

/** Connects and closes, without a word. */
class Knock implements Program {
	readonly #end: TcpEnd;
	state: "connecting" | "refused" | "closed" = "connecting";

	constructor(end: TcpEnd) {
		this.#end = end;
	}

	connect(): Outgoing {
		const { seq } = this.#end;
		const syn = this.#end.segment(L.TCP_SYN);
		this.#end.seq = seq;
		return syn;
	}

	receive({ header }: TraceEvent): Outgoing[] {
		if (header.proto !== L.PROTO_TCP) return [];
		if (header.tcpFlags & L.TCP_RST) {
			if (this.state === "connecting") this.state = "refused";
			return [];
		}
		if (this.state === "connecting") return this.#opened(header);
		this.#end.hear(header);
		return header.tcpFlags & L.TCP_FIN ? [this.#end.segment(L.TCP_ACK)] : [];
	}

	#opened(header: Header): Outgoing[] {
		if ((header.tcpFlags & (L.TCP_SYN | L.TCP_ACK)) !== (L.TCP_SYN | L.TCP_ACK)) return [];
		this.state = "closed";
		this.#end.seq = (this.#end.seq + 1) >>> 0;
		this.#end.hear(header);
		return [this.#end.segment(L.TCP_ACK), this.#end.segment(L.TCP_FIN | L.TCP_ACK)];
	}
}

/** What an ICMP error that quotes the SYN means to who sent it (tcp_v4_err, tcp_v6_err in SYN_SENT). */
function errorOf({ kind, netns: at, header }: TraceEvent, netns: number, end: TcpEnd): ConnectError | null {
	const { inner } = header;
	if (kind !== L.EVENT_DELIVER || at !== netns || inner === null || inner.proto !== L.PROTO_TCP) return null;
	if (inner.dst !== end.dst || inner.sport !== end.sport || inner.dport !== end.dport) return null;
	const [type, code] = [header.dport >>> 8, header.dport & 255];
	if (header.family === 6) {
		if (type === TIME_EXCEEDED6) return "EHOSTUNREACH";
		return type === UNREACHABLE6 ? (ERRORS6[code] ?? null) : null;
	}
	if (type === TIME_EXCEEDED) return "EHOSTUNREACH";
	return type === UNREACHABLE ? (ERRORS4[code] ?? null) : null;
}
