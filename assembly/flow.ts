// The flows of a replay: one row per connection, found by the tuple that its initiator sends. A new conntrack entry at the
// first netns that tracks a flow is a new flow; where nothing tracks it, a pause longer than UNTRACKED_NS makes a new one.
// Rows stay in the order of their first packet, so a report in time order is a walk over the table.

import { base, capacity, row } from "./arena";
import { hash2, mix } from "./hash";
import { conn, expired } from "./netfilter/conn";
import * as L from "./layout";

const UNTRACKED_NS: i64 = 120_000_000_000;

// Heads of the hash chains stand behind the rows, in TABLE_FLOWHASH.
let count: u32 = 0;

export function flowCount(): u32 {
	return count;
}

export function flowsReset(): void {
	count = 0;
	memory.fill(base(L.TABLE_FLOWHASH), 0xff, (<usize>capacity(L.TABLE_FLOWHASH)) << 2);
}

// @ts-ignore: decorator
@inline
export function flow(index: i32): usize {
	return row(L.TABLE_FLOW, index, L.FLOW_STRIDE);
}

function bucket(netns: i32, src: u32, dst: u32, ports: u32, proto: u8): usize {
	const key = mix(((<u64>src) << 32) | (<u64>dst));
	const at = hash2(key, ((<u64>ports) << 32) | ((<u64>netns) << 8) | (<u64>proto)) & (capacity(L.TABLE_FLOWHASH) - 1);
	// masked: within the table, whose capacity is a power of two
	return base(L.TABLE_FLOWHASH) + ((<usize>at) << 2);
}

/** The newest flow of an initiator's tuple; -1: none yet. */
export function findFlow(netns: i32, src: u32, dst: u32, sport: u16, dport: u16, proto: u8): i32 {
	const ports = ((<u32>sport) << 16) | (<u32>dport);
	for (let i = load<i32>(bucket(netns, src, dst, ports, proto)); i >= 0;) {
		const at = flow(i);
		if (
			load<u32>(at, L.FLOW_SRC) == src &&
			load<u32>(at, L.FLOW_DST) == dst &&
			load<u16>(at, L.FLOW_SPORT) == sport &&
			load<u16>(at, L.FLOW_DPORT) == dport &&
			load<u8>(at, L.FLOW_PROTO) == proto &&
			load<i32>(at, L.FLOW_NETNS) == netns
		)
			return i;
		i = load<i32>(at, L.FLOW_NEXT);
	}
	return -1;
}

/** A new row, the newest of its tuple; -1: the table is full. */
export function addFlow(netns: i32, src: u32, dst: u32, sport: u16, dport: u16, proto: u8, time: i64): i32 {
	if (count >= capacity(L.TABLE_FLOW)) return -1;
	const index = <i32>count;
	count++;
	const at = flow(index);
	memory.fill(at, 0, L.FLOW_STRIDE);
	store<u32>(at, src, L.FLOW_SRC);
	store<u32>(at, dst, L.FLOW_DST);
	store<u16>(at, sport, L.FLOW_SPORT);
	store<u16>(at, dport, L.FLOW_DPORT);
	store<u8>(at, proto, L.FLOW_PROTO);
	store<i32>(at, netns, L.FLOW_NETNS);
	store<i64>(at, time, L.FLOW_TIME);
	store<i64>(at, time, L.FLOW_LAST);
	store<i32>(at, -1, L.FLOW_SERVER);
	store<i32>(at, -1, L.FLOW_RULE);
	store<i32>(at, -1, L.FLOW_ENTRY_NODE);
	store<i32>(at, -1, L.FLOW_SECOND);
	store<i32>(at, -1, L.FLOW_CT);
	store<i32>(at, -1, L.FLOW_CT_NETNS);
	const head = bucket(netns, src, dst, ((<u32>sport) << 16) | (<u32>dport), proto);
	store<i32>(at, load<i32>(head), L.FLOW_NEXT);
	store<i32>(head, index);
	return index;
}

/**
 * Does a packet at `time` still belong to this flow? Its conntrack entry decides; where none exists, a packet that opens a
 * connection does not, nor one after a long pause.
 */
export function isLive(index: i32, time: i64, opens: bool): bool {
	const at = flow(index);
	const ct = load<i32>(at, L.FLOW_CT);
	if (ct < 0) return !opens && time - load<i64>(at, L.FLOW_LAST) < UNTRACKED_NS;
	const entry = row(L.TABLE_CT, ct, L.CT_STRIDE);
	if (load<u16>(entry, L.CT_STATUS) == 0 || load<i32>(entry, L.CT_FLOW) != index) return false;
	return !expired(conn(ct), time);
}
