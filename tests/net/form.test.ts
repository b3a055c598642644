// Rules that are alike are read by the form of the first: to the same rules, or the same refusal, as each by itself.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TextError } from "../../js/net/error.ts";
import { applyRestore, emptyRuleset } from "../../js/net/iptables/index.ts";
import type { Rule } from "../../js/net/ruleset.ts";
import { runs } from "../runs.ts";

const CHAINS = ["KUBE-SEP-AAAA", "KUBE-SEP-BBBB", "DNAT", "C"];
const HOOKS = ["PREROUTING", "POSTROUTING"];
const DECLARED = ["*nat", ...HOOKS.map((name) => `:${name} ACCEPT [0:0]`), ...CHAINS.map((name) => `:${name} - [0:0]`)];

const address = fc.constantFrom(
	...[
		"10.0.0.1",
		"10.0.0.2",
		"10.0.0.3/32",
		"10.0.0.0/24",
		"10.0.0.77/24",
		"010.0.0.1",
		"10.1",
		"0.0.0.0",
		"0.0.0.0/0",
	],
	...["10.0.0.1,10.0.0.2", "10.0.0.256", "10.0.0.1/33", "::1"],
);
const endpoint = fc.constantFrom(
	...["10.0.0.1:80", "10.0.0.2:8080", "10.0.0.02:80", "10.0.0.1", ":80", "10.0.0.1:0", "10.0.0.1:70000"],
	...["10.0.0.1-10.0.0.9:80-90", "10.0.0.1:http"],
);
const port = fc.constantFrom("80", "8080", "65535", "0", "65536", "080", "0x50", "http", "1:65535", "0:65535");
const probability = fc.constantFrom(
	"0.5",
	"0.3333333333",
	"0.5000000000",
	"0.50000000000",
	"1",
	"0",
	"1.1",
	"0.",
	".5",
);
const comment = fc.constantFrom(
	...["a", "a/b", '"a b"', '"a"', '"a/b"', '"default/web:http cluster IP"', '""', '"a \\" b"', "--comment", "!", "a'b"],
	`"${"x".repeat(300)}"`,
);
const chain = fc.constantFrom(...CHAINS, "ACCEPT", "RETURN", "DROP", "MASQUERADE", "NONE", "PREROUTING");
const blank = fc.constantFrom(" ", " ", " ", " ", " ", " ", "  ", "\t");
const not = fc.constantFrom("", "", "", "! ");

const said = (option: string, value: fc.Arbitrary<string>) => value.map((word) => `${option} ${word}`);

/** What stands between `-A CHAIN` and the end, in some order that iptables may or may not print. */
const line = fc
	.record({
		chain: fc.constantFrom(...CHAINS, ...HOOKS),
		parts: fc
			.uniqueArray(
				fc.oneof(
					fc.tuple(not, said("-s", address)).map((words) => words.join("")),
					fc.tuple(not, said("-d", address)).map((words) => words.join("")),
					said("-m comment --comment", comment),
					said("-m statistic --mode random --probability", probability),
					said("-p tcp -m tcp --dport", port),
					said("-m tcp -p tcp --dport", port),
					fc.constantFrom("-p tcp", "-m tcp -p tcp", "-m addrtype --dst-type LOCAL", "-m geoip --source x"),
				),
				{ maxLength: 3 },
			)
			.map((parts) => parts.join(" ")),
		target: fc.oneof(
			...[said("-j", chain), said("-g", chain), said("-j DNAT --to-destination", endpoint), fc.constant("")],
		),
		end: fc.constantFrom("", "", "", " "),
		blank,
	})
	.map(({ chain: name, parts, target, blank: between, end }) =>
		["-A", name, parts, target]
			.filter((word) => word !== "")
			.join(between)
			.concat(end),
	);

type Outcome = { rules: Rule[] } | { refused: string };

/** What a text of these lines makes of each chain's rules; lines are numbered from the first of them. */
function outcome(lines: readonly string[]): Outcome {
	try {
		const text = [...DECLARED, ...lines, "COMMIT", ""].join("\n");
		const [table] = applyRestore(emptyRuleset("ipv4"), text).tables;
		const rules = (table?.chains ?? []).flatMap((one) => one.rules);
		return { rules: rules.map((rule) => ({ ...rule, line: (rule.line ?? 0) - DECLARED.length })) };
	} catch (error) {
		if (!(error instanceof TextError)) throw error;
		const { column, word, expected, nearest } = error;
		return { refused: JSON.stringify([column, word, expected, nearest]) };
	}
}

describe("rules of one form", () => {
	test("each is read as if it were alone", () => {
		fc.assert(
			fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), (lines) => {
				const alone = lines.map((one) => outcome([one]));
				const good = lines.filter((_, index) => "rules" in (alone[index] as Outcome));
				const together = outcome(good);
				// Jumps may go round where there are several.
				if ("refused" in together) expect(together.refused).toMatch(/no loop|reached from/);
				else {
					const byLine = together.rules.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
					const expected = good.flatMap((one, index) => {
						const { rules } = outcome([one]) as { rules: Rule[] };
						return rules.map((rule) => ({ ...rule, line: index + 1 }));
					});
					expect(byLine).toEqual(expected);
				}
				const bad = lines.findIndex((_, index) => "refused" in (alone[index] as Outcome));
				if (bad >= 0 && "rules" in together) expect(outcome([...good, lines[bad] as string])).toEqual(alone[bad]);
			}),
			runs(600),
		);
	});

	test("one that the form does not fit is refused with its place", () => {
		const lines = ["-A C -s 10.0.0.1 -j DNAT", "-A C -s 10.0.0.2 -j DNAT", "-A C -s 10.0.0.256 -j DNAT"];
		expect(() => applyRestore(emptyRuleset("ipv4"), [...DECLARED, ...lines, "COMMIT", ""].join("\n"))).toThrow(
			/10:9.*10\.0\.0\.256/s,
		);
	});

	test("a chain that is declared later is a chain from there on", () => {
		const text = [
			"*filter",
			"-A INPUT -s 10.0.0.1 -j LOG",
			":LOG - [0:0]",
			"-A INPUT -s 10.0.0.1 -j LOG",
			"COMMIT",
			"",
		];
		const [table] = applyRestore(emptyRuleset("ipv4"), text.join("\n")).tables;
		const input = table?.chains.find(({ name }) => name === "INPUT");
		expect(input?.rules.map(({ target }) => target?.kind)).toEqual(["extension", "chain"]);
	});
});
