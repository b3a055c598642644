// The agenda against a list that is sorted anew each time.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Agenda, type Pending } from "../../js/sim/agenda.ts";

interface Add {
	key: string;
	at: number;
	idle: boolean;
}

const adds = fc.array(
	fc.oneof(
		fc.record<Add>({ key: fc.constantFrom("a", "b", "c", "d"), at: fc.nat(9), idle: fc.boolean() }),
		fc.constantFrom("next" as const, "drop" as const),
	),
	{ maxLength: 60 },
);

describe("the agenda", () => {
	it("gives what is due in order of time and arrival, each key once, the earliest time of it", () => {
		fc.assert(
			fc.property(adds, (script) => {
				const agenda = new Agenda();
				let model: Pending[] = [];
				let seq = 0;
				const inOrder = () => [...model].sort((a, b) => Number(a.at - b.at) || a.seq - b.seq);
				for (const step of script) {
					if (step === "next") {
						const [first] = inOrder();
						expect(agenda.next()).toEqual(first);
						model = model.filter((one) => one !== first);
					} else if (step === "drop") {
						agenda.drop("x", "a", true);
						model = model.filter(({ key, idle }) => !(key === "a" && idle));
					} else {
						const at = BigInt(step.at);
						const before = model.find(({ key, idle }) => key === step.key && idle === step.idle);
						agenda.add("x", step.key, at, step.idle);
						if (before !== undefined && before.at <= at) continue;
						model = model.filter((one) => one !== before);
						model.push({ at, seq: seq++, component: "x", key: step.key, idle: step.idle });
					}
					expect(agenda.size).toBe(model.length);
					expect(agenda.progress).toBe(model.filter(({ idle }) => !idle).length);
				}
				expect(Agenda.of(agenda.state).entries()).toEqual(inOrder());
			}),
		);
	});

	it("has copies with a future of their own", () => {
		const agenda = new Agenda();
		for (const at of [5n, 1n, 3n]) agenda.add("x", `k${at}`, at, false);
		const copy = Agenda.of(agenda.state);
		copy.next();
		copy.add("x", "new", 0n, true);
		expect(agenda.entries().map(({ key }) => key)).toEqual(["k1", "k3", "k5"]);
		expect(copy.entries().map(({ key }) => key)).toEqual(["new", "k3", "k5"]);
	});
});
