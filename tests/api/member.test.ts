// Members made anew: what a spread gives, in the same order.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { merged, withMember } from "../../js/api/member.ts";
import { kubernetes } from "../../js/api/schema/kubernetes.generated.ts";
import { DEFAULTS } from "../../js/apiserver/defaults/groups.ts";
import { Defaults, withDefaults } from "../../js/apiserver/defaults/walk.ts";
import { runs } from "../runs.ts";

const objects = fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e", "f"), fc.nat(3));

/** With the order of its members. */
const entries = (object: object) => Object.entries(object);

describe("an object with members made anew", () => {
	it("is what a spread makes, in its order", () => {
		fc.assert(
			fc.property(objects, objects, fc.constantFrom("a", "g"), fc.nat(3), (first, second, name, value) => {
				expect(entries(merged(first, second))).toEqual(entries({ ...first, ...second }));
				expect(entries(withMember(first, name, value))).toEqual(entries({ ...first, [name]: value }));
			}),
			runs(200),
		);
	});

	it("takes no member for more than a member", () => {
		const given = JSON.parse('{"a": 1, "__proto__": {"b": 2}}');
		const made = withMember(given, "c", 3);
		expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
		expect(Object.keys(made)).toEqual(["a", "__proto__", "c"]);
		expect(JSON.stringify(made)).toBe('{"a":1,"__proto__":{"b":2},"c":3}');
	});
});

describe("defaults of objects one after the other", () => {
	const container = fc.record(
		{
			name: fc.constantFrom("a", "b"),
			image: fc.constantFrom("web", "web:1"),
			ports: fc.array(fc.record({ containerPort: fc.nat(9) }), { maxLength: 2 }),
			resources: fc.constantFrom({}, { requests: { cpu: "0.1" } }, { limits: { memory: "1024Mi" } }),
			livenessProbe: fc.constantFrom({ httpGet: { port: 80 } }, { exec: { command: ["x"] } }),
		},
		{ requiredKeys: ["name"] },
	);
	const lists = fc.array(fc.array(container, { maxLength: 2 }), { minLength: 2, maxLength: 3 });

	it("are those of each by itself, whatever they share", () => {
		fc.assert(
			fc.property(lists, fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.boolean())), (containers, pods) => {
				const defaults = new Defaults(kubernetes, DEFAULTS);
				for (const [own, initial, hostNetwork] of pods) {
					const spec = { containers: containers[own] ?? [], initContainers: containers[initial] ?? [], hostNetwork };
					const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", labels: { a: "b" } }, spec };
					expect(defaults.of("core.v1.Pod", pod)).toEqual(withDefaults(kubernetes, DEFAULTS, "core.v1.Pod", pod));
				}
			}),
			runs(100),
		);
	});
});
