// The hash of tuples against a plain list: with notes of searches that ended in vain, whatever is added and removed between.

import { place, row, startAt } from "../arena";
import * as L from "../layout";
import { tupleHash } from "../netfilter/tuple";
import { tupleFind, tupleInsert, tupleRemove, tupleSeek, tupleTableInit } from "../netfilter/tuplehash";

const SLOTS: u32 = 64;
const KEYS: i32 = 24;

// the list: value by key, -1 none
const list = new StaticArray<i32>(KEYS);
let placed = false;

function reset(): void {
	if (!placed) {
		startAt((<usize>memory.size()) << 16);
		place(L.TABLE_TUPLE, SLOTS, L.TUPLE_STRIDE);
		placed = true;
	}
	memory.fill(row(L.TABLE_TUPLE, 0, L.TUPLE_STRIDE), 0, SLOTS * L.TUPLE_STRIDE);
	tupleTableInit();
	for (let i = 0; i < KEYS; i++) list[i] = -1;
}

function lo(key: i32): u64 {
	return (<u64>0x0a000001) | ((<u64>(<u32>key * 0x01010101)) << 32);
}

function hi(key: i32): u64 {
	return <u64>key * 77;
}

function find(key: i32): i32 {
	return tupleFind(lo(key), hi(key), tupleHash(lo(key), hi(key)));
}

describe("the hash of tuples", () => {
	it("finds what the list has, by search and by note, through any order of additions and removals", () => {
		reset();
		let seed: u32 = 7;
		let wrong = 0;
		for (let step = 0; step < 200_000; step++) {
			seed = seed * 1664525 + 1013904223;
			const key = <i32>((seed >>> 8) % <u32>KEYS);
			const dir = <i32>((seed >>> 20) & 1);
			const what = seed >>> 29;
			if (what < 4) {
				if (tupleSeek(lo(key), hi(key), dir) != list[key]) wrong++;
			} else if (what == 4 && list[key] < 0) {
				list[key] = step;
				tupleInsert(lo(key), hi(key), dir, step);
			} else if (what == 5 && list[key] >= 0) {
				tupleRemove(tupleHash(lo(key), hi(key)), list[key]);
				list[key] = -1;
			}
			if (find(key) != list[key]) wrong++;
		}
		expect(wrong).toBe(0);
		for (let key = 0; key < KEYS; key++) expect(find(key)).toBe(list[key]);
	});

	it("keeps two values of one key, the older one first, and removes each by its own", () => {
		reset();
		tupleSeek(lo(1), hi(1), 0);
		tupleSeek(lo(1), hi(1), 1);
		tupleInsert(lo(1), hi(1), 1, 3);
		tupleInsert(lo(1), hi(1), 0, 2);
		expect(find(1)).toBe(3);
		tupleRemove(tupleHash(lo(1), hi(1)), 3);
		expect(find(1)).toBe(2);
		tupleRemove(tupleHash(lo(1), hi(1)), 2);
		expect(find(1)).toBe(-1);
	});

	it("ignores a note after a removal, which may have moved the key's place back", () => {
		reset();
		for (let key = 0; key < KEYS; key++) tupleInsert(lo(key), hi(key), 0, key);
		const absent = 1000;
		expect(tupleSeek(lo(absent), hi(absent), 0)).toBe(-1);
		for (let key = 0; key < KEYS; key++) tupleRemove(tupleHash(lo(key), hi(key)), key);
		tupleInsert(lo(absent), hi(absent), 1, 5);
		expect(tupleSeek(lo(absent), hi(absent), 0)).toBe(5);
	});
});
