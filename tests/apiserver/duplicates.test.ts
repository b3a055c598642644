// Fields that a JSON text has twice, against texts that are made to have them.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duplicateFields } from "../../js/apiserver/rest/duplicates.ts";

describe("duplicate fields", () => {
	it("are told by their paths", () => {
		const text =
			'{"a":1,"b":[{"c":"}","c":2}, [ {"d" : {} , "d":[]} ]],"a":{"__proto__":1,"__proto__":2},"e\\"":"\\\\","e\\"":0}';
		expect(duplicateFields(text)).toEqual(["b[0].c", "b[1][0].d", "a", "a.__proto__", 'e"']);
	});

	it("are none in what a program writes", () => {
		fc.assert(
			fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
				expect(duplicateFields(JSON.stringify(value, null, space))).toEqual([]);
			}),
		);
	});

	it("are found wherever one is said again", () => {
		const key = fc.string({ minLength: 1 }).filter((name) => !/[.[\]]/.test(name));
		fc.assert(
			fc.property(fc.dictionary(key, fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, which) => {
				const names = Object.keys(object);
				const name = names[which % names.length] ?? "";
				const text = `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(name)}:null}`;
				expect(duplicateFields(text)).toEqual([name]);
			}),
		);
	});
});
