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
// Left out: fragments behind the first, packets cut before their ports, ICMP errors (podwire makes its own), IPv6 that does
// not leave its link (neighbour discovery, MLD, link-local addresses: what ARP is to IPv4): IGNORED. A flow whose beginning was not captured is taken to begin with the first packet seen, unless that is a SYN,ACK or an echo reply.

import * as L from "../layout";
import { isOfLink } from "./addresses";
import { ASKED_STRIDE, askRows, BURST, canAsk, hashesAsked, hashesAt, isCopy, keyAsked } from "./asked";
import { timeAt } from "./columns";
import { copiesReset, copy, noteRows, noteSeen } from "./copies";
import { forwards, hasPackets, isCaptured, netnsOfInterface, NOT_TOLD, ownerOf, ownersReset, setOwner } from "./owners";
import { quotes } from "./transport";
import { findTuple, icmpRequest, isReversed, singledTuple, Tuple, tuple, tuplesReset } from "./tuples";

/** A UDP or ICMP flow that was silent for longer begins anew, as in conntrack (nf_conntrack_udp_timeout, icmp_timeout). */
const IDLE_NS: i64 = 30_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/* Low byte of a tuple's word: marks, then the roles (KIND_ numbers below 4) of its two directions. */
const OFFERED: u32 = 1;
const OPENED_REVERSED: u32 = 2;
const OPENED_BY_ANSWER: u32 = 4;
const FORWARD_ROLE: u32 = 3; // as a shift
const REVERSE_ROLE: u32 = 5;

const COUNTS: StaticArray<u64> = new StaticArray<u64>(L.OFFERS_COUNT);

/* The row that waits for an owner: its entry, and what has been answered about it so far. */
let waiting: usize = 0;
let waitingAdded: bool = false;
let waitingReversed: bool = false;
let initiatorTold: bool = false;
let initiatorIs: i32 = 0;
let senderTold: bool = false;
let senderIs: i32 = 0;
let asksSender: bool = false;
let askedFamily: u32 = 0;
let askedAddress: u32 = 0;

/** Packets (`repeat` counted) by what became of them: OFFERS_*. */
export function offersCounted(which: i32): f64 {
	return <f64>COUNTS[which];
}

/** Forgets flows and owners. */
export function offersReset(copyWindowNs: i64): void {
	for (let i = 0; i < L.OFFERS_COUNT; i++) COUNTS[i] = 0;
	waiting = 0;
	initiatorTold = false;
	senderTold = false;
	tuplesReset();
	copiesReset(copyWindowNs);
	ownersReset();
}

/** The address whose owner `classify` waits for, as in a row. */
export function ownerAskedFamily(): u32 {
	return askedFamily;
}
export function ownerAsked(): u32 {
	return askedAddress;
}
/** The answer: a netns that the host has set, or OUTSIDE. A netns is remembered as the address's owner. */
export function answerOwner(netns: i32): void {
	if (asksSender) {
		senderTold = true;
		senderIs = netns;
	} else {
		initiatorTold = true;
		initiatorIs = netns;
	}
	if (netns >= 0) setOwner(askedFamily, askedAddress, netns);
}

/**
 * Fills kind, flow and netns of the rows from `row` on, below `count`, in time order from batch to batch. Returns `count`, or
 * the row that waits for an owner (`ownerAsked`, `answerOwner`), or 0xffffffff: the memory is at its maximum.
 */
export function classify(columns: usize, row: u32, count: u32): u32 {
	if (!canAsk()) return 0xffffffff;
	while (row < count) {
		const end = min<u32>(row + BURST, count);
		askRows(columns, row, end);
		for (; row < end; row++) {
			if (waiting == 0) row = decideKnown(columns, row, end);
			if (row == end) break;
			const repeat = load<u32>(columns + ((<usize>row) << 2), L.COLUMN_REPEAT);
			if (ignored(columns, row, repeat)) answer(columns, row, L.KIND_IGNORED, L.NO_FLOW, L.OUTSIDE);
			else {
				const done = classifyRow(columns, row, repeat);
				if (done < 0) return 0xffffffff;
				if (done == 0) return row;
			}
		}
	}
	return row;
}

