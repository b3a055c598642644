// Drafts of batch records: rows as the records that they may become, before it is known which row of TABLE_NETNS an owner has,
// which number an IPv6 address, and which flows have replies. 64 bytes, a BATCH_ record but for
// 32 owner i32     38, 58 repeat: low and high u16     60 flow u32     0, 4 of IPv6: indices of the addresses     37 flags: BEGINS_RECORD
// What a reading keeps of a recording of few packets is these, and what it hands to another thread.

import { placeAsIs } from "../arena";
import * as L from "../layout";
import { timeAt } from "./columns";
import { hasPackets } from "./owners";

/** In place of BATCHF_*: the bare SYN that a flow record begins with. */
export const BEGINS_RECORD: u32 = 1;
const DRAFT_REPEAT: usize = 38;
const DRAFT_REPEAT_HIGH: usize = 58;
export const DRAFT_FLOW: usize = 60;

/* Room for drafts that are kept: what is left of it, bytes, and how much is asked for next. */
let room: usize = 0;
let left: u32 = 0;
let taken: u32 = 1 << 20;
const TAKEN_MAX: u32 = 1 << 23;

let kept: u32 = 0;

/** Is the row one that a record can be made of? Others are ignored, or copies. */
// @ts-ignore: decorator
@inline
export function isOffered(columns: usize, row: u32): bool {
	return <i32>load<u8>(columns + <usize>row, L.COLUMN_KIND) <= L.KIND_REPLY;
}

/** Packets that a draft stands for. */
// @ts-ignore: decorator
@inline
export function repeatOf(draft: usize): u32 {
	return (<u32>load<u16>(draft, DRAFT_REPEAT)) | ((<u32>load<u16>(draft, DRAFT_REPEAT_HIGH)) << 16);
}

/** Writes the draft of row `row` at `at`. */
// @ts-ignore: decorator
@inline
export function writeDraft(columns: usize, row: u32, at: usize): void {
	const ones = columns + <usize>row;
	const twos = columns + ((<usize>row) << 1);
	const fours = columns + ((<usize>row) << 2);
	const ports = (<u32>load<u16>(twos, L.COLUMN_SPORT)) | ((<u32>load<u16>(twos, L.COLUMN_DPORT)) << 16);
	const rest =
		(<u32>load<u8>(ones, L.COLUMN_PROTO)) |
		((<u32>load<u8>(ones, L.COLUMN_FAMILY)) << 8) |
		((<u32>load<u8>(ones, L.COLUMN_TTL)) << 16) |
		((<u32>load<u8>(ones, L.COLUMN_TCP)) << 24);
	const kind: u32 = <i32>load<u8>(ones, L.COLUMN_KIND) == L.KIND_OFFER ? L.BATCH_OFFER : L.BATCH_REPLY;
	const begins: u32 = beginsRecord(columns, row) ? BEGINS_RECORD : 0;
	const repeat = load<u32>(fours, L.COLUMN_REPEAT);
	const what = kind | (begins << 8) | (repeat << 16);
	const mss = (<u32>load<u16>(twos, L.COLUMN_MSS)) | ((repeat >>> 16) << 16);
	const window =
		(<u32>load<u16>(twos, L.COLUMN_WINDOW)) |
		((<u32>load<u8>(ones, L.COLUMN_TOS)) << 16) |
		((<u32>load<u8>(ones, L.COLUMN_OPTIONS)) << 24);
	// Eight words, each written whole: what reads a record loads words.
	store<u64>(at, pair(load<u32>(fours, L.COLUMN_SRC), load<u32>(fours, L.COLUMN_DST)), L.PACKET_SRC);
	store<u64>(at, pair(ports, rest), L.PACKET_SPORT);
	store<u64>(at, pair(load<u32>(fours, L.COLUMN_IPBYTES), load<u32>(fours, L.COLUMN_PAYLOAD)), L.PACKET_LEN);
	store<i64>(at, timeAt(columns, row), L.PACKET_TIME);
	store<u64>(at, pair(load<u32>(fours, L.COLUMN_NETNS), what), L.BATCH_NETNS);
	store<u64>(at, pair(load<u32>(fours, L.COLUMN_SEQ), load<u32>(fours, L.COLUMN_ACK)), L.BATCH_SEQ);
	store<u64>(at, pair(window, load<u32>(fours, L.COLUMN_SACK)), L.BATCH_WINDOW);
	store<u64>(at, pair(mss, load<u32>(fours, L.COLUMN_FLOW)), L.BATCH_MSS);
}

/**
 * The bare SYN that a flow record begins with. All packets of a record have one time, so the answering side's is not sent
 * when its record comes but as the answer to the initiator's: else what follows there would meet no connection.
 */
function beginsRecord(columns: usize, row: u32): bool {
	const ones = columns + <usize>row;
	if (load<u8>(ones, L.COLUMN_PROTO) != <u8>L.PROTO_TCP) return false;
	if (((<u32>load<u8>(ones, L.COLUMN_TCP)) & (L.TCP_SYN | L.TCP_ACK)) != L.TCP_SYN) return false;
	return !hasPackets(load<u16>(columns + ((<usize>row) << 1), L.COLUMN_INTERFACE));
}

/** Writes at `at` drafts of those of the first `count` rows that are offered or replies. How many. */
export function draftRows(columns: usize, count: u32, at: usize): u32 {
	let next = at;
	for (let row: u32 = 0; row < count; row++) {
		if (!isOffered(columns, row)) continue;
		writeDraft(columns, row, next);
		next += L.BATCH_STRIDE;
	}
	return <u32>(next - at) / L.BATCH_STRIDE;
}

/** Room for `count` drafts; 0: the memory is at its maximum. */
export function draftRoom(count: u32): usize {
	return placeAsIs(L.TABLE_CAPTURE, count * L.BATCH_STRIDE, 1);
}

/** The same as `draftRows`, in room that stays: where the first one is; 0: there is none left. */
export function keepRows(columns: usize, count: u32): usize {
	const bytes = count * L.BATCH_STRIDE;
	if (left < bytes) {
		// Each growth of the memory costs the host new views of it, and counts as garbage there: few large ones.
		const at = placeAsIs(L.TABLE_CAPTURE, taken, 1);
		if (at == 0) return 0;
		room = at;
		left = taken;
		taken = min<u32>(taken * 2, TAKEN_MAX);
	}
	const first = room;
	kept = draftRows(columns, count, first);
	room += kept * L.BATCH_STRIDE;
	left -= kept * L.BATCH_STRIDE;
	return first;
}

/** How many drafts that were. */
export function keptRows(): u32 {
	return kept;
}

// @ts-ignore: decorator
@inline
export function pair(low: u32, high: u32): u64 {
	return (<u64>low) | ((<u64>high) << 32);
}
