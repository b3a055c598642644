// The comparison itself: a recorded result agrees with itself, and each single change to it is found and located.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConntrackEntryJson, ProbeResult } from "../../js/net/probe.ts";
import {
	compareConntrack,
	compareHops,
	compareProbe,
	compareRuleHits,
	compareSummary,
} from "../../js/verify/compare.ts";
import { printDifference } from "../../js/verify/difference.ts";
import { literalIds, literalPorts, Renaming } from "../../js/verify/renaming.ts";
import { tablesOf, withoutTracing } from "../../js/verify/tracing.ts";
import { readResult, readScenario, scenarioNames } from "./recorded.ts";

const recorded = scenarioNames().flatMap((name) =>
	readResult(name).probes.map((result, index) => ({ name: `${name} ${index}`, result })),
);
const singles = recorded.filter(({ result }) => result.result?.conntrack && result.hops && result.hops.length > 4);

function changed(result: ProbeResult, change: (copy: ReturnType<typeof JSON.parse>) => void): ProbeResult {
	const copy = structuredClone(result);
	change(copy);
	return copy;
}

function paths(expected: ProbeResult, got: ProbeResult): string[] {
	return compareProbe(expected, got).map((difference) => difference.path);
}

describe("a recorded result", () => {
	it.each(recorded)("$name agrees with itself", ({ result }) => {
		expect(compareProbe(result, structuredClone(result), { sockets: true })).toEqual([]);
	});

	it.each(singles)("$name differs from each of its mutations, and where", ({ result }) => {
		expect(
			paths(
				result,
				changed(result, (r) => {
					r.result.outcome = "reset";
				}),
			),
		).toEqual(["result.outcome"]);
		expect(
			paths(
				result,
				changed(result, (r) => {
					r.summary.server = "pod nobody";
				}),
			),
		).toEqual(["summary.server"]);
		expect(
			paths(
				result,
				changed(result, (r) => {
					r.hops.splice(3, 1);
				}),
			),
		).toEqual(["hops[3]"]);
		expect(
			paths(
				result,
				changed(result, (r) => {
					r.hops.push(r.hops[0]);
				}),
			),
		).toEqual([`hops[${result.hops?.length}]`]);
		expect(
			paths(
				result,
				changed(result, (r) => {
					r.hops[1] = r.hops[1].replace(/ttl \d+/, "ttl 9");
				}),
			),
		).toEqual(["hops[1]"]);
		expect(
			paths(
				result,
				changed(result, (r) => {
					r.hops = r.hops.toReversed();
				}),
			)[0],
		).toMatch(/^hops\[\d+\]$/);
		for (const [netns, entries] of Object.entries(result.result?.conntrack ?? {})) {
			const path = `result.conntrack.${netns}`;
			expect(
				paths(
					result,
					changed(result, (r) => {
						delete r.result.conntrack[netns];
					}),
				),
			).toEqual(entries.map(() => path));
			expect(
				paths(
					result,
					changed(result, (r) => {
						r.result.conntrack[netns][0].reply.src = "192.0.2.250";
					}),
				)[0],
			).toContain(path);
			expect(
				paths(
					result,
					changed(result, (r) => {
						r.result.conntrack[netns][0].state = "LISTEN";
					}),
				)[0],
			).toContain(path);
		}
		for (const [netns, hits] of Object.entries(result.ruleHits ?? {})) {
			if (!Array.isArray(hits) || hits.includes("<varies>")) continue;
			const path = `ruleHits.${netns}`;
			expect(
				paths(
					result,
					changed(result, (r) => {
						r.ruleHits[netns].pop();
					}),
				),
			).toEqual([path]);
			expect(
				paths(
					result,
					changed(result, (r) => {
						r.ruleHits[netns][0] = r.ruleHits[netns][0].replace(/^\d+/, "77");
					}),
				),
			).toEqual([path]);
			expect(
				paths(
					result,
					changed(result, (r) => {
						r.ruleHits[netns].reverse();
					}),
				),
			).toEqual([]);
		}
	});

	it("that knows no conntrack, hops or trace does not judge them", () => {
		const { result } = singles[0] as { result: ProbeResult };
		const silent = changed(result, (r) => {
			delete r.hops;
			delete r.trace;
			delete r.result.conntrack;
		});
		expect(compareProbe(silent, result)).toEqual([]);
	});
});

