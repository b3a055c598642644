// Rulesets to rows: what switches conntrack on, what is carried and what refused, where carried matches stand, how a
// reload keeps state and counters, and how far jumps go.

import { describe, expect, test } from "vitest";
import * as L from "../../assembly/layout.ts";
import { netnsFlags, tracks } from "../../bindings/hooks.ts";
import { applyRestore, parseIptablesSave } from "../../js/net/iptables/index.ts";
import type { Ruleset } from "../../js/net/ruleset.ts";
import { PACKET, RuleBench } from "./bench.ts";

const table = (name: string, ...lines: string[]) => [`*${name}`, ...lines, "COMMIT", ""].join("\n");
const filter = (...rules: string[]) =>
	table("filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ...rules);

describe("what asks for conntrack", () => {
	const flags = (text: string) => {
		const tables = parseIptablesSave(text).tables.map(({ name, chains }) => ({
			name,
			tracks: chains.some(({ rules }) => rules.some(tracks)),
		}));
		return netnsFlags("ipv4", tables);
	};
	test.each([
		["nothing but plain rules", filter("-A FORWARD -p tcp -j ACCEPT"), L.NS_IPTABLES],
		["an empty nat table does not", table("nat", ":PREROUTING ACCEPT [0:0]"), L.NS_IPTABLES | L.NS_NAT],
		["ctstate", filter("-A FORWARD -m conntrack --ctstate NEW -j ACCEPT"), L.NS_IPTABLES | L.NS_CONNTRACK],
		[
			"a DNAT rule",
			table("nat", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -j DNAT --to-destination 10.0.0.1"),
			L.NS_IPTABLES | L.NS_NAT | L.NS_CONNTRACK,
		],
		["CT --notrack does not", table("raw", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -j CT --notrack"), L.NS_IPTABLES],
		[
			"CT --zone",
			table("raw", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -j CT --zone 3"),
			L.NS_IPTABLES | L.NS_CONNTRACK,
		],
	])("%s", (_, text, wanted) => {
		expect(flags(text)).toBe(wanted);
	});
});

describe("what is carried", () => {
	test("a carried match is unknown where all others fit, and no match where one does not", () => {
		const bench = new RuleBench(filter("-A FORWARD -m string --string x --algo bm -p tcp -m tcp --dport 80 -j DROP"));
		expect(bench.judge(PACKET, "filter", "FORWARD").verdict).toBe("UNKNOWN");
		expect(bench.decided()).toEqual({ chain: "FORWARD", number: 1 });
		expect(bench.judge({ ...PACKET, dport: 81 }, "filter", "FORWARD").verdict).toBe("ACCEPT");
		expect(bench.machine.carried.map(({ why }) => why)).toEqual(["string: this match is not evaluated"]);
	});

	test("a carried target counts, and then the verdict is unknown", () => {
		const bench = new RuleBench(filter("-A FORWARD -j NFLOG --nflog-group 1"));
		expect(bench.judge(PACKET, "filter", "FORWARD")).toMatchObject({
			verdict: "UNKNOWN",
			steps: [{ word: "rule", number: 1 }],
		});
		const counted = bench.machine.countedRuleset("node:n")?.tables[0]?.chains.find(({ name }) => name === "FORWARD");
		expect(counted?.rules[0]?.counters).toEqual({ packets: 1n, bytes: 60n });
	});

	test.each([
		["a set whose entries run out", "create s hash:ip timeout 60\nadd s 10.244.1.2 timeout 30\n"],
		["a set of sets", "create o hash:ip\ncreate s list:set\nadd s o\n"],
	])("%s", (_, sets) => {
		const bench = new RuleBench(filter("-A FORWARD -m set --match-set s src -j DROP"), sets);
		expect(bench.judge(PACKET, "filter", "FORWARD").verdict).toBe("UNKNOWN");
	});

	test("a recent rule with more hits than an entry keeps", () => {
		const bench = new RuleBench(filter("-A FORWARD -m recent --rcheck --hitcount 33 -j DROP"));
		expect(bench.judge(PACKET, "filter", "FORWARD").verdict).toBe("UNKNOWN");
	});
});

describe("what is refused", () => {
	const encode = (ruleset: Ruleset) => new RuleBench(filter()).machine.loadRuleset("node:n", ruleset);
	const edited = (text: string, edit: (chains: Ruleset["tables"][0]["chains"]) => void) => {
		const ruleset = parseIptablesSave(text);
		edit(ruleset.tables[0]?.chains ?? []);
		return ruleset;
	};
	test("a jump to nowhere, a loop, a set that is not there", () => {
		const text = filter(":A - [0:0]", ":B - [0:0]", "-A FORWARD -j A", "-A A -j B");
		expect(() => encode(edited(text, (chains) => chains.splice(-1)))).toThrow(/no chain "B"/);
		const loop = edited(text, (chains) =>
			chains.at(-1)?.rules.push(...(parseIptablesSave(text).tables[0]?.chains[1]?.rules ?? [])),
		);
		expect(() => encode(loop)).toThrow(/makes a loop/);
		expect(() => encode(parseIptablesSave(filter("-A FORWARD -m set --match-set gone src -j DROP")))).toThrow(
			/ipset "gone" does not exist/,
		);
	});
});

describe("reloads", () => {
	const text = [
		table("raw", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -m statistic --mode nth --every 2 --packet 0 -j DROP"),
		filter(
			":A - [0:0]",
			"-A FORWARD -j A",
			"-A A -m recent --set --name seen",
			"-A A -m statistic --mode nth --every 2 --packet 0 -j DROP",
		),
	].join("");

	test("a table that the text does not name keeps its state; one that it names starts its nth afresh and keeps its recent lists", () => {
		const bench = new RuleBench(text);
		const verdicts = () => [
			bench.judge(PACKET, "raw", "PREROUTING").verdict,
			bench.judge(PACKET, "filter", "FORWARD").verdict,
		];
		expect(verdicts()).toEqual(["DROP", "DROP"]);
		const reload = [
			":A - [0:0]",
			"-A FORWARD -m recent --rcheck --name seen -j ACCEPT",
			"-A A -m statistic --mode nth --every 2 --packet 0 -j DROP",
		];
		bench.machine.loadRuleset("node:n", applyRestore(bench.ruleset, table("filter", ...reload), { noflush: true }));
		expect(verdicts()).toEqual(["ACCEPT", "DROP"]);
		expect(bench.judge(PACKET, "filter", "FORWARD").steps.at(-1)).toEqual({
			word: "rule",
			chain: "FORWARD",
			number: 2,
		});
	});

	test("rules that stay keep their counters, whole-table restores start from zero", () => {
		const bench = new RuleBench(text);
		const counters = () =>
			bench.machine
				.countedRuleset("node:n")
				?.tables.flatMap(({ chains }) =>
					chains
						.filter(({ rules }) => rules.length > 0)
						.map(({ name, rules }) => [name, ...rules.map((rule) => rule.counters?.packets)]),
				);
		for (let i = 0; i < 3; i++) bench.judge(PACKET, "filter", "FORWARD");
		expect(counters()).toEqual([
			["PREROUTING", 0n],
			["FORWARD", 3n],
			["A", 3n, 2n],
		]);
		const added = applyRestore(bench.ruleset, table("filter", ":A - [0:0]", "-A A -j RETURN"), { noflush: true });
		bench.machine.loadRuleset("node:n", added);
		expect(counters()).toEqual([
			["PREROUTING", 0n],
			["FORWARD", 3n],
			["A", 0n],
		]);
		bench.judge(PACKET, "filter", "FORWARD");
		expect(counters()).toEqual([
			["PREROUTING", 0n],
			["FORWARD", 4n],
			["A", 1n],
		]);
		bench.machine.loadRuleset("node:n", applyRestore(added, filter("-A FORWARD -j ACCEPT")));
		expect(counters()).toEqual([
			["PREROUTING", 0n],
			["FORWARD", 0n],
		]);
	});
});

describe("limits", () => {
	const deep = (chains: number) =>
		filter(
			...Array.from({ length: chains }, (_, i) => `:C${i} - [0:0]`),
			"-A FORWARD -j C0",
			...Array.from({ length: chains - 1 }, (_, i) => `-A C${i} -j C${i + 1}`),
			`-A C${chains - 1} -j DROP`,
		);

	test("64 jumps are walked, the 65th is unknown", () => {
		expect(new RuleBench(deep(64)).judge(PACKET, "filter", "FORWARD").verdict).toBe("DROP");
		const bench = new RuleBench(deep(65));
		expect(bench.judge(PACKET, "filter", "FORWARD").verdict).toBe("UNKNOWN");
		const reason = bench.machine.core.rows.view.getUint8(bench.machine.core.packetIn(0) + L.PACKET_REASON);
		expect(reason).toBe(L.REASON_RULE_BUDGET);
	});

	test("a million rules a packet: chains that call one another twice", () => {
		const twice = Array.from({ length: 24 }, (_, i) => [`-A C${i} -j C${i + 1}`, `-A C${i} -j C${i + 1}`]).flat();
		const text = filter(...Array.from({ length: 25 }, (_, i) => `:C${i} - [0:0]`), "-A FORWARD -j C0", ...twice);
		const bench = new RuleBench(text);
		expect(() => bench.judge(PACKET, "filter", "FORWARD")).toThrow(/events more/);
		const { rows } = bench.machine.core;
		expect(rows.view.getUint8(bench.machine.core.packetIn(0) + L.PACKET_REASON)).toBe(L.REASON_RULE_BUDGET);
	});
});

test("statistic random with probability p matches a share p of packets", () => {
	const bench = new RuleBench(filter("-A FORWARD -m statistic --mode random --probability 0.33333333349 -j DROP"), "", {
		seed: 7n,
	});
	const runs = 3000;
	let dropped = 0;
	for (let i = 0; i < runs; i++) if (bench.judge(PACKET, "filter", "FORWARD").verdict === "DROP") dropped++;
	// Five standard deviations of a binomial count.
	expect(Math.abs(dropped - runs / 3)).toBeLessThan(5 * Math.sqrt((runs * 2) / 9));
});
