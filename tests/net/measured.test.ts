// Every rule that the real tools were measured with (cases/measured-*.json): podwire takes, refuses and prints the same.

import { describe, expect, test } from "vitest";
import { checkIptablesCase, parseRule, printRule } from "../../js/net/iptables/index.ts";
import { type Measured, measuredRules } from "./measured.ts";

function outcome({ family, table, chain, rule }: Measured, backend: "legacy" | "nft"): string | null {
	const { ok, saved } = checkIptablesCase({ family, table, chain, rule, backend, version: "1.8.9" });
	return ok ? (saved ?? "") : null;
}

describe.each(["ipv4", "ipv6"] as const)("rules measured with iptables 1.8.9, %s", (family) => {
	test.each(["legacy", "nft"] as const)("%s", (backend) => {
		const wrong = measuredRules(family).flatMap((measured) => {
			const got = outcome(measured, backend);
			return got === measured.saved[backend]
				? []
				: [`${measured.rule}\n  tool ${measured.saved[backend]}\n  ours ${got}`];
		});
		expect(wrong.join("\n")).toBe("");
	});

	test("known differences still differ", () => {
		for (const measured of measuredRules(family, "different")) {
			const same = (["legacy", "nft"] as const).every(
				(backend) => outcome(measured, backend) === measured.saved[backend],
			);
			expect(same, measured.rule).toBe(false);
		}
	});

	test("a saved rule reads back to itself", () => {
		for (const measured of measuredRules(family)) {
			const {
				family: of,
				table,
				chain,
				saved: { legacy: saved },
			} = measured;
			// Names with blanks are printed without quotes by the tool itself.
			if (saved === null || saved.includes("\n") || /--(name|path) a b|-i a b|--physdev-in $/.test(saved)) continue;
			expect(printRule(parseRule(saved, table, of, { chain })), measured.rule).toBe(saved);
		}
	});
});
