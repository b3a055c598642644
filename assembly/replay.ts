// Bulk replay: offers a batch of recorded packets to the netns that own their sources, answers for the programs behind the
// sockets, and keeps one verdict a flow, which is what the client notices. Recorded replies set times and sizes only: their
// addresses come from this run. `forward` calls in here where a packet with a flow crosses, arrives or ends.

import { row } from "./arena";
import { addressType } from "./fib";
import { netns } from "./netns";
import { conntrackExpire } from "./netfilter/conntrack";
import { Packet } from "./packet";
import { enqueue, nextDue, takePacket, TO_OUTPUT, wake } from "./queue";
import { findSocket, SOCKET_NONE } from "./socket";
import { addFlow, findFlow, flow, isLive } from "./flow";
import { run } from "./forward";
import { isIcmpError } from "./icmp";
import { Silent } from "./trace";
import * as L from "./layout";

let replies: i32 = L.REPLIES_RECORDED;
let unanswerable: u32 = 0;
let overflow: u32 = 0;
let swept: i64 = 0;

/** REPLIES_NONE, REPLIES_MIRROR, REPLIES_RECORDED. */
export function replayMode(mode: i32): void {
	replies = mode;
}
/** Recorded replies whose flow nobody answered in this run. */
export function repliesUnanswerable(): u32 {
	return unanswerable;
}
/** Offered packets that found the flow table full: they were not carried. */
export function flowsOverflow(): u32 {
	return overflow;
}

export function replayReset(): void {
	unanswerable = 0;
	overflow = 0;
	swept = 0;
}

/** Offers the first `count` rows of TABLE_BATCH, in order. Returns how many were carried. */
export function offer(count: u32): u32 {
	let carried: u32 = 0;
	for (let i: u32 = 0; i < count; i++) {
		const at = row(L.TABLE_BATCH, i, L.BATCH_STRIDE);
		const time = load<i64>(at, L.PACKET_TIME);
		tick(time);
		const sent = load<u8>(at, L.BATCH_KIND) == L.BATCH_REPLY ? offerReply(at) : offerRequest(at, time);
		if (sent) {
			run<Silent>();
			carried++;
		}
	}
	return carried;
}

/** Moves the clock: neighbours that did not answer, entries that ran out. */
export function tick(now: i64): void {
	while (nextDue() <= now) {
		wake(nextDue());
		run<Silent>();
	}
	if (now - swept >= 1_000_000_000) {
		conntrackExpire(now);
		swept = now;
	}
}

function offerRequest(at: usize, time: i64): bool {
	const ns = load<i32>(at, L.BATCH_NETNS);
	const src = load<u32>(at, L.PACKET_SRC);
	const dst = load<u32>(at, L.PACKET_DST);
	const sport = load<u16>(at, L.PACKET_SPORT);
	const dport = load<u16>(at, L.PACKET_DPORT);
	const proto = load<u8>(at, L.PACKET_PROTO);
	let index = findFlow(ns, src, dst, sport, dport, proto);
	const hints = load<u8>(at, L.BATCH_FLAGS);
	const lives =
		index >= 0 &&
		(isLive(index, time, (hints & L.BATCHF_OPENS) != 0) || isRefused(flow(index), proto, load<u8>(at, L.PACKET_TCP)));
	if (!lives) index = addFlow(ns, src, dst, sport, dport, proto, time);
	if (index < 0) {
		overflow++;
		return false;
	}
	if ((hints & L.BATCHF_RECORDED) != 0) mark(flow(index), L.FLOWF_RECORDED);
	const p = fromBatch(at, ns);
	if (p === null) return false;
	p.flow = index;
	const f = flow(index);
	if (opens(p)) {
		mark(f, L.FLOWF_OPENED);
		store<u8>(f, load<u8>(f, L.FLOW_FLAGS) & ~(<u8>L.FLOWF_FOLLOWS), L.FLOW_FLAGS);
	} else {
		mark(f, L.FLOWF_FOLLOWS);
	}
	account(index, p);
	enqueue(p, TO_OUTPUT, -1);
	return true;
}

