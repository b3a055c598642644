// Rewriting packets by the NAT of their flow (net/netfilter/nf_nat_proto.c: nf_nat_packet, nf_nat_manip_pkt,
// nf_nat_icmp_reply_translation). A packet is made to look like the inverse of what the other direction expects.
// Checksums are not in the packet record.

import * as L from "../layout";
import { Packet } from "../packet";
import { Conn, conn } from "./conn";
import { directionOf } from "./timeout";
import { hasPorts, icmpInverse, invert, isIcmp, tupleAt, Tuple } from "./tuple";

const NAT_MASK: u32 = L.IPS_SRC_NAT | L.IPS_DST_NAT;
const NAT_DONE_MASK: u32 = L.IPS_SRC_NAT_DONE | L.IPS_DST_NAT_DONE;
const ICMP_REDIRECT: u32 = 5;

const TARGET: usize = memory.data(16, 8);

let changed: bool = false;

/** HOOK2MANIP: destinations are rewritten at PREROUTING and OUTPUT, sources at POSTROUTING and INPUT. */
// @ts-ignore: decorator
@inline
export function manipOf(hook: i32): i32 {
	return hook == L.HOOK_POSTROUTING || hook == L.HOOK_INPUT ? L.MANIP_SRC : L.MANIP_DST;
}

/** Did the last natManip rewrite anything? */
export function natChanged(): bool {
	return changed;
}

/**
 * nf_nat_packet, or for an ICMP error nf_nat_icmp_reply_translation: rewrites the packet as its flow's NAT says for this hook.
 * NF_DROP: a redirect of a translated flow. `natChanged` then tells whether any address, port or id is another one now.
 */
export function natManip(p: Packet, hook: i32): i32 {
	changed = false;
	if (p.ct < 0) return L.NF_ACCEPT;
	const c = conn(p.ct);
	const dir = directionOf(p.ctinfo);
	const manip = manipOf(hook);
	const error = isIcmp(p.proto) && (p.ctinfo == <u8>L.CTINFO_RELATED || p.ctinfo == <u8>L.CTINFO_RELATED_REPLY);
	if (error && p.proto == <u8>L.PROTO_ICMP && p.icmpType == ICMP_REDIRECT && !mayRedirect(c)) return L.NF_DROP;

	let bit: u32 = manip == L.MANIP_SRC ? L.IPS_SRC_NAT : L.IPS_DST_NAT;
	if (dir == 1) bit ^= NAT_MASK;
	if (!c.has(bit)) return L.NF_ACCEPT;

	const other = c.tuple(dir ^ 1);
	if (error) manipInner(p, other, manip ^ 1);
	const target = tupleAt(TARGET);
	invert(target, other);
	manipOuter(p, target, manip);
	return L.NF_ACCEPT;
}

function mayRedirect(c: Conn): bool {
	return (c.status & NAT_DONE_MASK) == NAT_DONE_MASK && !c.has(NAT_MASK);
}

function manipOuter(p: Packet, t: Tuple, manip: i32): void {
	const address = manip == L.MANIP_SRC ? p.src : p.dst;
	const wanted = manip == L.MANIP_SRC ? t.src : t.dst;
	if (address != wanted) changed = true;
	if (manip == L.MANIP_SRC) p.src = wanted;
	else p.dst = wanted;
	if (hasPorts(p.proto)) {
		if (manip == L.MANIP_SRC) {
			if (p.sport != t.sport) changed = true;
			p.sport = t.sport;
		} else {
			if (p.dport != t.dport) changed = true;
			p.dport = t.dport;
		}
	} else if (isIcmp(p.proto) && icmpInverse(p.icmpType) >= 0) {
		if (p.sport != t.sport) changed = true;
		p.sport = t.sport;
	}
}

// The quoted packet went the other way, so its other end is rewritten, by the tuple as it stands.
function manipInner(p: Packet, t: Tuple, manip: i32): void {
	changed = true;
	if (manip == L.MANIP_SRC) p.innerSrc = t.src;
	else p.innerDst = t.dst;
	if (hasPorts(p.innerProto)) {
		if (manip == L.MANIP_SRC) p.innerSport = t.sport;
		else p.innerDport = t.dport;
	} else if (isIcmp(p.innerProto) && icmpInverse((<u32>p.innerDport) >>> 8) >= 0) {
		p.innerSport = t.sport;
	}
}
