// The iptables cases of ../shared/data/conformance: each rule is taken or refused, and printed, as the tool does.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Backend, checkIptablesCase } from "../../js/net/iptables/index.ts";
import type { Family } from "../../js/net/ruleset.ts";
import { sharedData } from "./shared.ts";

interface Case {
	chains: string[];
	table: string;
	rule: string;
	saved: string | null;
	ok: boolean;
	onlyBackend?: Backend;
	otherwise?: boolean | null;
}

const folder = sharedData === null ? null : `${sharedData}conformance/iptables/`;

/** Outcome on a backend: an outcome stated for the other backend only is the opposite here, unless it says otherwise. */
function expected(given: Case, backend: Backend): boolean {
	if (given.onlyBackend === undefined || given.onlyBackend === backend) return given.ok;
	return given.otherwise ?? !given.ok;
}

describe.skipIf(folder === null)("conformance/iptables", () => {
	for (const file of folder === null ? [] : readdirSync(folder)) {
		const { families, cases } = JSON.parse(readFileSync(folder + file, "utf8")) as {
			families: string[];
			cases: Case[];
		};
		test.each(families)(`${file} %s`, (familyName) => {
			const family = familyName.toLowerCase() as Family;
			const wrong: string[] = [];
			for (const given of cases) {
				for (const chain of given.chains) {
					for (const backend of ["legacy", "nft"] as const) {
						const outcome = checkIptablesCase({ family, table: given.table, chain, rule: given.rule, backend });
						const wanted = expected(given, backend);
						const saved = given.saved ?? given.rule;
						const got = outcome.ok ? outcome.saved : `refused: ${outcome.error?.message}`;
						if (outcome.ok !== wanted || (wanted && outcome.saved !== saved)) {
							wrong.push(
								`${backend} ${given.table} ${chain}: ${given.rule}\n  want ${wanted ? saved : "refused"}\n  got  ${got}`,
							);
						}
					}
				}
			}
			expect(wrong.join("\n")).toBe("");
		});
	}
});
