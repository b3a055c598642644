// The hash of tuples (nf_conntrack_hash): open addressing, linear probing, 32-byte slots, one a direction.
// A removal shifts the following slots back instead of leaving a tombstone: connections come and go at the same rate, and
// tombstones would lengthen every look-up until a rebuild. It costs no rehash, since a slot keeps its hash.
// The table has a power of two of slots; conntrack keeps it at most half full, so a probe ends after 1.5 slots on average.
//
// A new flow asks for each of its tuples several times before it is confirmed, and then adds both. So the place where a search
// ended in vain is noted, one note a direction, and the next one for the same key begins there: every slot before it was
// taken, and stays so until something is removed.

import { base, capacity, place } from "../arena";
import * as L from "../layout";
import { tupleHash } from "./tuple";

let slots: usize = 0;
let mask: u32 = 0;
let ended: usize = 0;

// Notes by direction, 32 bytes each: 0 key   16 hash u32   20 slot u32, 0: no note   24 removals u32
// They stand in linear memory, so that a copy of memory is a copy of the state.
const NOTES: usize = memory.data(64, 16);
const NOTE_HASH: usize = 16;
const NOTE_SLOT: usize = 20;
const NOTE_REMOVALS: usize = 24;
const REMOVALS: usize = memory.data(8, 8);

/** Takes the table's place from the arena. False where its capacity is no power of two. */
export function tupleTableInit(): bool {
	const count = capacity(L.TABLE_TUPLE);
	slots = base(L.TABLE_TUPLE);
	mask = count - 1;
	memory.fill(NOTES, 0, 64);
	return count > 1 && popcnt(count) == 1;
}

/** Gives the table so many slots, a power of two and more than it has. False: memory is at its maximum, and nothing has changed. */
export function tupleRoom(count: u32): bool {
	const from = slots;
	const held = mask + 1;
	if (place(L.TABLE_TUPLE, count, L.TUPLE_STRIDE) == 0) return false;
	memory.fill(base(L.TABLE_TUPLE), 0, <usize>count * L.TUPLE_STRIDE);
	tupleTableInit();
	// From behind an empty slot on, so that of slots with one key the first stays the first.
	let start: u32 = 0;
	while (load<u32>(from + <usize>start * L.TUPLE_STRIDE, L.TUPLE_HASH) != 0) start++;
	for (let n: u32 = 0; n < held; n++) {
		const at = from + <usize>((start + n) & (held - 1)) * L.TUPLE_STRIDE;
		const hash = load<u32>(at, L.TUPLE_HASH);
		if (hash != 0) tuplePut(slotAt(hash), load<u64>(at), load<u64>(at, 8), hash, load<i32>(at, L.TUPLE_CT));
	}
	return true;
}

// Every index is masked by the power-of-two capacity, so each address below lies in the table.
// @ts-ignore: decorator
@inline
export function slotAt(index: u32): usize {
	return slots + ((<usize>(index & mask)) << 5);
}

// @ts-ignore: decorator
@inline
function after(at: usize): usize {
	return slots + ((at - slots + L.TUPLE_STRIDE) & (((<usize>mask) << 5) | 31));
}

export function slotCount(): u32 {
	return mask + 1;
}

// @ts-ignore: decorator
@inline
function keyOf(lo: u64, hi: u64): v128 {
	return i64x2.replace_lane(i64x2.splat(lo), 1, hi);
}

// @ts-ignore: decorator
@inline
function hasKey(at: usize, key: v128): bool {
	return i64x2.all_true(i64x2.eq(v128.load(at), key));
}

// @ts-ignore: decorator
@inline
function findFrom(start: usize, lo: u64, hi: u64): i32 {
	const key = keyOf(lo, hi);
	let at = start;
	while (true) {
		const have = load<u64>(at, L.TUPLE_CT);
		// a slot that was emptied keeps its key
		if (have >> 32 == 0) break;
		if (hasKey(at, key)) return <i32>have;
		at = after(at);
	}
	ended = at;
	return -1;
}

