// Which of a capture's packets are offered again: the copy nearest its sender is, the answers to it are recorded replies
// (their time and size count, their addresses come from podwire), further copies are duplicates.
//
// At an interface of a known netns, a flow is what its first packet says:
//   out, from an address of this netns      it begins here: OFFER, and what comes back is the REPLY
//   in (or passing through)                 its sender is captured, or the packet was seen before: all DUPLICATE
//                                           else this is the nearest copy: OFFER by the sender, the answers REPLY
// At an interface of no known netns (`-i any`, no `--tap`), and only there, every packet is compared with those seen just
// before, since one interface may show a packet several times, before and after NAT.
//
// Left out: fragments behind the first, packets cut before their ports, ICMP errors (podwire makes its own): IGNORED. A flow
// whose beginning was not captured is taken to begin with the first packet seen, unless that is a SYN,ACK or an echo reply.

import {
	DIRECTION_IN,
	DIRECTION_OUT,
	type PacketColumns,
	PROTO_ICMP,
	PROTO_ICMPV6,
	PROTO_TCP,
	SHAPE_CUT,
	SHAPE_LATER_FRAGMENT,
	TCP_ACK,
	TCP_FIN,
	TCP_RST,
	TCP_SYN,
	TIME_HIGH,
	TIME_LOW,
} from "./columns.ts";
import { CopyTable } from "./copies.ts";
import { isIcmpError } from "./frame.ts";
import type { InterfaceTable } from "./interfaces.ts";
import {
	icmpRequest,
	SLOT_FLOW,
	SLOT_MARKS,
	SLOT_NETNS,
	SLOT_ROLES,
	SLOT_SYN,
	SLOT_TIME_HIGH,
	SLOT_TIME_LOW,
	TupleTable,
} from "./tuples.ts";

export const OFFER = 1;
export const REPLY = 2;
export const DUPLICATE = 3;
export const IGNORED = 4;

/** `flow` of a row that belongs to no known flow. */
export const NO_FLOW = 0xffffffff;
/** A netns that is none of ours: a machine outside, or unknown. */
export const OUTSIDE = -1;

/** Copies of one packet lie within this time of each other. */
export const COPY_WINDOW_NS = 100_000_000;
/** A UDP or ICMP flow that was silent for longer begins anew, as in conntrack (nf_conntrack_udp_timeout, icmp_timeout). */
export const IDLE_NS = 30_000_000_000;
/** Entries silent for this long may be forgotten: nf_conntrack_tcp_timeout_established. */
const FORGET_NS = 432_000 * 1e9;

const WORD = 0x1_0000_0000;
/** Scope of interfaces whose netns is not known. */
const ANYWHERE = -1;
/** Bits of SLOT_MARKS. */
const OFFERED = 1;
const OPENED_REVERSED = 2;
const OPENED_BY_ANSWER = 4;

/** Who owns what; netns are the caller's indices, 0 and up. */
export interface Ownership {
	/** The netns of an interface of the capture, or OUTSIDE where it is not known. Asked once an interface. */
	netnsOfInterface(interfaceIndex: number): number;
	/** The netns that owns an address, in the form of a `PacketColumns` row, or OUTSIDE. Asked about twice a flow. */
	ownerOf(family: number, address: number): number;
	/** The netns passes on packets of others (a node, the router), so that it may also send them under its own address. */
	forwards(netns: number): boolean;
}

export class OfferColumns {
	/** OFFER, REPLY, DUPLICATE or IGNORED of each row. */
	readonly kind: Uint8Array;
	/** The flow, counted from 0 in the order of first offers; NO_FLOW where there is none. Replies and known copies have that of the offers. */
	readonly flow: Uint32Array;
	/** The netns that offers the row's flow; OUTSIDE: a host that is not ours. */
	readonly netns: Int32Array;

	constructor(capacity: number) {
		this.kind = new Uint8Array(capacity);
		this.flow = new Uint32Array(capacity);
		this.netns = new Int32Array(capacity);
	}
}

/** Packets (`repeat` counted) by what became of them. */
export interface OfferTally {
	flows: number;
	offered: number;
	replies: number;
	duplicates: number;
	icmpErrors: number;
	/** Fragments behind the first: their datagram is offered with its first fragment's size. */
	laterFragments: number;
	/** The capture cut them before their ports or flags. */
	cut: number;
	/** Answers to what was never offered here (the capture began between the two, or the answer came past its NAT), and the RST that the kernel sends to such a one. */
	orphans: number;
}

export class Offers {
	readonly tally: OfferTally = {
		flows: 0,
		offered: 0,
		replies: 0,
		duplicates: 0,
		icmpErrors: 0,
		laterFragments: 0,
		cut: 0,
		orphans: 0,
	};
	readonly #interfaces: InterfaceTable;
	readonly #ownership: Ownership;
	readonly #tuples: TupleTable;
	readonly #copies: CopyTable;
	/** Netns of each interface asked about so far. */
	readonly #netnsOf: number[] = [];
	readonly #captured = new Set<number>();

