// What becomes of the flows of a replay: who answers for the programs behind the sockets, and one verdict a flow, which is
// what its client notices. `forward` calls in here where a packet with a flow crosses, arrives or ends.

import { row } from "./arena";
import { addressType } from "./fib";
import { accountFlow, addFlow, flow, markFlow } from "./flow";
import { isIcmpError, saysUnreachable } from "./icmp";
import { notRepeatable } from "./journey";
import { comesToEnd } from "./learnpassage";
import { mirrorSegment } from "./mirror";
import { isIcmp } from "./netfilter/tuple";
import { defaultTtl, netns } from "./netns";
import { Packet } from "./packet";
import { changedAll, uncacheFlow } from "./pathcache";
import { enqueue, takePacket, TO_OUTPUT } from "./queue";
import { finished, mirrored, tracked } from "./repeatable";
import { findSocket, SOCKET_NONE } from "./socket";
import * as L from "./layout";

let replies: i32 = L.REPLIES_RECORDED;

/** REPLIES_NONE, REPLIES_MIRROR, REPLIES_RECORDED. */
export function replayMode(mode: i32): void {
	replies = mode;
	changedAll();
}

/** Conntrack has looked at a packet: its entry is the flow's, or shows that this is a new flow. */
export function bind(p: Packet): void {
	tracked(p);
	crosses(p);
	if (p.ct < 0 || p.has(L.SKB_REPLY)) return;
	const f = flow(p.flow);
	const first = load<i32>(f, L.FLOW_CT_NETNS);
	if (first >= 0 && first != p.netns) return;
	const entry = row(L.TABLE_CT, p.ct, L.CT_STRIDE);
	// Translated since, it comes by a second time: that entry is another one's.
	if (!isInitiators(f, entry)) return;
	if (first >= 0 && load<i32>(f, L.FLOW_CT) == p.ct && load<i32>(entry, L.CT_FLOW) == p.flow) return;
	if (first >= 0 && !isRefused(f, p.proto, p.tcp)) {
		// The entry was replaced (a SYN on TIME_WAIT, say): the packet counts for a flow of its own.
		const next = addFlow(
			load<i32>(f, L.FLOW_NETNS),
			load<u32>(f, L.FLOW_SRC),
			load<u32>(f, L.FLOW_DST),
			load<u16>(f, L.FLOW_SPORT),
			load<u16>(f, L.FLOW_DPORT),
			load<u8>(f, L.FLOW_PROTO),
			p.time,
			p.family,
		);
		if (next < 0) return;
		store<u32>(f, load<u32>(f, L.FLOW_PACKETS) - 1, L.FLOW_PACKETS);
		store<u64>(f, load<u64>(f, L.FLOW_BYTES) - <u64>p.len, L.FLOW_BYTES);
		markFlow(flow(next), load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_RECORDED);
		p.flow = next;
		accountFlow(next, p);
	}
	const now = flow(p.flow);
	store<i32>(now, p.ct, L.FLOW_CT);
	store<i32>(now, p.netns, L.FLOW_CT_NETNS);
	store<i32>(entry, p.flow, L.CT_FLOW);
}

// Notes the entry as one of those that the flow's packets belong to, so that it can be touched in advance (`burst`).
function crosses(p: Packet): void {
	if (p.ct < 0) return;
	const f = flow(p.flow);
	for (let at = f + L.FLOW_CROSSED; at < f + L.FLOW_SETTLED; at += 4) {
		const known = load<i32>(at);
		if (known == p.ct + 1) return;
		if (known == 0) {
			// Those of its kind have no such entry.
			store<u32>(f, 0, L.FLOW_KIND);
			return store<i32>(at, p.ct + 1);
		}
	}
}

function isInitiators(f: usize, entry: usize): bool {
	const tuple = entry + L.CT_ORIG;
	return (
		load<u32>(tuple, L.TUPLE_SRC) == load<u32>(f, L.FLOW_SRC) &&
		load<u32>(tuple, L.TUPLE_DST) == load<u32>(f, L.FLOW_DST) &&
		load<u16>(tuple, L.TUPLE_PORTS) == load<u16>(f, L.FLOW_SPORT) &&
		load<u16>(tuple, L.TUPLE_PORTS + 2) == load<u16>(f, L.FLOW_DPORT)
	);
}

