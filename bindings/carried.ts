// Rules that are written anew, or counted anew, and are the same rules all the same: their counters go on.

import type { Chain, Counters } from "../js/net/ruleset.ts";

const NONE: Counters = { packets: 0n, bytes: 0n };

export interface CarriedRow {
	/** Rule rows, before and afterwards. */
	from: number;
	to: number;
	/** What its counter starts from where nothing else is known. */
	start: Counters;
}

/**
 * Rules of two states of a chain that are the same objects, and the policy where its counters are; none where the chain was flushed
 * and written again in between. `from`, `to`: the first rule's row in each.
 */
export function carriedRows(before: Chain, from: number, now: Chain, to: number): CarriedRow[] {
	if (before.flushes !== now.flushes) return [];
	const old = new Map(before.rules.map((rule, index) => [rule, index]));
	const rows: CarriedRow[] = [];
	for (const [index, rule] of now.rules.entries()) {
		const was = old.get(rule);
		if (was !== undefined) rows.push({ from: from + was, to: to + index, start: rule.counters ?? NONE });
	}
	if (now.policy !== null && before.policy !== null && before.counters === now.counters)
		rows.push({ from: from + before.rules.length, to: to + now.rules.length, start: now.counters });
	return rows;
}