// @ts-ignore: decorator
@inline
function answer(columns: usize, row: u32, kind: i32, flow: u32, netns: i32): void {
	store<u8>(columns + <usize>row, <u8>kind, L.COLUMN_KIND);
	store<u32>(columns + ((<usize>row) << 2), flow, L.COLUMN_FLOW);
	store<i32>(columns + ((<usize>row) << 2), netns, L.COLUMN_NETNS);
}

/**
 * Decides the usual rows from `row` on, below `end`: packets of TCP connections that were offered, no SYNs of them. Returns the first
 * that is another, of which nothing is done: `classifyRow` knows.
 */
function decideKnown(columns: usize, row: u32, end: u32): u32 {
	const first = row;
	for (let key = keyAsked(row); row < end; row++, key += ASKED_STRIDE) {
		const entryAt = singledTuple(key);
		if (entryAt == 0) break;
		const entry = changetype<Tuple>(entryAt);
		const word = entry.word;
		if ((word & OFFERED) == 0) break;
		entry.time = (secondOf(timeAt(columns, row)) << 32) | (entry.time & 0xffffffff);
		const role = (word >>> (isReversed(key) ? REVERSE_ROLE : FORWARD_ROLE)) & 3;
		answer(columns, row, <i32>role, entry.flow, <i32>(word >>> 8) - 1);
	}
	if (row == first) return row;
	noteRows(columns, first, row, hashesAt(first), ASKED_STRIDE);
	for (let i = first; i < row; i++) {
		count(<i32>load<u8>(columns + <usize>i, L.COLUMN_KIND), load<u32>(columns + ((<usize>i) << 2), L.COLUMN_REPEAT));
	}
	return row;
}

function ignored(columns: usize, row: u32, repeat: u32): bool {
	const shape = <u32>load<u8>(columns + <usize>row, L.COLUMN_SHAPE);
	const proto = protoAt(columns, row);
	let why: i32;
	if ((shape & L.SHAPE_LATER_FRAGMENT) != 0) why = L.OFFERS_LATER_FRAGMENTS;
	else if ((shape & L.SHAPE_CUT) != 0) why = L.OFFERS_CUT;
	else if (
		(proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6) &&
		quotes(dportAt(columns, row) >>> 8, proto == L.PROTO_ICMPV6)
	)
		why = L.OFFERS_ICMP_ERRORS;
	else if (load<u8>(columns + <usize>row, L.COLUMN_FAMILY) == 6 && staysOnLink(columns, row, proto))
		why = L.OFFERS_LINK;
	else return false;
	COUNTS[why] += repeat;
	return true;
}

/** Of an IPv6 row: MLD (RFC 2710, RFC 3810), neighbour discovery (RFC 4861), addresses of the link. */
function staysOnLink(columns: usize, row: u32, proto: u32): bool {
	if (proto == L.PROTO_ICMPV6) {
		const type = dportAt(columns, row) >>> 8;
		if ((type >= 130 && type <= 137) || type == 143) return true;
	}
	const fours = columns + ((<usize>row) << 2);
	return isOfLink(load<u32>(fours, L.COLUMN_SRC)) || isOfLink(load<u32>(fours, L.COLUMN_DST));
}

