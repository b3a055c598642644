// Routing decisions of IPv6 (net/ipv6/route.c, addrconf.c, ip6_fib.c): longest prefix match, source address selection
// (RFC 6724), what a source or destination may be, address types (net/netfilter/xt_addrtype.c). Tables are built in
// `compile/fib6`. Not modelled: link-local and multicast destinations, ECMP by flow label, policy rules, exceptions.

import { row } from "./arena";
import { hi6, isLinkLocal6, isLoopback6, isMulticast6, lo6, shared6 } from "./address6";
import { deviceNetns } from "./device";
import { match6 } from "./lpm6";
import { selectNexthop } from "./multipath";
import { firstDevice, netns } from "./netns";
import { Packet } from "./packet";
import * as L from "./layout";

export const FIB6_NONE: i32 = -1;
/** FIB_LOCAL - row of TABLE_ADDRESS: an address of the netns. */
const FIB_LOCAL: i32 = -2;
/** ::1, which every netns has on lo without a row. */
export const FIB6_LOOPBACK: i32 = -0x40000001;
/** The subnet-router anycast address of a router's own subnet (RFC 4291 2.6.1). */
const FIB6_ANYCAST: i32 = -0x40000000;

/** A route row, FIB6_NONE, or a local or anycast marker below it, for the address hi, lo. */
export function fib6Lookup(index: i32, hi: u64, lo: u64): i32 {
	const ns = netns(index);
	const form = load<i32>(ns, L.NETNS_FIB6_FORM);
	if (form == L.FIB6_ABSENT) return FIB6_NONE;
	const answer = match6(form, <usize>load<u32>(ns, L.NETNS_FIB6), hi, lo);
	const routes = load<u32>(ns, L.NETNS_ROUTE6_COUNT);
	if (answer < routes) return <i32>(load<u32>(ns, L.NETNS_ROUTE6_FIRST) + answer);
	const number = answer - routes;
	if (number < 2) return number == 0 ? FIB6_NONE : FIB6_ANYCAST;
	return FIB_LOCAL - <i32>(load<u32>(ns, L.NETNS_ADDRESS6_FIRST) + number - 2);
}

/** As fib6Lookup, for an interned address. */
export function lookup6(index: i32, ip: u32): i32 {
	if (isLoopback6(ip)) return FIB6_LOOPBACK;
	return fib6Lookup(index, hi6(ip), lo6(ip));
}

// The device of the address behind a local marker.
function deviceOf(index: i32, route: i32): i32 {
	if (route == FIB6_LOOPBACK) return firstDevice(index);
	return load<i32>(row(L.TABLE_ADDRESS, FIB_LOCAL - route, L.ADDRESS_STRIDE), L.ADDRESS_DEVICE);
}

// @ts-ignore: decorator
@inline
export function isLocal6(route: i32): bool {
	return route <= FIB_LOCAL && route != FIB6_ANYCAST;
}

/** Fills in p's route for its destination: rtType, oif, gateway, rtFlags. RTN_UNSPEC: no route. */
export function lookupRoute6(p: Packet, output: bool): i32 {
	p.gateway = 0;
	p.oif = -1;
	p.rtFlags = <u8>(output ? L.RT_OUTPUT : 0);
	if (isMulticast6(p.dst)) return typed(p, L.RTN_MULTICAST);
	const route = lookup6(p.netns, p.dst);
	if (route == FIB6_NONE) return typed(p, L.RTN_UNSPEC);
	if (route <= FIB_LOCAL) {
		p.rtFlags |= <u8>L.RT_LOCAL;
		// A packet that is sent to an address of its own netns leaves by lo.
		if (output) p.oif = firstDevice(p.netns);
		return typed(p, L.RTN_LOCAL);
	}
	const at = row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE);
	if (load<u32>(at, L.ROUTE_TYPE) != L.RTN_UNICAST) return typed(p, load<u32>(at, L.ROUTE_TYPE));
	p.oif = load<i32>(at, L.ROUTE_DEVICE);
	p.gateway = load<u32>(at, L.ROUTE_VIA);
	if (load<u32>(at, L.ROUTE_NEXTHOP_COUNT) > 0) selectNexthop(p, at);
	return typed(p, L.RTN_UNICAST);
}

