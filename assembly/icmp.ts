// What an IP stack says by itself, in the words of either family: ICMP errors, redirects, echo replies, TCP resets
// (net/ipv4/icmp.c, route.c ip_error and ip_rt_send_redirect, tcp_ipv4.c tcp_v4_send_reset, netfilter/nf_reject_ipv4.c).
// How ICMPv6 says it is `icmp6`'s; rate limits are `peer`'s.

import { answerTo, quote } from "./answer";
import { send } from "./forward";
import {
	ICMPV6_DEST_UNREACH,
	ICMPV6_ECHO_REPLY,
	ICMPV6_ECHO_REQUEST,
	ICMPV6_PARAMPROB,
	ICMPV6_PKT_TOOBIG,
	ICMPV6_TIME_EXCEED,
	ICMPV6_UNK_NEXTHDR,
	sendIcmp6,
} from "./icmp6";
import { conntrackAttach } from "./netfilter/conntrack";
import { netnsHas } from "./netns";
import { Packet } from "./packet";
import { mayAnswer, mayComplain, mayRedirect } from "./peer";
import { event, tracing } from "./trace";
import * as L from "./layout";

const ICMP_ECHOREPLY: i32 = 0;
const ICMP_DEST_UNREACH: i32 = 3;
const ICMP_REDIRECT: i32 = 5;
const ICMP_ECHO: i32 = 8;
const ICMP_TIME_EXCEEDED: i32 = 11;
const ICMP_TIMESTAMP: i32 = 13;
const ICMP_NET_UNREACH: i32 = 0;
const ICMP_HOST_UNREACH: i32 = 1;
const ICMP_PROT_UNREACH: i32 = 2;
const ICMP_PORT_UNREACH: i32 = 3;
const ICMP_FRAG_NEEDED: i32 = 4;
const ICMP_PKT_FILTERED: i32 = 13;

const QUOTE_MAX: u32 = 576; // bytes of a whole ICMP error (RFC 1812 4.3.2.3)

