// Rows of a recording that are decided together (`offer`): the keys of their flows and the hashes of their packets first, then
// all that these find is loaded one behind the other, so that misses overlap, and only then is a row decided.

import * as L from "../layout";
import { timeAt } from "./columns";
import { hashCopies, seenBefore, touchCopy } from "./copies";
import { hasPackets, netnsOfInterface, scopeOfInterface } from "./owners";
import { room } from "./room";
import { findTuples, readKey, readKeys, singleOut, touchTuple } from "./tuples";

/** Rows that are asked for at once, at most. */
export const BURST: u32 = 64;
/* Of each row, ASKED bytes: the key of its flow, then both hashes of the packet itself; 0: not hashed. */
let asked: usize = 0;
const ASKED: u32 = 5; // as a shift
export const ASKED_STRIDE: usize = 1 << ASKED;
const HASHES: usize = 24;
/** Of four rows. */
const HASHED: usize = memory.data(4 * 8, 16);
/** First row of those that were asked for. */
let first: u32 = 0;
/** Keeps the loads of `touch` from being left out. */
let touched: u32 = 0;

/** Is there room to ask for rows? False: the memory is at its maximum. */
export function canAsk(): bool {
	if (asked == 0) asked = room(BURST << ASKED);
	return asked != 0;
}

/**
 * Rows `row` to `end`, at most BURST, are decided next: their keys, hashes and entries, as far as they are there. The hashes of a packet
 * that is nobody's copy as far as its headers say are left for later. Singled out are packets behind the SYN of a TCP connection.
 */
export function askRows(columns: usize, row: u32, end: u32): void {
	first = row;
	for (; row < end; row += 4) {
		if (askAlike(columns, row, end)) continue;
		const four = min<u32>(end - row, 4);
		let hashed = false;
		for (let i: u32 = row; i < row + four; i++) {
			const at = <u32>load<u16>(columns + ((<usize>i) << 1), L.COLUMN_INTERFACE);
			const key = keyAsked(i);
			readKey(columns, i, scopeOfInterface(at), key);
			const established = isEstablished(columns, i);
			const wanted = netnsOfInterface(at) < 0 || !established;
			if (established && hasPackets(at) && isWhole(columns, i)) singleOut(key);
			if (wanted && !hashed) {
				hashCopies(columns, row, HASHED);
				hashed = true;
			}
			store<u64>(key, wanted ? load<u64>(HASHED + ((<usize>(i - row)) << 3)) : 0, HASHES);
		}
	}
	touch(end - first);
	findTuples(asked, end - first, 1 << ASKED);
}

// Four rows that are all singled out, of one interface, are asked for at once. False: they are not, or not four.
// @ts-ignore: decorator
@inline
function askAlike(columns: usize, row: u32, end: u32): bool {
	if (end - row < 4 || !areEstablished(columns + <usize>row)) return false;
	const interfaces = load<u64>(columns + ((<usize>row) << 1), L.COLUMN_INTERFACE);
	if (interfaces != (interfaces & 0xffff) * 0x0001_0001_0001_0001) return false;
	const at = <u32>(interfaces & 0xffff);
	if (!hasPackets(at) || !readKeys(columns, row, scopeOfInterface(at), keyAsked(row), 1 << ASKED)) return false;
	const wanted = netnsOfInterface(at) < 0;
	if (wanted) hashCopies(columns, row, HASHED);
	for (let i: u32 = 0; i < 4; i++) {
		store<u64>(keyAsked(row + i), wanted ? load<u64>(HASHED + ((<usize>i) << 3)) : 0, HASHES);
	}
	return true;
}

// Are four rows, whose columns of bytes begin at `ones`, all of what is singled out? As isEstablished and isWhole say of one.
// @ts-ignore: decorator
@inline
function areEstablished(ones: usize): bool {
	const others = load<u32>(ones, L.COLUMN_PROTO) ^ (L.PROTO_TCP * 0x01010101);
	const family = load<u32>(ones, L.COLUMN_FAMILY) ^ 0x04040404;
	const syns = load<u32>(ones, L.COLUMN_TCP) & (L.TCP_SYN * 0x01010101);
	const cut = load<u32>(ones, L.COLUMN_SHAPE) & ((L.SHAPE_LATER_FRAGMENT | L.SHAPE_CUT) * 0x01010101);
	return (others | family | syns | cut) == 0;
}

/** Loads what keys and hashes lead to. */
function touch(rows: u32): void {
	let sum: u32 = 0;
	for (let i: u32 = 0; i < rows; i++) sum ^= touchTuple(keyAsked(first + i));
	for (let i: u32 = 0; i < rows; i++) {
		const hashes = hashesAsked(first + i);
		if (hashes != 0) sum ^= touchCopy(<u32>hashes, <u32>(hashes >> 32));
	}
	touched = sum;
}

/** The key of a row that was asked for. */
// @ts-ignore: decorator
@inline
export function keyAsked(row: u32): usize {
	// less than BURST rows behind the first
	return asked + ((<usize>(row - first)) << ASKED);
}

/** Where its hashes are, those of the next row ASKED_STRIDE bytes behind. */
// @ts-ignore: decorator
@inline
export function hashesAt(row: u32): usize {
	return keyAsked(row) + HASHES;
}

/** Both hashes of its packet, the first below; 0: not hashed. */
// @ts-ignore: decorator
@inline
export function hashesAsked(row: u32): u64 {
	return load<u64>(keyAsked(row), HASHES);
}

/** Was the packet of a row seen a moment ago? */
export function isCopy(columns: usize, row: u32): bool {
	let hashes = hashesAsked(row);
	if (hashes == 0) {
		hashCopies(columns, row, HASHED);
		hashes = load<u64>(HASHED);
		store<u64>(keyAsked(row), hashes, HASHES);
	}
	return seenBefore(<u32>hashes, <u32>(hashes >> 32), timeAt(columns, row));
}

// Is it a TCP packet without SYN?
// @ts-ignore: decorator
@inline
function isEstablished(columns: usize, row: u32): bool {
	const ones = columns + <usize>row;
	return load<u8>(ones, L.COLUMN_PROTO) == L.PROTO_TCP && (load<u8>(ones, L.COLUMN_TCP) & L.TCP_SYN) == 0;
}

// Are all of its headers there, and is it IPv4, so that nothing in them has the row ignored?
// @ts-ignore: decorator
@inline
function isWhole(columns: usize, row: u32): bool {
	const ones = columns + <usize>row;
	const cut = load<u8>(ones, L.COLUMN_SHAPE) & (L.SHAPE_LATER_FRAGMENT | L.SHAPE_CUT);
	return cut == 0 && load<u8>(ones, L.COLUMN_FAMILY) == 4;
}
