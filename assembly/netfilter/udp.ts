// UDP and everything that has no tracker of its own (net/netfilter/nf_conntrack_proto_udp.c, generic_packet in
// nf_conntrack_core.c). Checksums are not modelled.

import * as L from "../layout";
import { timeoutNs } from "../netns";
import { Packet } from "../packet";
import { Conn } from "./conn";
import { refresh } from "./timeout";

const STREAM_AFTER: i64 = 2_000_000_000;

/** Always a valid packet. A flow that is answered and still alive after two seconds is a stream, and ASSURED. */
export function udpPacket(p: Packet, c: Conn): void {
	if (!c.has(L.IPS_SEEN_REPLY)) {
		refresh(c, p, timeoutNs(p.netns, L.TIMEOUT_UDP));
		return;
	}
	const stream = p.time > c.start + STREAM_AFTER;
	refresh(c, p, timeoutNs(p.netns, stream ? L.TIMEOUT_UDP_STREAM : L.TIMEOUT_UDP));
	if (stream && !c.has(L.IPS_NAT_CLASH)) c.set(L.IPS_ASSURED);
}

export function genericPacket(p: Packet, c: Conn): void {
	refresh(c, p, timeoutNs(p.netns, L.TIMEOUT_GENERIC));
}

const STREAM: u32 = L.IPS_SEEN_REPLY | L.IPS_ASSURED | L.IPS_CONFIRMED;

/** Is this one more packet of a stream that no line owes to? What is ASSURED has been one before: its start lies more than two seconds back. */
// @ts-ignore: decorator
@inline
export function udpIsUsual(c: Conn): bool {
	return ((<u32>c.status) & (STREAM | L.IPS_FIXED_TIMEOUT | L.IPS_CACHED)) == STREAM;
}

/** How long an entry lasts after such a packet, ns. Beside its deadline and counters nothing of it changes. */
// @ts-ignore: decorator
@inline
export function udpUsualNs(netns: i32): i64 {
	return timeoutNs(netns, L.TIMEOUT_UDP_STREAM);
}