/** `entry << 1 | direction` of the first slot with this key, or -1. */
// @ts-ignore: decorator
@inline
export function tupleFind(lo: u64, hi: u64, hash: u32): i32 {
	return findFrom(slotAt(hash), lo, hi);
}

/** Notes for a direction that the key of the last tupleFind is not there. */
export function tupleNote(lo: u64, hi: u64, hash: u32, dir: i32): void {
	const note = NOTES + <usize>(dir << 5);
	store<u64>(note, lo);
	store<u64>(note, hi, 8);
	store<u32>(note, hash, NOTE_HASH);
	store<u32>(note, <u32>ended, NOTE_SLOT);
	store<u32>(note, load<u32>(REMOVALS), NOTE_REMOVALS);
}

// @ts-ignore: decorator
@inline
function isNoted(note: usize, lo: u64, hi: u64): bool {
	if (load<u64>(note) != lo || load<u64>(note, 8) != hi) return false;
	return load<u32>(note, NOTE_SLOT) != 0 && load<u32>(note, NOTE_REMOVALS) == load<u32>(REMOVALS);
}

/** As tupleFind for a tuple of a new flow: begins where the search for it in this direction ended last. */
export function tupleSeek(lo: u64, hi: u64, dir: i32): i32 {
	const note = NOTES + <usize>(dir << 5);
	if (isNoted(note, lo, hi)) {
		const found = findFrom(<usize>load<u32>(note, NOTE_SLOT), lo, hi);
		if (found < 0) store<u32>(note, <u32>ended, NOTE_SLOT);
		return found;
	}
	const hash = tupleHash(lo, hi);
	const found = tupleFind(lo, hi, hash);
	if (found < 0) tupleNote(lo, hi, hash, dir);
	return found;
}

/** Adds a slot, even for a key that another entry has; the caller has made sure that the table is not full. */
export function tupleInsert(lo: u64, hi: u64, dir: i32, value: i32): void {
	const note = NOTES + <usize>(dir << 5);
	const noted = isNoted(note, lo, hi);
	const hash = noted ? load<u32>(note, NOTE_HASH) : tupleHash(lo, hi);
	tuplePut(noted ? <usize>load<u32>(note, NOTE_SLOT) : slotAt(hash), lo, hi, hash, value);
}

/** Where the last tupleFind ended in vain, for tuplePut. */
// @ts-ignore: decorator
@inline
export function tupleEnded(): usize {
	return ended;
}

/** As tupleInsert of a key whose search ended at `from`, since when nothing has been removed. */
// @ts-ignore: decorator
@inline
export function tuplePut(from: usize, lo: u64, hi: u64, hash: u32, value: i32): void {
	let at = from;
	while (load<u32>(at, L.TUPLE_HASH) != 0) at = after(at);
	v128.store(at, keyOf(lo, hi));
	store<u64>(at, (<u64>(<u32>value)) | ((<u64>hash) << 32), L.TUPLE_CT);
}

/** Removes the slot that holds `value` under this hash, if there is one. */
export function tupleRemove(hash: u32, value: i32): void {
	let i = hash & mask;
	while (true) {
		const at = slotAt(i);
		const have = load<u64>(at, L.TUPLE_CT);
		if (have >> 32 == 0) return;
		if (have == ((<u64>(<u32>value)) | ((<u64>hash) << 32))) break;
		i = (i + 1) & mask;
	}
	store<u32>(REMOVALS, load<u32>(REMOVALS) + 1);
	// Close the hole: a later slot may move into it unless its home lies between the hole and itself.
	let hole = i;
	let next = (hole + 1) & mask;
	while (true) {
		const at = slotAt(next);
		const have = load<u64>(at, L.TUPLE_CT);
		if (have >> 32 == 0) break;
		const home = (<u32>(have >> 32)) & mask;
		if (((next - home) & mask) >= ((next - hole) & mask)) {
			const to = slotAt(hole);
			v128.store(to, v128.load(at));
			store<u64>(to, have, L.TUPLE_CT);
			hole = next;
		}
		next = (next + 1) & mask;
	}
	store<u64>(slotAt(hole), 0, L.TUPLE_CT);
}
