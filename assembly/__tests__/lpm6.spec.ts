// Prefixes of 128 bits: what is built from them says what a look at each of them says.

import { reserve, seal } from "../index";
import { startAt } from "../arena";
import { form6, offset6 } from "../compile/lpm6";
import { buildPrefixes6, prefixes6Reset, putPrefix6, scratch6 } from "../compile/prefix6";
import { place, spaceReset } from "../compile/space";
import { mix } from "../hash";
import * as L from "../layout";
import { match6 } from "../lpm6";

const MOST: i32 = 3000;
const NONE: u32 = 0x7fffff;
const his = new StaticArray<u64>(MOST);
const los = new StaticArray<u64>(MOST);
const lengths = new StaticArray<u32>(MOST);
let count: i32 = 0;
let none: u32 = NONE;
let sealed = false;
let state: u64 = 1;

function random(): u64 {
	return mix(++state);
}

function begin(): void {
	if (!sealed) {
		startAt((<usize>memory.size()) << 16);
		reserve(L.TABLE_SCRATCH, scratch6(MOST));
		reserve(L.TABLE_FIB, 16384);
		if (!seal()) throw new Error("no memory for the tables");
		sealed = true;
	}
	count = 0;
}

function maskHi(length: u32): u64 {
	return length == 0 ? 0 : length >= 64 ? <u64>-1 : (<u64>-1) << (64 - length);
}

function maskLo(length: u32): u64 {
	return length <= 64 ? 0 : length >= 128 ? <u64>-1 : (<u64>-1) << (128 - length);
}

function add(hi: u64, lo: u64, length: u32): void {
	his[count] = hi & maskHi(length);
	los[count] = lo & maskLo(length);
	lengths[count] = length;
	count++;
}

/** Builds with the answer of each prefix its number. */
function build(): void {
	none = <u32>count;
	spaceReset();
	expect(prefixes6Reset(count)).toBe(true);
	for (let i = 0; i < count; i++) putPrefix6(his[i], los[i], lengths[i], <u32>i);
	expect(buildPrefixes6(none, none + 1)).toBe(true);
}

function slow(hi: u64, lo: u64): u32 {
	let best = -1;
	let found = none;
	for (let i = 0; i < count; i++) {
		const length = lengths[i];
		if (<i32>length < best || (hi & maskHi(length)) != his[i] || (lo & maskLo(length)) != los[i]) continue;
		best = <i32>length;
		found = <u32>i;
	}
	return found;
}

function wrong(hi: u64, lo: u64): i32 {
	return match6(form6, place(offset6), hi, lo) == slow(hi, lo) ? 0 : 1;
}

/** Addresses at both ends of prefixes, beside them and anywhere, that are answered otherwise than by a look at all. */
function mistakes(): i32 {
	let wrongs = wrong(0, 0) + wrong(<u64>-1, <u64>-1) + wrong(0, <u64>-1) + wrong(<u64>-1, 0);
	const step = count / 100 + 1;
	for (let i = 0; i < count; i += step) {
		const hi = his[i];
		const lo = los[i];
		const endHi = hi | ~maskHi(lengths[i]);
		const endLo = lo | ~maskLo(lengths[i]);
		wrongs += wrong(hi, lo) + wrong(endHi, endLo);
		wrongs += wrong(lo == 0 ? hi - 1 : hi, lo - 1) + wrong(endLo + 1 == 0 ? endHi + 1 : endHi, endLo + 1);
		wrongs += wrong(hi | (random() & ~maskHi(lengths[i])), lo | (random() & ~maskLo(lengths[i])));
		wrongs += wrong(random(), random());
	}
	return wrongs;
}

describe("prefixes of 128 bits", () => {
	beforeEach(() => {
		begin();
	});

	it("are nothing where there are none", () => {
		build();
		expect(match6(form6, place(offset6), 1, 2)).toBe(none);
	});

	it("are two lines for a pod", () => {
		add(0, 0, 0);
		add(0xfd00_0010_0244_0001, 0, 64);
		add(0xfd00_0010_0244_0001, 7, 128);
		build();
		expect(form6).toBe(L.FIB6_LINES);
		expect(mistakes()).toBe(0);
		expect(match6(form6, place(offset6), 0xfd00_0010_0244_0001, 7)).toBe(2);
		expect(match6(form6, place(offset6), 0xfd00_0010_0244_0001, 8)).toBe(1);
		expect(match6(form6, place(offset6), 0x2001_0db8_0000_0000, 0)).toBe(0);
	});

	it("are a tree for a node with a route a pod network, and one for pods of its own", () => {
		add(0, 0, 0);
		for (let i = 0; i < 2000; i++) add(0xfd00_0010_0244_0000 + <u64>i, 0, 64);
		for (let i = 0; i < 110; i++) add(0xfd00_0010_0244_0005, <u64>(i * 3 + 2), 128);
		build();
		expect(form6).toBe(L.FIB6_TREE);
		expect(mistakes()).toBe(0);
	});

	it("count as put last where they are equal", () => {
		for (let i = 0; i < 3; i++) add(0xfd00_0000_0000_0000, 0, 48);
		build();
		expect(match6(form6, place(offset6), 0xfd00_0000_0000_1234, 5)).toBe(2);
	});

	it("may end with the last address, and with the first half", () => {
		add(<u64>-1, <u64>-1, 128);
		add(<u64>-1, 0, 64);
		add(0xfd00_0000_0000_0000, <u64>-1, 128);
		add(0xfd00_0000_0000_0001, 0, 128);
		add(0xfd00_0000_0000_0001, 1, 127);
		add(0, 0, 128);
		build();
		expect(mistakes()).toBe(0);
	});

	it("hold one another, at every length", () => {
		for (let round = 0; round < 20; round++) {
			begin();
			const hi = random();
			const lo = random();
			for (let length: u32 = 0; length <= 128; length++) if ((random() & 3) < 2) add(hi, lo, length);
			build();
			expect(mistakes()).toBe(0);
		}
	});

	it("are found among many, near one another and far", () => {
		for (let round = 0; round < 40; round++) {
			begin();
			const hi = random();
			const near = <u32>(random() % 100);
			const prefixes = <i32>(random() % 400);
			for (let i = 0; i < prefixes; i++) {
				const length = near + <u32>(random() % <u64>(129 - near));
				add((hi & maskHi(near)) | (random() & ~maskHi(near)), random() & ~maskLo(near), length);
			}
			for (let i = 0; i < 5; i++) add(random(), random(), <u32>(random() % 129));
			build();
			expect(mistakes()).toBe(0);
		}
	});

	it("need the scratch that they are announced for", () => {
		expect(prefixes6Reset(MOST + 1)).toBe(false);
	});
});
