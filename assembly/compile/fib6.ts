// Builds the IPv6 FIB of a netns: its routes, the anycast addresses of a router's own subnets, its addresses. Addresses lie on
// top of routes of the same prefix, anycast addresses between (net/ipv6/addrconf.c, addrconf_join_anycast). Of equal prefixes
// the later row wins: the host writes the best metric last.

import { row } from "../arena";
import { hi6, lo6, maskHi, maskLo } from "../address6";
import { netns, netnsHas } from "../netns";
import { form6, offset6 } from "./lpm6";
import { buildPrefixes6, prefixes6Reset, putPrefix6 } from "./prefix6";
import { place } from "./space";
import * as L from "../layout";

/** Builds it; placeFib6 has to follow. False: the scratch space is too small, or memory is at its maximum. */
export function buildFib6(index: i32): bool {
	const ns = netns(index);
	const routes = load<u32>(ns, L.NETNS_ROUTE6_COUNT);
	const addresses = load<u32>(ns, L.NETNS_ADDRESS6_COUNT);
	store<i32>(ns, L.FIB6_ABSENT, L.NETNS_FIB6_FORM);
	if (routes + addresses == 0) return true;
	if (!prefixes6Reset(routes + addresses * 2)) return false;
	putRoutes(ns, routes);
	if (netnsHas(index, L.NS_IP6_FORWARD)) putAnycast(ns, addresses, routes + 1);
	putAddresses(ns, addresses, routes + 2);
	if (!buildPrefixes6(routes, routes + 2 + addresses)) return false;
	store<u32>(ns, offset6, L.NETNS_FIB6);
	store<i32>(ns, form6, L.NETNS_FIB6_FORM);
	return true;
}

/** Once the table will move no more: what a netns has at an offset has an address. */
export function placeFib6(ns: usize): void {
	store<u32>(ns, <u32>place(load<u32>(ns, L.NETNS_FIB6)), L.NETNS_FIB6);
}

function putRoutes(ns: usize, count: u32): void {
	const first = load<u32>(ns, L.NETNS_ROUTE6_FIRST);
	for (let i: u32 = 0; i < count; i++) {
		const at = row(L.TABLE_ROUTE, first + i, L.ROUTE_STRIDE);
		const prefix = load<u32>(at, L.ROUTE_PREFIX);
		putPrefix6(hi6(prefix), lo6(prefix), load<u32>(at, L.ROUTE_LENGTH), i);
	}
}

function putAnycast(ns: usize, count: u32, answer: u32): void {
	for (let i: u32 = 0; i < count; i++) {
		const at = addressAt(ns, i);
		const ip = load<u32>(at, L.ADDRESS_IP);
		const length = load<u32>(at, L.ADDRESS_PREFIX);
		if (length < 127) putPrefix6(hi6(ip) & maskHi(length), lo6(ip) & maskLo(length), 128, answer);
	}
}

function putAddresses(ns: usize, count: u32, firstAnswer: u32): void {
	for (let i: u32 = 0; i < count; i++) {
		const ip = load<u32>(addressAt(ns, i), L.ADDRESS_IP);
		putPrefix6(hi6(ip), lo6(ip), 128, firstAnswer + i);
	}
}

// @ts-ignore: decorator
@inline
function addressAt(ns: usize, i: u32): usize {
	return row(L.TABLE_ADDRESS, load<u32>(ns, L.NETNS_ADDRESS6_FIRST) + i, L.ADDRESS_STRIDE);
}
