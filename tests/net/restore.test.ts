// iptables-restore on whole texts: what is kept, emptied, sorted and refused. Outcomes measured with 1.8.9.

import { describe, expect, test } from "vitest";
import { TextError } from "../../js/net/error.ts";
import {
	applyRestore,
	asLoaded,
	emptyRuleset,
	parseIptablesSave,
	printIptablesSave,
} from "../../js/net/iptables/index.ts";

function load(text: string, backend: "legacy" | "nft" = "legacy"): string {
	return printIptablesSave(applyRestore(emptyRuleset("ipv4"), text, { backend, file: "t" }));
}

function refusal(text: string, backend: "legacy" | "nft" = "legacy"): TextError {
	try {
		load(text, backend);
	} catch (error) {
		if (error instanceof TextError) return error;
		throw error;
	}
	throw new Error(`expected a refusal of\n${text}`);
}

const filter = (...lines: string[]): string => ["*filter", ...lines, "COMMIT", ""].join("\n");

describe("iptables-restore", () => {
	test("built-in chains are completed, user chains sorted by bytes", () => {
		expect(
			load(
				"*nat\n:PREROUTING ACCEPT [5:6]\n:ZZ - [0:0]\n:AA - [0:0]\n:aa - [0:0]\n-A ZZ -j AA\n-A PREROUTING -j ZZ\nCOMMIT\n",
			),
		).toBe(
			"*nat\n:PREROUTING ACCEPT [5:6]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:AA - [0:0]\n:ZZ - [0:0]\n:aa - [0:0]\n-A PREROUTING -j ZZ\n-A ZZ -j AA\nCOMMIT\n",
		);
	});

	test("counters: of the line, and -c over them", () => {
		const ruleset = parseIptablesSave(
			filter(":INPUT DROP [1:2]", "[7:8] -A INPUT -c 3 4 -j ACCEPT", "[9:10] -A INPUT -s 1.2.3.4,5.6.7.8 -j DROP"),
		);
		expect(printIptablesSave(ruleset, { counters: true })).toBe(
			filter(
				":INPUT DROP [1:2]",
				"[3:4] -A INPUT -j ACCEPT",
				"[9:10] -A INPUT -s 1.2.3.4/32 -j DROP",
				"[9:10] -A INPUT -s 5.6.7.8/32 -j DROP",
			),
		);
	});

	test("noflush keeps what is not named and empties user chains that are", () => {
		const before = parseIptablesSave(
			filter(":INPUT DROP [0:0]", ":A - [0:0]", ":B - [0:0]", "-A INPUT -j A", "-A A -j DROP", "-A B -j ACCEPT"),
		);
		const text = printIptablesSave(before);
		const after = applyRestore(before, filter(":A - [0:0]", "-A A -j RETURN", "-I INPUT -j B"), { noflush: true });
		const rules = (printed: string): string[] => printed.split("\n").filter((line) => line.startsWith("-A"));
		expect(rules(printIptablesSave(after))).toEqual([
			"-A INPUT -j B",
			"-A INPUT -j A",
			"-A A -j RETURN",
			"-A B -j ACCEPT",
		]);
		expect(printIptablesSave(before)).toBe(text);
		const flushed = applyRestore(before, filter("-A INPUT -j ACCEPT"), {});
		expect(rules(printIptablesSave(flushed))).toEqual(["-A INPUT -j ACCEPT"]);
		expect(printIptablesSave(flushed)).toContain(":INPUT DROP");
	});

	test("commands", () => {
		expect(
			load(
				filter(
					":A - [0:0]",
					"-A A -j ACCEPT",
					"-I A -j DROP",
					"-I A 3 -s 1.1.1.1",
					"-D A 1",
					"-R A 1 -s 2.2.2.2",
					"-N C",
					"-P INPUT DROP",
					"-E C D",
				),
			),
		).toBe(
			filter(
				":INPUT DROP [0:0]",
				":FORWARD ACCEPT [0:0]",
				":OUTPUT ACCEPT [0:0]",
				":A - [0:0]",
				":D - [0:0]",
				"-A A -s 2.2.2.2/32",
				"-A A -s 1.1.1.1/32",
			),
		);
		expect(
			load(filter(":A - [0:0]", "-A A -s 1.1.1.1 -j ACCEPT", "-D A -j ACCEPT -s 1.1.1.1/32", "-X A")),
		).not.toContain(":A");
	});

	test.each([
		["a chain declared later", filter(":A - [0:0]", "-A A -j B", ":B - [0:0]"), 3, 9, "B"],
		[
			"a loop that a built-in chain reaches",
			filter(":A - [0:0]", ":B - [0:0]", "-A A -j B", "-A B -j A", "-A INPUT -j A"),
			5,
			1,
			"A",
		],
		["a long name", filter(`:${"A".repeat(29)} - [0:0]`), 2, 2, "A".repeat(29)],
		["a verdict's name", filter(":ACCEPT - [0:0]"), 2, 2, "ACCEPT"],
		["a policy of a user chain", filter(":A ACCEPT [0:0]"), 2, 4, "ACCEPT"],
		["a wrong policy", filter(":INPUT REJECT [0:0]"), 2, 8, "REJECT"],
		["deleting a chain that is used", filter(":A - [0:0]", "-A INPUT -j A", "-X A"), 4, 4, "A"],
		["deleting a chain with rules", filter(":A - [0:0]", "-A A -j ACCEPT", "-X A"), 4, 4, "A"],
		["a rule outside a table", ":A - [0:0]\n", 1, 1, ":A - [0:0]"],
		["-t in a rule", filter("-t filter -A INPUT -j ACCEPT"), 2, 1, "-t"],
		["a rule to delete that is not there", filter(":A - [0:0]", "-D A -j ACCEPT"), 3, 1, "-j ACCEPT"],
		["a half-written text", "*filter\n:A - [0:0]\n-A A -j ACCEPT\n", 4, 1, null],
		["an unknown option", filter("-A INPUT -p tcp -m tcp --dprot 80 -j ACCEPT"), 2, 24, "--dprot"],
		["a word that is no line", filter("iptables -A INPUT"), 2, 1, "iptables"],
		["REJECT reached from mangle", "*mangle\n-A INPUT -j REJECT\nCOMMIT\n", 2, 13, "REJECT"],
		[
			"DNAT in a chain that POSTROUTING reaches",
			"*nat\n:A - [0:0]\n-A A -j DNAT --to-destination 1.1.1.1\n-A POSTROUTING -j A\nCOMMIT\n",
			3,
			1,
			"DNAT",
		],
	])("refuses %s", (_, text, line, column, word) => {
		const error = refusal(text);
		expect({ line: error.line, column: error.column, word: error.word }).toEqual({ line, column, word });
		expect(error.message).toMatch(new RegExp(`^t:${line}:${column}: `));
	});

	test("the nearest valid word is named", () => {
		expect(refusal(filter("-A INPUT -p tcp -m tcp --dprot 80")).nearest).toBe("--dport");
		expect(refusal(filter("-A INPUT -m conntrak --ctstate NEW")).nearest).toBe("conntrack");
		expect(refusal(filter(":KUBE-SERVICES - [0:0]", "-A INPUT -j KUBE-SERVICE")).nearest).toBe("KUBE-SERVICES");
		expect(refusal(filter("-A INPUT -m conntrack --ctstate ESTABLISHD")).nearest).toBe("ESTABLISHED");
		expect(refusal(filter("-A INPT -j ACCEPT")).nearest).toBe("INPUT");
	});

	test("a loop that nothing reaches is taken, a chain may bear an extension's name", () => {
		expect(load(filter(":A - [0:0]", ":B - [0:0]", "-A A -j B", "-A B -j A"))).toContain("-A B -j A");
		expect(load(filter(":LOG - [0:0]", "-A INPUT -j LOG"))).toContain("-A INPUT -j LOG\n");
	});

	test("foreign extensions are carried word for word", () => {
		const text = filter(
			":INPUT ACCEPT [0:0]",
			'-A INPUT -m geoip ! --src-cc US,DE -m comment --comment "a b" -j ACCEPT',
			"-A INPUT -p tcp -m tcp --dport 22 -j TARPIT --tarpit --honeypot 3",
		);
		const ruleset = parseIptablesSave(text);
		expect(printIptablesSave(ruleset)).toBe(text);
		const [first, second] = ruleset.tables[0]?.chains[0]?.rules ?? [];
		expect(first?.matches[0]).toEqual({ name: "geoip", options: [], carried: "! --src-cc US,DE" });
		expect(second?.target?.carried).toBe("--tarpit --honeypot 3");
	});

	test("as loaded: legacy lists tables newest first, nft in its own order", () => {
		const ruleset = parseIptablesSave("*nat\nCOMMIT\n*filter\nCOMMIT\n*mangle\nCOMMIT\n");
		expect(asLoaded(ruleset).tables.map(({ name }) => name)).toEqual(["mangle", "filter", "nat"]);
		expect(asLoaded(ruleset, { backend: "nft" }).tables.map(({ name }) => name)).toEqual(["mangle", "filter", "nat"]);
	});
});
