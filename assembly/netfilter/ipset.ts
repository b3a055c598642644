// ipset look-ups (net/netfilter/ipset/ip_set_hash_*.c): hash:ip, hash:net, hash:ip,port, hash:net,port, hash:ip,port,ip,
// hash:ip,port,net. The longest prefix that has an entry decides; a `nomatch` entry says no. The index is built by
// `compile/sets`; a set without one is scanned. Not modelled: entry timeouts, counters, list:set (the host carries them).

import { hi6, known6, lo6, maskHi, maskLo } from "../address6";
import { row } from "../arena";
import { hash2 } from "../hash";
import { asksSourcePort, notAlike } from "../journey";
import { Packet } from "../packet";
import * as L from "../layout";

export const SET_NO: i32 = 0;
export const SET_YES: i32 = 1;
export const SET_CARRIED: i32 = 2;

// The key of an entry: everything before its flags
const KEY_HIGH: u64 = 0xff_ffff_ffff;

/** Is the packet in the set? `dimensions`: bit i set where dimension i is the source. */
export function setHolds(p: Packet, set: i32, dimensions: u32, count: u32, returnNomatch: bool): i32 {
	const s = row(L.TABLE_SET, set, L.SET_STRIDE);
	const type = load<u32>(s, L.SET_TYPE);
	if (type == L.SET_TYPE_UNKNOWN) return SET_CARRIED;
	if (count < dimensionsOf(type) || load<u32>(s, L.SET_FAMILY) != p.family) return SET_NO;
	const first = dimensions & 1 ? p.src : p.dst;
	const whole: u32 = p.family == 6 ? 128 : 32;
	if (type == L.SET_TYPE_IP) {
		const ip = first & load<u32>(s, L.SET_NETMASK);
		return ip != 0 && holds(s, ip, 0, 0, 0, whole, 0) ? SET_YES : SET_NO;
	}
	if (type == L.SET_TYPE_NET) return longest(s, first, first, 0, 0, false, returnNomatch);
	if (dimensions & 2) asksSourcePort();
	notAlike();
	const port = portOf(p, (dimensions & 2) != 0);
	if (type == L.SET_TYPE_IP_PORT) return holds(s, first, 0, port, p.proto, whole, 0) ? SET_YES : SET_NO;
	if (type == L.SET_TYPE_NET_PORT) return longest(s, first, first, port, p.proto, false, returnNomatch);
	const third = dimensions & 4 ? p.src : p.dst;
	if (type == L.SET_TYPE_IP_PORT_IP) return holds(s, first, third, port, p.proto, whole, whole) ? SET_YES : SET_NO;
	return longest(s, first, third, port, p.proto, true, returnNomatch);
}

function dimensionsOf(type: u32): u32 {
	if (type == L.SET_TYPE_IP || type == L.SET_TYPE_NET) return 1;
	return type == L.SET_TYPE_IP_PORT || type == L.SET_TYPE_NET_PORT ? 2 : 3;
}

// ip_set_get_ip4_port: ICMP has type and code on either side, other protocols port 0.
function portOf(p: Packet, source: bool): u16 {
	const proto = p.proto;
	if (proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6) return p.dport;
	if (proto == L.PROTO_TCP || proto == L.PROTO_UDP || proto == L.PROTO_SCTP || proto == L.PROTO_UDPLITE) {
		return source ? p.sport : p.dport;
	}
	return 0;
}

function holds(s: usize, ip: u32, ip2: u32, port: u16, proto: u8, prefix: u32, prefix2: u32): bool {
	return find(s, low(ip, ip2), high(port, proto, prefix, prefix2)) != 0;
}