/** A refusal ends the entry; what the recording has behind it begins no other connection. */
export function isRefused(f: usize, proto: u8, tcp: u8): bool {
	return load<u8>(f, L.FLOW_VERDICT) == L.VERDICT_REJECTED && !isOpening(proto, tcp);
}

/**
 * A request came into a netns by a device that is no bridge port. The first node that takes it in from a machine outside, or
 * for an address of its own, is the entry node; another one that it goes on to is the second hop.
 */
export function crossed(p: Packet): void {
	if (!p.has(L.SKB_REPLY) && isNode(p.netns)) crossedNode(p, isForNetns(p));
}

/** Is a packet for an address of the netns that it is in? */
export function isForNetns(p: Packet): bool {
	return addressType(p.netns, p.dst, -1, p.family) == L.RTN_LOCAL;
}

/** Is the netns a node's? */
// @ts-ignore: decorator
@inline
export function isNode(index: i32): bool {
	return load<u32>(netns(index), L.NETNS_KIND) == L.NS_KIND_NODE;
}

/** As `crossed`, where it is known whether the packet is for an address of the netns. */
export function crossedAs(p: Packet, local: bool): void {
	if (!p.has(L.SKB_REPLY) && isNode(p.netns)) crossedNode(p, local);
}

function crossedNode(p: Packet, local: bool): void {
	const f = flow(p.flow);
	const entry = load<i32>(f, L.FLOW_ENTRY_NODE);
	if (entry < 0) {
		const outside = load<u32>(netns(load<i32>(f, L.FLOW_NETNS)), L.NETNS_KIND) == L.NS_KIND_HOST;
		if (outside || local) store<i32>(f, p.netns, L.FLOW_ENTRY_NODE);
	} else if (entry != p.netns) {
		store<i32>(f, p.netns, L.FLOW_SECOND);
		markFlow(f, L.FLOWF_SECOND_HOP);
	}
}

/** A packet of a flow has passed INPUT. True: a program of this run takes it. False: sockets decide. */
export function arrived<T>(p: Packet): bool {
	const f = flow(p.flow);
	if (isIcmp(p.proto)) return false;
	const taken = p.has(L.SKB_REPLY) ? answered(p, f) : requested(p, f);
	// Which socket gets it is no matter of its connection alone.
	if (!taken) notRepeatable();
	return taken;
}

// The client takes an answer that comes from where it sent to.
function answered(p: Packet, f: usize): bool {
	if (p.netns != load<i32>(f, L.FLOW_NETNS)) return false;
	return (
		p.src == load<u32>(f, L.FLOW_DST) && p.sport == load<u16>(f, L.FLOW_DPORT) && p.dport == load<u16>(f, L.FLOW_SPORT)
	);
}

// The server: whoever listens there gets the first packet; later ones belong to that connection only.
function requested(p: Packet, f: usize): bool {
	if (load<i32>(f, L.FLOW_SERVER) == p.netns) {
		const same =
			load<u32>(f, L.FLOW_SEEN_SRC) == p.src &&
			load<u32>(f, L.FLOW_SEEN_DST) == p.dst &&
			load<u16>(f, L.FLOW_SEEN_SPORT) == p.sport &&
			load<u16>(f, L.FLOW_SEEN_DPORT) == p.dport;
		if (same) {
			mirror(p, f);
			return true;
		}
	}
	if (p.proto == L.PROTO_TCP && (p.tcp & L.TCP_RST) != 0) return false;
	const begun = load<i32>(f, L.FLOW_SERVER) >= 0 || (load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_OPENED) != 0;
	if (!opens(p) && begun) return false;
	if (!listens(p)) return false;
	store<i32>(f, p.netns, L.FLOW_SERVER);
	store<u32>(f, p.src, L.FLOW_SEEN_SRC);
	store<u32>(f, p.dst, L.FLOW_SEEN_DST);
	store<u16>(f, p.sport, L.FLOW_SEEN_SPORT);
	store<u16>(f, p.dport, L.FLOW_SEEN_DPORT);
	mirror(p, f);
	return true;
}