	constructor(interfaces: InterfaceTable, ownership: Ownership, copyWindowNs: number = COPY_WINDOW_NS) {
		this.#interfaces = interfaces;
		this.#ownership = ownership;
		this.#tuples = new TupleTable(FORGET_NS);
		this.#copies = new CopyTable(copyWindowNs);
	}

	/** Fills `out` for all rows of `columns`, which are in time order from batch to batch. */
	classify(columns: PacketColumns, out: OfferColumns): void {
		this.#learnInterfaces();
		for (let row = 0; row < columns.count; row++) {
			const repeat = columns.repeat[row] as number;
			if (this.#ignore(columns, row, repeat)) {
				out.kind[row] = IGNORED;
				out.flow[row] = NO_FLOW;
				out.netns[row] = OUTSIDE;
			} else this.#row(columns, row, repeat, out);
		}
	}

	#learnInterfaces(): void {
		const list = this.#interfaces.list;
		for (let i = this.#netnsOf.length; i < list.length; i++) {
			const netns = this.#ownership.netnsOfInterface(i);
			this.#netnsOf.push(netns);
			if (netns >= 0) this.#captured.add(netns);
		}
	}

	#ignore(columns: PacketColumns, row: number, repeat: number): boolean {
		const shape = columns.shape[row] as number;
		const proto = columns.proto[row] as number;
		if (shape & SHAPE_LATER_FRAGMENT) this.tally.laterFragments += repeat;
		else if (shape & SHAPE_CUT) this.tally.cut += repeat;
		else if (
			(proto === PROTO_ICMP || proto === PROTO_ICMPV6) &&
			isIcmpError((columns.dport[row] as number) >>> 8, proto === PROTO_ICMPV6)
		) {
			this.tally.icmpErrors += repeat;
		} else return false;
		return true;
	}

	#row(columns: PacketColumns, row: number, repeat: number, out: OfferColumns): void {
		const netns = this.#netnsOf[columns.interfaceIndex[row] as number] as number;
		const tuples = this.#tuples;
		const at = tuples.find(columns, row, netns >= 0 ? netns : ANYWHERE);
		const reversed = tuples.reversed;
		const fresh = tuples.added || this.#reopens(columns, row, at, reversed);
		if (fresh) this.#open(columns, row, at, reversed, netns);
		let kind = roleOf(tuples.words[at + SLOT_ROLES] as number, reversed);
		if (!fresh && netns < 0 && kind !== DUPLICATE && this.#isPacket(columns, row) && this.#copies.seen(columns, row))
			kind = DUPLICATE;
		const marks = tuples.words[at + SLOT_MARKS] as number;
		if ((marks & OFFERED) === 0 && isOrphan(columns, row, kind, marks)) {
			this.tally.orphans += repeat;
			kind = IGNORED;
		}
		if (kind === OFFER && ((marks & OFFERED) === 0 || (!fresh && this.#restarts(columns, row, at)))) {
			tuples.words[at + SLOT_FLOW] = this.tally.flows++;
			tuples.words[at + SLOT_MARKS] = marks | OFFERED;
		}
		tuples.words[at + SLOT_TIME_LOW] = columns.timeWords[row * 2 + TIME_LOW] as number;
		tuples.words[at + SLOT_TIME_HIGH] = columns.timeWords[row * 2 + TIME_HIGH] as number;
		this.#count(kind, repeat);
		if ((kind === OFFER || kind === REPLY) && this.#notable(columns, row, netns)) {
			this.#copies.note(columns, row, tuples.words[at + SLOT_FLOW] as number, netns >= 0);
		}
		out.kind[row] = kind;
		out.flow[row] = tuples.words[at + SLOT_FLOW] as number;
		out.netns[row] = tuples.words[at + SLOT_NETNS] as number;
	}

	#count(kind: number, repeat: number): void {
		if (kind === OFFER) this.tally.offered += repeat;
		else if (kind === REPLY) this.tally.replies += repeat;
		else if (kind === DUPLICATE) this.tally.duplicates += repeat;
	}

	#isPacket(columns: PacketColumns, row: number): boolean {
		return (this.#interfaces.list[columns.interfaceIndex[row] as number] as { packets: boolean }).packets;
	}

	/** A bare SYN that is no retransmission: the ports are used again. */
	#reopens(columns: PacketColumns, row: number, at: number, reversed: boolean): boolean {
		if (!isBareSyn(columns, row)) return false;
		const words = this.#tuples.words;
		const sameWay = (((words[at + SLOT_MARKS] as number) & OPENED_REVERSED) !== 0) === reversed;
		// A record's first packet is a SYN in either direction: from the answering side it opens nothing.
		if (!this.#isPacket(columns, row)) return sameWay;
		return !sameWay || (words[at + SLOT_SYN] as number) >>> 0 !== columns.seq[row];
	}

	/** A flow without SYNs that goes on after a long silence counts as another one; who offers it stays. */
	#restarts(columns: PacketColumns, row: number, at: number): boolean {
		if (columns.proto[row] === PROTO_TCP) return false;
		const words = this.#tuples.words;
		const high = (columns.timeWords[row * 2 + TIME_HIGH] as number) - ((words[at + SLOT_TIME_HIGH] as number) >>> 0);
		const low = (columns.timeWords[row * 2 + TIME_LOW] as number) - ((words[at + SLOT_TIME_LOW] as number) >>> 0);
		return high * WORD + low > IDLE_NS;
	}

	/** Decides the roles of a flow's two directions at this scope from its first packet. */
	#open(columns: PacketColumns, row: number, at: number, reversed: boolean, netns: number): void {
		const answer = isAnswer(columns, row);
		const initiator = this.#ownership.ownerOf(
			columns.family[row] as number,
			(answer ? columns.dst : columns.src)[row] as number,
		);
		const copied = this.#mayBeCopy(columns, row, netns) && this.#copies.seen(columns, row);
		const duplicate = copied || this.#isSeenElsewhere(columns, row, netns, initiator, answer);
		// A copy at an interface of no known netns is a second name of its flow: answers to it may be the nearest copies.
		const alias = copied && netns < 0 && !this.#copies.inNetns;
		const here = duplicate ? DUPLICATE : answer ? REPLY : OFFER;
		const there = alias ? REPLY : duplicate ? DUPLICATE : answer ? OFFER : REPLY;
		const words = this.#tuples.words;
		words[at + SLOT_ROLES] = reversed ? (there << 8) | here : (here << 8) | there;
		words[at + SLOT_FLOW] = copied ? this.#copies.flow : NO_FLOW;
		words[at + SLOT_SYN] = columns.seq[row] as number;
		words[at + SLOT_NETNS] = initiator;
		words[at + SLOT_MARKS] =
			(alias ? OFFERED : 0) | (reversed !== answer ? OPENED_REVERSED : 0) | (answer ? OPENED_BY_ANSWER : 0);
	}

	/** What a netns that forwards nothing sends out under its own address begins there, and is no copy. */
	#mayBeCopy(columns: PacketColumns, row: number, netns: number): boolean {
		if (!this.#isPacket(columns, row)) return false;
		if (netns < 0 || this.#ownership.forwards(netns) || columns.direction[row] !== DIRECTION_OUT) return true;
		return this.#ownership.ownerOf(columns.family[row] as number, columns.src[row] as number) !== netns;
	}

	/**
	 * The initiator's own interface is in the capture, so that its own copies are there. A netns that forwards has other
	 * interfaces besides the captured one: of its packets only a copy really seen counts.
	 */
	#isSeenElsewhere(columns: PacketColumns, row: number, netns: number, initiator: number, answer: boolean): boolean {
		// A netns's own address on the way in: a packet that came back to its sender (hairpin).
		if (initiator === netns) return netns >= 0 && columns.direction[row] === (answer ? DIRECTION_OUT : DIRECTION_IN);
		return initiator >= 0 && this.#captured.has(initiator) && !this.#ownership.forwards(initiator);
	}

	/** Packets whose copies may turn up under a tuple that is new there: they open flows, or conntrack may have forgotten theirs. */
	#notable(columns: PacketColumns, row: number, netns: number): boolean {
		if (!this.#isPacket(columns, row)) return false;
		return netns < 0 || columns.proto[row] !== PROTO_TCP || ((columns.tcpFlags[row] as number) & TCP_SYN) !== 0;
	}
}

function roleOf(roles: number, reversed: boolean): number {
	return reversed ? roles & 255 : roles >>> 8;
}

/** Of a flow that offered nothing yet: an answer, or the RST to one. */
function isOrphan(columns: PacketColumns, row: number, kind: number, marks: number): boolean {
	if (kind === REPLY) return true;
	return (
		kind === OFFER &&
		(marks & OPENED_BY_ANSWER) !== 0 &&
		columns.proto[row] === PROTO_TCP &&
		((columns.tcpFlags[row] as number) & TCP_RST) !== 0
	);
}

function isBareSyn(columns: PacketColumns, row: number): boolean {
	return (
		columns.proto[row] === PROTO_TCP &&
		((columns.tcpFlags[row] as number) & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) === TCP_SYN
	);
}

function isAnswer(columns: PacketColumns, row: number): boolean {
	const proto = columns.proto[row] as number;
	if (proto === PROTO_TCP) return ((columns.tcpFlags[row] as number) & (TCP_SYN | TCP_ACK)) === (TCP_SYN | TCP_ACK);
	if (proto !== PROTO_ICMP && proto !== PROTO_ICMPV6) return false;
	return icmpRequest(columns.dport[row] as number, proto) !== columns.dport[row];
}
