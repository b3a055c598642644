// Random routes and addresses: what the engine's FIB says of an address is what a look at every prefix says.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import { words } from "../../bench/inputs.ts";
import { Fib, first, last, type Subnet } from "./fib.ts";

const address = fc.integer({ min: 0, max: 0xffffffff });
const anyPrefix = fc.tuple(address, fc.integer({ min: 0, max: 32 }));
/** Prefixes that hold one another: all lengths towards one address. */
const nested = fc
	.tuple(address, fc.uniqueArray(fc.integer({ min: 0, max: 32 }), { maxLength: 12 }))
	.map(([start, lengths]) => lengths.map((length): Subnet => [start, length]));
/** A range cut into parts of one size, with gaps: what a window is made for. */
const cut = fc
	.record({
		start: address,
		length: fc.integer({ min: 8, max: 32 }),
		count: fc.integer({ min: 1, max: 400 }),
		every: fc.integer({ min: 1, max: 4 }),
	})
	.map(({ start, length, count, every }) =>
		Array.from({ length: count }, (_, i): Subnet => [(start + i * every * 2 ** (32 - length)) >>> 0, length]),
	);
/** Many prefixes within one network. */
const crowd = fc
	.tuple(address, fc.integer({ min: 0, max: 24 }), fc.integer({ min: 0, max: 600 }), fc.integer({ min: 1 }))
	.map(([start, within, count, seed]) => {
		const next = words(seed);
		const span = 2 ** (32 - within);
		return Array.from({ length: count }, (): Subnet => {
			const length = within + (next() % (33 - within));
			return [(first([start, within]) + (next() % span)) >>> 0, length];
		});
	});
const routes = fc
	.array(fc.oneof(fc.array(anyPrefix, { maxLength: 20 }), nested, cut, crowd), { maxLength: 4 })
	.map((lists) => lists.flat());
const locals = fc.array(anyPrefix, { maxLength: 6 });

/** Where answers may change: at both ends of every prefix. */
function edges(prefixes: readonly Subnet[]): number[] {
	return prefixes.flatMap((prefix) => {
		const [low, high] = [first(prefix), last(prefix)];
		return [low, high, (low - 1) >>> 0, (high + 1) >>> 0, prefix[0]];
	});
}

function compare(fib: Fib, asked: readonly number[]): void {
	for (const one of asked) {
		const answer = fib.lookup(one);
		const wanted = fib.slow.lookup(BigInt(one));
		if (answer !== wanted)
			expect({ address: one, ...fib.form, answer }).toEqual({ address: one, ...fib.form, answer: wanted });
	}
}

/** So many prefixes of 8 to 32 bits anywhere. */
function scattered(count: number, seed: number): Subnet[] {
	const next = words(seed);
	return Array.from({ length: count }, (): Subnet => [next(), 8 + (next() % 25)]);
}

function pods(count: number): Subnet[] {
	return Array.from({ length: count }, (_, i): Subnet => [0x0a400000 + i * 256, 24]);
}

const LO: Subnet[] = [[0x7f000001, 8]];

describe("the FIB", () => {
	it("says what a look at every prefix says", () => {
		fc.assert(
			fc.property(routes, locals, locals, fc.array(address, { maxLength: 20 }), (main, addresses, loopback, asked) => {
				const fib = new Fib(main, addresses, loopback);
				const step = Math.ceil(main.length / 60);
				const some = main.filter((_, i) => i % step === 0);
				compare(fib, [...asked, 0, 0xffffffff, ...edges([...some, ...addresses, ...loopback])]);
			}),
		);
	});

	const forms: { what: string; routes: Subnet[]; addresses: Subnet[]; form: Fib["form"] }[] = [
		{
			what: "one line for a pod",
			routes: [
				[0, 0],
				[0x0af40100, 24],
			],
			addresses: [[0x0af40107, 24]],
			form: { form: L.FIB_LINE, cells: 0, trie: false },
		},
		{
			what: "a window and a line for a node of a small one",
			routes: [[0, 0], [0xac100000, 16], ...pods(12)],
			addresses: [
				[0xac10000b, 16],
				[0x0a400001, 24],
			],
			form: { form: L.FIB_NARROW, cells: 12, trie: false },
		},
		{
			what: "two levels of lines for some that lie apart",
			routes: scattered(40, 5).map(([start]): Subnet => [start, 20]),
			addresses: [[0xac10000b, 16]],
			form: { form: L.FIB_NARROW, cells: 0, trie: false },
		},
		{
			what: "a window and lines for a node of a large one",
			routes: [[0, 0], [0xac100000, 16], ...pods(5000)],
			addresses: [
				[0xac10000b, 16],
				[0x0a3f0001, 24],
			],
			form: { form: L.FIB_NARROW, cells: 5000, trie: false },
		},
		{
			what: "a trie for what has no order",
			routes: scattered(500, 1),
			addresses: [[0xac10000b, 16]],
			form: { form: L.FIB_NARROW, cells: 0, trie: true },
		},
		{
			what: "a window and a trie for both",
			routes: [...scattered(500, 2), ...pods(500)],
			addresses: [[0x0a400005, 24]],
			form: { form: L.FIB_NARROW, cells: 500, trie: true },
		},
	];
	for (const { what, routes, addresses, form } of forms) {
		it(`is ${what}`, () => {
			const fib = new Fib(routes, addresses, LO);
			expect(fib.form).toEqual(form);
			const some = routes.filter((_, i) => i % 40 === routes.length % 40);
			compare(fib, [0, 0xffffffff, ...edges([...some, ...addresses, ...LO])]);
		});
	}

	it("is a window of answers twice as wide for more routes than fifteen bits number", () => {
		const next = words(7);
		const dense = Array.from({ length: 33_000 }, (_, i): Subnet => [0x0b000000 + i * 512 + (next() % 256), 24]);
		const rest = scattered(600, 3);
		const fib = new Fib([...dense, ...rest], [[0x0b000005, 24]]);
		expect(fib.form).toMatchObject({ form: L.FIB_WIDE, trie: true });
		expect(fib.form.cells).toBeGreaterThan(33_000);
		const some = dense.filter((_, i) => i % 3000 === 0);
		compare(fib, [...edges([...some, ...rest.slice(0, 20)]), ...Array.from({ length: 40 }, next)]);
	});

	it("takes at most four bytes a route for 5,000 pod networks", () => {
		const fib = new Fib([[0, 0], [0xac100000, 16], ...pods(5000)], [[0xac10000b, 16]], LO);
		expect(fib.machine.core.engine.fibBytes() / 5000).toBeLessThan(4);
	});

	it("is built anew, larger, while what it was before is forgotten", () => {
		const fib = new Fib(scattered(400, 4), [[0xac10000b, 16]], LO);
		const { engine } = fib.machine.core;
		const before = engine.fibBytes();
		fib.machine.core.compile();
		expect(engine.fibBytes()).toBe(before);
		compare(fib, edges(scattered(20, 4)));
	});
});
