// What is different between two networks: netns that came, went, or are others. Netns are values: one that differs is another
// object, and what stayed is best the same object in both, for then nothing of it is looked at.

import type { Netns, Network } from "./network.ts";
import { same } from "./same.ts";

export interface NetworkChange {
	added: readonly Netns[];
	/** Names. One that is in `added` too is a new netns of the same name: nothing of the old one lives on. */
	removed: readonly string[];
	/** Netns as they are now. */
	changed: readonly Netns[];
}

/** What makes `now` of `before`. Names are unique in each. Rulesets that are different objects are different. */
export function networkChange(before: Network, now: Network): NetworkChange {
	const { gone, came } = unmatched(before.netns, now.netns);
	const changed: Netns[] = [];
	const added: Netns[] = [];
	for (const netns of came) {
		const old = gone.get(netns.name);
		if (old === undefined) added.push(netns);
		else if (!sameNetns(old, netns)) changed.push(netns);
		gone.delete(netns.name);
	}
	return { added, removed: [...gone.keys()], changed };
}

/** Changes one after the other, or beside each other, as one list. */
export function joined(parts: readonly NetworkChange[]): NetworkChange {
	return {
		added: parts.flatMap(({ added }) => added),
		removed: parts.flatMap(({ removed }) => removed),
		changed: parts.flatMap(({ changed }) => changed),
	};
}

/** Objects that are in one list alone. Lists that differ in little are walked side by side. */
function unmatched(before: readonly Netns[], now: readonly Netns[]): { gone: Map<string, Netns>; came: Netns[] } {
	const gone = new Map<string, Netns>();
	const came: Netns[] = [];
	let i = 0;
	let j = 0;
	while (i < before.length && j < now.length) {
		if (before[i] === now[j]) {
			i++;
			j++;
			continue;
		}
		const [skip, add] = nextCommon(before, i, now, j);
		for (const end = i + skip; i < end; i++) gone.set((before[i] as Netns).name, before[i] as Netns);
		for (const end = j + add; j < end; j++) came.push(now[j] as Netns);
	}
	for (; i < before.length; i++) gone.set((before[i] as Netns).name, before[i] as Netns);
	for (; j < now.length; j++) came.push(now[j] as Netns);
	return { gone, came: came.filter((netns) => gone.get(netns.name) !== netns || !gone.delete(netns.name)) };
}

/** How far the lists are walked in search of a name that both have. */
const AHEAD = 16;

/** How many of either list come before the next name that both have; one of each where that is none, or the very next. */
function nextCommon(before: readonly Netns[], i: number, now: readonly Netns[], j: number): [number, number] {
	for (let steps = 0; steps <= AHEAD; steps++) {
		for (let skip = 0; skip <= steps; skip++) {
			const one = before[i + skip];
			if (one === undefined || one.name !== now[j + steps - skip]?.name) continue;
			return steps === 0 ? [1, 1] : [skip, steps - skip];
		}
	}
	return [1, 1];
}

function sameNetns(a: Netns, b: Netns): boolean {
	if (a.ruleset !== b.ruleset || a.ruleset6 !== b.ruleset6) return false;
	return same({ ...a, ruleset: null, ruleset6: null }, { ...b, ruleset: null, ruleset6: null });
}
