// The mixer against the published sequence of splitmix64, and what tables and keyed choices need of it.

import { hash2, mix } from "../hash";

describe("mix", () => {
	it("is splitmix64's finaliser: the sequence of seed 0", () => {
		expect(mix(0x9e3779b97f4a7c15)).toBe(0xe220a8397b1dcdaf);
		expect(mix(0x3c6ef372fe94f82a)).toBe(0x6e789e6aa1b965f4);
	});

	it("moves about half of all bits when one input bit flips", () => {
		let flipped: u64 = 0;
		for (let bit = 0; bit < 64; bit++) flipped += popcnt<u64>(mix(12345) ^ mix(12345 ^ ((<u64>1) << bit)));
		expect(flipped / 64).toBeGreaterThan(27);
		expect(flipped / 64).toBeLessThan(37);
	});
});

describe("hash2", () => {
	it("depends on the order of its words", () => {
		expect(hash2(1, 2)).not.toBe(hash2(2, 1));
	});

	it("fills the low bits evenly: 16 buckets, 16,000 neighbouring keys", () => {
		const buckets = new StaticArray<i32>(16);
		for (let key = 0; key < 16000; key++) buckets[hash2(key, 0) & 15]++;
		let worst = 0;
		for (let i = 0; i < 16; i++) {
			const off = buckets[i] - 1000;
			worst = max(worst, off < 0 ? -off : off);
		}
		// Five standard deviations of a binomial count (sqrt(1000 * 15/16) = 31).
		expect(worst).toBeLessThan(155);
	});
});

describe("the target", () => {
	it("has SIMD, as the module has", () => {
		expect(i32x4.extract_lane(i32x4.add(i32x4.splat(3), i32x4.splat(4)), 2)).toBe(7);
	});
});
