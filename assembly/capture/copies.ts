// Which packets were seen a moment ago: a packet captured at several interfaces hashes alike at each, whatever NAT did
// on its way. Open addressing; entries older than the window are dropped when the table would grow.

import * as L from "../layout";
import { room } from "./room";

/* A slot, 32 bytes: first hash | second hash, never 0 (0: free) | time i64 | flow | 1: noted in a known netns | unused u64 */
const SLOT: u32 = 5; // as a shift
const FIRST_SLOTS: u32 = 1024;

/** Copies of one packet lie within this time of each other. */
let windowNs: i64 = 100_000_000;
let slots: usize = 0;
let mask: u32 = 0;
let count: u32 = 0;
/** As large as `slots`, for the next rehash; 0: none yet. */
let spare: usize = 0;

/** What `hashCopy` made of a packet: 64 bits; `second` is never 0. */
export namespace seen {
	export let first: u32 = 0;
	export let second: u32 = 0;
}

/** After `seenBefore`: the flow of the first sighting, and whether that was at an interface of a known netns. */
export namespace copy {
	export let flow: u32 = 0;
	export let inNetns: bool = false;
}

/** Sightings count as copies of one packet for `ns`. */
export function copiesReset(ns: i64): void {
	windowNs = ns;
	if (mask != 0) memory.fill(slots, 0, (<usize>mask + 1) << SLOT);
	count = 0;
}

/** Brings the slot of these hashes into the cache. */
// @ts-ignore: decorator
@inline
export function touchCopy(first: u32, second: u32): u32 {
	return mask == 0 ? 0 : load<u32>(slots + ((<usize>((first ^ (second >>> 7)) & mask)) << SLOT));
}

/** True where the packet with these hashes was noted within the window before `time`. */
export function seenBefore(first: u32, second: u32, time: i64): bool {
	if (mask == 0) return false;
	const at = slotOf(first, second);
	if (load<u32>(at, 4) == 0 || time - load<i64>(at, 8) > windowNs) return false;
	copy.flow = load<u32>(at, 16);
	copy.inNetns = load<u32>(at, 20) == 1;
	return true;
}

/** Notes the packet with these hashes as one of `flow`; `inNetns`: seen at an interface of a known netns. */
export function noteSeen(first: u32, second: u32, time: i64, flow: u32, inNetns: bool): void {
	if ((count + 1) * 2 > mask + 1 && !makeRoom(time)) return;
	const at = slotOf(first, second);
	if (load<u32>(at, 4) == 0) count++;
	store<u32>(at, first);
	store<u32>(at, second, 4);
	store<i64>(at, time, 8);
	store<u32>(at, flow, 16);
	store<u32>(at, inNetns ? 1 : 0, 20);
}

/** The slot of this packet, or the free one where it would go: half of them are free. */
function slotOf(one: u32, two: u32): usize {
	let slot = (one ^ (two >>> 7)) & mask;
	let at = slots + ((<usize>slot) << SLOT);
	while (load<u32>(at, 4) != 0 && (load<u32>(at) != one || load<u32>(at, 4) != two)) {
		slot = (slot + 1) & mask;
		at = slots + ((<usize>slot) << SLOT);
	}
	return at;
}

/** Drops what is older than the window; doubles where more than a quarter of the slots stay in use. */
function makeRoom(now: i64): bool {
	const old = slots;
	const total: u32 = mask == 0 ? 0 : mask + 1;
	let kept: u32 = 0;
	for (let i: u32 = 0; i < total; i++) {
		const at = old + ((<usize>i) << SLOT);
		if (load<u32>(at, 4) != 0 && now - load<i64>(at, 8) <= windowNs) kept++;
	}
	const next = total == 0 ? FIRST_SLOTS : kept * 4 > total ? total * 2 : total;
	const into = next == total && spare != 0 ? spare : room(next << SLOT);
	if (into == 0) return false;
	spare = next == total ? old : 0;
	slots = into;
	mask = next - 1;
	count = kept;
	memory.fill(into, 0, (<usize>next) << SLOT);
	for (let i: u32 = 0; i < total; i++) {
		const from = old + ((<usize>i) << SLOT);
		if (load<u32>(from, 4) == 0 || now - load<i64>(from, 8) > windowNs) continue;
		memory.copy(slotOf(load<u32>(from), load<u32>(from, 4)), from, 1 << SLOT);
	}
	return true;
}

/*
 * Both hashes, 64 bits together, are over what NAT and forwarding leave alone: IP id, length, protocol, and of TCP sequence,
 * acknowledgement, flags and window, of ICMP type, code and an echo's sequence number, of others the beginning of the
 * payload. Two packets of one sender collide where it sends the same again with the same IP id.
 */
export function hashCopy(columns: usize, row: u32): void {
	const fours = columns + ((<usize>row) << 2);
	const twos = columns + ((<usize>row) << 1);
	const ones = columns + <usize>row;
	const seq = load<u32>(fours, L.COLUMN_SEQ);
	const ack = load<u32>(fours, L.COLUMN_ACK);
	const payload = load<u32>(fours, L.COLUMN_HASH);
	const length = load<u32>(fours, L.COLUMN_IPBYTES);
	const id = (<u32>load<u16>(twos, L.COLUMN_IPID)) << 16;
	let h = (id ^ length) * 0x9e3779b1;
	h = ((h ^ (h >>> 15)) + seq) * 0x85ebca6b;
	h = ((h ^ (h >>> 13)) + ack) * 0xc2b2ae35;
	h = ((h ^ (h >>> 15)) + payload) * 0x27d4eb2f;
	seen.first = h ^ (h >>> 16);
	const proto = <u32>load<u8>(ones, L.COLUMN_PROTO);
	const typed = proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6;
	const typeCode = typed ? <u32>load<u16>(twos, L.COLUMN_DPORT) : 0;
	h = (((<u32>load<u8>(ones, L.COLUMN_TCP)) << 16) | (<u32>load<u16>(twos, L.COLUMN_WINDOW))) * 0x85ebca6b;
	h = (((h ^ (h >>> 15)) + payload) * 0xc2b2ae35) ^ (seq * 0x27d4eb2f);
	h = (((h ^ (h >>> 13)) + ack) * 0x9e3779b1) ^ ((typeCode * 256 + proto) * 0x85ebca6b);
	h = ((h ^ (h >>> 15)) + id + length) * 0xc2b2ae35;
	seen.second = max<u32>(h ^ (h >>> 16), 1);
}