function opens(p: Packet): bool {
	return isOpening(p.proto, p.tcp);
}

/** Does a packet begin a connection? Outside TCP any may. */
export function isOpening(proto: u8, tcp: u8): bool {
	return proto != L.PROTO_TCP || (tcp & (L.TCP_SYN | L.TCP_ACK)) == L.TCP_SYN;
}

// A capture may start in the middle of a connection, so a listener stands for its connections too.
function listens(p: Packet): bool {
	const flags = p.tcp;
	if (p.proto == L.PROTO_TCP) p.tcp = <u8>L.TCP_SYN;
	const socket = findSocket(p);
	p.tcp = flags;
	return socket != SOCKET_NONE;
}

/** Does the program that gets a flow's requests answer them itself? */
export function answers(f: usize): bool {
	const recorded = replies == L.REPLIES_RECORDED && (load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_RECORDED) != 0;
	return replies != L.REPLIES_NONE && !recorded;
}

/** A program answers each packet that it gets, as the TCP it stands on would. */
export function mirror(p: Packet, f: usize): void {
	if (!answers(f)) return;
	if (p.proto == L.PROTO_TCP && (p.tcp & L.TCP_RST) != 0) return;
	const r = takePacket();
	if (r === null) return;
	r.family = p.family;
	r.netns = p.netns;
	r.time = p.time;
	r.proto = p.proto;
	r.ttl = defaultTtl(p.netns, p.family);
	r.flow = p.flow;
	r.flags = <u8>L.SKB_REPLY;
	answerFrom(r, f);
	if (p.proto == L.PROTO_TCP) {
		mirrorSegment(p, r);
		r.len = p.len - p.payload;
	} else {
		r.len = p.len;
		r.payload = p.payload;
	}
	accountFlow(p.flow, r);
	mirrored(r);
	enqueue(r, TO_OUTPUT, -1);
}

/** An answer goes back the way that the request was seen to come. */
export function answerFrom(r: Packet, f: usize): void {
	r.src = load<u32>(f, L.FLOW_SEEN_DST);
	r.dst = load<u32>(f, L.FLOW_SEEN_SRC);
	r.sport = load<u16>(f, L.FLOW_SEEN_DPORT);
	r.dport = load<u16>(f, L.FLOW_SEEN_SPORT);
}

/** A packet of a flow has come to its end: the flow's verdict is what its client knows now. */
export function ended(p: Packet, verdict: i32): void {
	comesToEnd(p.flow);
	conclusion(p, verdict);
	finished(p, verdict == L.VERDICT_DELIVERED);
}

function conclusion(p: Packet, verdict: i32): void {
	const f = flow(p.flow);
	if (p.netns == load<i32>(f, L.FLOW_CT_NETNS) && !p.has(L.SKB_REPLY)) unbind(f);
	if ((load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_ANSWERED) != 0) return answeredBefore(p, f, verdict);
	if (verdict == L.VERDICT_DELIVERED) return p.has(L.SKB_REPLY) ? heard(p, f) : reached(p, f);
	if (p.has(L.SKB_REPLY)) return conclude(f, L.VERDICT_DROPPED, L.REASON_REPLY_LOST, p.rule);
	// A rejection is one only once the refusal has come back to the client (`heard`); until then nobody has answered.
	const answers = verdict == L.VERDICT_REJECTED || verdict == L.VERDICT_UNREACHABLE;
	conclude(
		f,
		answers && p.netns != load<i32>(f, L.FLOW_NETNS) && p.reason != L.REASON_BLACKHOLE ? L.VERDICT_DROPPED : verdict,
		p.reason,
		p.rule,
	);
}

