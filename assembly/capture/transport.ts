// Transport headers of a captured packet: TCP with the options that window tracking wants (RFC 9293, RFC 7323, RFC 2018), UDP,
// SCTP's first chunk (RFC 9260), ICMP and ICMPv6 with the packet that an error quotes. What is cut off is 0, and said so.

import * as L from "../layout";
import { internAddress, internFailed } from "./addresses";
import { byte, net16, net32 } from "./bytes";
import { to } from "./columns";
import { ip } from "./ip";
import { Source } from "./source";

const VXLAN_PORT: u32 = 4789;
/** What Linux took before the number was assigned, and flannel's default. */
const VXLAN_PORT_LINUX: u32 = 8472;
const GENEVE_PORT: u32 = 6081;
/** The header of an ICMP error, before the packet that it quotes. */
const ICMP_HEADER_BYTES: i64 = 8;
const NO_PORTS: u32 = L.SHAPE_LATER_FRAGMENT | L.SHAPE_CUT;

/** `at`: the transport header; `bytes`: what the IP header says is left from there (a lying one may make it negative). */
// @ts-ignore: decorator
@inline
export function transport(s: Source, at: usize, bytes: i64): void {
	store<u8>(to.ones, <u8>ip.proto, L.COLUMN_PROTO);
	if (ip.proto == L.PROTO_TCP && left(at) >= 16 && (ip.shape & NO_PORTS) == 0) tcp(at, bytes);
	else other(s, at, bytes);
	store<u8>(to.ones, <u8>ip.shape, L.COLUMN_SHAPE);
}

/** Captured bytes from `at` on; negative where a header put it behind the end. */
// @ts-ignore: decorator
@inline
function left(at: usize): i32 {
	return <i32>(ip.end - at);
}

/** A TCP header of which all but checksum and urgent pointer were captured. */
// @ts-ignore: decorator
@inline
function tcp(at: usize, bytes: i64): void {
	const ports = net32(at);
	const rest = net32(at + 12);
	const ack = net32(at + 8);
	store<u16>(to.twos, <u16>(ports >>> 16), L.COLUMN_SPORT);
	store<u16>(to.twos, <u16>ports, L.COLUMN_DPORT);
	store<u32>(to.fours, net32(at + 4), L.COLUMN_SEQ);
	store<u32>(to.fours, ack, L.COLUMN_ACK);
	store<u32>(to.fours, ack, L.COLUMN_SACK);
	store<u8>(to.ones, <u8>(rest >>> 16), L.COLUMN_TCP);
	store<u16>(to.twos, <u16>rest, L.COLUMN_WINDOW);
	const headerBytes = (rest >>> 28) << 2;
	store<u32>(to.fours, <u32>max<i64>(bytes - <i64>headerBytes, 0), L.COLUMN_PAYLOAD);
	if (headerBytes > 20) tcpOptions(at + 20, at + headerBytes, rest >>> 16, ack);
}

/** Scale, SACK permitted and segment size of a SYN; the highest edge of the SACK blocks of any segment. */
function tcpOptions(start: usize, headerEnd: usize, flags: u32, ack: u32): void {
	const end = min(headerEnd, ip.end);
	// An acknowledgement with timestamps only: two NOPs, then the option (RFC 7323, appendix A).
	if ((flags & L.TCP_SYN) == 0 && <i32>(end - start) == 12 && net32(start) == 0x0101080a) return;
	let options: u32 = 0;
	let sack = ack;
	for (let at = start; at < end;) {
		const kind = byte(at);
		if (kind == 0) break;
		if (kind == 1) {
			at++;
			continue;
		}
		if (at + 2 > end) break;
		const bytes = byte(at + 1);
		if (bytes < 2 || at + bytes > end) break;
		if (kind == 2 && bytes == 4) store<u16>(to.twos, <u16>net16(at + 2), L.COLUMN_MSS);
		// 14 is the largest scale (RFC 7323, 2.3).
		else if (kind == 3 && bytes == 3) options |= L.TCPOPT_WINDOW | min<u32>(byte(at + 2), 14);
		else if (kind == 4 && bytes == 2) options |= L.TCPOPT_SACK_PERM;
		else if (kind == 5 && bytes >= 10 && (bytes - 2) % 8 == 0) {
			for (let edge = at + 6; edge < at + bytes; edge += 8) {
				const right = net32(edge);
				if (<i32>(right - sack) > 0) sack = right;
			}
		}
		at += bytes;
	}
	store<u32>(to.fours, sack, L.COLUMN_SACK);
	if ((flags & L.TCP_SYN) != 0) store<u8>(to.ones, <u8>options, L.COLUMN_OPTIONS);
}

function other(s: Source, at: usize, bytes: i64): void {
	store<u16>(to.twos, 0, L.COLUMN_SPORT);
	store<u16>(to.twos, 0, L.COLUMN_DPORT);
	store<u8>(to.ones, 0, L.COLUMN_TCP);
	store<u32>(to.fours, 0, L.COLUMN_SEQ);
	store<u32>(to.fours, 0, L.COLUMN_ACK);
	store<u32>(to.fours, 0, L.COLUMN_SACK);
	store<u16>(to.twos, 0, L.COLUMN_WINDOW);
	payload(bytes);
	const proto = ip.proto;
	if ((ip.shape & NO_PORTS) != 0) hashPayload(at);
	else if (proto == L.PROTO_TCP) cutTcp(at);
	else if (proto == L.PROTO_UDP) udp(s, at, bytes);
	else if (proto == L.PROTO_ICMP) icmp(at, bytes, false);
	else if (proto == L.PROTO_ICMPV6) icmp(at, bytes, true);
	else if (proto == L.PROTO_SCTP) sctp(at, bytes);
	else hashPayload(at);
	if ((ip.shape & L.SHAPE_CUT) != 0) s.cut++;
}