/** 1: done. 0: it waits for an owner. -1: the memory is at its maximum. */
function classifyRow(columns: usize, row: u32, repeat: u32): i32 {
	const at = <u32>load<u16>(columns + ((<usize>row) << 1), L.COLUMN_INTERFACE);
	const netns = netnsOfInterface(at);
	const packets = hasPackets(at);
	const goesOn = waiting != 0;
	const entryAt = goesOn ? waiting : findTuple(keyAsked(row), timeAt(columns, row));
	if (entryAt == 0) return -1;
	const entry = changetype<Tuple>(entryAt);
	const reversed = goesOn ? waitingReversed : tuple.reversed;
	const added = goesOn ? waitingAdded : tuple.added;
	const fresh = added || reopens(columns, row, entry, reversed, packets);
	if (fresh && !open(columns, row, entry, reversed, netns, packets)) {
		waiting = entryAt;
		waitingReversed = reversed;
		waitingAdded = added;
		return 0;
	}
	waiting = 0;
	initiatorTold = false;
	senderTold = false;
	const word = entry.word;
	const tcp = protoAt(columns, row) == L.PROTO_TCP;
	let kind = <i32>((word >>> (reversed ? REVERSE_ROLE : FORWARD_ROLE)) & 3);
	if (!fresh && netns < 0 && kind != L.KIND_DUPLICATE && packets && isCopy(columns, row)) kind = L.KIND_DUPLICATE;
	const offered = (word & OFFERED) != 0;
	if (!offered && isOrphan(columns, row, kind, word)) {
		COUNTS[L.OFFERS_ORPHANS] += repeat;
		kind = L.KIND_IGNORED;
	}
	// A flow without SYNs that goes on after a long silence counts as another one; who offers it stays.
	const restarts = offered && !fresh && !tcp && timeAt(columns, row) - entry.time > IDLE_NS;
	if (kind == L.KIND_OFFER && (!offered || restarts)) {
		entry.flow = <u32>COUNTS[L.OFFERS_FLOWS];
		COUNTS[L.OFFERS_FLOWS] += 1;
		entry.word = word | OFFERED;
	}
	const time = timeAt(columns, row);
	entry.time = tcp ? (secondOf(time) << 32) | (entry.time & 0xffffffff) : time;
	count(kind, repeat);
	// What may turn up under a tuple that is new there: it opens a flow, or conntrack may have forgotten its flow.
	const notable = packets && (netns < 0 || !tcp || (flagsAt(columns, row) & L.TCP_SYN) != 0);
	if (notable && (kind == L.KIND_OFFER || kind == L.KIND_REPLY)) {
		const copied = hashesAsked(row);
		noteSeen(<u32>copied, <u32>(copied >> 32), time, entry.flow, netns >= 0);
	}
	answer(columns, row, kind, entry.flow, <i32>(entry.word >>> 8) - 1);
	return 1;
}

/* The second that was asked for last, and when it began, ns: most packets are in that of the one before, and a division is dear. */
let second: i64 = 0;
let secondFrom: i64 = 0;

// @ts-ignore: decorator
@inline
function secondOf(time: i64): i64 {
	if (<u64>(time - secondFrom) >= <u64>SECOND_NS) {
		second = time / SECOND_NS;
		secondFrom = second * SECOND_NS;
	}
	return second;
}

// @ts-ignore: decorator
@inline
function count(kind: i32, repeat: u32): void {
	if (kind > L.KIND_DUPLICATE) return;
	const duplicate = kind == L.KIND_DUPLICATE ? L.OFFERS_DUPLICATES : L.OFFERS_REPLIES;
	// bound: OFFERS_ constants are below OFFERS_COUNT
	unchecked((COUNTS[kind == L.KIND_OFFER ? L.OFFERS_OFFERED : duplicate] += repeat));
}

/** A bare SYN that is no retransmission: the ports are used again. */
function reopens(columns: usize, row: u32, entry: Tuple, reversed: bool, packets: bool): bool {
	const flags = L.TCP_SYN | L.TCP_ACK | L.TCP_RST | L.TCP_FIN;
	if (protoAt(columns, row) != L.PROTO_TCP || (flagsAt(columns, row) & flags) != L.TCP_SYN) return false;
	const sameWay = ((entry.word & OPENED_REVERSED) != 0) == reversed;
	// A record's first packet is a SYN in either direction: from the answering side it opens nothing.
	if (!packets) return sameWay;
	return !sameWay || <u32>entry.time != seqAt(columns, row);
}

/** Decides the roles of a flow's two directions at this scope from its first packet. False: an owner is asked for. */
function open(columns: usize, row: u32, entry: Tuple, reversed: bool, netns: i32, packets: bool): bool {
	const answers = isAnswer(columns, row);
	if (!initiatorTold && !knowsInitiator(columns, row, answers)) return false;
	const initiator = initiatorIs;
	let mayBeCopy = packets;
	if (packets && netns >= 0 && !forwards(netns) && directionAt(columns, row) == L.DIRECTION_OUT) {
		// What a netns that forwards nothing sends out under its own address begins there, and is no copy.
		if (!senderTold && !knowsSender(columns, row, answers)) return false;
		mayBeCopy = senderIs != netns;
	}
	const copied = mayBeCopy && isCopy(columns, row);
	const duplicate = copied || isSeenElsewhere(columns, row, netns, initiator, answers);
	// A copy at an interface of no known netns is a second name of its flow: answers to it may be the nearest copies.
	const alias = copied && netns < 0 && !copy.inNetns;
	const here: u32 = duplicate ? L.KIND_DUPLICATE : answers ? L.KIND_REPLY : L.KIND_OFFER;
	const there: u32 = alias ? L.KIND_REPLY : duplicate ? L.KIND_DUPLICATE : answers ? L.KIND_OFFER : L.KIND_REPLY;
	const marks = (alias ? OFFERED : 0) | (reversed != answers ? OPENED_REVERSED : 0) | (answers ? OPENED_BY_ANSWER : 0);
	const roles = reversed
		? (here << REVERSE_ROLE) | (there << FORWARD_ROLE)
		: (here << FORWARD_ROLE) | (there << REVERSE_ROLE);
	entry.flow = copied ? copy.flow : L.NO_FLOW;
	entry.word = ((<u32>(initiator + 1)) << 8) | roles | marks;
	entry.time = <i64>seqAt(columns, row);
	return true;
}

