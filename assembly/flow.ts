// The flows of a replay: one row per connection, found by the tuple that its initiator sends. A new conntrack entry at the
// first netns that tracks a flow is a new flow; where nothing tracks it, a pause longer than UNTRACKED_NS makes a new one.
// Rows stay in the order of their first packet, so a report in time order is a walk over the table. The tuple's line of the
// path cache names its newest flow: the look-up of a flow and of what it can repeat is one.

import { capacity, row } from "./arena";
import { addLine, findLine, lineHome, lineIndex, lineKey, linesReset } from "./line";
import { conn, expired } from "./netfilter/conn";
import { Packet } from "./packet";
import { pathCacheReset } from "./pathcache";
import * as L from "./layout";

/** A pause that ends a flow which nothing tracks. */
export const UNTRACKED_NS: i64 = 120_000_000_000;

let count: u32 = 0;

export function flowCount(): u32 {
	return count;
}

export function flowsReset(): void {
	pathCacheReset();
	count = 0;
	linesReset();
}

// @ts-ignore: decorator
@inline
export function flow(index: i32): usize {
	return row(L.TABLE_FLOW, index, L.FLOW_STRIDE);
}

/** The newest flow of an initiator's tuple; -1: none yet. */
export function findFlow(netns: i32, src: u32, dst: u32, sport: u16, dport: u16, proto: u8): i32 {
	const lo = (<u64>src) | ((<u64>dst) << 32);
	const hi = lineKey(netns, (<u32>sport) | ((<u32>dport) << 16), proto);
	return flowOf(findLine(lo, hi, lineHome(lo, hi)));
}

/** The newest flow of a line's tuple; -1: there is no line. */
// @ts-ignore: decorator
@inline
export function flowOf(line: usize): i32 {
	return line == 0 ? -1 : load<i32>(line, L.LINE_FLOW) - 1;
}

/** The `i`th entry that the packets of a flow belong to; -1: there are no more. */
// @ts-ignore: decorator
@inline
export function crossedEntry(f: usize, i: i32): i32 {
	return load<i32>(f + <usize>(i << 2), L.FLOW_CROSSED) - 1;
}

/** Are its answers the recorded ones? Others carry none of the data that its requests acknowledge. */
export function hasRecordedReplies(index: i32): bool {
	return (load<u8>(flow(index), L.FLOW_FLAGS) & L.FLOWF_RECORDED) != 0;
}

/** A new row, the newest of its tuple; -1: the table is full. `from`: the tuple's line, or its home where it is known; 0: neither is. */
export function addFlow(
	netns: i32,
	src: u32,
	dst: u32,
	sport: u16,
	dport: u16,
	proto: u8,
	time: i64,
	family: u8 = 4,
	from: usize = 0,
): i32 {
	if (count >= capacity(L.TABLE_FLOW)) return -1;
	const lo = (<u64>src) | ((<u64>dst) << 32);
	const hi = lineKey(netns, (<u32>sport) | ((<u32>dport) << 16), proto);
	const line = addLine(lo, hi, from != 0 ? from : lineHome(lo, hi));
	if (line == 0) return -1;
	const index = <i32>count;
	count++;
	store<i32>(line, index + 1, L.LINE_FLOW);
	const at = flow(index);
	memory.fill(at, 0, L.FLOW_STRIDE);
	store<u32>(at, src, L.FLOW_SRC);
	store<u32>(at, dst, L.FLOW_DST);
	store<u16>(at, sport, L.FLOW_SPORT);
	store<u16>(at, dport, L.FLOW_DPORT);
	store<u8>(at, proto, L.FLOW_PROTO);
	store<u8>(at, family, L.FLOW_FAMILY);
	store<i32>(at, netns, L.FLOW_NETNS);
	store<i64>(at, time, L.FLOW_TIME);
	store<i64>(at, time, L.FLOW_LAST);
	store<i32>(at, -1, L.FLOW_SERVER);
	store<i32>(at, -1, L.FLOW_RULE);
	store<i32>(at, -1, L.FLOW_ENTRY_NODE);
	store<i32>(at, -1, L.FLOW_SECOND);
	store<i32>(at, -1, L.FLOW_CT);
	store<u32>(at, lineIndex(line), L.FLOW_LINE);
	store<i32>(at, -1, L.FLOW_CT_NETNS);
	return index;
}

/** Sets a FLOWF_ flag of a row. */
export function markFlow(f: usize, flag: i32): void {
	store<u8>(f, load<u8>(f, L.FLOW_FLAGS) | (<u8>flag), L.FLOW_FLAGS);
}

/** Counts a packet that was offered, or answered with. */
export function accountFlow(index: i32, p: Packet): void {
	const f = flow(index);
	store<u32>(f, load<u32>(f, L.FLOW_PACKETS) + 1, L.FLOW_PACKETS);
	store<u64>(f, load<u64>(f, L.FLOW_BYTES) + <u64>p.len, L.FLOW_BYTES);
	store<i64>(f, p.time, L.FLOW_LAST);
}

/**
 * Does a packet at `time` still belong to this flow? Its conntrack entry decides; where none exists, a packet that opens a
 * connection does not, nor one after a long pause.
 */
export function isLive(index: i32, time: i64, opens: bool): bool {
	const at = flow(index);
	const ct = load<i32>(at, L.FLOW_CT);
	if (ct < 0) return !opens && time - load<i64>(at, L.FLOW_LAST) < UNTRACKED_NS;
	const entry = conn(ct);
	return entry.status != 0 && entry.flow == index && !expired(entry, time);
}