describe("ports", () => {
	it("agree up to one consistent renaming", () => {
		const expected = [
			"a/eth0 out tcp 10.0.0.1:40001 > 10.0.0.2:80 [S] ttl 64",
			"b/eth0 in tcp 10.0.0.1:40001 > 10.0.0.2:80 [S] ttl 63",
		];
		const renamed = expected.map((hop) => hop.replace("40001", "51234"));
		expect(compareHops(expected, renamed, new Renaming([80]))).toEqual([]);
		const torn = [expected[0] as string, renamed[1] as string];
		expect(compareHops(expected, torn, new Renaming([80]))[0]?.path).toBe("hops[1]");
		expect(compareHops(torn, expected, new Renaming([80]))[0]?.path).toBe("hops[1]");
	});

	it("that somebody wrote down are never renamed, and classes do not mix", () => {
		expect(new Renaming([8080]).same(8080, 9090)).toBe(false);
		expect(new Renaming([8080]).same(9090, 8080)).toBe(false);
		expect(new Renaming([8080]).same("eph", 8080)).toBe(true);
		expect(new Renaming().same(600, 40000)).toBe(false);
		expect(new Renaming().same(600, 700)).toBe(true);
	});

	it("and ICMP ids have nothing to do with each other, and ids are all of one class", () => {
		const echo = (id: number) => ({ src: "10.0.0.1", dst: "10.0.0.2", type: 8, code: 0, id });
		const pinged = (id: number, replyId: number): ConntrackEntryJson => ({
			...entry(1024, 1024),
			proto: "icmp",
			orig: echo(id),
			reply: echo(replyId),
		});
		const compare = (expected: ConntrackEntryJson, got: ConntrackEntryJson, renaming = new Renaming()) =>
			compareConntrack({ n: [expected] }, { n: [got] }, renaming).map(({ path }) => path);
		expect(compare(pinged(40001, 18), pinged(50001, 12344))).toEqual([]);
		expect(compare(pinged(40001, 0), pinged(50001, 600))).toEqual([]);
		expect(compare(pinged(40001, 18), pinged(50001, 12344), new Renaming([18, 40001]))).toEqual([]);
		expect(compare(pinged(40001, 40001), pinged(50001, 12344))).toEqual(["result.conntrack.n.reply.id"]);
		expect(compare(pinged(40001, 18), pinged(50001, 18), new Renaming([], [40001]))).not.toEqual([]);
		const renaming = new Renaming();
		expect([renaming.same(2000, 3000), renaming.sameId(2000, 4000), renaming.same(2000, 4000)]).toEqual([
			true,
			true,
			false,
		]);
		renaming.rollback(1);
		expect([renaming.sameId(2000, 5000), renaming.same(2000, 3000)]).toEqual([true, true]);
	});

	it("that a probe names as ICMP ids are literal", () => {
		const from = "pod:a";
		const inner = { proto: "icmp", src: "10.0.0.1", dst: "10.0.0.2", icmpId: 604 } as const;
		expect(
			literalIds([
				{ from, proto: "icmp", dst: "10.0.0.2", sport: 603 },
				{ from, proto: "icmp", dst: "10.0.0.2", raw: { type: 3, code: 1, inner } },
				{ from, proto: "icmp", dst: "10.0.0.2", raw: { type: 8, id: 605, seq: 2 } },
				{ from, proto: "tcp", dst: "10.0.0.2", port: 80, sport: 40000 },
				{ action: { sleep: 1 } },
			]),
		).toEqual(new Set([603, 604, 605]));
	});

	it("are literal wherever a topology writes them, save in a range", () => {
		const ports = literalPorts(
			{ listen: [{ port: 8080 }] },
			"-j MASQUERADE --to-ports 40000-40001",
			"-A X --dport 53 -j Y",
		);
		expect([8080, 53].every((port) => ports.has(port))).toBe(true);
		expect([40000, 40001].some((port) => ports.has(port))).toBe(false);
	});

	it("of conntrack entries in any order find a pairing where one exists", () => {
		const port = fc.integer({ min: 1024, max: 65535 });
		fc.assert(
			fc.property(
				fc.uniqueArray(port, { minLength: 1, maxLength: 6 }),
				fc.uniqueArray(port, { minLength: 6, maxLength: 6 }),
				fc.infiniteStream(fc.nat()),
				(mine, theirs, chance) => {
					const expected = mine.map((sport) => entry(sport, sport));
					const got = mine
						.map((_, index) => entry(theirs[index] as number, theirs[index] as number))
						.sort(() => (chance.next().value % 3) - 1);
					expect(compareConntrack({ n: expected }, { n: got })).toEqual([]);
					const torn = got.map((one, index) =>
						index === 0 ? entry(one.orig.sport as number, (one.reply.dport as number) === 1024 ? 1025 : 1024) : one,
					);
					expect(compareConntrack({ n: expected }, { n: torn }).length).toBeGreaterThan(0);
				},
			),
		);
	});
});

