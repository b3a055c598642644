// Lines of the path cache, found by the tuple that a connection's initiator sends: open addressing, linear probing, one
// cache line a connection, at most half full. A tuple keeps its line until all flows are forgotten, so that nothing is ever
// removed. What stands in a line beside its key is `pathcache`'s.

import { base, capacity, row } from "./arena";
import * as L from "./layout";

let used: u32 = 0;

/** Has any connection had a line since they were forgotten? The table is zeroed until then. */
export function hasLines(): bool {
	return used != 0;
}

/** Forgets every line. */
export function linesReset(): void {
	if (used == 0) return;
	used = 0;
	memory.fill(base(L.TABLE_LINE), 0, <usize>capacity(L.TABLE_LINE) * L.LINE_STRIDE);
}

/** Second word of a key: ports as they stand in a packet, netns and protocol. */
// @ts-ignore: decorator
@inline
export function lineKey(netns: i32, ports: u32, proto: u8): u64 {
	return (<u64>ports) | ((<u64>(((<u32>netns) << 8) | (<u32>proto))) << 32);
}

/** Where the line of a key is looked for first: its address. */
// @ts-ignore: decorator
@inline
export function lineHome(lo: u64, hi: u64): usize {
	let h = lo * 0x9e3779b97f4a7c15;
	h = (h ^ (h >> 32) ^ hi) * 0xbf58476d1ce4e5b9;
	h ^= h >> 29;
	// masked: within the table, whose capacity is a power of two
	return base(L.TABLE_LINE) + ((<usize>((<u32>((h * 0x94d049bb133111eb) >> 32)) & (capacity(L.TABLE_LINE) - 1))) << 6);
}

/** The line of a key, looked for from its home on; 0: there is none. */
// @ts-ignore: decorator
@inline
export function findLine(lo: u64, hi: u64, home: usize): usize {
	let at = home;
	// An eighth of the lines is empty, so the probe ends.
	while (load<u32>(at, L.LINE_FLOW) != 0) {
		if (load<u64>(at) == lo && load<u64>(at, L.LINE_PORTS) == hi) return at;
		at = following(at);
	}
	return 0;
}

/** The line of a key, looked for from its home on, and made where there is none; 0: the table is full. The caller names its flow. */
export function addLine(lo: u64, hi: u64, home: usize): usize {
	let at = home;
	while (load<u32>(at, L.LINE_FLOW) != 0) {
		if (load<u64>(at) == lo && load<u64>(at, L.LINE_PORTS) == hi) return at;
		at = following(at);
	}
	const lines = capacity(L.TABLE_LINE);
	if (used >= lines - (lines >> 3)) return 0;
	used++;
	store<u64>(at, lo);
	store<u64>(at, hi, L.LINE_PORTS);
	return at;
}

function following(at: usize): usize {
	const next = at + L.LINE_STRIDE;
	return next == base(L.TABLE_LINE) + ((<usize>capacity(L.TABLE_LINE)) << 6) ? base(L.TABLE_LINE) : next;
}

// @ts-ignore: decorator
@inline
export function lineAt(index: u32): usize {
	return row(L.TABLE_LINE, index, L.LINE_STRIDE);
}

export function lineIndex(at: usize): u32 {
	return <u32>((at - base(L.TABLE_LINE)) >> 6);
}
