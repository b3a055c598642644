// ICMPv6 errors (RFC 4443; net/ipv6/icmp.c icmp6_send): who is told what, and from which address. Rate limits are `peer`'s.
// Not modelled: redirects (they need link-local addresses), and the limit of the whole host.

import { isMulticast6 } from "./address6";
import { answerTo, quote } from "./answer";
import { prefersSource6, selectAddress6 } from "./fib6";
import { send } from "./forward";
import { isLocal } from "./netns";
import { conntrackAttach } from "./netfilter/conntrack";
import { Packet } from "./packet";
import { mayAnswer6 } from "./peer";
import { event, tracing } from "./trace";
import * as L from "./layout";

export const ICMPV6_DEST_UNREACH: i32 = 1;
export const ICMPV6_PKT_TOOBIG: i32 = 2;
export const ICMPV6_TIME_EXCEED: i32 = 3;
export const ICMPV6_PARAMPROB: i32 = 4;
export const ICMPV6_ECHO_REQUEST: i32 = 128;
export const ICMPV6_ECHO_REPLY: i32 = 129;
export const ICMPV6_UNK_NEXTHDR: i32 = 1; // code of a parameter problem

const HEADERS: u32 = 48; // IPv6 40, ICMPv6 8
const ERROR_MAX: u32 = 1280; // IPV6_MIN_MTU

/** icmp6_send: an error about p, from p.netns to p's source. Nothing is said about an error, or to no one in particular. */
export function sendIcmp6<T>(p: Packet, type: i32, code: i32, mtu: u16): void {
	if (p.proto == L.PROTO_ICMPV6 && p.icmpType < 128) return;
	if (p.src == 0 || isMulticast6(p.src)) return;
	if (isMulticast6(p.dst) && type != ICMPV6_PKT_TOOBIG) return;
	if (!p.has(L.SKB_LOCAL_OUT) && !mayAnswer6(p.netns, p.src, type, p.time)) return;
	const r = answerTo(p);
	if (r === null) return;
	r.proto = <u8>L.PROTO_ICMPV6;
	r.src = sourceOf(p);
	r.dst = p.src;
	r.dport = <u16>((type << 8) | code);
	r.mtu = mtu;
	quote(r, p);
	r.len = min<u32>(ERROR_MAX, p.len + HEADERS);
	r.payload = r.len - HEADERS;
	conntrackAttach(r, p);
	if (tracing<T>()) event(r, L.EVENT_ICMP_OUT, 0, 0, -1, -1);
	send<T>(r);
}

// The address it came to, where that is ours; else the address that the device it came in by would use; 0: the route's.
function sourceOf(p: Packet): u32 {
	if (isLocal(p.netns, p.dst)) return p.dst;
	return p.iif < 0 || prefersSource6(p.netns, p.src) ? 0 : selectAddress6(p.iif, p.src);
}
