// What the first reading of a recording finds out: which netns offer something, which flows have recorded replies, what answered.
// A bit a flow, and a word or a bit an address, are all that it keeps.

import { mix } from "../hash";
import * as L from "../layout";
import { hasPackets, markOffering } from "./owners";
import { enlarged, moved, room } from "./room";

/* Bit by flow number: it has recorded replies. */
let replied: usize = 0;
let repliedBytes: u32 = 0;
/* Addresses that answered, in the order in which they were first seen, and the slots that find them: index + 1, 0: free. */
let answerers: usize = 0;
let answererCount: u32 = 0;
let answererSlots: usize = 0;
let answererMask: u32 = 0;
/* Of these, 256 by a hash. */
const RECENT: usize = memory.data(256 * 4, 16);
/* Bit by index of an IPv6 address: it answered. */
let answered6: usize = 0;
let answered6Bytes: u32 = 0;
let packets: u64 = 0;

/** Packets (`repeat` counted) of the rows surveyed that are offered or recorded replies. */
export function surveyPackets(): f64 {
	return <f64>packets;
}
/** IPv4 addresses that answered, or that flow records were sent to: u32 each, in the order of their first rows. */
export function answererRows(): usize {
	return answerers;
}
export function answererTotal(): u32 {
	return answererCount;
}
/** Did the IPv6 address at `index` answer, or were flow records sent to it? */
export function hasAnswered6(index: u32): bool {
	const byte = index >>> 3;
	return byte < answered6Bytes && ((load<u8>(answered6 + <usize>byte) >>> (index & 7)) & 1) != 0;
}
/** The bits of the flows with replies, and how many bytes of them there are. */
export function repliedRows(): usize {
	return replied;
}
export function repliedSize(): u32 {
	return repliedBytes;
}

/** Room for the bits of `flows` flows, all 0 at first; 0: the memory is at its maximum. */
export function repliedRoom(flows: u32): usize {
	const need = ((flows >>> 5) + 1) << 2;
	if (need > repliedBytes) {
		const bytes = enlarged(repliedBytes, need);
		const next = moved(replied, repliedBytes, bytes);
		if (next == 0) return 0;
		replied = next;
		repliedBytes = bytes;
	}
	return replied;
}

// @ts-ignore: decorator
@inline
export function hasReplies(flow: u32): bool {
	const byte = flow >>> 3;
	return byte < repliedBytes && ((load<u8>(replied + <usize>byte) >>> (flow & 7)) & 1) != 0;
}

/** Adds the first `count` rows, classified; false: the memory is at its maximum. */
export function surveyRows(columns: usize, count: u32): bool {
	for (let row: u32 = 0; row < count; row++) {
		const kind = <i32>load<u8>(columns + <usize>row, L.COLUMN_KIND);
		if (kind > L.KIND_REPLY) continue;
		const fours = columns + ((<usize>row) << 2);
		packets += load<u32>(fours, L.COLUMN_REPEAT);
		const reply = kind == L.KIND_REPLY;
		if (reply) {
			const flow = load<u32>(fours, L.COLUMN_FLOW);
			if (flow == L.NO_FLOW) continue;
			if (repliedRoom(flow) == 0) return false;
			const at = replied + <usize>(flow >>> 3);
			store<u8>(at, load<u8>(at) | (<u8>((<u32>1) << (flow & 7))));
		} else {
			const netns = load<i32>(fours, L.COLUMN_NETNS);
			if (netns >= 0) markOffering(netns);
			// What answered in the recording was there; of one-way records, what was sent to is taken to be there.
			if (hasPackets(load<u16>(columns + ((<usize>row) << 1), L.COLUMN_INTERFACE))) continue;
		}
		const address = reply ? load<u32>(fours, L.COLUMN_SRC) : load<u32>(fours, L.COLUMN_DST);
		const family = load<u8>(columns + <usize>row, L.COLUMN_FAMILY);
		if (!(family == 6 ? addAnswerer6(address) : addAnswerer(address))) return false;
	}
	return true;
}

function addAnswerer6(index: u32): bool {
	const need = ((index >>> 5) + 1) << 2;
	if (need > answered6Bytes) {
		const bytes = enlarged(answered6Bytes, need);
		const next = moved(answered6, answered6Bytes, bytes);
		if (next == 0) return false;
		answered6 = next;
		answered6Bytes = bytes;
	}
	const at = answered6 + <usize>(index >>> 3);
	store<u8>(at, load<u8>(at) | (<u8>((<u32>1) << (index & 7))));
	return true;
}

function addAnswerer(address: u32): bool {
	// Most answers come from an address that answered a moment ago; 0 is looked for like any that did not.
	const recent = RECENT + <usize>(((address * 0x9e3779b1) >>> 24) << 2);
	if (address != 0 && load<u32>(recent) == address) return true;
	store<u32>(recent, address);
	if ((answererCount + 1) * 2 > answererMask + 1 && !growAnswerers()) return false;
	const at = answererSlot(address);
	if (load<u32>(at) != 0) return true;
	store<u32>(answerers + ((<usize>answererCount) << 2), address);
	answererCount++;
	store<u32>(at, answererCount);
	return true;
}

/** The slot of an address, or the free one where it would go: half of them are free. */
function answererSlot(address: u32): usize {
	let slot = (<u32>mix(address)) & answererMask;
	let at = answererSlots + ((<usize>slot) << 2);
	while (load<u32>(at) != 0 && load<u32>(answerers + ((<usize>(load<u32>(at) - 1)) << 2)) != address) {
		slot = (slot + 1) & answererMask;
		at = answererSlots + ((<usize>slot) << 2);
	}
	return at;
}

/** Twice as many slots, and rows for half of them. */
function growAnswerers(): bool {
	const slots = answererMask == 0 ? 1024 : (answererMask + 1) * 2;
	const rows = moved(answerers, answererCount << 2, slots << 1);
	const at = room(slots << 2);
	if (rows == 0 || at == 0) return false;
	answerers = rows;
	answererSlots = at;
	answererMask = slots - 1;
	for (let i: u32 = 0; i < answererCount; i++) {
		store<u32>(answererSlot(load<u32>(answerers + ((<usize>i) << 2))), i + 1);
	}
	return true;
}
