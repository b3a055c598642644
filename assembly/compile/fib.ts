// Builds a netns's FIB: its routes and local addresses, a laminar family of prefixes, flattened into disjoint intervals, from
// which `lpm` builds the form that answers look-ups. The local and the main table are one (fib_trie_unmerge: without rules of
// one's own), local addresses before routes of the same prefix. Of equal prefixes the later row wins: the host writes the best
// metric last.

import { base, capacity, row } from "../arena";
import { deviceKind } from "../device";
import { netns } from "../netns";
import { buildFib6, placeFib6 } from "./fib6";
import { buildLpm, placeLpm } from "./lpm";
import { sort } from "./sort";
import {
	blockLines,
	enterBlock,
	giveBlock,
	keepBlock,
	NONE,
	openBlock,
	roundedLines,
	spaceReset,
	takeBlock,
	takenLines,
} from "./space";
import { chooseWindow, commonLength, countLength, lengthsReset } from "./window";
import * as L from "../layout";

// Cells of a window a prefix: 4 bytes a route for a node, what a table like the Internet's needs for the one that has it.
const CELLS_NARROW: i64 = 2;
const CELLS_WIDE: i64 = 64;
// Keys of a local address, in this order: itself, its broadcast address, its subnet where that is local too.
const KEYS_ADDRESS: u32 = 3;
const BROADCAST: u32 = 1;
const SUBNET: u32 = 2;
// Prefixes that hold one another, of different lengths.
const DEPTH: u32 = 34;

let intervals: usize = 0;
let count: u32 = 0;

/** Builds the FIBs of both families of the first `netnsCount` netns. False: the scratch space is too small, or memory is at its maximum. */
export function buildFibs(netnsCount: i32): bool {
	spaceReset();
	for (let i = 0; i < netnsCount; i++) {
		const block = openBlock();
		if (!buildFib(i) || !buildFib6(i)) return false;
		const lines = blockLines();
		keepBlock(lines);
		note(i, block, lines);
	}
	for (let i = 0; i < netnsCount; i++) {
		placeLpm(netns(i));
		placeFib6(netns(i));
	}
	return true;
}

/** Builds the FIBs of one netns anew, of the first `netnsCount`. False as above; then it has none. */
export function rebuildFibs(index: i32, netnsCount: i32): bool {
	dropFibs(index);
	const before = base(L.TABLE_FIB);
	let block = openBlock();
	let built = buildFib(index) && buildFib6(index);
	if (base(L.TABLE_FIB) != before) moveFibs(index, netnsCount, base(L.TABLE_FIB) - before);
	let lines = blockLines();
	const known = built ? takeBlock(lines) : NONE;
	if (known != NONE) {
		block = known;
		lines = takenLines;
		enterBlock(block, lines);
		built = buildFib(index) && buildFib6(index);
	} else if (built) {
		lines = roundedLines(lines);
		keepBlock(lines);
	}
	if (built) {
		note(index, block, lines);
		placeLpm(netns(index));
		placeFib6(netns(index));
	} else dropFibs(index);
	openBlock();
	return built;
}

/** A netns has no FIBs any more. */
export function dropFibs(index: i32): void {
	const ns = netns(index);
	const lines = load<u32>(ns, L.NETNS_FIB_LINES);
	if (lines != 0) giveBlock(load<u32>(ns, L.NETNS_FIB_BLOCK), lines);
	store<u32>(ns, 0, L.NETNS_FIB_LINES);
	store<u32>(ns, L.FIB_ABSENT, L.NETNS_FIB_FORM);
	store<i32>(ns, L.FIB6_ABSENT, L.NETNS_FIB6_FORM);
}

function note(index: i32, block: u32, lines: u32): void {
	store<u32>(netns(index), block, L.NETNS_FIB_BLOCK);
	store<u32>(netns(index), lines, L.NETNS_FIB_LINES);
}

// The table has moved: so have the FIBs of all netns but the one that is being built.
function moveFibs(except: i32, netnsCount: i32, by: usize): void {
	for (let i = 0; i < netnsCount; i++) {
		if (i == except) continue;
		const ns = netns(i);
		store<u32>(ns, load<u32>(ns, L.NETNS_FIB) + <u32>by, L.NETNS_FIB);
		store<u32>(ns, load<u32>(ns, L.NETNS_FIB6) + <u32>by, L.NETNS_FIB6);
	}
}

function buildFib(index: i32): bool {
	const ns = netns(index);
	const routes = load<u32>(ns, L.NETNS_ROUTE_COUNT);
	const addresses = load<u32>(ns, L.NETNS_ADDRESS_COUNT);
	const most = routes + addresses * KEYS_ADDRESS;
	// Scratch: a key a prefix, the stack of open ones as (end, answer), then the intervals, at most two a prefix and one.
	if (most * 24 + DEPTH * 8 + 64 > capacity(L.TABLE_SCRATCH)) return false;
	const keys = base(L.TABLE_SCRATCH);
	putRoutes(keys, ns, routes);
	const prefixes = routes + putAddresses(keys + ((<usize>routes) << 3), ns, routes, addresses);
	const stack = keys + ((<usize>prefixes) << 3);
	sort(keys, prefixes);
	intervals = stack + <usize>(DEPTH * 8);
	const answers = routes + 2 + addresses;
	const shift = window(keys, prefixes, routes, answers);
	flatten(keys, prefixes, stack, ns);
	return buildLpm(ns, intervals, count, answers, shift);
}

