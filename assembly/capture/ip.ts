// One captured frame into one row of columns: IPv4 (RFC 791), IPv6 with extension headers (RFC 8200), and on request the packet
// inside VXLAN (RFC 7348) or Geneve (RFC 8926). Never reads behind the captured bytes; lengths are signed, because a header
// may claim that the next one begins behind the end. Left out: IPsec, reassembly of fragments.

import * as L from "../layout";
import { internAddress, internFailed } from "./addresses";
import { byte, net16, net32 } from "./bytes";
import { to } from "./columns";
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, link, LINK_ETHERNET, readLink } from "./link";
import { countEthertype, Source } from "./source";
import { hashPayload, transport } from "./transport";

/** What the headers read so far say; `transport` goes on from it. */
export namespace ip {
	/** Where what was captured of this packet ends. */
	export let end: usize = 0;
	export let proto: u32 = 0;
	export let shape: u32 = 0;
	/** Where the frame inside a tunnel begins; 0: there is none. */
	export let tunnel: usize = 0;
	export let vni: i32 = -1;
	/** The address table is full: no row was made. */
	export let full: bool = false;
}

/**
 * Reads the frame at `at`, captured up to `end`, `wireBytes` long on the wire, into the row that `to` aims at. True where
 * the row holds an IP packet; false: counted in the source, no row. Time, interface and origin are the caller's.
 */
// @ts-ignore: decorator
@inline
export function readFrame(s: Source, linktype: u32, at: usize, end: usize, wireBytes: u32): bool {
	ip.full = false;
	ip.tunnel = 0;
	readLink(linktype, at, end);
	const vlan = link.vlan;
	const direction = link.direction;
	if (!network(s, link.next, end, <i64>wireBytes - <i64>(link.next - at))) return false;
	if (ip.tunnel != 0 && !inner(s)) return false;
	if (vlan != 0) store<u16>(to.twos, <u16>vlan, L.COLUMN_VLAN);
	if (direction != L.DIRECTION_UNKNOWN) store<u8>(to.ones, <u8>direction, L.COLUMN_DIRECTION);
	return true;
}

function network(s: Source, at: usize, end: usize, wireBytes: i64): bool {
	const ethertype = link.ethertype;
	if (ethertype == ETHERTYPE_IPV4) return ipv4(s, at, end, wireBytes);
	if (ethertype == ETHERTYPE_IPV6) return ipv6(s, at, end, wireBytes);
	if (ethertype == ETHERTYPE_ARP) s.arp++;
	else if (ethertype < 0) s.headless++;
	else countEthertype(s, <u32>ethertype);
	return false;
}

// @ts-ignore: decorator
@inline
function ipv4(s: Source, at: usize, end: usize, wireBytes: i64): bool {
	if (<i32>(end - at) < 20) return headless(s);
	const head = net32(at);
	const headerBytes = ((head >>> 24) & 15) << 2;
	// A total length of 0 is a segmentation-offload packet captured before it was cut: the frame says how long it is.
	const ipBytes = (head & 0xffff) == 0 ? wireBytes : <i64>(head & 0xffff);
	if (head >>> 28 != 4 || headerBytes < 20 || ipBytes < <i64>headerBytes) return malformed(s);
	const fragment = net32(at + 4);
	store<u8>(to.ones, 4, L.COLUMN_FAMILY);
	store<u8>(to.ones, <u8>(head >>> 16), L.COLUMN_TOS);
	store<u32>(to.fours, <u32>ipBytes, L.COLUMN_IPBYTES);
	store<u16>(to.twos, <u16>(fragment >>> 16), L.COLUMN_IPID);
	store<u8>(to.ones, <u8>byte(at + 8), L.COLUMN_TTL);
	store<u32>(to.fours, net32(at + 12), L.COLUMN_SRC);
	store<u32>(to.fours, net32(at + 16), L.COLUMN_DST);
	ip.shape = 0;
	if ((fragment & 0x7fff) != 0) {
		ip.shape =
			((fragment & 0x2000) != 0 ? L.SHAPE_MORE_FRAGMENTS : 0) |
			((fragment & 0x1fff) != 0 ? L.SHAPE_LATER_FRAGMENT : 0) |
			((fragment & 0x4000) != 0 ? L.SHAPE_DONT_FRAGMENT : 0);
	}
	ip.end = endOf(at, ipBytes, end);
	ip.proto = byte(at + 9);
	transport(s, at + headerBytes, ipBytes - <i64>headerBytes);
	return true;
}