/** ip6_route_get_saddr: the source for a packet that has none, once lookupRoute6 has found it a unicast or local route. */
export function preferredSource6(p: Packet): u32 {
	const route = lookup6(p.netns, p.dst);
	if (isLocal6(route)) return p.dst;
	const prefsrc = route < 0 ? 0 : load<u32>(row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE), L.ROUTE_PREFSRC);
	return prefsrc != 0 ? prefsrc : selectAddress6(p.oif, p.dst);
}

function typed(p: Packet, type: i32): i32 {
	p.rtType = <u8>type;
	return type;
}

/** ip6_rcv_core: what no device but lo may bring: loopback addresses, and a multicast source. */
export function isMartian6(p: Packet): bool {
	return isMulticast6(p.src) || isLoopback6(p.src) || isLoopback6(p.dst);
}

/** Does the route to an address name a source (icmpv6_rt_has_prefsrc)? */
export function prefersSource6(index: i32, ip: u32): bool {
	const route = lookup6(index, ip);
	return route >= 0 && load<u32>(row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE), L.ROUTE_PREFSRC) != 0;
}

/** Length of the prefix of the route to an address: 0 … 128. */
export function routeLength6(index: i32, ip: u32): u32 {
	const route = lookup6(index, ip);
	if (route <= FIB_LOCAL) return 128;
	return route == FIB6_NONE ? 0 : load<u32>(row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE), L.ROUTE_LENGTH);
}

/** RTN_LOCAL for an address of the netns, RTN_ANYCAST, RTN_MULTICAST, else RTN_UNICAST. */
export function addressType6(index: i32, ip: u32): i32 {
	if (isMulticast6(ip)) return L.RTN_MULTICAST;
	const route = lookup6(index, ip);
	if (route == FIB6_ANYCAST) return L.RTN_ANYCAST;
	return route <= FIB_LOCAL ? L.RTN_LOCAL : L.RTN_UNICAST;
}

/** xt_addrtype's match_type6: is the address of the types whose bits (1 << RTN_*) are set? `dev` >= 0: LOCAL means there. */
export function hasType6(index: i32, ip: u32, types: u32, dev: i32): bool {
	if (types & bit(L.RTN_MULTICAST) && !isMulticast6(ip)) return false;
	if (types & bit(L.RTN_UNICAST) && (ip == 0 || isMulticast6(ip))) return false;
	if (types & bit(L.RTN_UNSPEC) && ip != 0) return false;
	const asked = types & (bit(L.RTN_ANYCAST) | bit(L.RTN_LOCAL) | bit(L.RTN_UNREACHABLE));
	return asked == 0 || (asked & routedType(index, ip, dev)) != 0;
}

// @ts-ignore: decorator
@inline
function bit(type: i32): u32 {
	return (<u32>1) << type;
}

function routedType(index: i32, ip: u32, dev: i32): u32 {
	const route = lookup6(index, ip);
	if (route == FIB6_NONE) return bit(L.RTN_UNREACHABLE);
	if (route == FIB6_ANYCAST) return bit(L.RTN_LOCAL) | bit(L.RTN_ANYCAST);
	if (route <= FIB_LOCAL) {
		return dev < 0 || deviceOf(index, route) == dev ? bit(L.RTN_LOCAL) : 0;
	}
	return load<u32>(row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE), L.ROUTE_TYPE) == L.RTN_UNICAST
		? 0
		: bit(L.RTN_UNREACHABLE);
}

