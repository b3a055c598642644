// What is different between two states of a table, chain by chain. Chains are values: one that is the very same object is the same
// chain, and so only the others are looked at.

import type { Chain, Rule, Table } from "../js/net/ruleset.ts";

export interface TableDifference {
	/** New chains, and those whose value is another. */
	changed: { before: Chain | null; now: Chain }[];
	removed: Chain[];
}

/** Positions that two lists may drift apart at one place before they are compared by name. */
const DRIFT_MAX = 16;

export function differenceOf(before: Table | null, now: Table): TableDifference {
	if (before !== null && now.edit?.of === before) {
		const { changed, removed } = now.edit;
		return { changed: changed.filter((one) => one.before !== one.now), removed: [...removed] };
	}
	return compared(before?.chains ?? [], now.chains);
}

/** Every chain is new, or another one: nothing of the table that was before need be kept. */
export function hasNothingOf(before: Table | null, now: Table, { changed }: TableDifference): boolean {
	return before === null || (now.edit?.of !== before && changed.length === now.chains.length);
}

function compared(before: readonly Chain[], now: readonly Chain[]): TableDifference {
	const difference: TableDifference = { changed: [], removed: [] };
	let i = 0;
	let j = 0;
	while (i < before.length || j < now.length) {
		const old = before[i];
		const young = now[j];
		if (old === young) {
			i++;
			j++;
			// Nearly all are the same.
			while (i < before.length && before[i] === now[j]) {
				i++;
				j++;
			}
		} else if (old !== undefined && young !== undefined && old.name === young.name) {
			difference.changed.push({ before: old, now: young });
			i++;
			j++;
		} else {
			const gone = distance(before, i, young);
			const come = distance(now, j, old);
			if (gone === null && come === null) {
				byName(before.slice(i), now.slice(j), difference);
				break;
			}
			if (come === null || (gone !== null && gone <= come)) {
				for (const end = i + (gone as number); i < end; i++) difference.removed.push(before[i] as Chain);
			} else for (const end = j + come; j < end; j++) difference.changed.push({ before: null, now: now[j] as Chain });
		}
	}
	return paired(difference);
}

/** How far a chain of that name is from `from` on, the end for none; null: too far. */
function distance(chains: readonly Chain[], from: number, wanted: Chain | undefined): number | null {
	if (wanted === undefined) return chains.length - from <= DRIFT_MAX ? chains.length - from : null;
	for (let at = from; at < Math.min(chains.length, from + DRIFT_MAX); at++) {
		if (chains[at]?.name === wanted.name) return at - from;
	}
	return null;
}

function byName(before: readonly Chain[], now: readonly Chain[], difference: TableDifference): void {
	const known = new Map(before.map((chain) => [chain.name, chain]));
	for (const chain of now) {
		const old = known.get(chain.name) ?? null;
		known.delete(chain.name);
		if (old !== chain) difference.changed.push({ before: old, now: chain });
	}
	difference.removed.push(...known.values());
}

/** A chain that has moved within the list is neither new nor gone. */
function paired({ changed, removed }: TableDifference): TableDifference {
	if (removed.length === 0) return { changed, removed };
	const gone = new Map(removed.map((chain) => [chain.name, chain]));
	const told = changed.flatMap(({ before, now }) => {
		const moved = before ?? gone.get(now.name) ?? null;
		if (before === null) gone.delete(now.name);
		return moved === now ? [] : [{ before: moved, now }];
	});
	return { changed: told, removed: [...gone.values()] };
}

/** Do the rules of two chains read the same, so that only their counters may differ? */
export function sameRules(a: Chain, b: Chain): boolean {
	if (a.policy !== b.policy || a.rules.length !== b.rules.length) return false;
	return a.rules === b.rules || a.rules.every((rule, index) => sameRule(rule, b.rules[index] as Rule));
}

/** Are the rules of a chain the very ones of another, so that their counters are too? */
export function hasRulesOf(before: Chain, now: Chain): boolean {
	return before.rules === now.rules || now.rules.every((rule, index) => rule === before.rules[index]);
}

const WORDS = [
	"source",
	"destination",
	"inInterface",
	"outInterface",
	"protocol",
	"fragment",
	"matches",
	"target",
] as const satisfies readonly (keyof Rule)[];

function sameRule(a: Rule, b: Rule): boolean {
	return a === b || WORDS.every((word) => same(a[word], b[word]));
}

/** Of plain values. */
function same(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
	const keys = Object.keys(a) as (keyof typeof a)[];
	return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}
