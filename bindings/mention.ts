// What rules mention by name: lists of `recent` with the stamps that they must keep, and ipsets.

import * as L from "../assembly/layout.ts";
import type { Extension, Rule } from "../js/net/ruleset.ts";

/** Stamps that a list keeps where no rule asks for a hitcount. */
const STAMPS_DEFAULT = 32;

function stringOption(extension: Extension, name: string): string | null {
	const value = extension.options.find((option) => option.name === name)?.value;
	return value?.kind === "string" ? value.value : null;
}

/** Nearly no chain mentions any. */
const NO_LISTS: ReadonlyMap<string, number> = new Map();
const NO_SETS: ReadonlySet<string> = new Set();

/** Names of the ipsets that rules ask. */
export function setNames(rules: readonly Rule[]): ReadonlySet<string> {
	let names: Set<string> | null = null;
	for (const { matches } of rules)
		for (const { options } of matches)
			for (const { value } of options) if (value.kind === "set") names = (names ?? new Set()).add(value.set);
	return names ?? NO_SETS;
}

/**
 * Lists of `recent` that rules ask, and the stamps that each must keep: as many as its greatest hitcount, rounded up to a
 * power of two; 32 where a rule has none.
 */
export function recentNeeds(rules: readonly Rule[]): ReadonlyMap<string, number> {
	if (!rules.some(({ matches }) => matches.some(({ name }) => name === "recent"))) return NO_LISTS;
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