// The recorded tuple is the initiator's view, reversed: the flow says who answers, and to which addresses.
function offerReply(at: usize): bool {
	const ns = load<i32>(at, L.BATCH_NETNS);
	const index = findFlow(
		ns,
		load<u32>(at, L.PACKET_DST),
		load<u32>(at, L.PACKET_SRC),
		load<u16>(at, L.PACKET_DPORT),
		load<u16>(at, L.PACKET_SPORT),
		load<u8>(at, L.PACKET_PROTO),
	);
	// Echoes are answered by the stack of this run.
	if (load<u8>(at, L.PACKET_PROTO) == L.PROTO_ICMP) return false;
	const server = index < 0 ? -1 : load<i32>(flow(index), L.FLOW_SERVER);
	if (server < 0) {
		unanswerable++;
		return false;
	}
	const p = fromBatch(at, server);
	if (p === null) return false;
	const f = flow(index);
	answerFrom(p, f);
	p.flow = index;
	p.set(L.SKB_REPLY);
	// A connection that was refused in the recording is accepted here: the refusal's time becomes the acceptance's.
	const refused = (p.tcp & L.TCP_RST) != 0 && (load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_ANSWERED) == 0;
	if (p.proto == L.PROTO_TCP && refused) p.tcp = <u8>(L.TCP_SYN | L.TCP_ACK);
	mark(f, L.FLOWF_RECORDED);
	account(index, p);
	enqueue(p, TO_OUTPUT, -1);
	return true;
}

function fromBatch(at: usize, ns: i32): Packet | null {
	const p = takePacket();
	if (p === null) return null;
	memory.copy(changetype<usize>(p), at, 32);
	p.netns = ns;
	p.seq = load<u32>(at, L.BATCH_SEQ);
	p.ack = load<u32>(at, L.BATCH_ACK);
	p.window = load<u16>(at, L.BATCH_WINDOW);
	p.tos = load<u8>(at, L.BATCH_TOS);
	p.ttl = <u8>load<u32>(netns(ns), L.NETNS_TTL);
	return p;
}

function mark(f: usize, flag: i32): void {
	store<u8>(f, load<u8>(f, L.FLOW_FLAGS) | (<u8>flag), L.FLOW_FLAGS);
}

function account(index: i32, p: Packet): void {
	const f = flow(index);
	store<u32>(f, load<u32>(f, L.FLOW_PACKETS) + 1, L.FLOW_PACKETS);
	store<u64>(f, load<u64>(f, L.FLOW_BYTES) + <u64>p.len, L.FLOW_BYTES);
	store<i64>(f, p.time, L.FLOW_LAST);
}

/** Conntrack has looked at a packet: its entry is the flow's, or shows that this is a new flow. */
export function bind(p: Packet): void {
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
		);
		if (next < 0) return;
		store<u32>(f, load<u32>(f, L.FLOW_PACKETS) - 1, L.FLOW_PACKETS);
		store<u64>(f, load<u64>(f, L.FLOW_BYTES) - <u64>p.len, L.FLOW_BYTES);
		mark(flow(next), load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_RECORDED);
		p.flow = next;
		account(next, p);
	}
	const now = flow(p.flow);
	store<i32>(now, p.ct, L.FLOW_CT);
	store<i32>(now, p.netns, L.FLOW_CT_NETNS);
	store<i32>(entry, p.flow, L.CT_FLOW);
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

// A refusal ends the entry; what the recording has behind it begins no other connection.
function isRefused(f: usize, proto: u8, tcp: u8): bool {
	return load<u8>(f, L.FLOW_VERDICT) == L.VERDICT_REJECTED && !isOpening(proto, tcp);
}

/**
 * A request came into a netns by a device that is no bridge port. The first node that takes it in from a machine outside, or
 * for an address of its own, is the entry node; another one that it goes on to is the second hop.
 */
export function crossed(p: Packet): void {
	if (p.has(L.SKB_REPLY) || load<u32>(netns(p.netns), L.NETNS_KIND) != L.NS_KIND_NODE) return;
	const f = flow(p.flow);
	const entry = load<i32>(f, L.FLOW_ENTRY_NODE);
	if (entry < 0) {
		const outside = load<u32>(netns(load<i32>(f, L.FLOW_NETNS)), L.NETNS_KIND) == L.NS_KIND_HOST;
		if (outside || addressType(p.netns, p.dst, -1) == L.RTN_LOCAL) store<i32>(f, p.netns, L.FLOW_ENTRY_NODE);
	} else if (entry != p.netns) {
		store<i32>(f, p.netns, L.FLOW_SECOND);
		mark(f, L.FLOWF_SECOND_HOP);
	}
}

