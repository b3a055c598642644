// Indexes ipsets: a hash of each set's entries in words that the host reserved, and the prefix lengths in use.
// The host writes no key twice.

import { row } from "../arena";
import { bucketOf, highOf, lowOf } from "../netfilter/ipset";
import * as L from "../layout";

/** Indexes one set; again after its entries have changed. */
export function compileSet(set: i32): void {
	const s = row(L.TABLE_SET, set, L.SET_STRIDE);
	const type = load<u32>(s, L.SET_TYPE);
	const first = row(L.TABLE_ENTRY, load<u32>(s, L.SET_ENTRY_FIRST), L.ENTRY_STRIDE);
	const count = load<u32>(s, L.SET_ENTRY_COUNT);
	const buckets = load<u32>(s, L.SET_RESERVED);
	const words = row(L.TABLE_WORD, load<u32>(s, L.SET_BUCKETS), 4);
	memory.fill(words, 0, <usize>(buckets << 2));
	let lengths: u32 = 0;
	const six = load<u32>(s, L.SET_FAMILY) == 6;
	store<u64>(s, 0, L.SET_LENGTHS6);
	store<u64>(s, 0, L.SET_LENGTHS6 + 8);
	for (let i: u32 = 0; i < count; i++) {
		const entry = first + <usize>(i * L.ENTRY_STRIDE);
		const length: u32 =
			type == L.SET_TYPE_IP_PORT_NET ? load<u8>(entry, L.ENTRY_PREFIX2) : load<u8>(entry, L.ENTRY_PREFIX);
		// The host writes lengths 1..32, or 1..128.
		if (six) lengths6(s, length);
		else lengths |= (<u32>1) << (length - 1);
		if (buckets == 0) continue;
		let bucket = bucketOf(lowOf(entry), highOf(entry), buckets);
		// The host reserved at least twice as many buckets as entries.
		while (load<u32>(words + <usize>(bucket << 2)) != 0) bucket = (bucket + 1) & (buckets - 1);
		store<u32>(words + <usize>(bucket << 2), i + 1);
	}
	store<u32>(s, buckets, L.SET_BUCKET_COUNT);
	store<u32>(s, lengths, L.SET_LENGTHS);
}

function lengths6(s: usize, length: u32): void {
	const word = s + L.SET_LENGTHS6 + (length > 64 ? 8 : 0);
	store<u64>(word, load<u64>(word) | ((<u64>1) << ((length - 1) & 63)));
}