// A connection that was answered goes on, or is broken: for as long as nothing of it arrives any more.
function answeredBefore(p: Packet, f: usize, verdict: i32): void {
	let broken = verdict;
	if (verdict == L.VERDICT_DELIVERED) {
		if (!p.has(L.SKB_REPLY) || p.netns != load<i32>(f, L.FLOW_NETNS)) broken = L.VERDICT_NONE;
		else if (isIcmpError(p)) broken = saysUnreachable(p) ? L.VERDICT_UNREACHABLE : L.VERDICT_REJECTED;
		// A reset in the recording is its server's own.
		else
			broken = isReset(p) && (load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_RECORDED) == 0 ? L.VERDICT_REJECTED : L.VERDICT_NONE;
	}
	const before = load<u8>(f, L.FLOW_BROKEN_VERDICT);
	if (broken == L.VERDICT_NONE && before == <u8>L.VERDICT_NONE) return;
	store<u8>(f, <u8>broken, L.FLOW_BROKEN_VERDICT);
	store<u8>(f, broken == L.VERDICT_NONE ? 0 : p.reason, L.FLOW_BROKEN_REASON);
	store<i32>(f, broken == L.VERDICT_NONE ? -1 : p.rule, L.FLOW_RULE);
	if (broken == L.VERDICT_NONE) return;
	// What is repeated says nothing: the next packet has to be carried, and is like nobody else's.
	store<u32>(f, 0, L.FLOW_KIND);
	uncacheFlow(f);
}

function isReset(p: Packet): bool {
	return p.proto == L.PROTO_TCP && (p.tcp & L.TCP_RST) != 0;
}

// The packet ended where its flow is first tracked: an entry that nothing confirmed went with it and is no flow's.
function unbind(f: usize): void {
	const ct = load<i32>(f, L.FLOW_CT);
	if (ct < 0 || ((<u32>load<u16>(row(L.TABLE_CT, ct, L.CT_STRIDE), L.CT_STATUS)) & L.IPS_CONFIRMED) != 0) return;
	store<i32>(f, -1, L.FLOW_CT);
	store<i32>(f, -1, L.FLOW_CT_NETNS);
}

function reached(p: Packet, f: usize): void {
	markFlow(f, L.FLOWF_REACHED);
	if (isIcmp(p.proto)) {
		store<i32>(f, p.netns, L.FLOW_SERVER);
		store<u32>(f, p.src, L.FLOW_SEEN_SRC);
		store<u32>(f, p.dst, L.FLOW_SEEN_DST);
		store<u16>(f, p.sport, L.FLOW_SEEN_SPORT);
		store<u16>(f, p.dport, L.FLOW_SEEN_DPORT);
	}
	if (replies == L.REPLIES_NONE) return conclude(f, L.VERDICT_DELIVERED, L.REASON_NONE, -1);
	conclude(f, L.VERDICT_DROPPED, L.REASON_REPLY_LOST, -1);
}

// The client has heard something: its answer, a reset, or an ICMP error.
function heard(p: Packet, f: usize): void {
	if (p.netns != load<i32>(f, L.FLOW_NETNS)) return;
	if (isIcmpError(p)) {
		return conclude(f, saysUnreachable(p) ? L.VERDICT_UNREACHABLE : L.VERDICT_REJECTED, p.reason, p.rule);
	}
	if (p.proto == L.PROTO_TCP && (p.tcp & L.TCP_RST) != 0) return conclude(f, L.VERDICT_REJECTED, p.reason, p.rule);
	// An answer from an address that was not asked is nobody's.
	if (!isIcmp(p.proto) && !answered(p, f)) return conclude(f, L.VERDICT_DROPPED, L.REASON_REPLY_LOST, -1);
	markFlow(f, L.FLOWF_ANSWERED);
	conclude(f, L.VERDICT_DELIVERED, L.REASON_NONE, -1);
}

function conclude(f: usize, verdict: i32, reason: i32, rule: i32): void {
	// What follows an opening that failed meets no connection: the opening's end stays the flow's.
	const settled = load<u8>(f, L.FLOW_VERDICT) != L.VERDICT_NONE && (load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_FOLLOWS) != 0;
	if (settled && verdict != L.VERDICT_DELIVERED) return;
	store<u8>(f, <u8>verdict, L.FLOW_VERDICT);
	store<u8>(f, <u8>reason, L.FLOW_REASON);
	store<i32>(f, rule, L.FLOW_RULE);
}
