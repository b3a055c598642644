// Equality of API values against the texts that they are hashed by.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, semanticEqual } from "../../js/api/equality.ts";
import { runs } from "../runs.ts";

describe("semantic equality", () => {
	it("of objects is that of their canonical texts", () => {
		const { value } = fc.letrec((tie) => ({
			value: fc.oneof(
				{ maxDepth: 3 },
				fc.constantFrom(null, undefined, 0, 1, "", "a", true),
				fc.array(
					tie("value").map((item) => item ?? 0),
					{ maxLength: 2 },
				),
				fc.dictionary(fc.constantFrom("a", "b", "__proto__"), tie("value"), { maxKeys: 3 }),
			),
		}));
		const field = fc.record({ field: value });
		fc.assert(
			fc.property(field, field, (a, b) => {
				expect(semanticEqual(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
				expect(semanticEqual(a, structuredClone(a))).toBe(true);
			}),
			runs(2000),
		);
	});

	it("takes what is unset and what is empty for one", () => {
		expect(semanticEqual({ a: [], b: null }, { c: undefined })).toBe(true);
		expect(semanticEqual({ a: "" }, {})).toBe(false);
		expect(semanticEqual({ a: [1] }, { a: { 0: 1 } })).toBe(false);
	});
});