function entry(sport: number, replyPort: number): ConntrackEntryJson {
	return {
		proto: "udp",
		state: null,
		flags: [],
		mark: 0,
		nat: [],
		orig: { src: "10.0.0.1", dst: "10.0.0.2", sport, dport: 53 },
		reply: { src: "10.0.0.2", dst: "10.0.0.1", sport: 53, dport: replyPort },
	};
}

describe("<varies>", () => {
	it("excuses one unmatched entry of a list each, and a whole list where it stands alone", () => {
		const wanted = ["1 nat -A A", "<varies>", "<varies>"];
		expect(compareRuleHits({ n: wanted }, { n: ["5 nat -A B", "1 nat -A A", "6 nat -A C"] })).toEqual([]);
		expect(compareRuleHits({ n: wanted }, { n: ["1 nat -A A"] })).toEqual([]);
		expect(
			compareRuleHits({ n: wanted }, { n: ["5 nat -A B", "1 nat -A A", "6 nat -A C", "7 nat -A D"] }),
		).toHaveLength(3);
		expect(compareRuleHits({ n: wanted }, { n: ["2 nat -A A"] })).toHaveLength(1);
		expect(compareRuleHits({ n: ["<varies>"] }, { n: ["5 nat -A B", "1 nat -A A"] })).toEqual([]);
		expect(compareRuleHits({ n: "<varies>" }, {})).toEqual([]);
	});

	it("as an outcome's count means that it occurs", () => {
		const expected = {
			n: 6,
			attempts: 18,
			outcomes: { delivered: "<varies>", timeout: "<varies>" },
			server: ["pod a", "pod b"],
		} as const;
		const of = (outcomes: object, attempts: number, server: string[] | string) => ({
			n: 6,
			attempts,
			outcomes,
			server,
		});
		const compare = (got: object) =>
			compareSummary(expected as never, got as never).map((difference) => difference.path);
		expect(compare(of({ delivered: 9, timeout: 9 }, 18, ["pod a", "pod b"]))).toEqual([]);
		expect(compare(of({ delivered: 6 }, 6, "pod a"))).toEqual([]);
		expect(compare(of({ delivered: 18 }, 18, "pod a"))).toEqual(["summary.outcomes.timeout", "summary.server"]);
		expect(compare(of({ delivered: 5, refused: 1 }, 6, "pod c"))).toEqual([
			"summary.outcomes.refused",
			"summary.server",
		]);
	});
});

describe("a wrong count", () => {
	it("is one difference, told in one line", () => {
		const [difference] = compareRuleHits(
			{ n: ["10 filter FORWARD policy ACCEPT"] },
			{ n: ["9 filter FORWARD policy ACCEPT"] },
		);
		expect(difference && printDifference(difference)).toBe(
			"ruleHits.n: expected 10 filter FORWARD policy ACCEPT, got 9 filter FORWARD policy ACCEPT",
		);
	});
});

describe("tracing", () => {
	it("is taken out of a traced recording: its rule, its step numbers, tables the node's text lacks", () => {
		const scenario = readScenario("09-no-endpoints");
		const [first] = readResult("09-no-endpoints").probes;
		const plain = withoutTracing(first as ProbeResult, tablesOf(scenario));
		const text = JSON.stringify(plain);
		expect(JSON.stringify(first)).toContain("PREROUTING/raw");
		expect(text).not.toContain("TRACE");
		expect(text).not.toContain("PREROUTING/raw");
		expect(plain.trace?.["node:n1"]?.[0]?.hookPath).toEqual([
			"PREROUTING/mangle",
			"PREROUTING/nat",
			"FORWARD/mangle",
			"FORWARD/filter",
		]);
		const bridge = withoutTracing(
			readResult("01-pod-to-pod-bridge").probes[0] as ProbeResult,
			tablesOf(readScenario("01-pod-to-pod-bridge")),
		);
		expect(bridge.trace?.["node:n1"]?.[0]?.steps[0]).toMatch(/^PREROUTING\/raw PREROUTING:rule:1 /);
	});
});