/** Source address that a socket gets for a destination; 0 where there is no route. */
export function sourceFor6(index: i32, dst: u32): u32 {
	const route = lookup6(index, dst);
	if (route == FIB6_NONE || isMulticast6(dst)) return 0;
	if (isLocal6(route)) return dst;
	if (route == FIB6_ANYCAST) return selectAddress6(firstDevice(index), dst);
	const at = row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE);
	if (load<u32>(at, L.ROUTE_TYPE) != L.RTN_UNICAST) return 0;
	const prefsrc = load<u32>(at, L.ROUTE_PREFSRC);
	if (prefsrc != 0) return prefsrc;
	const hops = load<u32>(at, L.ROUTE_NEXTHOP_COUNT);
	const hop = row(L.TABLE_NEXTHOP, load<u32>(at, L.ROUTE_NEXTHOP_FIRST), L.NEXTHOP_STRIDE);
	return selectAddress6(hops > 0 ? load<i32>(hop, L.NEXTHOP_DEVICE) : load<i32>(at, L.ROUTE_DEVICE), dst);
}

/**
 * ipv6_dev_get_saddr: of the netns's addresses the best towards `dst` by RFC 6724 section 5, rules 1 (the same address),
 * 2 (scope), 5 (the outgoing device's), 6 (label), 8 (longest shared prefix); of equals the first. No address here is
 * deprecated, temporary or a home address. 0: there is none.
 */
export function selectAddress6(dev: i32, dst: u32): u32 {
	const ns = netns(deviceNetns(dev));
	const first = load<u32>(ns, L.NETNS_ADDRESS6_FIRST);
	const count = load<u32>(ns, L.NETNS_ADDRESS6_COUNT);
	let best: u32 = 0;
	let bestScore = -1;
	for (let i: u32 = first; i < first + count; i++) {
		const at = row(L.TABLE_ADDRESS, i, L.ADDRESS_STRIDE);
		const ip = load<u32>(at, L.ADDRESS_IP);
		const score = scoreOf(ip, dst, load<i32>(at, L.ADDRESS_DEVICE) == dev, load<u32>(at, L.ADDRESS_PREFIX));
		if (score > bestScore) {
			best = ip;
			bestScore = score;
		}
	}
	return best;
}

/** The first address of a device; 0: it has none. */
export function firstAddress6(dev: i32): u32 {
	const ns = netns(deviceNetns(dev));
	const first = load<u32>(ns, L.NETNS_ADDRESS6_FIRST);
	const count = load<u32>(ns, L.NETNS_ADDRESS6_COUNT);
	for (let i: u32 = first; i < first + count; i++) {
		const at = row(L.TABLE_ADDRESS, i, L.ADDRESS_STRIDE);
		if (load<i32>(at, L.ADDRESS_DEVICE) == dev) return load<u32>(at, L.ADDRESS_IP);
	}
	return 0;
}

// The rules as digits of one number, the first rule's the highest.
function scoreOf(ip: u32, dst: u32, onDevice: bool, length: u32): i32 {
	const own = scopeOf(ip);
	const wanted = scopeOf(dst);
	// The smallest scope that suffices; below that the larger the better.
	const scope = own >= wanted ? 31 - own : own - wanted + 15;
	const shared = min<i32>(shared6(ip, dst), <i32>length);
	return (
		((<i32>(ip == dst)) << 16) |
		(scope << 10) |
		((<i32>onDevice) << 9) |
		((<i32>(labelOf(ip) == labelOf(dst))) << 8) |
		shared
	);
}

// RFC 4007: interface-local 1, link-local 2, global 14 (ipv6_addr_scope's order).
function scopeOf(ip: u32): i32 {
	if (isMulticast6(ip)) return <i32>((hi6(ip) >> 48) & 15);
	if (isLinkLocal6(ip) || isLoopback6(ip)) return 2;
	return 14;
}

// net/ipv6/addrlabel.c, the default table.
function labelOf(ip: u32): i32 {
	const hi = hi6(ip);
	const lo = lo6(ip);
	if (hi == 0) {
		if (lo == 1) return 0;
		if (lo >> 32 == 0xffff) return 4;
		return lo >> 32 == 0 ? 3 : 1;
	}
	if (hi >> 48 == 0x2002) return 2;
	if (hi >> 57 == 0x7e) return 5;
	if (hi >> 32 == 0x20010000) return 6;
	if (hi >> 36 == 0x2001001) return 7;
	if (hi >> 54 == 0x3fb) return 11;
	return hi >> 48 == 0x3ffe ? 12 : 1;
}
