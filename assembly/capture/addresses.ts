// IPv6 addresses of a recording interned to 32-bit indices, so that a row has one word an address in both families. Open
// addressing over 16-byte rows; an index, once given, stays. Grows up to a limit that its user sets.

import { mix } from "../hash";
import { place } from "../arena";
import * as L from "../layout";

const FIRST_ROWS: u32 = 256;

/** 16 bytes an address, as on the wire. */
let rows: usize = 0;
let capacity: u32 = 0;
let count: u32 = 0;
let limit: u32 = 1 << 20;
/** u32 a slot: index + 1, 0: free. Twice as many slots as rows. */
let slots: usize = 0;
let failed: bool = false;

/** At most this many addresses. */
export function addressLimit(addresses: u32): void {
	limit = addresses;
}

export function addressCount(): u32 {
	return count;
}

/** Address of the 16 bytes of each interned address, in the order of their indices; moves when one is added. */
export function addressRows(): usize {
	return rows;
}

/** The last `internAddress` found the table or the memory full. */
export function internFailed(): bool {
	return failed;
}

/**
 * Does the address at `index` not leave its link: link-local, multicast of the interface or the link, or unspecified (RFC 4291)?
 */
export function isOfLink(index: u32): bool {
	// `index` was given out: within the rows
	const row = rows + ((<usize>index) << 4);
	const first = <u32>load<u8>(row);
	if (first == 0xfe) return (load<u8>(row, 1) & 0xc0) == 0x80;
	if (first == 0xff) return (load<u8>(row, 1) & 15) <= 2;
	return first == 0 && (load<u64>(row) | load<u64>(row, 8)) == 0;
}

/** The index of the address whose 16 bytes are at `at`. */
export function internAddress(at: usize): u32 {
	return intern(load<u64>(at), load<u64>(at, 8));
}

/** The same, by its words in host order: bits 127-96 first. */
export function internWords(w0: u32, w1: u32, w2: u32, w3: u32): u32 {
	const high = (<u64>bswap<u32>(w0)) | ((<u64>bswap<u32>(w1)) << 32);
	return intern(high, (<u64>bswap<u32>(w2)) | ((<u64>bswap<u32>(w3)) << 32));
}

function intern(high: u64, low: u64): u32 {
	failed = false;
	if (capacity == 0 && !grow()) {
		failed = true;
		return 0;
	}
	let slot = slotOf(high, low);
	// Half of the slots are free at least, so the loop ends.
	for (;;) {
		const index = load<u32>(slots + ((<usize>slot) << 2));
		if (index == 0) break;
		const row = rows + ((<usize>(index - 1)) << 4);
		if (load<u64>(row) == high && load<u64>(row, 8) == low) return index - 1;
		slot = (slot + 1) & (capacity * 2 - 1);
	}
	if (count >= limit || (count == capacity && !grow())) {
		failed = true;
		return 0;
	}
	insert(high, low);
	return count - 1;
}

function slotOf(high: u64, low: u64): u32 {
	return (<u32>mix(high ^ mix(low))) & (capacity * 2 - 1);
}

/** Adds an address that is not there; a row is free. */
function insert(high: u64, low: u64): void {
	let slot = slotOf(high, low);
	while (load<u32>(slots + ((<usize>slot) << 2)) != 0) slot = (slot + 1) & (capacity * 2 - 1);
	const row = rows + ((<usize>count) << 4);
	store<u64>(row, high);
	store<u64>(row, low, 8);
	count++;
	store<u32>(slots + ((<usize>slot) << 2), count);
}

/** Twice as many rows; what was there is inserted anew in the same order. */
function grow(): bool {
	const next = capacity == 0 ? FIRST_ROWS : capacity * 2;
	const nextRows = place(L.TABLE_CAPTURE, next, 16);
	const nextSlots = place(L.TABLE_CAPTURE, next * 2, 4);
	if (nextRows == 0 || nextSlots == 0) return false;
	const old = rows;
	const known = count;
	rows = nextRows;
	slots = nextSlots;
	capacity = next;
	count = 0;
	for (let i: u32 = 0; i < known; i++) {
		const row = old + ((<usize>i) << 4);
		insert(load<u64>(row), load<u64>(row, 8));
	}
	return true;
}
