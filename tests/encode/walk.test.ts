// Random rules and packets: the engine's walk against the slow reference. Verdict, marks, every trace step and, at the
// end, every rule's counter must agree. The seed of a failure is printed by fast-check.

import fc from "fast-check";
import { expect, test } from "vitest";
import { runs } from "../runs.ts";
import { memoryPackets, memoryRules, packets, rulesText, setsText } from "./arbitrary.ts";
import { RuleBench } from "./bench.ts";

function compare(
	rules: string,
	sets: string,
	stream: readonly { hook: string; packet: Parameters<RuleBench["judge"]>[0] }[],
	options: { recentMax: number; paths?: number },
): void {
	const bench = new RuleBench(rules, sets, options);
	for (const [index, { hook, packet }] of stream.entries()) {
		const got = bench.judge(packet, "mangle", hook);
		const wanted = bench.slow.judge(packet, "mangle", hook);
		expect({ index, hook, ...got }).toEqual({ index, hook, ...wanted });
		expect(bench.decided() !== null).toBe(wanted.verdict !== "ACCEPT");
	}
	const none = { packets: 0n, bytes: 0n };
	for (const table of bench.machine.countedRuleset("node:n")?.tables ?? []) {
		for (const [index, chain] of table.chains.entries()) {
			const original = bench.ruleset.tables[0]?.chains[index];
			const counted = chain.rules.map((rule) => rule.counters);
			expect({ chain: chain.name, counted }).toEqual({
				chain: chain.name,
				counted: original?.rules.map((rule) => bench.slow.hits.get(rule) ?? none),
			});
			if (original !== undefined) expect(chain.counters).toEqual(bench.slow.hits.get(original) ?? none);
		}
	}
}

test("random rules: verdict, marks, trace and counters agree with the reference", () => {
	fc.assert(
		fc.property(rulesText, setsText, packets, fc.constantFrom(2, 100), (rules, sets, stream, recentMax) =>
			compare(rules, sets, stream, { recentMax }),
		),
		runs(150),
	);
});

test("matches that remember packets: recent, limit, nth", () => {
	fc.assert(
		fc.property(memoryRules, memoryPackets, fc.constantFrom(2, 100), (rules, stream, recentMax) =>
			compare(rules, "", stream, { recentMax }),
		),
		runs(150),
	);
});

test("with a path table of a few rows counters are as exact", () => {
	fc.assert(
		fc.property(rulesText, setsText, packets, (rules, sets, stream) =>
			compare(rules, sets, stream, { recentMax: 100, paths: 4 }),
		),
		runs(38),
	);
});