// Chooses one, with the room of the intervals as scratch; log2 of the addresses of a cell.
function window(keys: usize, prefixes: u32, routes: u32, answers: u32): u32 {
	lengthsReset();
	for (let i: u32 = 0; i < prefixes; i++) {
		const key = keyAt(keys, i);
		if (((<u32>key) & 0x3ffffff) < routes) countLength((<u32>(key >> 26)) & 63);
	}
	const shift = 32 - commonLength(32);
	for (let i: u32 = 0; i < prefixes; i++) {
		store<u64>(intervals + ((<usize>i) << 3), (keyAt(keys, i) >> 32) >> shift);
	}
	chooseWindow(intervals, prefixes, answers > 0x8000 ? CELLS_WIDE : CELLS_NARROW);
	return shift;
}

function putRoutes(keys: usize, ns: usize, routes: u32): void {
	const first = load<u32>(ns, L.NETNS_ROUTE_FIRST);
	for (let i: u32 = 0; i < routes; i++) {
		const at = row(L.TABLE_ROUTE, first + i, L.ROUTE_STRIDE);
		putKey(keys, i, load<u32>(at, L.ROUTE_PREFIX), load<u32>(at, L.ROUTE_LENGTH), i);
	}
}

// How many there are: a /31 or /32 has no broadcast address (fib_add_ifaddr).
function putAddresses(keys: usize, ns: usize, routes: u32, addresses: u32): u32 {
	const first = load<u32>(ns, L.NETNS_ADDRESS_FIRST);
	let put: u32 = 0;
	for (let i: u32 = 0; i < addresses; i++) {
		const at = row(L.TABLE_ADDRESS, first + i, L.ADDRESS_STRIDE);
		const ip = load<u32>(at, L.ADDRESS_IP);
		const length = load<u32>(at, L.ADDRESS_PREFIX);
		const mask = maskOf(length);
		const own = routes + i * KEYS_ADDRESS;
		putKey(keys, put++, ip, 32, own);
		if (length < 31) putKey(keys, put++, ip | ~mask, 32, own + BROADCAST);
		if (onLoopback(at)) putKey(keys, put++, ip & mask, length, own + SUBNET);
	}
	return put;
}

// On lo the whole subnet is local.
function onLoopback(address: usize): bool {
	return deviceKind(load<i32>(address, L.ADDRESS_DEVICE)) == L.DEVICE_KIND_LO;
}

export function maskOf(length: u32): u32 {
	return length == 0 ? 0 : (<u32>0xffffffff) << (32 - length);
}

function putKey(keys: usize, i: u32, start: u32, length: u32, order: u32): void {
	store<u64>(keys + ((<usize>i) << 3), ((<u64>start) << 32) | ((<u64>length) << 26) | (<u64>order));
}

// From sorted prefixes to disjoint intervals: each opens one, and where it ends the one around it goes on.
function flatten(keys: usize, prefixes: u32, stack: usize, ns: usize): void {
	const none = load<u32>(ns, L.NETNS_ROUTE_COUNT);
	let depth: u32 = 0;
	count = 0;
	emit(0, none);
	for (let i: u32 = 0; i < prefixes; i++) {
		const key = keyAt(keys, i);
		if (i + 1 < prefixes && keyAt(keys, i + 1) >> 26 == key >> 26) continue;
		const start = <u32>(key >> 32);
		while (depth > 0 && load<u32>(opened(stack, depth)) < start) depth = close(stack, depth, none);
		const answer = answerOf((<u32>key) & 0x3ffffff, none);
		depth++;
		store<u32>(opened(stack, depth), start | ~maskOf((<u32>(key >> 26)) & 63));
		store<u32>(opened(stack, depth), answer, 4);
		emit(start, answer);
	}
	while (depth > 0) depth = close(stack, depth, none);
}

// @ts-ignore: decorator
@inline
function keyAt(keys: usize, i: u32): u64 {
	return load<u64>(keys + ((<usize>i) << 3));
}

// The answer of the prefix with number `order`: see FIB_LINE in `layout`.
function answerOf(order: u32, routes: u32): u32 {
	if (order < routes) return order;
	const own = order - routes;
	return own % KEYS_ADDRESS == BROADCAST ? routes + 1 : routes + 2 + own / KEYS_ADDRESS;
}

// The innermost of `depth` open prefixes, as (end, answer).
// @ts-ignore: decorator
@inline
function opened(stack: usize, depth: u32): usize {
	return stack + ((<usize>(depth - 1)) << 3);
}

// The innermost prefix ends.
function close(stack: usize, depth: u32, none: u32): u32 {
	const end = load<u32>(opened(stack, depth));
	depth--;
	if (end != u32.MAX_VALUE) emit(end + 1, depth > 0 ? load<u32>(opened(stack, depth), 4) : none);
	return depth;
}

// Begins an interval; one that would be empty or repeats its neighbour is merged with it.
function emit(start: u32, answer: u32): void {
	if (count > 0) {
		const last = intervals + ((<usize>(count - 1)) << 3);
		if (load<u32>(last) == start) count--;
	}
	if (count > 0 && load<u32>(intervals + ((<usize>(count - 1)) << 3), 4) == answer) return;
	const at = intervals + ((<usize>count) << 3);
	store<u32>(at, start);
	store<u32>(at, answer, 4);
	count++;
}
