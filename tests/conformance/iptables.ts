// iptables cases: a rule works in each of the chains or in none, and iptables-save prints it as said. Judged for every
// family and backend that the case is about; a case is one probe.

import { type Backend, checkIptablesCase } from "../../js/net/iptables/index.ts";
import type { Family } from "../../js/net/ruleset.ts";
import { compare } from "./judgement.ts";
import type { Result } from "./result.ts";

interface Case {
	chains: string[];
	table: string;
	rule: string;
	saved: string | null;
	ok: boolean;
	/** The outcome holds for this backend; for the other one `otherwise` does, or nobody knows where that is null. */
	onlyBackend?: Backend;
	otherwise?: boolean | null;
}

export interface IptablesDocument {
	families: ("IPv4" | "IPv6")[];
	cases: Case[];
}

const FAMILY: Record<"IPv4" | "IPv6", Family> = { IPv4: "ipv4", IPv6: "ipv6" };
const BACKENDS: Backend[] = ["legacy", "nft"];

/** What the case says of a backend; null where it says nothing. */
function expectation(given: Case, backend: Backend): { ok: boolean; saved: string | null } | null {
	if (given.onlyBackend === undefined || given.onlyBackend === backend) {
		return { ok: given.ok, saved: given.ok ? given.saved : null };
	}
	return typeof given.otherwise === "boolean" ? { ok: given.otherwise, saved: null } : null;
}

/** The first disagreement over families, backends and chains, or the agreement of all. */
function judge(given: Case, families: Family[]): Result {
	const name = `-t ${given.table} ${given.rule}`;
	let last = compare(name, given.ok, "nothing to judge it by");
	for (const family of families) {
		for (const backend of BACKENDS) {
			const expected = expectation(given, backend);
			if (expected === null) continue;
			for (const chain of given.chains) {
				const outcome = checkIptablesCase({ family, table: given.table, chain, rule: given.rule, backend });
				const saved = expected.saved === null ? null : (outcome.saved ?? null);
				last = compare(`${name} [${family} ${backend} ${chain}]`, expected, { ok: outcome.ok, saved });
				if (last.status !== "passed")
					return outcome.error === undefined ? last : { ...last, reason: outcome.error.message };
			}
		}
	}
	return { ...last, name };
}

export function checkIptables({ families, cases }: IptablesDocument): Result[] {
	const judged = families.map((family) => FAMILY[family]);
	return cases.map((given) => judge(given, judged));
}
