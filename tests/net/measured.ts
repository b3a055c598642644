// What iptables 1.8.9 was measured to do with single rules: taken or refused, and how iptables-save printed them.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Backend } from "../../js/net/iptables/index.ts";
import type { Family, TableName } from "../../js/net/ruleset.ts";

type Row = [table: TableName, chain: string, rule: string, legacy: string | null, nft?: string | null];

export interface Measured {
	family: Family;
	table: TableName;
	chain: string;
	rule: string;
	/** The words after `-A CHAIN` as saved; null: refused. */
	saved: Record<Backend, string | null>;
}

/** The measured rules of a family; `different`: those where podwire knowingly does otherwise. */
export function measuredRules(family: Family, part: "rows" | "different" = "rows"): Measured[] {
	const path = fileURLToPath(new URL(`cases/measured-${family}.json`, import.meta.url));
	const rows = (JSON.parse(readFileSync(path, "utf8")) as Record<typeof part, Row[]>)[part];
	return rows.map(([table, chain, rule, legacy, nft = legacy]) => {
		const text = (saved: string | null): string | null => (saved === "=" ? rule : saved);
		return { family, table, chain, rule, saved: { legacy: text(legacy), nft: text(nft) } };
	});
}
