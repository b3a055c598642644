// Builds the IPv6 FIB: every prefix of every netns in one hash, and per netns which lengths are in use. A look-up asks from
// the longest to the shortest. Local addresses lie on top of routes, anycast addresses of subnets beneath
// (net/ipv6/addrconf.c, addrconf_join_anycast). Of equal prefixes the later row wins: the host writes the best metric last.

import { base, capacity, row } from "../arena";
import { hi6, lo6, maskHi, maskLo } from "../address6";
import { FIB6_ANYCAST, FIB_LOCAL, fib6Slot } from "../fib6";
import { netns, netnsHas } from "../netns";
import * as L from "../layout";

/** Forgets every prefix of every netns. */
export function fib6Reset(): void {
	memory.fill(base(L.TABLE_FIB6), 0, <usize>capacity(L.TABLE_FIB6) * L.FIB6_STRIDE);
}

/** Enters the routes and addresses of one netns. False: TABLE_FIB6 is too small. */
export function buildFib6(index: i32): bool {
	const ns = netns(index);
	store<u64>(ns, 0, L.NETNS_FIB6_LENGTHS);
	store<u64>(ns, 0, L.NETNS_FIB6_LENGTHS + 8);
	store<u32>(ns, 0, L.NETNS_FIB6_DEFAULT);
	return addRoutes(index, ns) && addAddresses(index, ns);
}

function addRoutes(index: i32, ns: usize): bool {
	const first = load<u32>(ns, L.NETNS_ROUTE6_FIRST);
	const count = load<u32>(ns, L.NETNS_ROUTE6_COUNT);
	for (let i: u32 = first; i < first + count; i++) {
		const at = row(L.TABLE_ROUTE, i, L.ROUTE_STRIDE);
		const prefix = load<u32>(at, L.ROUTE_PREFIX);
		if (!add(index, ns, hi6(prefix), lo6(prefix), load<u32>(at, L.ROUTE_LENGTH), <i32>i)) return false;
	}
	return true;
}

function addAddresses(index: i32, ns: usize): bool {
	const first = load<u32>(ns, L.NETNS_ADDRESS6_FIRST);
	const count = load<u32>(ns, L.NETNS_ADDRESS6_COUNT);
	const routes = netnsHas(index, L.NS_IP6_FORWARD);
	for (let i: u32 = first; routes && i < first + count; i++) {
		const at = row(L.TABLE_ADDRESS, i, L.ADDRESS_STRIDE);
		const ip = load<u32>(at, L.ADDRESS_IP);
		const length = load<u32>(at, L.ADDRESS_PREFIX);
		if (length >= 127) continue;
		if (!add(index, ns, hi6(ip) & maskHi(length), lo6(ip) & maskLo(length), 128, FIB6_ANYCAST)) return false;
	}
	for (let i: u32 = first; i < first + count; i++) {
		const ip = load<u32>(row(L.TABLE_ADDRESS, i, L.ADDRESS_STRIDE), L.ADDRESS_IP);
		if (!add(index, ns, hi6(ip), lo6(ip), 128, FIB_LOCAL - <i32>i)) return false;
	}
	return true;
}

function add(index: i32, ns: usize, hi: u64, lo: u64, length: u32, value: i32): bool {
	if (length == 0) {
		store<u32>(ns, <u32>value + 1, L.NETNS_FIB6_DEFAULT);
		return true;
	}
	const slot = fib6Slot(index, hi, lo, length);
	if (slot == 0) return false;
	store<u64>(slot, hi, L.FIB6_HI);
	store<u64>(slot, lo, L.FIB6_LO);
	store<u32>(slot, (((<u32>index) << 8) | length) + 1, L.FIB6_KEY);
	store<i32>(slot, value, L.FIB6_ROUTE);
	const word = ns + L.NETNS_FIB6_LENGTHS + (length > 64 ? 8 : 0);
	store<u64>(word, load<u64>(word) | ((<u64>1) << ((length - 1) & 63)));
	return true;
}
