// Random IPv6 routes and addresses: what the engine's FIB says of an address is what a look at every prefix says.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import { Fib6, first6, last6, type Subnet6 } from "./fib6.ts";

const MAX = (1n << 128n) - 1n;
const POD = 0xfd00_0010_0244_0001_0000_0000_0000_0007n;

const address = fc.bigInt({ min: 0n, max: MAX });
const anyPrefix = fc.tuple(address, fc.integer({ min: 0, max: 128 }));
/** Prefixes that hold one another: lengths towards one address. */
const nested = fc
	.tuple(address, fc.uniqueArray(fc.integer({ min: 0, max: 128 }), { maxLength: 20 }))
	.map(([start, lengths]) => lengths.map((length): Subnet6 => [start, length]));
/** A range cut into parts of one size. */
const cut = fc
	.record({
		start: address,
		length: fc.constantFrom(48, 56, 64, 72, 126, 128),
		count: fc.integer({ min: 1, max: 200 }),
	})
	.map(({ start, length, count }) =>
		Array.from({ length: count }, (_, i): Subnet6 => [(start + (BigInt(i) << BigInt(128 - length))) & MAX, length]),
	);
const routes = fc
	.array(fc.oneof(fc.array(anyPrefix, { maxLength: 20 }), nested, cut), { maxLength: 4 })
	.map((lists) => lists.flat());

/** Where answers may change: at both ends of every prefix. */
function edges(prefixes: readonly Subnet6[]): bigint[] {
	return prefixes.flatMap((prefix) => {
		const [low, high] = [first6(prefix), last6(prefix)];
		return [low, high, (low - 1n) & MAX, (high + 1n) & MAX, prefix[0]];
	});
}

function compare(fib: Fib6, asked: readonly bigint[]): void {
	for (const one of asked) {
		const answer = fib.lookup(one);
		const wanted = fib.slow.lookup(one);
		if (answer !== wanted) {
			const at = { address: one.toString(16), form: fib.form };
			expect({ ...at, answer }).toEqual({ ...at, answer: wanted });
		}
	}
}

describe("the IPv6 FIB", () => {
	it("says what a look at every prefix says", () => {
		const locals = fc.array(anyPrefix, { maxLength: 6 });
		fc.assert(
			fc.property(routes, locals, fc.boolean(), fc.array(address, { maxLength: 20 }), (main, own, router, asked) => {
				const fib = new Fib6(main, own, router);
				const step = Math.ceil(main.length / 60);
				compare(fib, [...asked, 0n, MAX, ...edges([...main.filter((_, i) => i % step === 0), ...own])]);
			}),
		);
	});

	it("is lines for a pod, and a tree for a node with a route a pod network", () => {
		const pod = new Fib6(
			[
				[0n, 0],
				[POD, 64],
			],
			[[POD, 64]],
			false,
		);
		expect(pod.form).toBe(L.FIB6_LINES);
		expect(pod.machine.core.engine.fibBytes()).toBeLessThanOrEqual(64 + 128);
		compare(
			pod,
			edges([
				[POD, 64],
				[POD, 128],
			]),
		);
		const networks = Array.from({ length: 500 }, (_, i): Subnet6 => [POD + (BigInt(i) << 64n), 64]);
		const node = new Fib6([[0n, 0], ...networks], [[POD, 64]], true);
		expect(node.form).toBe(L.FIB6_TREE);
		compare(node, edges(networks.filter((_, i) => i % 20 === 0)));
	});
});