function ipv6(s: Source, at: usize, end: usize, wireBytes: i64): bool {
	if (<i32>(end - at) < 40) return headless(s);
	const head = net32(at);
	if (head >>> 28 != 6) return malformed(s);
	const declared = <i64>net16(at + 4);
	// A payload length of 0 is a jumbogram or an offload packet: the frame says how long it is.
	const ipBytes = declared == 0 && byte(at + 6) != 59 ? max<i64>(wireBytes, 40) : declared + 40;
	const src = internAddress(at + 8);
	const dst = internFailed() ? -1 : internAddress(at + 24);
	if (internFailed()) {
		ip.full = true;
		return false;
	}
	store<u8>(to.ones, 6, L.COLUMN_FAMILY);
	store<u8>(to.ones, <u8>(head >>> 20), L.COLUMN_TOS);
	store<u32>(to.fours, <u32>ipBytes, L.COLUMN_IPBYTES);
	store<u16>(to.twos, 0, L.COLUMN_IPID);
	store<u8>(to.ones, <u8>byte(at + 7), L.COLUMN_TTL);
	store<u32>(to.fours, src, L.COLUMN_SRC);
	store<u32>(to.fours, dst, L.COLUMN_DST);
	ip.shape = 0;
	ip.end = endOf(at, ipBytes, end);
	const next = extensions(byte(at + 6), at + 40);
	transport(s, next, <i64>at + ipBytes - <i64>next);
	return true;
}

/** The packet's own end where it was captured whole; else where the capture ends. */
function endOf(at: usize, ipBytes: i64, end: usize): usize {
	return <i64>at + ipBytes < <i64>end ? at + <usize>ipBytes : end;
}

/** Walks hop-by-hop, routing, destination, fragment, AH, mobility, HIP and Shim6 headers; sets protocol and fragment bits. */
function extensions(first: u32, start: usize): usize {
	let proto = first;
	let at = start;
	// Each turn moves on by 8 bytes or more, and none reads behind the captured end.
	while (isExtension(proto) && (ip.shape & L.SHAPE_LATER_FRAGMENT) == 0) {
		if (<i32>(ip.end - at) < 8) {
			ip.shape |= L.SHAPE_CUT;
			break;
		}
		let bytes = (byte(at + 1) + 1) << 3;
		if (proto == 44) {
			const fragment = net16(at + 2);
			ip.shape |=
				((fragment & 1) != 0 ? L.SHAPE_MORE_FRAGMENTS : 0) | (fragment >>> 3 != 0 ? L.SHAPE_LATER_FRAGMENT : 0);
			store<u16>(to.twos, <u16>net32(at + 4), L.COLUMN_IPID);
			bytes = 8;
		} else if (proto == 51) bytes = (byte(at + 1) + 2) << 2;
		proto = byte(at);
		at += bytes;
	}
	ip.proto = proto;
	return at;
}

function isExtension(proto: u32): bool {
	return (
		proto == 0 ||
		proto == 43 ||
		proto == 44 ||
		proto == 51 ||
		proto == 60 ||
		proto == 135 ||
		proto == 139 ||
		proto == 140
	);
}

/** Reads the tunnelled frame over the row of the outer one. */
function inner(s: Source): bool {
	const vni = ip.vni;
	const end = ip.end;
	store<u32>(to.fours, 0, L.COLUMN_HASH);
	readLink(LINK_ETHERNET, ip.tunnel, end);
	ip.tunnel = -1;
	const inside = network(s, link.next, end, <i64>(<i32>(end - link.next)));
	ip.tunnel = 0;
	if (!inside) return false;
	store<i32>(to.fours, vni, L.COLUMN_VNI);
	s.tunnelled++;
	return true;
}

function malformed(s: Source): bool {
	s.malformed++;
	return false;
}

function headless(s: Source): bool {
	s.headless++;
	return false;
}
