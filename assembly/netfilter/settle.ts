// What an entry owes: a packet leaves only its deadline and a packed count in the entry's first line. `settle` makes the row
// whole. What packets that were only counted (`pathcache`) leave there, a line owes. Everyone who reads a deadline or the totals comes through here: expiry, early drop, --ctexpire, dumps, reports.

import { settleEntry } from "../pathcache";
import * as L from "../layout";

const PACKETS: u64 = 0xffffff;
const BYTES_SHIFT: u64 = 24;
// Half of either field: nothing that one packet adds can carry into the other, or out of the word.
const HALF: u64 = 0x8000000000800000;

/** Counts a packet of `len` bytes in a direction: 0 ORIGINAL, 1 REPLY. */
// @ts-ignore: decorator
@inline
export function count(entry: usize, dir: i32, len: u32): void {
	const at = entry + <usize>(dir << 3);
	const sum = load<u64>(at, L.CT_COUNT) + (((<u64>len) << BYTES_SHIFT) | 1);
	store<u64>(at, sum, L.CT_COUNT);
	if ((sum & HALF) != 0) total(entry, dir);
}

/** Counts `packets` of `bytes` in all. */
export function countMany(entry: usize, dir: i32, packets: u32, bytes: u32): void {
	const at = entry + <usize>(dir << 4);
	store<u64>(at, load<u64>(at, L.CT_ORIG_PACKETS) + <u64>packets, L.CT_ORIG_PACKETS);
	store<u64>(at, load<u64>(at, L.CT_ORIG_BYTES) + <u64>bytes, L.CT_ORIG_BYTES);
}

function total(entry: usize, dir: i32): void {
	const sum = load<u64>(entry + <usize>(dir << 3), L.CT_COUNT);
	if (sum == 0) return;
	const at = entry + <usize>(dir << 4);
	store<u64>(at, load<u64>(at, L.CT_ORIG_PACKETS) + (sum & PACKETS), L.CT_ORIG_PACKETS);
	store<u64>(at, load<u64>(at, L.CT_ORIG_BYTES) + (sum >> BYTES_SHIFT), L.CT_ORIG_BYTES);
	store<u64>(entry + <usize>(dir << 3), 0, L.CT_COUNT);
}

/** Makes the deadline true, before it is read to learn that it is over or how much is left, or is set anew. */
// @ts-ignore: decorator
@inline
export function settleDeadline(entry: usize): void {
	if ((load<u16>(entry, L.CT_STATUS) & (<u16>L.IPS_CACHED)) != 0) settleEntry(entry);
}

/** Makes deadline and totals true. */
export function settle(entry: usize): void {
	settleDeadline(entry);
	total(entry, 0);
	total(entry, 1);
}
