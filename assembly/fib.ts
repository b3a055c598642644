// Routing decisions (net/ipv4/fib_trie.c, fib_frontend.c, route.c): longest prefix match, multipath, source address
// selection, source validation (rp_filter, martians), address types. The tables are built in `compile/fib`.
// Not modelled: policy rules by mark or source, TOS routes, route exceptions learned from ICMP redirects.

import { is6 } from "./address6";
import { row } from "./arena";
import { device, deviceHas } from "./device";
import { addressType6, lookupRoute6, preferredSource6, selectAddress6, sourceFor6 } from "./fib6";
import { match } from "./lpm";
import { selectNexthop } from "./multipath";
import { firstDevice, isLocal, netns } from "./netns";
import { Packet } from "./packet";
import * as L from "./layout";

/** A route row, or one of ROUTE_NONE, ROUTE_BROADCAST, ROUTE_LOCAL - address row. */
// @ts-ignore: decorator
@inline
export function fibLookup(index: i32, dst: u32): i32 {
	const ns = netns(index);
	const answer = match(load<i32>(ns, L.NETNS_FIB_FORM), <usize>load<u32>(ns, L.NETNS_FIB), dst);
	const routes = load<u32>(ns, L.NETNS_ROUTE_COUNT);
	return answer < routes ? <i32>(load<u32>(ns, L.NETNS_ROUTE_FIRST) + answer) : marker(ns, answer - routes);
}

// 0: no route, 1: broadcast, from 2 on: local addresses; without a FIB there is no route.
function marker(ns: usize, number: u32): i32 {
	if (load<u32>(ns, L.NETNS_FIB_FORM) == L.FIB_ABSENT) return L.ROUTE_NONE;
	if (number < 2) return number == 0 ? L.ROUTE_NONE : L.ROUTE_BROADCAST;
	return L.ROUTE_LOCAL - <i32>(load<u32>(ns, L.NETNS_ADDRESS_FIRST) + number - 2);
}

// @ts-ignore: decorator
@inline
export function isBroadcast(route: i32): bool {
	return route == L.ROUTE_BROADCAST;
}
// @ts-ignore: decorator
@inline
export function isLocalRoute(route: i32): bool {
	return route < L.ROUTE_NONE && route > L.ROUTE_BROADCAST;
}
// @ts-ignore: decorator
@inline
function addressOf(route: i32): usize {
	return row(L.TABLE_ADDRESS, L.ROUTE_LOCAL - route, L.ADDRESS_STRIDE);
}

/** Fills in p's route for its destination: rtType, oif, gateway, rtFlags. RTN_UNSPEC: no route. */
export function lookupRoute(p: Packet, output: bool): i32 {
	if (p.family == 6) return lookupRoute6(p, output);
	const route = fibLookup(p.netns, p.dst);
	p.gateway = 0;
	p.rtFlags = <u8>(output ? L.RT_OUTPUT : 0);
	if (route == L.ROUTE_NONE) {
		p.rtType = <u8>L.RTN_UNSPEC;
		p.oif = -1;
		return L.RTN_UNSPEC;
	}
	if (isBroadcast(route)) {
		p.rtType = <u8>L.RTN_BROADCAST;
		p.oif = -1;
		return L.RTN_BROADCAST;
	}
	if (isLocalRoute(route)) return localRoute(p);
	const at = row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE);
	p.rtType = <u8>load<u32>(at, L.ROUTE_TYPE);
	if (p.rtType != L.RTN_UNICAST) {
		p.oif = -1;
		return p.rtType;
	}
	p.oif = load<i32>(at, L.ROUTE_DEVICE);
	p.gateway = load<u32>(at, L.ROUTE_VIA);
	if (load<u32>(at, L.ROUTE_NEXTHOP_COUNT) > 0) selectNexthop(p, at);
	return L.RTN_UNICAST;
}

