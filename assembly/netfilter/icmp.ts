// ICMP and ICMPv6 tracking: queries have entries of their own, errors belong to the flow that they quote
// (net/netfilter/nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c).

import * as L from "../layout";
import { timeoutIcmp6Ns, timeoutNs } from "../netns";
import { Packet } from "../packet";
import { uncache } from "../pathcache";
import { conn, connKill, expired, Conn } from "./conn";
import { refresh } from "./timeout";
import { hasPorts, invertKey, isIcmp, tupleAt, tupleHash } from "./tuple";
import { tupleFind } from "./tuplehash";
import { zoneOf } from "./zone";

const TYPES_MAX: u32 = 18; // NR_ICMP_TYPES

const inner: usize = memory.data(16, 8);

/** nf_conntrack_handle_icmp: errors, what nobody tracks, and types that are none are done with here. False: a query. */
export function icmpSpecial(p: Packet): bool {
	const type = p.icmpType;
	if (p.proto == L.PROTO_ICMPV6 && icmp6IsUntracked(type)) {
		p.ct = L.CT_UNTRACKED;
		p.ctinfo = <u8>L.CTINFO_UNTRACKED;
		return true;
	}
	if (p.proto == L.PROTO_ICMPV6 ? icmp6IsError(type) : icmpIsError(type)) {
		icmpError(p);
		return true;
	}
	return p.proto == L.PROTO_ICMP && !icmpKnown(type);
}

// @ts-ignore: decorator
@inline
function icmpIsError(type: u32): bool {
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

// @ts-ignore: decorator
@inline
function icmpKnown(type: u32): bool {
	return type <= TYPES_MAX;
}

/** Types below 128 are errors (RFC 4443 2.1). */
// @ts-ignore: decorator
@inline
function icmp6IsError(type: u32): bool {
	return type < 128;
}

/** Multicast listener reports and neighbour discovery: never tracked (noct_valid_new). */
function icmp6IsUntracked(type: u32): bool {
	return (type >= 130 && type <= 137) || type == 143;
}

/** Only a request may start a flow. False: the packet is INVALID. */
export function icmpPacket(p: Packet, c: Conn): bool {
	const type = (<u32>c.orig.dport) >>> 8;
	if (p.proto == L.PROTO_ICMPV6) {
		if (type != 128 && type != 139) return false;
		refresh(c, p, timeoutIcmp6Ns(c.netns));
		return true;
	}
	if (type != 8 && type != 13 && type != 15 && type != 17) return false;
	refresh(c, p, timeoutNs(p.netns, L.TIMEOUT_ICMP));
	return true;
}

/**
 * Attaches an error to the flow that it quotes, as RELATED; leaves it without one (INVALID) where none is known, or where
 * the error is not addressed to that flow's sender (nf_conntrack_inet_error).
 */
function icmpError(p: Packet): void {
	if (p.innerProto == 0) return;
	const zone = zoneOf(p.netns, p.zone, p.family);
	if (zone < 0) return;
	const tracked = hasPorts(p.innerProto) || isIcmp(p.innerProto);
	const ports: u32 = tracked ? (<u32>p.innerSport) | ((<u32>p.innerDport) << 16) : 0;
	const hi = (<u64>ports) | ((<u64>(((<u32>zone) << 8) | (<u32>p.innerProto))) << 32);
	const quoted = tupleAt(inner);
	if (!invertKey(quoted, (<u64>p.innerSrc) | ((<u64>p.innerDst) << 32), hi)) return;
	const found = tupleFind(quoted.lo, quoted.hi, tupleHash(quoted.lo, quoted.hi));
	if (found < 0) return;
	const index = found >> 1;
	const c = conn(index);
	if (expired(c, p.time)) {
		connKill(index, p.time);
		return;
	}
	if (c.has(L.IPS_CACHED)) uncache(c);
	const dir = found & 1;
	if (p.dst != c.tuple(dir).dst) return;
	p.ct = index;
	p.ctinfo = <u8>(dir == 0 ? L.CTINFO_RELATED : L.CTINFO_RELATED_REPLY);
}
