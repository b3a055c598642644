// Chance by seed: one seed, one sequence; keyed choices ask nothing of what was drawn before.

import { keyed, next32, next64, reseed } from "../random";

describe("a seed", () => {
	it("gives the same sequence again", () => {
		reseed(42);
		const first = next64();
		const second = next64();
		reseed(42);
		expect(next64()).toBe(first);
		expect(next64()).toBe(second);
		expect(first).not.toBe(second);
	});

	it("differs from its neighbour", () => {
		reseed(42);
		const here = next64();
		reseed(43);
		expect(next64()).not.toBe(here);
	});
});

describe("next32", () => {
	it("is even: mean of 20,000 draws within four standard errors of one half", () => {
		reseed(7);
		let sum: f64 = 0;
		for (let i = 0; i < 20000; i++) sum += <f64>next32() / 4294967296.0;
		const off = abs(sum / 20000.0 - 0.5);
		expect(off).toBeLessThan((4.0 * 0.2887) / 141.4);
	});
});

describe("keyed", () => {
	it("does not depend on draws in between", () => {
		reseed(1);
		const before = keyed(99);
		next64();
		next32();
		expect(keyed(99)).toBe(before);
	});

	it("depends on the seed", () => {
		reseed(1);
		const one = keyed(99);
		reseed(2);
		expect(keyed(99)).not.toBe(one);
	});
});