function payload(bytes: i64): void {
	store<u32>(to.fours, <u32>max<i64>(bytes, 0), L.COLUMN_PAYLOAD);
}

function cutTcp(at: usize): void {
	ports(at);
	ip.shape |= L.SHAPE_CUT;
	if (left(at) >= 8) store<u32>(to.fours, net32(at + 4), L.COLUMN_SEQ);
	if (left(at) >= 12) {
		store<u32>(to.fours, net32(at + 8), L.COLUMN_ACK);
		store<u32>(to.fours, net32(at + 8), L.COLUMN_SACK);
	}
}

function ports(at: usize): bool {
	if (left(at) < 4) {
		ip.shape |= L.SHAPE_CUT;
		return false;
	}
	store<u16>(to.twos, <u16>net16(at), L.COLUMN_SPORT);
	store<u16>(to.twos, <u16>net16(at + 2), L.COLUMN_DPORT);
	return true;
}

function udp(s: Source, at: usize, bytes: i64): void {
	if (!ports(at)) return;
	payload(bytes - 8);
	hashPayload(at + 8);
	if (s.decapsulates && ip.tunnel == 0) tunnel(at + 8, net16(at + 2));
}

function sctp(at: usize, bytes: i64): void {
	if (!ports(at)) return;
	payload(bytes - 12);
	hashPayload(at + 12);
	if (left(at) < 13) ip.shape |= L.SHAPE_CUT;
	else store<u8>(to.ones, <u8>byte(at + 12), L.COLUMN_TCP);
	if (left(at) >= 8) store<u32>(to.fours, net32(at + 4), L.COLUMN_SEQ);
}

function icmp(at: usize, bytes: i64, v6: bool): void {
	if (left(at) < 4) {
		ip.shape |= L.SHAPE_CUT;
		return;
	}
	const type = byte(at);
	store<u16>(to.twos, <u16>net16(at), L.COLUMN_DPORT);
	payload(bytes - ICMP_HEADER_BYTES);
	if (isEcho(type, v6)) {
		if (left(at) < 8) {
			ip.shape |= L.SHAPE_CUT;
			return;
		}
		store<u16>(to.twos, <u16>net16(at + 4), L.COLUMN_SPORT);
		store<u32>(to.fours, net16(at + 6), L.COLUMN_SEQ);
	} else if (quotes(type, v6)) quoted(at + <usize>ICMP_HEADER_BYTES, v6);
}

/** The tuple of the packet that an ICMP error quotes; without it (too little captured) the error stands alone. */
function quoted(at: usize, v6: bool): void {
	if (left(at) < (v6 ? 44 : 24)) return;
	let transportAt: usize;
	let proto: u32;
	if (v6) {
		const src = internAddress(at + 8);
		if (internFailed()) return;
		const dst = internAddress(at + 24);
		if (internFailed()) return;
		proto = byte(at + 6);
		store<u32>(to.fours, src, L.COLUMN_INNER_SRC);
		store<u32>(to.fours, dst, L.COLUMN_INNER_DST);
		transportAt = at + 40;
	} else {
		proto = byte(at + 9);
		store<u32>(to.fours, net32(at + 12), L.COLUMN_INNER_SRC);
		store<u32>(to.fours, net32(at + 16), L.COLUMN_INNER_DST);
		transportAt = at + ((byte(at) & 15) << 2);
	}
	store<u8>(to.ones, <u8>proto, L.COLUMN_INNER_PROTO);
	if (left(transportAt) < 4) return;
	const isIcmp = proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6;
	const echo = isIcmp && left(transportAt) >= 6 && isEcho(byte(transportAt), v6);
	const sport = isIcmp ? (echo ? net16(transportAt + 4) : 0) : net16(transportAt);
	const dport = net16(isIcmp ? transportAt : transportAt + 2);
	store<u16>(to.twos, <u16>sport, L.COLUMN_INNER_SPORT);
	store<u16>(to.twos, <u16>dport, L.COLUMN_INNER_DPORT);
	ip.shape |= L.SHAPE_INNER;
}

/** Remembers that the UDP payload at `at` is a tunnelled frame. */
function tunnel(at: usize, port: u32): void {
	if (port != VXLAN_PORT && port != VXLAN_PORT_LINUX && port != GENEVE_PORT) return;
	if (left(at) < 8) return;
	if (port == GENEVE_PORT) {
		if (net16(at + 2) != 0x6558) return;
		ip.tunnel = at + 8 + ((byte(at) & 63) << 2);
	} else {
		if ((byte(at) & 8) == 0) return;
		ip.tunnel = at + 8;
	}
	ip.vni = <i32>(net32(at + 4) >>> 8);
}

/** A hash of the first 8 bytes, where there are as many. */
export function hashPayload(at: usize): void {
	if (left(at) < 8) return;
	const h = (net32(at) ^ 0x9e3779b1) * 0xc2b2ae35;
	store<u32>(to.fours, ((h ^ (h >>> 13)) + net32(at + 4)) * 0x27d4eb2f, L.COLUMN_HASH);
}

/** ICMP messages with an identifier: echo, timestamp, information, address mask; ICMPv6 echo. */
function isEcho(type: u32, v6: bool): bool {
	return v6 ? type == 128 || type == 129 : type == 0 || type == 8 || (type >= 13 && type <= 18);
}

/** ICMP messages that quote a packet. */
export function quotes(type: u32, v6: bool): bool {
	return v6 ? type >= 1 && type <= 4 : type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}
