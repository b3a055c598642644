// What rules mention by name: lists of `recent` with the stamps that they must keep, and ipsets.

import * as L from "../assembly/layout.ts";
import type { Extension, Rule, Ruleset } from "../js/net/ruleset.ts";

/** Stamps that a list keeps where no rule asks for a hitcount. */
export const STAMPS_DEFAULT = 32;

function stringOption(extension: Extension, name: string): string | null {
	const value = extension.options.find((option) => option.name === name)?.value;
	return value?.kind === "string" ? value.value : null;
}

/** Names of the lists of `recent` that a rule asks. */
export function recentNames(rule: Rule): string[] {
	const lists = rule.matches.filter(({ name }) => name === "recent");
	return lists.map((match) => stringOption(match, "name") ?? "DEFAULT");
}

/** Names of the ipsets that a rule asks. */
export function setNames(rule: Rule): string[] {
	const values = rule.matches.flatMap(({ options }) => options.map(({ value }) => value));
	return values.flatMap((value) => (value.kind === "set" ? [value.set] : []));
}

/** A list keeps as many stamps as its greatest hitcount, rounded up to a power of two; 32 where a rule has none. */
export function stampsByList(ruleset: Ruleset): Map<string, number> {
	const stamps = new Map<string, number>();
	const rules = ruleset.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
	for (const match of rules.flatMap(({ matches }) => matches.filter(({ name }) => name === "recent"))) {
		const name = stringOption(match, "name") ?? "DEFAULT";
		const value = match.options.find((option) => option.name === "hitcount")?.value;
		const hits = value?.kind === "uint" ? value.value : 0;
		const needed = hits === 0 ? STAMPS_DEFAULT : Math.min(L.RECENT_STAMP_COUNT, 2 ** Math.ceil(Math.log2(hits)));
		stamps.set(name, Math.max(needed, stamps.get(name) ?? 0));
	}
	return stamps;
}
