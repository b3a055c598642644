// A network namespace: its sysctls and conntrack limits as flags and numbers, its base chains, its devices and addresses.
// A view on a row of TABLE_NETNS; the host writes the rows (net/netns_conntrack.h, net/ipv4 sysctls, Documentation/networking/ip-sysctl.rst).

import { is6, isLoopback6 } from "./address6";
import { row, base } from "./arena";
import * as L from "./layout";

// @ts-ignore: decorator
@inline
export function netns(index: i32): usize {
	return row(L.TABLE_NETNS, index, L.NETNS_STRIDE);
}

// @ts-ignore: decorator
@inline
export function netnsHas(index: i32, flag: i32): bool {
	return (load<u32>(netns(index), L.NETNS_FLAGS) & (<u32>flag)) != 0;
}

/** Base chain of (hook, table) of a family in a netns; -1 where the table is not loaded. */
// @ts-ignore: decorator
@inline
export function baseChain(index: i32, hook: i32, table: i32, family: u8): i32 {
	const chains = netns(index) + (family == 6 ? L.NETNS_CHAINS6 : L.NETNS_CHAINS);
	return load<i32>(chains + <usize>((hook * L.XT_COUNT + table) << 2));
}

/** Of its rules; the host changes it when some of them count anew. Below 2^16. */
// @ts-ignore: decorator
@inline
export function generationOf(index: i32): u32 {
	return load<u32>(netns(index), L.NETNS_GENERATION);
}

/** Generation of the network in which it came; GENID_GONE: the row is free. */
// @ts-ignore: decorator
@inline
export function netnsGenid(index: i32): u32 {
	return load<u32>(netns(index), L.NETNS_GENID);
}

/** The netns is removed. */
export function markNetnsGone(index: i32): void {
	store<u32>(netns(index), L.GENID_GONE, L.NETNS_GENID);
}

/** Its conntrack entries. */
export function conntrackCount(index: i32): u32 {
	return load<u32>(netns(index), L.NETNS_CT_COUNT);
}

/** A conntrack timeout in nanoseconds, by TIMEOUT_ number. */
// @ts-ignore: decorator
@inline
export function timeoutNs(index: i32, timeout: i32): i64 {
	return <i64>load<u32>(netns(index) + <usize>(timeout << 2), L.NETNS_TIMEOUTS) * 1_000_000_000;
}

/** Do both track TCP windows, by the same settings and timeouts? */
export function tracksAlike(a: i32, b: i32): bool {
	const tracking = L.NS_TCP_WINDOWS | L.NS_TCP_BE_LIBERAL | L.NS_TCP_LOOSE;
	const differs = load<u32>(netns(a), L.NETNS_FLAGS) ^ load<u32>(netns(b), L.NETNS_FLAGS);
	if ((differs & tracking) != 0 || !netnsHas(a, L.NS_TCP_WINDOWS)) return false;
	return memory.compare(netns(a) + L.NETNS_TIMEOUTS, netns(b) + L.NETNS_TIMEOUTS, L.TIMEOUT_COUNT * 4) == 0;
}

/** net.netfilter.nf_conntrack_icmpv6_timeout. */
export function timeoutIcmp6Ns(index: i32): i64 {
	return <i64>load<u32>(netns(index), L.NETNS_TIMEOUT_ICMPV6) * 1_000_000_000;
}

/** Is `ip` a local address of this netns on any device? 127.0.0.0/8 and ::1 are local everywhere. */
export function isLocal(index: i32, ip: u32): bool {
	if (is6(ip) ? isLoopback6(ip) : ip >>> 24 == 127) return true;
	return hasAddress(index, ip, -1);
}

/** Does a netns have an address, of either family, on `dev`, or on any device where that is -1? */
export function hasAddress(index: i32, ip: u32, dev: i32): bool {
	const own = netns(index) + (is6(ip) ? L.NETNS_ADDRESS6_FIRST : L.NETNS_ADDRESS_FIRST);
	const first = load<u32>(own);
	const count = load<u32>(own, L.NETNS_ADDRESS_COUNT - L.NETNS_ADDRESS_FIRST);
	let at = base(L.TABLE_ADDRESS) + <usize>(first * L.ADDRESS_STRIDE);
	for (let i: u32 = 0; i < count; i++, at += L.ADDRESS_STRIDE) {
		if (load<u32>(at, L.ADDRESS_IP) == ip && (dev < 0 || load<i32>(at, L.ADDRESS_DEVICE) == dev)) return true;
	}
	return false;
}

/** net.ipv4.ip_default_ttl, net.ipv6.conf.all.hop_limit. */
export function defaultTtl(index: i32, family: u8 = 4): u8 {
	return <u8>load<u32>(netns(index) + (family == 6 ? L.NETNS_HOP_LIMIT : L.NETNS_TTL));
}

/** net.ipv4.icmp_ratelimit, ms; 0: none. */
export function icmpRateLimit(index: i32): u32 {
	return load<u32>(netns(index), L.NETNS_ICMP_RATELIMIT);
}

/** Is an ICMP type one of net.ipv4.icmp_ratemask? */
export function icmpRateLimited(index: i32, type: i32): bool {
	return ((load<u32>(netns(index), L.NETNS_ICMP_RATEMASK) >> type) & 1) != 0;
}

/** net.ipv6.icmp.ratelimit, ms; 0: none. Its ratemask has every error but packet-too-big, the kernel's default. */
export function icmp6RateLimit(index: i32): u32 {
	return load<u32>(netns(index), L.NETNS_ICMP6_RATELIMIT);
}

/** NS_KIND_*. */
export function netnsKind(index: i32): u32 {
	return load<u32>(netns(index), L.NETNS_KIND);
}

/** lo; the other devices of the netns follow it (`nextDevice`). */
export function firstDevice(index: i32): i32 {
	return load<i32>(netns(index), L.NETNS_DEVICE_FIRST);
}

/** The first tunnel device of a netns; -1: it has none. */
export function firstTunnel(index: i32): i32 {
	return load<i32>(netns(index), L.NETNS_TUNNEL) - 1;
}
