// What rules mention by name: lists of `recent` with the stamps that they must keep, and ipsets.

import * as L from "../assembly/layout.ts";
import type { Extension, Rule } from "../js/net/ruleset.ts";

/** Stamps that a list keeps where no rule asks for a hitcount. */
const STAMPS_DEFAULT = 32;

function stringOption(extension: Extension, name: string): string | null {
	const value = extension.options.find((option) => option.name === name)?.value;
	return value?.kind === "string" ? value.value : null;
}

/** Names of the ipsets that a rule asks. */
export function setNames(rule: Rule): string[] {
	const values = rule.matches.flatMap(({ options }) => options.map(({ value }) => value));
	return values.flatMap((value) => (value.kind === "set" ? [value.set] : []));
}

/**
 * Lists of `recent` that rules ask, and the stamps that each must keep: as many as its greatest hitcount, rounded up to a
 * power of two; 32 where a rule has none.
 */
export function recentNeeds(rules: readonly Rule[]): Map<string, number> {
	const stamps = new Map<string, number>();
	for (const { matches } of rules) {
		for (const match of matches) {
			if (match.name !== "recent") continue;
			const name = stringOption(match, "name") ?? "DEFAULT";
			const value = match.options.find((option) => option.name === "hitcount")?.value;
			const hits = value?.kind === "uint" ? value.value : 0;
			const needed = hits === 0 ? STAMPS_DEFAULT : Math.min(L.RECENT_STAMP_COUNT, 2 ** Math.ceil(Math.log2(hits)));
			stamps.set(name, Math.max(needed, stamps.get(name) ?? 0));
		}
	}
	return stamps;
}
