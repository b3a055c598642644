// A chain with its counters as they are now.

import type { Chain, Counters } from "../js/net/ruleset.ts";
import type { RuleCounters } from "./counters.ts";
import type { LoadedChain, LoadedRuleset, LoadedTable } from "./tables.ts";

const NONE: Counters = { packets: 0n, bytes: 0n };

/** What the rules had when they were loaded, or took along from others, and what came since. */
export function countedChain(
	chain: Chain,
	table: LoadedTable,
	{ kept }: LoadedRuleset,
	counts: RuleCounters | undefined,
): Chain {
	const { firstRule } = table.find(chain.name) as LoadedChain;
	const counted = (row: number, start: Counters) => plus(kept.get(row) ?? start, counts?.get(row));
	return {
		...chain,
		rules: chain.rules.map((rule, i) => ({ ...rule, counters: counted(firstRule + i, rule.counters ?? NONE) })),
		counters: chain.policy === null ? NONE : counted(firstRule + chain.rules.length, chain.counters),
	};
}

export function plus(a: Counters, b: Counters = NONE): Counters {
	return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
