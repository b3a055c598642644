// Classified rows as batch records (BATCH_), ready to be copied into the table of the engine that carries them. The second reading
// of a recording writes them; which machine's netns an owner is, which number an IPv6 address has there, and which flows have
// replies, the host has said.

import * as L from "../layout";
import { timeAt } from "./columns";
import { hasPackets } from "./owners";
import { enlarged, moved, room } from "./room";
import { hasReplies } from "./survey";

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
		const ones = columns + <usize>row;
		const fours = columns + ((<usize>row) << 2);
		const kind = <i32>load<u8>(ones, L.COLUMN_KIND);
		if (kind > L.KIND_REPLY) continue;
		const repeat = load<u32>(fours, L.COLUMN_REPEAT);
		if (load<u8>(ones, L.COLUMN_FAMILY) == 6 && numbered == 0) {
			ipv6 += repeat;
			continue;
		}
		const netns = ownerRow(load<i32>(fours, L.COLUMN_NETNS));
		if (netns < 0) {
			unowned += repeat;
			continue;
		}
		if (timeAt(columns, row) >= due) return row;
		if (count >= limit) return row;
		if (written == 0) packets += repeat;
		const offers = kind == L.KIND_OFFER;
		const opening = isOpening(columns, row);
		if (!offers && (!replies || opening)) continue;
		const flow = load<u32>(fours, L.COLUMN_FLOW);
		const recorded: u32 = hasReplies(flow) && !(offers && opening) ? L.BATCHF_RECORDED : 0;
		for (; written < repeat; written++) {
			if (count >= limit) return row;
			let hints = recorded;
			if (offers && <i64>flow > opened) {
				opened = flow;
				hints |= L.BATCHF_OPENS;
			}
			writeRecord(columns, row, netns, offers ? L.BATCH_OFFER : L.BATCH_REPLY, hints);
		}
		written = 0;
	}
	return row;
}

/**
 * The bare SYN that a flow record begins with. All packets of a record have one time, so the answering side's is not sent
 * when its record comes but as the answer to the initiator's: else what follows there would meet no connection.
 */
function isOpening(columns: usize, row: u32): bool {
	const ones = columns + <usize>row;
	if (load<u8>(ones, L.COLUMN_PROTO) != <u8>L.PROTO_TCP) return false;
	if (((<u32>load<u8>(ones, L.COLUMN_TCP)) & (L.TCP_SYN | L.TCP_ACK)) != L.TCP_SYN) return false;
	return !hasPackets(load<u16>(columns + ((<usize>row) << 1), L.COLUMN_INTERFACE));
}

// A record is eight words, each written whole: what reads it loads words. `count` is below COLUMN_ROWS here.
function writeRecord(columns: usize, row: u32, netns: i32, kind: u32, hints: u32): void {
	const at = records + <usize>(count * L.BATCH_STRIDE);
	const ones = columns + <usize>row;
	const twos = columns + ((<usize>row) << 1);
	const fours = columns + ((<usize>row) << 2);
	const proto = <u64>load<u8>(ones, L.COLUMN_PROTO);
	const family = <u32>load<u8>(ones, L.COLUMN_FAMILY);
	const src = load<u32>(fours, L.COLUMN_SRC);
	const dst = load<u32>(fours, L.COLUMN_DST);
	store<u64>(at, family == 6 ? pair(numberOf(src), numberOf(dst)) : pair(src, dst), L.PACKET_SRC);
	const ports = (<u32>load<u16>(twos, L.COLUMN_SPORT)) | ((<u32>load<u16>(twos, L.COLUMN_DPORT)) << 16);
	const rest =
		(<u32>proto) |
		(family << 8) |
		((<u32>load<u8>(ones, L.COLUMN_TTL)) << 16) |
		((<u32>load<u8>(ones, L.COLUMN_TCP)) << 24);
	store<u64>(at, pair(ports, rest), L.PACKET_SPORT);
	store<u64>(at, pair(load<u32>(fours, L.COLUMN_IPBYTES), load<u32>(fours, L.COLUMN_PAYLOAD)), L.PACKET_LEN);
	store<i64>(at, timeAt(columns, row), L.PACKET_TIME);
	store<u64>(at, pair(<u32>netns, kind | (hints << 8)), L.BATCH_NETNS);
	store<u64>(at, pair(load<u32>(fours, L.COLUMN_SEQ), load<u32>(fours, L.COLUMN_ACK)), L.BATCH_SEQ);
	const window =
		(<u32>load<u16>(twos, L.COLUMN_WINDOW)) |
		((<u32>load<u8>(ones, L.COLUMN_TOS)) << 16) |
		((<u32>load<u8>(ones, L.COLUMN_OPTIONS)) << 24);
	store<u64>(at, pair(window, load<u32>(fours, L.COLUMN_SACK)), L.BATCH_WINDOW);
	store<u64>(at, <u64>load<u16>(twos, L.COLUMN_MSS), L.BATCH_MSS);
	count++;
	if (kind == L.BATCH_REPLY && (proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6)) echoReplies++;
}

// @ts-ignore: decorator
@inline
function pair(low: u32, high: u32): u64 {
	return (<u64>low) | ((<u64>high) << 32);
}