/** A packet of a flow has passed INPUT. True: a program of this run takes it. False: sockets decide. */
export function arrived<T>(p: Packet): bool {
	const f = flow(p.flow);
	if (p.proto == L.PROTO_ICMP) return false;
	return p.has(L.SKB_REPLY) ? answered(p, f) : requested(p, f);
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

function isOpening(proto: u8, tcp: u8): bool {
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

// A program answers each packet that it gets, as the TCP it stands on would.
function mirror(p: Packet, f: usize): void {
	const recorded = replies == L.REPLIES_RECORDED && (load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_RECORDED) != 0;
	if (replies == L.REPLIES_NONE || recorded) return;
	if (p.proto == L.PROTO_TCP && (p.tcp & L.TCP_RST) != 0) return;
	const r = takePacket();
	if (r === null) return;
	r.netns = p.netns;
	r.time = p.time;
	r.proto = p.proto;
	r.ttl = <u8>load<u32>(netns(p.netns), L.NETNS_TTL);
	r.flow = p.flow;
	r.flags = <u8>L.SKB_REPLY;
	answerFrom(r, f);
	if (p.proto == L.PROTO_TCP) {
		const syn = (p.tcp & L.TCP_SYN) != 0;
		r.tcp = <u8>(L.TCP_ACK | (p.tcp & (L.TCP_SYN | L.TCP_FIN)));
		r.seq = p.ack;
		r.ack = p.seq + p.payload + (syn ? 1 : 0) + ((p.tcp & L.TCP_FIN) != 0 ? 1 : 0);
		r.window = p.window;
		r.len = p.len - p.payload;
	} else {
		r.len = p.len;
		r.payload = p.payload;
	}
	account(p.flow, r);
	enqueue(r, TO_OUTPUT, -1);
}

function answerFrom(r: Packet, f: usize): void {
	r.src = load<u32>(f, L.FLOW_SEEN_DST);
	r.dst = load<u32>(f, L.FLOW_SEEN_SRC);
	r.sport = load<u16>(f, L.FLOW_SEEN_DPORT);
	r.dport = load<u16>(f, L.FLOW_SEEN_SPORT);
}

/** A packet of a flow has come to its end: the flow's verdict is what its client knows now. */
export function ended(p: Packet, verdict: i32): void {
	const f = flow(p.flow);
	if (p.netns == load<i32>(f, L.FLOW_CT_NETNS) && !p.has(L.SKB_REPLY)) unbind(f);
	if ((load<u8>(f, L.FLOW_FLAGS) & L.FLOWF_ANSWERED) != 0) return;
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

// The packet ended where its flow is first tracked: an entry that nothing confirmed went with it and is no flow's.
function unbind(f: usize): void {
	const ct = load<i32>(f, L.FLOW_CT);
	if (ct < 0 || ((<u32>load<u16>(row(L.TABLE_CT, ct, L.CT_STRIDE), L.CT_STATUS)) & L.IPS_CONFIRMED) != 0) return;
	store<i32>(f, -1, L.FLOW_CT);
	store<i32>(f, -1, L.FLOW_CT_NETNS);
}

function reached(p: Packet, f: usize): void {
	mark(f, L.FLOWF_REACHED);
	if (p.proto == L.PROTO_ICMP) {
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
	if (p.proto == L.PROTO_ICMP && isIcmpError(p.icmpType)) {
		const type = p.icmpType;
		const code = p.icmpCode;
		const unreachable = type == 11 || (type == 3 && (code == 0 || code == 1));
		return conclude(f, unreachable ? L.VERDICT_UNREACHABLE : L.VERDICT_REJECTED, p.reason, p.rule);
	}
	if (p.proto == L.PROTO_TCP && (p.tcp & L.TCP_RST) != 0) return conclude(f, L.VERDICT_REJECTED, p.reason, p.rule);
	// An answer from an address that was not asked is nobody's.
	if (p.proto != L.PROTO_ICMP && !answered(p, f)) return conclude(f, L.VERDICT_DROPPED, L.REASON_REPLY_LOST, -1);
	mark(f, L.FLOWF_ANSWERED);
	store<u32>(f, p.src, L.FLOW_SEEN_REPLY_SRC);
	store<u16>(f, p.sport, L.FLOW_SEEN_REPLY_SPORT);
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
