// More room for connections while they live: entries keep their rows, tuples and sources are hashed anew, in the order in which
// they were found before. Between packets only.

import { base, capacity, extend, place } from "../arena";
import * as L from "../layout";
import { conn } from "./conn";
import { sourceAdd } from "./source";
import { tuplePut, tupleTableInit, slotAt } from "./tuplehash";

/**
 * Makes room for so many entries, with so many slots for tuples and heads for sources, powers of two; none is less than there is.
 * False: memory is at its maximum; then nothing has changed but what memory is left.
 */
export function conntrackRoom(entries: u32, slots: u32, heads: u32): bool {
	const tuples = base(L.TABLE_TUPLE);
	const held = capacity(L.TABLE_TUPLE);
	const sources = base(L.TABLE_BYSOURCE);
	const headed = capacity(L.TABLE_BYSOURCE);
	if (!extend(L.TABLE_CT, entries, L.CT_STRIDE)) return false;
	if (!extend(L.TABLE_CTWINDOW, entries, L.CTWINDOW_STRIDE)) return false;
	if (slots != held) {
		if (place(L.TABLE_TUPLE, slots, L.TUPLE_STRIDE) == 0) return false;
		memory.fill(base(L.TABLE_TUPLE), 0, <usize>slots * L.TUPLE_STRIDE);
		tupleTableInit();
		moveTuples(tuples, held);
	}
	if (heads == headed) return true;
	if (place(L.TABLE_BYSOURCE, heads, 4) == 0) return false;
	memory.fill(base(L.TABLE_BYSOURCE), 0, (<usize>heads) << 2);
	for (let i: u32 = 0; i < headed; i++) moveSources(sources + ((<usize>i) << 2));
	return true;
}

// From behind an empty slot on, so that of tuples with one key the first one stays the first.
function moveTuples(from: usize, count: u32): void {
	const mask = count - 1;
	let start: u32 = 0;
	while (load<u32>(from + <usize>start * L.TUPLE_STRIDE, L.TUPLE_HASH) != 0) start++;
	for (let n: u32 = 0; n < count; n++) {
		const at = from + <usize>((start + n) & mask) * L.TUPLE_STRIDE;
		const hash = load<u32>(at, L.TUPLE_HASH);
		if (hash == 0) continue;
		tuplePut(slotAt(hash), load<u64>(at), load<u64>(at, 8), hash, load<i32>(at, L.TUPLE_CT));
	}
}

// What had one head has it still, or others that nothing else had: the oldest comes first, so that the newest is found first.
function moveSources(head: usize): void {
	let turned: i32 = 0;
	for (let next = load<i32>(head); next != 0;) {
		const c = conn(next - 1);
		const following = c.next;
		c.next = turned;
		turned = next;
		next = following;
	}
	while (turned != 0) {
		const index = turned - 1;
		const c = conn(index);
		turned = c.next;
		sourceAdd(index, c);
	}
}