/** fib_result_prefsrc: the source for a packet that has none, once lookupRoute has found it a unicast or local route. */
export function preferredSource(p: Packet): u32 {
	if (p.family == 6) return preferredSource6(p);
	const route = fibLookup(p.netns, p.dst);
	if (isLocalRoute(route)) return load<u32>(addressOf(route), L.ADDRESS_IP);
	const prefsrc = load<u32>(row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE), L.ROUTE_PREFSRC);
	return prefsrc != 0 ? prefsrc : selectAddress(p.oif, p.gateway != 0 ? p.gateway : p.dst, 4);
}

/** ip_route_me_harder: a hook changed what routing looks at. False: the packet cannot leave; p.reason says why. */
export function reroute(p: Packet): bool {
	const type = lookupRoute(p, true);
	if (type != L.RTN_UNICAST && type != L.RTN_LOCAL) {
		p.reason = <u8>L.REASON_NO_ROUTE;
		return false;
	}
	if (p.family == 4 && type == L.RTN_UNICAST && p.src >>> 24 == 127 && !deviceHas(p.oif, L.DEV_ROUTE_LOCALNET)) {
		p.reason = <u8>L.REASON_MARTIAN;
		return false;
	}
	return true;
}

function localRoute(p: Packet): i32 {
	p.rtType = <u8>L.RTN_LOCAL;
	p.rtFlags |= <u8>L.RT_LOCAL;
	// A packet that came in has no outgoing interface at INPUT; one that is sent leaves by lo.
	p.oif = (p.rtFlags & (<u8>L.RT_OUTPUT)) != 0 ? firstDevice(p.netns) : -1;
	return L.RTN_LOCAL;
}

/** inet_select_addr: the device's address whose subnet holds `near`, else its first, else another device's. IPv6: by RFC 6724. */
export function selectAddress(dev: i32, near: u32, family: u8 = 4): u32 {
	if (family == 6) return selectAddress6(dev, near);
	const at = device(dev);
	const own = load<u32>(at, L.DEVICE_ADDRESS);
	const ns = load<i32>(at, L.DEVICE_NETNS);
	const first = load<u32>(netns(ns), L.NETNS_ADDRESS_FIRST);
	const count = load<u32>(netns(ns), L.NETNS_ADDRESS_COUNT);
	let fallback: u32 = 0;
	for (let i: u32 = 0; i < count; i++) {
		const address = row(L.TABLE_ADDRESS, first + i, L.ADDRESS_STRIDE);
		const ip = load<u32>(address, L.ADDRESS_IP);
		if (load<i32>(address, L.ADDRESS_DEVICE) == dev) {
			const length = load<u32>(address, L.ADDRESS_PREFIX);
			const mask = length == 0 ? 0 : (<u32>0xffffffff) << (32 - length);
			if (length > 0 && ((ip ^ near) & mask) == 0) return ip;
		} else if (fallback == 0 && load<u32>(address, L.ADDRESS_SCOPE) == 0) {
			fallback = ip;
		}
	}
	return own != 0 ? own : fallback;
}

/** fib_validate_source: false where the source is a martian, or the reverse path fails. Sets p.reason. IPv6 has no such check. */
export function validateSource(p: Packet, dev: i32): bool {
	if (p.family == 6) return true;
	const route = fibLookup(p.netns, p.src);
	if (isLocalRoute(route) || isBroadcast(route)) {
		p.reason = <u8>L.REASON_MARTIAN;
		return false;
	}
	const mode = load<u32>(device(dev), L.DEVICE_RP_FILTER);
	if (mode == 0) return true;
	let valid = false;
	if (route != L.ROUTE_NONE) {
		const at = row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE);
		const unicast = load<u32>(at, L.ROUTE_TYPE) == L.RTN_UNICAST;
		valid = unicast && (mode == 2 || leadsTo(at, dev));
	}
	if (!valid) p.reason = <u8>L.REASON_RP_FILTER;
	return valid;
}

