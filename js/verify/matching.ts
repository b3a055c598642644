// Lists compared with the rules of the recorded data: in order (hops), or as multisets (conntrack entries, rule hits),
// where each `<varies>` of the expectation excuses one entry that finds no partner.

import { VARIES, type Varies } from "../net/probe.ts";
import type { Renaming } from "./renaming.ts";

type Same<T> = (expected: T, got: T) => boolean;

export interface Unmatched<T> {
	/** Expected, and not there. */
	missing: T[];
	/** There, and neither expected nor excused. */
	extra: T[];
}

/** Beyond so many steps a search for a consistent pairing is given up for the first greedy one. */
const SEARCH_STEPS_MAX = 20_000;

/** Pairs two lists in any order under one consistent renaming. `same` may bind ports; what a failed pairing bound is taken back. */
export function matchUnordered<T>(
	expected: readonly (T | Varies)[],
	got: readonly T[],
	same: Same<T>,
	renaming: Renaming,
): Unmatched<T> {
	const wanted = expected.filter((entry): entry is T => entry !== VARIES);
	const excused = expected.length - wanted.length;
	if (expected.length === 1 && excused === 1) return { missing: [], extra: [] };
	const budget = { steps: SEARCH_STEPS_MAX };
	const pairing = wanted.length <= got.length ? pairAll(wanted, got, same, renaming, budget) : null;
	const pairs = pairing ?? pairGreedily(wanted, got, same, renaming);
	const extra = got.filter((_, index) => !pairs.includes(index));
	return { missing: wanted.filter((_, index) => pairs[index] === -1), extra: extra.length <= excused ? [] : extra };
}

/** For each wanted entry the index of its partner; null where no pairing serves all. */
function pairAll<T>(
	wanted: readonly T[],
	got: readonly T[],
	same: Same<T>,
	renaming: Renaming,
	budget: { steps: number },
): number[] | null {
	const pairs: number[] = [];
	const place = (): boolean => {
		const entry = wanted[pairs.length];
		if (pairs.length === wanted.length) return true;
		for (let index = 0; index < got.length; index++) {
			if (pairs.includes(index)) continue;
			if (budget.steps-- <= 0) return false;
			const mark = renaming.mark();
			if (same(entry as T, got[index] as T)) {
				pairs.push(index);
				if (place()) return true;
				pairs.pop();
			}
			renaming.rollback(mark);
		}
		return false;
	};
	return place() ? pairs : null;
}

function pairGreedily<T>(wanted: readonly T[], got: readonly T[], same: Same<T>, renaming: Renaming): number[] {
	const taken = new Set<number>();
	return wanted.map((entry) => {
		const partner = got.findIndex((candidate, index) => {
			if (taken.has(index)) return false;
			const mark = renaming.mark();
			const matches = same(entry, candidate);
			if (!matches) renaming.rollback(mark);
			return matches;
		});
		if (partner >= 0) taken.add(partner);
		return partner;
	});
}

/** The first place where two lists part, or null. `<varies>` stands for one entry or none. */
export function firstMismatch<T>(
	expected: readonly (T | Varies)[],
	got: readonly T[],
	same: Same<T>,
	renaming: Renaming,
): { expectedAt: number; gotAt: number } | null {
	let furthest = { expectedAt: 0, gotAt: 0 };
	const walk = (expectedStart: number, gotStart: number): boolean => {
		let expectedAt = expectedStart;
		let gotAt = gotStart;
		while (expectedAt < expected.length) {
			const entry = expected[expectedAt] as T | Varies;
			if (entry === VARIES) {
				const mark = renaming.mark();
				if (gotAt < got.length && walk(expectedAt + 1, gotAt + 1)) return true;
				renaming.rollback(mark);
				expectedAt++;
				continue;
			}
			if (gotAt >= furthest.gotAt) furthest = { expectedAt, gotAt };
			if (gotAt >= got.length || !same(entry, got[gotAt] as T)) return false;
			expectedAt++;
			gotAt++;
		}
		if (gotAt >= furthest.gotAt) furthest = { expectedAt, gotAt };
		return gotAt === got.length;
	};
	return walk(0, 0) ? null : furthest;
}
