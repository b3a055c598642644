// Plain values as bytes: whatever they are, and however they hang together, the same comes back.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SnapshotError } from "../../js/snapshot/error.ts";
import { ValueReader, ValueWriter } from "../../js/snapshot/values.ts";
import { runs } from "../runs.ts";

const again = (value: unknown) => new ValueReader().read("values", new ValueWriter().write(value));

const scalar = fc.oneof(
	...[fc.constant(undefined), fc.constant(null), fc.boolean(), fc.double(), fc.integer(), fc.maxSafeInteger()],
	...[fc.bigInt(), fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), fc.string({ unit: "binary" })],
	...[
		fc.string({ unit: fc.constantFrom("a", "\ud800", "\udc00", "é", "\ufeff", "\0") }),
		fc.constantFrom(-0, 191, 192),
	],
);

const { value } = fc.letrec((tie) => ({
	value: fc.oneof(
		{ depthSize: "small", withCrossShrink: true },
		scalar,
		fc.array(tie("value"), { maxLength: 5 }),
		fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "1", "a")), tie("value"), { maxKeys: 5 }),
		fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
		fc.array(tie("value"), { maxLength: 4 }).map((members) => new Set(members)),
		fc.uint8Array(),
		fc.int32Array(),
		fc.float64Array(),
		fc.array(tie("value"), { maxLength: 3 }).map((members) => Object.freeze(members)),
		fc.dictionary(fc.string(), tie("value"), { maxKeys: 3, noNullPrototype: true }).map((own) => Object.freeze(own)),
	),
}));

describe("values", () => {
	it("come back as they were, and are the same bytes again", () => {
		fc.assert(
			fc.property(value, (given) => {
				const read = again(given);
				expect(read).toStrictEqual(given);
				expect(new ValueWriter().write(read)).toEqual(new ValueWriter().write(given));
			}),
			runs(500),
		);
	});

	it("are one thing where they were one thing, also where that is in itself, and across several writes", () => {
		const shared = Object.freeze({ a: [1] });
		const ring: { self?: unknown; all: Map<object, Set<unknown>> } = { all: new Map() };
		ring.self = ring;
		ring.all.set(shared, new Set([ring, shared.a]));
		const writer = new ValueWriter();
		const written = [ring, [shared, shared.a]].map((one) => writer.write(one));
		const reader = new ValueReader();
		const [first, second] = written.map((bytes) => reader.read("values", bytes)) as [
			typeof ring,
			[typeof shared, number[]],
		];
		expect(first.self).toBe(first);
		const [[key, members]] = [...first.all] as [[object, Set<unknown>]];
		expect(key).toBe(second[0]);
		expect(members.has(first)).toBe(true);
		expect(members.has(second[1])).toBe(true);
		expect(Object.isFrozen(key)).toBe(true);
		expect(Object.isFrozen(second[1])).toBe(false);
	});

	it("have the order of their members, and no prototype where they had none", () => {
		const bare = Object.assign(Object.create(null), { z: 1, a: 2, __proto__: 3 });
		const read = again([bare, { z: 1, a: 2 }]) as object[];
		expect(Object.getPrototypeOf(read[0])).toBe(null);
		expect(read.map((one) => Object.keys(one))).toEqual([
			["z", "a"],
			["z", "a"],
		]);
	});

	it("have no more in them than what they show: a getter is what it gets", () => {
		const lazy = {
			get chains() {
				return [1];
			},
		};
		Object.defineProperty(lazy, "hidden", { value: 1, enumerable: false });
		expect(again(lazy)).toStrictEqual({ chains: [1] });
	});
});

class Own {
	a = 1;
}

describe("what is no plain value", () => {
	it.each([
		["a function", { of: [() => 1] }, "a function at of.0 is no plain value"],
		["an instance", new Map([["own", { at: new Own() }]]), "a Own at own.at is no plain value"],
		["a symbol", [Symbol("s")], "a symbol at 0 is no plain value"],
		["a promise", { later: Promise.resolve() }, "a Promise at later is no plain value"],
		["a date", { at: new Date(0) }, "a Date at at is no plain value"],
	])("is refused, and where it is: %s", (_, given, message) => {
		expect(() => new ValueWriter().write(given)).toThrow(message);
	});
});

describe("bytes that nobody wrote", () => {
	it("are refused with their place, or are values: never anything else", () => {
		fc.assert(
			fc.property(value, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (given, at, byte, cuts) => {
				const bytes = new ValueWriter().write(given);
				const place = at % bytes.length;
				const damaged = cuts ? bytes.slice(0, place) : bytes.with(place, byte);
				try {
					new ValueReader().read("values", damaged as Uint8Array<ArrayBuffer>);
				} catch (error) {
					expect(error).toBeInstanceOf(SnapshotError);
					expect((error as SnapshotError).part).toBe("values");
				}
			}),
			runs(500),
		);
	});

	it.each([
		["too short", [15, 5, 0]],
		["a number of things that is larger than the file", [15, 0xff, 0xff, 0xff, 0xff, 0x7f]],
		["a kind that is none", [33]],
		["a name for nothing", [12, 0]],
		["left over", [1, 1]],
		["no UTF-8", [9, 1, 0xff]],
	])("%s", (_, bytes) => {
		expect(() => new ValueReader().read("values", Uint8Array.from(bytes))).toThrow(SnapshotError);
	});
});