/** Is the packet an ICMP error about another one? */
export function isIcmpError(p: Packet): bool {
	const type = p.icmpType;
	if (p.proto == L.PROTO_ICMPV6) return type < 128;
	return p.proto == L.PROTO_ICMP && (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
}

/** Does an error say that there is no way to the destination, not that somebody refuses? */
export function saysUnreachable(p: Packet): bool {
	const type = p.icmpType;
	const code = p.icmpCode;
	if (p.proto == L.PROTO_ICMPV6) {
		return type == ICMPV6_TIME_EXCEED || (type == ICMPV6_DEST_UNREACH && (code == 0 || code == L.REJECT6_ADDR));
	}
	return type == ICMP_TIME_EXCEEDED || (type == ICMP_DEST_UNREACH && <i32>code <= ICMP_HOST_UNREACH);
}

/** The hop limit has run out. */
export function sendTimeExceeded<T>(p: Packet): void {
	if (p.family == 6) sendIcmp6<T>(p, ICMPV6_TIME_EXCEED, 0, 0);
	else sendIcmp<T>(p, ICMP_TIME_EXCEEDED, 0, 0);
}

/** The next link carries `mtu` bytes at most. */
export function sendTooBig<T>(p: Packet, mtu: u16): void {
	if (p.family == 6) sendIcmp6<T>(p, ICMPV6_PKT_TOOBIG, 0, mtu);
	else sendIcmp<T>(p, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
}

/** The neighbour does not answer. */
export function sendHostUnreachable<T>(p: Packet): void {
	if (p.family == 6) sendIcmp6<T>(p, ICMPV6_DEST_UNREACH, L.REJECT6_ADDR, 0);
	else sendIcmp<T>(p, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
}

/** Nobody listens on the port. */
export function sendPortUnreachable<T>(p: Packet): void {
	if (p.family == 6) sendIcmp6<T>(p, ICMPV6_DEST_UNREACH, L.REJECT6_PORT, 0);
	else sendIcmp<T>(p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
}

/** The protocol is not known here. */
export function sendProtocolUnreachable<T>(p: Packet): void {
	if (p.family == 6) sendIcmp6<T>(p, ICMPV6_PARAMPROB, ICMPV6_UNK_NEXTHDR, 0);
	else sendIcmp<T>(p, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
}

/** What a REJECT rule says: a code of destination unreachable. */
export function sendUnreachable<T>(p: Packet, code: i32): void {
	if (p.family == 6) sendIcmp6<T>(p, ICMPV6_DEST_UNREACH, code, 0);
	else sendIcmp<T>(p, ICMP_DEST_UNREACH, code, 0);
}

/** icmp_rcv, icmpv6_rcv: answers a query, unless echoes are ignored. */
export function answerQuery<T>(p: Packet): void {
	const type = p.icmpType;
	if (p.proto == L.PROTO_ICMPV6) {
		if (type == ICMPV6_ECHO_REQUEST && !netnsHas(p.netns, L.NS_NO_ICMP6_ECHO)) reply<T>(p, ICMPV6_ECHO_REPLY);
	} else if (type == ICMP_ECHO) {
		if (!netnsHas(p.netns, L.NS_NO_ICMP_ECHO)) reply<T>(p, ICMP_ECHOREPLY);
	} else if (type == ICMP_TIMESTAMP) reply<T>(p, type + 1);
}

/** icmp_send: an error about p, from p.netns to p's source. Nothing is said about an ICMP error. */
function sendIcmp<T>(p: Packet, type: i32, code: i32, mtu: u16): void {
	if (isIcmpError(p)) return;
	// Its own address: the answer leaves by lo, which has no limit.
	if (!p.has(L.SKB_LOCAL_OUT) && !mayAnswer(p.netns, p.src, type, p.time)) return;
	const r = answerTo(p);
	if (r === null) return;
	r.proto = <u8>L.PROTO_ICMP;
	// The address it came to, where that is ours; else the route back chooses.
	r.src = (p.rtFlags & (<u8>L.RT_LOCAL)) != 0 ? p.dst : 0;
	r.dst = p.src;
	r.dport = <u16>((type << 8) | code);
	r.tos = (p.tos & 0x1e) | 0xc0;
	r.mtu = mtu;
	quote(r, p);
	r.len = min<u32>(QUOTE_MAX, p.len + 28);
	r.payload = r.len - 28;
	// icmp_glue_bits: the error belongs to the flow of the packet that caused it, confirmed or not.
	conntrackAttach(r, p);
	if (tracing<T>()) event(r, L.EVENT_ICMP_OUT, 0, 0, -1, -1);
	send<T>(r);
}

/** ip_error, ip6_pkt_drop: a stack without a route for p says so; of IPv4 within error_burst and error_cost. `type`: RTN_*. */
export function sendNoRoute<T>(p: Packet, type: i32): void {
	if (p.family == 6) {
		const code = type == L.RTN_PROHIBIT ? L.REJECT6_ADM_PROHIBITED : L.REJECT6_NO_ROUTE;
		return sendIcmp6<T>(p, ICMPV6_DEST_UNREACH, code, 0);
	}
	if (!mayComplain(p.netns, p.src, p.time)) return;
	const other = type == L.RTN_UNREACHABLE ? ICMP_HOST_UNREACH : ICMP_NET_UNREACH;
	sendIcmp<T>(p, ICMP_DEST_UNREACH, type == L.RTN_PROHIBIT ? ICMP_PKT_FILTERED : other, 0);
}

/** ip_rt_send_redirect: the first at once, later ones ever more slowly. */
export function sendRedirect<T>(p: Packet): void {
	if (p.family == 6 || !mayRedirect(p.netns, p.src, p.time)) return;
	sendIcmp<T>(p, ICMP_REDIRECT, 1, 0);
}

// With the same payload, from the address that was asked.
function reply<T>(p: Packet, type: i32): void {
	const r = answerTo(p);
	if (r === null) return;
	r.proto = p.proto;
	r.src = p.dst;
	r.dst = p.src;
	r.sport = p.sport;
	r.dport = <u16>(type << 8);
	r.len = p.len;
	r.payload = p.payload;
	r.tos = p.tos;
	send<T>(r);
}

/** A reset for a segment that no socket takes (RFC 9293 3.10.7.1), or for REJECT; the caller routes and queues it. */
export function resetFor<T>(p: Packet): Packet | null {
	const r = answerTo(p);
	if (r === null) return null;
	r.proto = p.proto;
	r.src = p.dst;
	r.dst = p.src;
	r.sport = p.dport;
	r.dport = p.sport;
	r.len = p.family == 6 ? 60 : 40;
	if ((p.tcp & L.TCP_ACK) != 0) {
		r.tcp = <u8>L.TCP_RST;
		r.seq = p.ack;
	} else {
		r.tcp = <u8>(L.TCP_RST | L.TCP_ACK);
		r.ack = p.seq + p.payload + ((p.tcp & L.TCP_SYN) != 0 ? 1 : 0) + ((p.tcp & L.TCP_FIN) != 0 ? 1 : 0);
	}
	if (tracing<T>()) event(r, L.EVENT_RST_OUT, 0, 0, -1, -1);
	return r;
}
