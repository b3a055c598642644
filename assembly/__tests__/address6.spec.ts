// IPv6 addresses as numbers: one number an address, masks and ranges of the address itself, and a table that says when it is full.

import {
	ADDRESS6_FULL,
	address6Count,
	hi6,
	identity,
	intern6,
	is6,
	isLinkLocal6,
	isLoopback6,
	isMulticast6,
	known6,
	lo6,
	maskHi,
	masked6,
	maskLo,
	shared6,
	within6,
} from "../address6";
import { capacity } from "../arena";
import * as L from "../layout";
import { begin, ip } from "./network";

const PREFIX: u64 = 0xfd00_0010_0244_0001;
const words: usize = memory.data(32, 8);

function put(a: u64, b: u64, c: u64, d: u64): usize {
	store<u64>(words, a);
	store<u64>(words, b, 8);
	store<u64>(words, c, 16);
	store<u64>(words, d, 24);
	return words;
}

describe("a number of an IPv6 address", () => {
	beforeEach(() => {
		begin();
	});

	it("is the same whenever it is asked, and another for another address", () => {
		const a = intern6(PREFIX, 2);
		expect(intern6(PREFIX, 2)).toBe(a);
		expect(intern6(PREFIX, 3)).not.toBe(a);
		expect(intern6(2, PREFIX)).not.toBe(a);
		expect(hi6(a)).toBe(PREFIX);
		expect(lo6(a)).toBe(2);
	});

	it("is 0 for the unspecified address, and told apart from every IPv4 address", () => {
		expect(intern6(0, 0)).toBe(0);
		expect(is6(intern6(PREFIX, 2))).toBe(true);
		expect(is6(ip(1, 0, 0, 0))).toBe(false);
		expect(is6(ip(255, 255, 255, 255))).toBe(false);
	});

	it("is not made by asking whether there is one", () => {
		const before = address6Count();
		expect(known6(0xabcd, 0xef)).toBe(-1);
		expect(address6Count()).toBe(before);
	});

	it("has an identity that does not depend on the order of interning", () => {
		const a = identity(intern6(PREFIX, 0x77));
		const b = identity(intern6(PREFIX, 0x78));
		expect(a).not.toBe(b);
		expect(identity(intern6(PREFIX, 0x77))).toBe(a);
		expect(identity(ip(10, 0, 0, 1))).toBe(ip(10, 0, 0, 1));
	});

	it("runs out, and says so", () => {
		let id: i32 = 0;
		for (let i: u64 = 0; id >= 0 && i < 1000; i++) id = intern6(0x2001_0db8_0000_0000, i);
		expect(id).toBe(ADDRESS6_FULL);
		expect(address6Count()).toBe(capacity(L.TABLE_ADDRESS6));
	});
});

describe("masks", () => {
	beforeEach(() => {
		begin();
	});

	it("have the length's leading ones", () => {
		expect(maskHi(0)).toBe(0);
		expect(maskHi(1)).toBe(0x8000_0000_0000_0000);
		expect(maskHi(64)).toBe(0xffff_ffff_ffff_ffff);
		expect(maskLo(64)).toBe(0);
		expect(maskLo(65)).toBe(0x8000_0000_0000_0000);
		expect(maskHi(128)).toBe(0xffff_ffff_ffff_ffff);
		expect(maskLo(128)).toBe(0xffff_ffff_ffff_ffff);
	});

	it("compare under the mask alone", () => {
		const a = intern6(PREFIX, 2);
		expect(masked6(a, put(PREFIX, 0, maskHi(64), maskLo(64)))).toBe(true);
		expect(masked6(a, put(PREFIX, 0, maskHi(127), maskLo(127)))).toBe(false);
		expect(masked6(a, put(PREFIX + 1, 0, maskHi(64), maskLo(64)))).toBe(false);
		expect(masked6(a, put(PREFIX, 2, maskHi(128), maskLo(128)))).toBe(true);
	});

	it("order addresses by all 128 bits", () => {
		const a = intern6(PREFIX, 2);
		expect(within6(a, put(PREFIX, 2, PREFIX, 2))).toBe(true);
		expect(within6(a, put(PREFIX - 1, 9, PREFIX, 1))).toBe(false);
		expect(within6(a, put(PREFIX - 1, 9, PREFIX + 1, 0))).toBe(true);
		expect(within6(a, put(PREFIX, 3, PREFIX + 1, 0))).toBe(false);
	});

	it("share leading bits", () => {
		expect(shared6(intern6(PREFIX, 2), intern6(PREFIX, 3))).toBe(127);
		expect(shared6(intern6(PREFIX, 2), intern6(PREFIX, 2))).toBe(128);
		expect(shared6(intern6(0x8000_0000_0000_0000, 0), intern6(0x1, 0))).toBe(0);
	});
});

describe("kinds of addresses", () => {
	beforeEach(() => {
		begin();
	});

	it("are the RFC's", () => {
		expect(isMulticast6(intern6(0xff02_0000_0000_0000, 1))).toBe(true);
		expect(isMulticast6(intern6(PREFIX, 1))).toBe(false);
		expect(isLoopback6(intern6(0, 1))).toBe(true);
		expect(isLoopback6(intern6(0, 2))).toBe(false);
		expect(isLoopback6(0)).toBe(false);
		expect(isLinkLocal6(intern6(0xfe80_0000_0000_0000, 1))).toBe(true);
		expect(isLinkLocal6(intern6(0xfec0_0000_0000_0000, 1))).toBe(false);
	});
});