// From the longest prefix length in use to the shortest; `second`: the prefix is of the second address.
function longest(s: usize, ip: u32, ip2: u32, port: u16, proto: u8, second: bool, returnNomatch: bool): i32 {
	if (load<u32>(s, L.SET_FAMILY) == 6) return longest6(s, ip, ip2, port, proto, second, returnNomatch);
	let lengths = load<u32>(s, L.SET_LENGTHS);
	while (lengths != 0) {
		const length = 32 - clz(lengths);
		lengths ^= (<u32>1) << (length - 1);
		const mask = (<u32>-1) << (32 - length);
		const entry = second
			? find(s, low(ip, ip2 & mask), high(port, proto, 32, length))
			: find(s, low(ip & mask, 0), high(port, proto, length, 0));
		if (entry == 0) continue;
		return decides(entry, returnNomatch);
	}
	return SET_NO;
}

// The same with 128 bits: a network that no entry has was never given a number, or has one that no key holds.
function longest6(s: usize, ip: u32, ip2: u32, port: u16, proto: u8, second: bool, returnNomatch: bool): i32 {
	const id = second ? ip2 : ip;
	for (let half = 8; half >= 0; half -= 8) {
		let lengths = load<u64>(s + <usize>half, L.SET_LENGTHS6);
		while (lengths != 0) {
			const bit = 63 - <u32>clz(lengths);
			lengths ^= (<u64>1) << bit;
			const length = bit + 1 + ((<u32>half) << 3);
			const network = known6(hi6(id) & maskHi(length), lo6(id) & maskLo(length));
			if (network < 0) continue;
			const entry = second
				? find(s, low(ip, network), high(port, proto, 128, length))
				: find(s, low(network, 0), high(port, proto, length, 0));
			if (entry != 0) return decides(entry, returnNomatch);
		}
	}
	return SET_NO;
}

function decides(entry: usize, returnNomatch: bool): i32 {
	const nomatch = (load<u8>(entry, L.ENTRY_FLAGS) & 1) != 0;
	return nomatch == returnNomatch ? SET_YES : SET_NO;
}

// @ts-ignore: decorator
@inline
function low(ip: u32, ip2: u32): u64 {
	return (<u64>ip) | ((<u64>ip2) << 32);
}
// @ts-ignore: decorator
@inline
function high(port: u16, proto: u8, prefix: u32, prefix2: u32): u64 {
	return (<u64>port) | ((<u64>proto) << 16) | ((<u64>prefix) << 24) | ((<u64>prefix2) << 32);
}

/** First bucket to look at. */
// @ts-ignore: decorator
@inline
export function bucketOf(lowKey: u64, highKey: u64, buckets: u32): u32 {
	return hash2(lowKey, highKey) & (buckets - 1);
}

/** The key words of an entry row. */
// @ts-ignore: decorator
@inline
export function lowOf(entry: usize): u64 {
	return load<u64>(entry);
}
// @ts-ignore: decorator
@inline
export function highOf(entry: usize): u64 {
	return load<u64>(entry, L.ENTRY_PORT) & KEY_HIGH;
}

function find(s: usize, lowKey: u64, highKey: u64): usize {
	const entries = row(L.TABLE_ENTRY, load<u32>(s, L.SET_ENTRY_FIRST), L.ENTRY_STRIDE);
	const buckets = load<u32>(s, L.SET_BUCKET_COUNT);
	if (buckets == 0) {
		const end = entries + <usize>(load<u32>(s, L.SET_ENTRY_COUNT) * L.ENTRY_STRIDE);
		for (let at = entries; at < end; at += L.ENTRY_STRIDE) {
			if (lowOf(at) == lowKey && highOf(at) == highKey) return at;
		}
		return 0;
	}
	const words = row(L.TABLE_WORD, load<u32>(s, L.SET_BUCKETS), 4);
	let bucket = bucketOf(lowKey, highKey, buckets);
	// A bucket holds an entry's number + 1, or 0; at least half of them are 0.
	while (true) {
		const number = load<u32>(words + <usize>(bucket << 2));
		if (number == 0) return 0;
		const at = entries + <usize>((number - 1) * L.ENTRY_STRIDE);
		if (lowOf(at) == lowKey && highOf(at) == highKey) return at;
		bucket = (bucket + 1) & (buckets - 1);
	}
}