/** __mkroute_input: is the sender a neighbour on the device that the packet came in by? Then a redirect may be due; of IPv6 none is sent. */
export function sourceOnLink(p: Packet): bool {
	if (p.family == 6) return false;
	const route = fibLookup(p.netns, p.src);
	if (route < 0) return false;
	const at = row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE);
	return load<u32>(at, L.ROUTE_VIA) == 0 && load<i32>(at, L.ROUTE_DEVICE) == p.iif;
}

function leadsTo(route: usize, dev: i32): bool {
	const count = load<u32>(route, L.ROUTE_NEXTHOP_COUNT);
	if (count == 0) return load<i32>(route, L.ROUTE_DEVICE) == dev;
	const first = load<u32>(route, L.ROUTE_NEXTHOP_FIRST);
	for (let i: u32 = 0; i < count; i++) {
		if (load<i32>(row(L.TABLE_NEXTHOP, first + i, L.NEXTHOP_STRIDE), L.NEXTHOP_DEVICE) == dev) return true;
	}
	return false;
}

/** Loopback addresses on the wire, without route_localnet (ip_route_input_slow). IPv6's are refused before any hook. */
export function isMartian(p: Packet, dev: i32): bool {
	if (p.family == 6) return false;
	if (p.src >>> 28 == 14 || p.src == 0xffffffff || p.src >>> 24 == 0) return true;
	if (deviceHas(dev, L.DEV_ROUTE_LOCALNET)) return false;
	return p.dst >>> 24 == 127 || p.src >>> 24 == 127;
}

/** inet_addr_type of an address in a netns; with `dev` >= 0 only that device's addresses are local (limit-iface). */
export function addressType(index: i32, ip: u32, dev: i32, family: u8 = 4): i32 {
	if (family == 6) return addressType6(index, ip);
	if (ip >>> 28 == 14) return L.RTN_MULTICAST;
	if (ip == 0xffffffff || ip == 0) return L.RTN_BROADCAST;
	const route = fibLookup(index, ip);
	if (isBroadcast(route)) return L.RTN_BROADCAST;
	if (isLocalRoute(route) || (ip >>> 24 == 127 && isLocal(index, ip))) {
		if (dev >= 0 && isLocalRoute(route) && load<i32>(addressOf(route), L.ADDRESS_DEVICE) != dev) return L.RTN_UNICAST;
		return L.RTN_LOCAL;
	}
	return L.RTN_UNICAST;
}

/** Source address that a socket gets for a destination: the route's preferred one; 0 where there is no route. */
export function sourceFor(index: i32, dst: u32): u32 {
	if (is6(dst)) return sourceFor6(index, dst);
	const route = fibLookup(index, dst);
	if (route == L.ROUTE_NONE || isBroadcast(route)) return 0;
	if (isLocalRoute(route)) return dst >>> 24 == 127 ? 0x7f000001 : load<u32>(addressOf(route), L.ADDRESS_IP);
	const at = row(L.TABLE_ROUTE, route, L.ROUTE_STRIDE);
	if (load<u32>(at, L.ROUTE_TYPE) != L.RTN_UNICAST) return 0;
	const prefsrc = load<u32>(at, L.ROUTE_PREFSRC);
	if (prefsrc != 0) return prefsrc;
	let dev = load<i32>(at, L.ROUTE_DEVICE);
	let via = load<u32>(at, L.ROUTE_VIA);
	if (load<u32>(at, L.ROUTE_NEXTHOP_COUNT) > 0) {
		const hop = row(L.TABLE_NEXTHOP, load<u32>(at, L.ROUTE_NEXTHOP_FIRST), L.NEXTHOP_STRIDE);
		dev = load<i32>(hop, L.NEXTHOP_DEVICE);
		via = load<u32>(hop, L.NEXTHOP_VIA);
	}
	return selectAddress(dev, via != 0 ? via : dst, 4);
}