/** The owner of the address that began the flow: told, or asked for (false). */
function knowsInitiator(columns: usize, row: u32, answers: bool): bool {
	const four = columns + ((<usize>row) << 2);
	initiatorIs = ask(columns, row, answers ? load<u32>(four, L.COLUMN_DST) : load<u32>(four, L.COLUMN_SRC), false);
	initiatorTold = initiatorIs != NOT_TOLD;
	return initiatorTold;
}

function knowsSender(columns: usize, row: u32, answers: bool): bool {
	// Of what is no answer the sender is the initiator.
	senderIs = answers ? ask(columns, row, load<u32>(columns + ((<usize>row) << 2), L.COLUMN_SRC), true) : initiatorIs;
	senderTold = senderIs != NOT_TOLD;
	return senderTold;
}

function ask(columns: usize, row: u32, address: u32, sender: bool): i32 {
	askedFamily = <u32>load<u8>(columns + <usize>row, L.COLUMN_FAMILY);
	askedAddress = address;
	asksSender = sender;
	return ownerOf(askedFamily, address);
}

/**
 * The initiator's own interface is in the capture, so that its own copies are there. A netns that forwards has other
 * interfaces besides the captured one: of its packets only a copy really seen counts.
 */
function isSeenElsewhere(columns: usize, row: u32, netns: i32, initiator: i32, answers: bool): bool {
	// A netns's own address on the way in: a packet that came back to its sender (hairpin).
	if (initiator == netns) {
		return netns >= 0 && directionAt(columns, row) == (answers ? L.DIRECTION_OUT : L.DIRECTION_IN);
	}
	return initiator >= 0 && isCaptured(initiator) && !forwards(initiator);
}

/** Of a flow that offered nothing yet: an answer, or the RST to one. */
function isOrphan(columns: usize, row: u32, kind: i32, word: u32): bool {
	if (kind == L.KIND_REPLY) return true;
	if (kind != L.KIND_OFFER || (word & OPENED_BY_ANSWER) == 0 || protoAt(columns, row) != L.PROTO_TCP) return false;
	return (flagsAt(columns, row) & L.TCP_RST) != 0;
}

function isAnswer(columns: usize, row: u32): bool {
	const proto = protoAt(columns, row);
	const both = L.TCP_SYN | L.TCP_ACK;
	if (proto == L.PROTO_TCP) return (flagsAt(columns, row) & both) == both;
	if (proto != L.PROTO_ICMP && proto != L.PROTO_ICMPV6) return false;
	const typeCode = dportAt(columns, row);
	return icmpRequest(typeCode, proto) != typeCode;
}

// @ts-ignore: decorator
@inline
function protoAt(columns: usize, row: u32): u32 {
	return load<u8>(columns + <usize>row, L.COLUMN_PROTO);
}

// @ts-ignore: decorator
@inline
function flagsAt(columns: usize, row: u32): u32 {
	return load<u8>(columns + <usize>row, L.COLUMN_TCP);
}

// @ts-ignore: decorator
@inline
function directionAt(columns: usize, row: u32): u32 {
	return load<u8>(columns + <usize>row, L.COLUMN_DIRECTION);
}

// @ts-ignore: decorator
@inline
function dportAt(columns: usize, row: u32): u32 {
	return load<u16>(columns + ((<usize>row) << 1), L.COLUMN_DPORT);
}

// @ts-ignore: decorator
@inline
function seqAt(columns: usize, row: u32): u32 {
	return load<u32>(columns + ((<usize>row) << 2), L.COLUMN_SEQ);
}
