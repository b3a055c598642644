// Room in TABLE_FIB, for the FIBs of both families, one behind the other. The table grows as needed and may move then, as how
// large a trie becomes is only known when it is there: what is kept is offsets, until all is built.

import { base, capacity, extend } from "../arena";
import * as L from "../layout";

/** Memory is at its maximum. */
export const FULL: u32 = u32.MAX_VALUE;
const ROOM: u32 = 1024;

let used: u32 = 0;

/** Forgets everything built so far. */
export function spaceReset(): void {
	used = 0;
}

/** Bytes that what is built takes. */
export function spaceUsed(): u32 {
	return used;
}

/** Bytes at the end of what is used; an offset, or FULL. */
export function take(bytes: u32, align: u32): u32 {
	const at = (used + align - 1) & ~(align - 1);
	const rows = <u32>((<u64>at + <u64>bytes + L.FIB_ROW - 1) / L.FIB_ROW);
	if (rows > capacity(L.TABLE_FIB)) {
		if (!extend(L.TABLE_FIB, rows + rows / 8 + ROOM, L.FIB_ROW) && !extend(L.TABLE_FIB, rows, L.FIB_ROW)) return FULL;
	}
	used = at + bytes;
	return at;
}

/** Where an offset is now. */
// @ts-ignore: decorator
@inline
export function place(offset: u32): usize {
	return base(L.TABLE_FIB) + <usize>offset;
}
