// What answers of an IP stack have in common, whatever they say: where they come from, and which packet an ICMP error quotes.

import { defaultTtl } from "./netns";
import { Packet } from "./packet";
import { takePacket } from "./queue";
import * as L from "./layout";

/** A packet of the stack's own in answer to p; null where no slot is free. */
export function answerTo(p: Packet): Packet | null {
	const r = takePacket();
	if (r === null) return null;
	r.family = p.family;
	r.netns = p.netns;
	r.time = p.time;
	r.ttl = defaultTtl(p.netns, p.family);
	r.flow = p.flow;
	r.reason = p.reason;
	r.rule = p.rule;
	r.flags = <u8>(L.SKB_KERNEL | L.SKB_LOCAL_OUT);
	if (p.flow >= 0 && !p.has(L.SKB_REPLY)) r.set(L.SKB_REPLY);
	return r;
}

/** Makes r quote the header of p. */
export function quote(r: Packet, p: Packet): void {
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
