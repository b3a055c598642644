// What an IP stack says by itself: ICMP errors, redirects, echo replies, TCP resets
// (net/ipv4/icmp.c, route.c ip_error and ip_rt_send_redirect, tcp_ipv4.c tcp_v4_send_reset, netfilter/nf_reject_ipv4.c).
// Rate limits are `peer`'s.

import { defaultTtl } from "./netns";
import { Packet } from "./packet";
import { send } from "./forward";
import { conntrackAttach } from "./netfilter/conntrack";
import { mayAnswer, mayComplain, mayRedirect } from "./peer";
import { takePacket } from "./queue";
import { event, tracing } from "./trace";
import * as L from "./layout";

export const ICMP_ECHOREPLY: i32 = 0;
export const ICMP_DEST_UNREACH: i32 = 3;
export const ICMP_REDIRECT: i32 = 5;
export const ICMP_ECHO: i32 = 8;
export const ICMP_TIME_EXCEEDED: i32 = 11;
export const ICMP_TIMESTAMP: i32 = 13;
export const ICMP_NET_UNREACH: i32 = 0;
export const ICMP_HOST_UNREACH: i32 = 1;
export const ICMP_PROT_UNREACH: i32 = 2;
export const ICMP_PORT_UNREACH: i32 = 3;
export const ICMP_FRAG_NEEDED: i32 = 4;
export const ICMP_PKT_FILTERED: i32 = 13;

const QUOTE_MAX: u32 = 576; // bytes of a whole ICMP error (RFC 1812 4.3.2.3)

/** Does this ICMP type report an error about another packet? */
export function isIcmpError(type: i32): bool {
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/** icmp_send: an error about p, from p.netns to p's source. Nothing is said about an ICMP error. */
export function sendIcmp<T>(p: Packet, type: i32, code: i32, mtu: u16): void {
	if (p.proto == L.PROTO_ICMP && isIcmpError(p.icmpType)) return;
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

/** ip_error: a forwarding stack without a route says so, within error_burst and error_cost. */
export function sendNoRoute<T>(p: Packet, code: i32): void {
	if (!mayComplain(p.netns, p.src, p.time)) return;
	sendIcmp<T>(p, ICMP_DEST_UNREACH, code, 0);
}

/** ip_rt_send_redirect: the first at once, later ones ever more slowly. */
export function sendRedirect<T>(p: Packet): void {
	if (!mayRedirect(p.netns, p.src, p.time)) return;
	sendIcmp<T>(p, ICMP_REDIRECT, 1, 0);
}

/** Answers a query: echo and timestamp, with the same payload. */
export function sendEchoReply<T>(p: Packet, type: i32): void {
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
	r.len = 40;
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

function answerTo(p: Packet): Packet | null {
	const r = takePacket();
	if (r === null) return null;
	r.netns = p.netns;
	r.time = p.time;
	r.ttl = defaultTtl(p.netns);
	r.flow = p.flow;
	r.reason = p.reason;
	r.rule = p.rule;
	r.flags = <u8>(L.SKB_KERNEL | L.SKB_LOCAL_OUT);
	if (p.flow >= 0 && !p.has(L.SKB_REPLY)) r.set(L.SKB_REPLY);
	return r;
}

function quote(r: Packet, p: Packet): void {
	r.innerSrc = p.src;
	r.innerDst = p.dst;
	r.innerSport = p.sport;
	r.innerDport = p.dport;
	r.innerProto = p.proto;
	r.innerTtl = p.ttl;
	// An ICMP error has no TCP fields of its own: they hold the quoted segment's flags and length.
	r.tcp = p.tcp;
	r.seq = p.payload;
}
