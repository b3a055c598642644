// Arrays of a recording that grow with it: twice as large each time, what was there copied. The smaller one is left behind, so all
// that are left behind are no larger than the last.

import { place, placeAsIs } from "../arena";
import * as L from "../layout";

let exhausted: bool = false;

/** Some array could not grow: the memory is at its maximum. */
export function isExhausted(): bool {
	return exhausted;
}

/** `bytes` zeroed bytes; 0: the memory is at its maximum. */
export function room(bytes: u32): usize {
	return granted(place(L.TABLE_CAPTURE, bytes, 1));
}

/** The same, not zeroed: for what is written before it is read. */
export function roomAsIs(bytes: u32): usize {
	return granted(placeAsIs(L.TABLE_CAPTURE, bytes, 1));
}

function granted(at: usize): usize {
	if (at == 0) exhausted = true;
	return at;
}

/** Bytes to give an array of `have` bytes that has to hold `need`. */
export function enlarged(have: u32, need: u32): u32 {
	let bytes = max<u32>(have, 1024);
	while (bytes < need) bytes *= 2;
	return bytes;
}

/** The array of `have` bytes at `at` in `bytes`, the rest zeroed; 0: the memory is at its maximum. */
export function moved(at: usize, have: u32, bytes: u32): usize {
	const next = room(bytes);
	if (next != 0 && have > 0) memory.copy(next, at, have);
	return next;
}
