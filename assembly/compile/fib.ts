// Builds a netns's FIB: its routes and local addresses, a laminar family of prefixes, flattened into disjoint intervals
// sorted by start. A look-up is then one binary search. Local addresses lie on top of routes of the same prefix, as the
// local table is asked before main (ip-rule(8)). Of equal prefixes the later row wins: the host writes the best metric last.

import { base, capacity, row } from "../arena";
import { netns } from "../netns";
import { sort } from "./sort";
import * as L from "../layout";

let used: u32 = 0;

// What an interval leads to when it is not a route: FIB_LOCAL - address row.
const FIB_LOCAL: i32 = -2;
const FIB_BROADCAST: i32 = -0x40000000;

export function fibReset(): void {
	used = 0;
}

/** Builds the intervals of one netns. Returns false where TABLE_INTERVAL or the scratch space is too small. */
export function buildFib(index: i32): bool {
	const ns = netns(index);
	const routes = load<u32>(ns, L.NETNS_ROUTE_COUNT);
	const routeFirst = load<u32>(ns, L.NETNS_ROUTE_FIRST);
	const addresses = load<u32>(ns, L.NETNS_ADDRESS_COUNT);
	const addressFirst = load<u32>(ns, L.NETNS_ADDRESS_FIRST);
	const prefixes = routes + addresses * 3;
	// Scratch: a key a prefix, then a stack of (end, value) a prefix.
	const keys = base(L.TABLE_SCRATCH);
	const stack = keys + <usize>(prefixes << 3);
	if (prefixes * 16 + 64 > capacity(L.TABLE_SCRATCH)) return false;
	if (used + prefixes * 2 + 2 > capacity(L.TABLE_INTERVAL)) return false;

	for (let i: u32 = 0; i < routes; i++) {
		const at = row(L.TABLE_ROUTE, routeFirst + i, L.ROUTE_STRIDE);
		putKey(keys, i, load<u32>(at, L.ROUTE_PREFIX), load<u32>(at, L.ROUTE_LENGTH));
	}
	for (let i: u32 = 0; i < addresses; i++) {
		const at = row(L.TABLE_ADDRESS, addressFirst + i, L.ADDRESS_STRIDE);
		const ip = load<u32>(at, L.ADDRESS_IP);
		const length = load<u32>(at, L.ADDRESS_PREFIX);
		const loopback = ip >>> 24 == 127;
		const mask = maskOf(length);
		putKey(keys, routes + i * 3, loopback ? ip & mask : ip, loopback ? length : 32);
		// The two broadcast addresses of the subnet; a /31 or /32 has none, and they repeat the address itself there.
		const broadcast = !loopback && length < 31;
		putKey(keys, routes + i * 3 + 1, broadcast ? ip & mask : ip, 32);
		putKey(keys, routes + i * 3 + 2, broadcast ? ip | ~mask : ip, 32);
	}
	sort(keys, prefixes);

	const first = used;
	let depth: u32 = 0;
	emit(first, 0, -1);
	for (let i: u32 = 0; i < prefixes; i++) {
		const key = load<u64>(keys + ((<usize>i) << 3));
		const start = <u32>(key >> 32);
		const length = (<u32>(key >> 26)) & 63;
		const order = (<u32>key) & 0x3ffffff;
		depth = close(stack, depth, first, start);
		const value = valueOf(order, routes, routeFirst, addressFirst);
		store<u32>(stack + ((<usize>depth) << 3), start | ~maskOf(length));
		store<i32>(stack + ((<usize>depth) << 3), value, 4);
		depth++;
		emit(first, start, value);
	}
	while (depth > 0) depth = pop(stack, depth, first);
	store<u32>(ns, first, L.NETNS_FIB_FIRST);
	store<u32>(ns, used - first, L.NETNS_FIB_COUNT);
	return true;
}

export function maskOf(length: u32): u32 {
	return length == 0 ? 0 : (<u32>0xffffffff) << (32 - length);
}

function putKey(keys: usize, order: u32, start: u32, length: u32): void {
	store<u64>(keys + ((<usize>order) << 3), ((<u64>start) << 32) | ((<u64>length) << 26) | (<u64>order));
}

function valueOf(order: u32, routes: u32, routeFirst: u32, addressFirst: u32): i32 {
	if (order < routes) return <i32>(routeFirst + order);
	const i = order - routes;
	const address = addressFirst + i / 3;
	const at = row(L.TABLE_ADDRESS, address, L.ADDRESS_STRIDE);
	const plain = i % 3 == 0 || load<u32>(at, L.ADDRESS_PREFIX) >= 31 || load<u32>(at, L.ADDRESS_IP) >>> 24 == 127;
	return plain ? FIB_LOCAL - <i32>address : FIB_BROADCAST;
}

// Ends every open prefix that stops before `start`.
function close(stack: usize, depth: u32, first: u32, start: u32): u32 {
	while (depth > 0 && load<u32>(stack + ((<usize>(depth - 1)) << 3)) < start) depth = pop(stack, depth, first);
	return depth;
}

function pop(stack: usize, depth: u32, first: u32): u32 {
	const end = load<u32>(stack + ((<usize>(depth - 1)) << 3));
	depth--;
	if (end != 0xffffffff) {
		emit(first, end + 1, depth > 0 ? load<i32>(stack + ((<usize>(depth - 1)) << 3), 4) : -1);
	}
	return depth;
}

// Opens an interval at `start`; one that would be empty or repeats its neighbour is merged. `used` stays below the capacity checked above.
function emit(first: u32, start: u32, value: i32): void {
	if (used > first) {
		const last = row(L.TABLE_INTERVAL, used - 1, L.INTERVAL_STRIDE);
		if (load<u32>(last, L.INTERVAL_START) == start) {
			store<i32>(last, value, L.INTERVAL_ROUTE);
			return;
		}
		if (load<i32>(last, L.INTERVAL_ROUTE) == value) return;
	}
	const at = row(L.TABLE_INTERVAL, used, L.INTERVAL_STRIDE);
	store<u32>(at, start, L.INTERVAL_START);
	store<i32>(at, value, L.INTERVAL_ROUTE);
	used++;
}
