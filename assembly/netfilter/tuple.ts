// Tuples: one direction of a flow, 16 bytes, and how each protocol turns them round
// (include/net/netfilter/nf_conntrack_tuple.h; invert: nf_ct_invert_tuple in net/netfilter/nf_conntrack_core.c).
//
//  0 src u32   4 dst u32   8 sport u16   10 dport u16   12 zone << 8 | proto u32
//
// ICMP keeps its id in sport and type << 8 | code in dport, so the id is the same in both directions. Two u64 loads
// are the whole key: `lo` holds the addresses, `hi` the ports and zone. GRE keys are not modelled.

import { hash2 } from "../hash";
import * as L from "../layout";


@unmanaged
export class Tuple {
	src: u32;
	dst: u32;
	sport: u16;
	dport: u16;
	zoneProto: u32;


	@inline get lo(): u64 {
		return load<u64>(changetype<usize>(this));
	}


	@inline get hi(): u64 {
		return load<u64>(changetype<usize>(this), 8);
	}


	@inline get proto(): u8 {
		return <u8>this.zoneProto;
	}


	@inline get zone(): u32 {
		return this.zoneProto >>> 8;
	}


	@inline
	assign(lo: u64, hi: u64): void {
		store<u64>(changetype<usize>(this), lo);
		store<u64>(changetype<usize>(this), hi, 8);
	}


	@inline
	equals(other: Tuple): bool {
		return this.lo == other.lo && this.hi == other.hi;
	}
}

/** Scratch for tuples under construction: `count` of them in static memory. */
// @ts-ignore: decorator
@inline
export function tupleAt(address: usize): Tuple {
	return changetype<Tuple>(address);
}

/** Hash of a key; the top bit is always set, so 0 marks an empty slot. */
// @ts-ignore: decorator
@inline
export function tupleHash(lo: u64, hi: u64): u32 {
	return hash2(lo, hi) | 0x80000000;
}

/** The type that answers an ICMP query, or that it answers; -1 where the type is no query (invmap in nf_conntrack_proto_icmp.c). */
export function icmpInverse(type: u32): i32 {
	switch (type) {
		case 8:
			return 0; // echo
		case 0:
			return 8;
		case 13:
			return 14; // timestamp
		case 14:
			return 13;
		case 15:
			return 16; // information
		case 16:
			return 15;
		case 17:
			return 18; // address mask
		case 18:
			return 17;
		// ICMPv6's types (nf_conntrack_proto_icmpv6.c) share no number with these.
		case 128:
			return 129; // echo
		case 129:
			return 128;
		case 139:
			return 140; // node information (RFC 4620)
		case 140:
			return 139;
		default:
			return -1;
	}
}

/** ICMP or ICMPv6. */
// @ts-ignore: decorator
@inline
export function isIcmp(proto: u32): bool {
	return proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6;
}

/** Does this protocol have ports in the tuple? */
// @ts-ignore: decorator
@inline
export function hasPorts(proto: u32): bool {
	return proto == L.PROTO_TCP || proto == L.PROTO_UDP || proto == L.PROTO_SCTP;
}

/** Writes the other direction of (lo, hi) into `into`. False for an ICMP type that has no opposite. */
export function invertKey(into: Tuple, lo: u64, hi: u64): bool {
	let ports = <u32>hi;
	if (isIcmp(<u8>(hi >> 32))) {
		const inverse = icmpInverse(ports >>> 24);
		if (inverse < 0) return false;
		ports = (ports & 0x00ffffff) | ((<u32>inverse) << 24);
	} else {
		ports = rotl<u32>(ports, 16);
	}
	into.assign(rotl<u64>(lo, 32), (hi & 0xffffffff00000000) | (<u64>ports));
	return true;
}

/** Writes the other direction of `from` into `into`; they may be the same. */
// @ts-ignore: decorator
@inline
export function invert(into: Tuple, from: Tuple): bool {
	return invertKey(into, from.lo, from.hi);
}
