// Classified rows as batch records (BATCH_), ready to be copied into the table of the engine that carries them. The second reading
// of a recording writes them; which machine's netns an owner is, which number an IPv6 address has there, and which flows have
// replies, the host has said.

import * as L from "../layout";
import { BEGINS_RECORD, DRAFT_FLOW, isOffered, pair, repeatOf, writeDraft } from "./draft";
import { enlarged, moved, room } from "./room";
import { hasReplies } from "./survey";

/** Of the row at hand. */
const DRAFT: usize = memory.data(L.BATCH_STRIDE, 16);
/* The records being written, COLUMN_ROWS of them at most. */
let records: usize = 0;
let count: u32 = 0;
let echoReplies: u32 = 0;
/** Of the row where the last fill stopped, packets that are written already. */
let written: u32 = 0;
/** The largest flow number that was offered; -1: none. */
let opened: i64 = -1;
/* Row of the carrying engine's TABLE_NETNS by owner, + 1; 0: none. */
let rows: usize = 0;
let rowBytes: u32 = 0;
/* Number of an IPv6 address in the carrying engine by its index here; empty where that engine's network has no IPv6. */
let numbers: usize = 0;
let numberBytes: u32 = 0;
let numbered: u32 = 0;
let packets: u64 = 0;
let ipv6: u64 = 0;
let unowned: u64 = 0;

/** Another replay begins: nothing has been written or counted, no IPv6 address has a number. */
export function batchReset(): void {
	batchTaken();
	written = 0;
	opened = -1;
	numbered = 0;
	packets = 0;
	ipv6 = 0;
	unowned = 0;
}

/** Address of the records; 0: the memory is at its maximum. */
export function batchRecords(): usize {
	if (records == 0) records = room(L.COLUMN_ROWS * L.BATCH_STRIDE);
	return records;
}
/** Records written since `batchTaken`, and of them recorded echo replies. */
export function batchCount(): u32 {
	return count;
}
export function batchEchoReplies(): u32 {
	return echoReplies;
}
/** The records have been copied: the next ones go over them. */
export function batchTaken(): void {
	count = 0;
	echoReplies = 0;
}
/** Packets (`repeat` counted) that were due, that are IPv6 where the machine has none, that no netns of the machine owns. */
export function batchPackets(): f64 {
	return <f64>packets;
}
export function batchIpv6(): f64 {
	return <f64>ipv6;
}
export function batchUnowned(): f64 {
	return <f64>unowned;
}

/** Says which row of TABLE_NETNS owner `owner` has; -1: none. False: the memory is at its maximum. */
export function setOwnerRow(owner: u32, row: i32): bool {
	const need = (owner + 1) << 2;
	if (need > rowBytes) {
		const bytes = enlarged(rowBytes, need);
		const next = moved(rows, rowBytes, bytes);
		if (next == 0) return false;
		rows = next;
		rowBytes = bytes;
	}
	store<i32>(rows + ((<usize>owner) << 2), row + 1);
	return true;
}

/** The number of the next IPv6 address, in the order of their indices. False: the memory is at its maximum. */
export function addAddressNumber(number: u32): bool {
	const need = (numbered + 1) << 2;
	if (need > numberBytes) {
		const bytes = enlarged(numberBytes, need);
		const next = moved(numbers, numberBytes, bytes);
		if (next == 0) return false;
		numbers = next;
		numberBytes = bytes;
	}
	store<u32>(numbers + ((<usize>numbered) << 2), number);
	numbered++;
	return true;
}

// `index` < numbered: the host numbers all addresses of a batch before its rows are written.
// @ts-ignore: decorator
@inline
function numberOf(index: u32): u32 {
	return load<u32>(numbers + ((<usize>index) << 2));
}

function ownerRow(owner: i32): i32 {
	if (owner < 0 || (<u32>owner + 1) << 2 > rowBytes) return -1;
	return load<i32>(rows + ((<usize>owner) << 2)) - 1;
}

/**
 * Writes records for the rows from `row` on, below `end`, until there are `limit` of them (at most COLUMN_ROWS) or a packet
 * is not before `due` (ns). `replies` false: none are written. Returns the row to go on with.
 */
export function fillBatch(columns: usize, row: u32, end: u32, limit: u32, due: i64, replies: bool): u32 {
	for (; row < end; row++) {
		if (!isOffered(columns, row)) continue;
		writeDraft(columns, row, DRAFT);
		if (!take(DRAFT, limit, due, replies)) return row;
	}
	return row;
}

/** The same for the drafts at `drafts`. */
export function fillDrafts(drafts: usize, row: u32, end: u32, limit: u32, due: i64, replies: bool): u32 {
	for (; row < end; row++) {
		if (!take(drafts + <usize>(row * L.BATCH_STRIDE), limit, due, replies)) return row;
	}
	return row;
}

// Writes the records that a draft stands for, if any. False: not all, as it is not due, or there is no room.
// @ts-ignore: decorator
@inline
function take(draft: usize, limit: u32, due: i64, replies: bool): bool {
	const repeat = repeatOf(draft);
	if (load<u8>(draft, L.PACKET_FAMILY) == 6 && numbered == 0) {
		ipv6 += repeat;
		return true;
	}
	const netns = ownerRow(load<i32>(draft, L.BATCH_NETNS));
	if (netns < 0) {
		unowned += repeat;
		return true;
	}
	if (load<i64>(draft, L.PACKET_TIME) >= due || count >= limit) return false;
	if (written == 0) packets += repeat;
	const what = load<u32>(draft, L.BATCH_KIND);
	const offers = (what & 0xff) == L.BATCH_OFFER;
	const begins = ((what >>> 8) & BEGINS_RECORD) != 0;
	if (!offers && (!replies || begins)) return true;
	const flow = load<u32>(draft, DRAFT_FLOW);
	const recorded: u32 = hasReplies(flow) && !(offers && begins) ? L.BATCHF_RECORDED : 0;
	for (; written < repeat; written++) {
		if (count >= limit) return false;
		let hints = recorded;
		if (offers && <i64>flow > opened) {
			opened = flow;
			hints |= L.BATCHF_OPENS;
		}
		writeRecord(draft, netns, (what & 0xff) | (hints << 8));
	}
	written = 0;
	return true;
}

// The record of a draft. `count` is below COLUMN_ROWS here.
// @ts-ignore: decorator
@inline
function writeRecord(draft: usize, netns: i32, what: u32): void {
	const at = records + <usize>(count * L.BATCH_STRIDE);
	let addresses = load<u64>(draft);
	if (load<u8>(draft, L.PACKET_FAMILY) == 6) {
		addresses = pair(numberOf(<u32>addresses), numberOf(<u32>(addresses >> 32)));
	}
	store<u64>(at, addresses);
	store<u64>(at, load<u64>(draft, 8), 8);
	v128.store(at, v128.load(draft, 16), 16);
	store<u64>(at, pair(<u32>netns, what), L.BATCH_NETNS);
	store<u64>(at, load<u64>(draft, L.BATCH_SEQ), L.BATCH_SEQ);
	store<u64>(at, load<u64>(draft, L.BATCH_WINDOW), L.BATCH_WINDOW);
	store<u64>(at, <u64>load<u16>(draft, L.BATCH_MSS), L.BATCH_MSS);
	count++;
	if ((what & 0xff) != L.BATCH_REPLY) return;
	const proto = load<u8>(draft, L.PACKET_PROTO);
	if (proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6) echoReplies++;
}
