// Seeded chance as a keyed hash (FNV-1a over the words, finished as MurmurHash3 does): no state, so that a fork, a
// replay or a different order of questions changes no answer. Not for secrets.

import type { Random } from "../ports.ts";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** `seed`: any integer; its low 32 bits count. */
export function seededRandom(seed: number): Random {
	return {
		integer(below, ...what) {
			check(below);
			return scaled(finish(hash(mix(FNV_OFFSET, seed >>> 0), what)), below);
		},
		integers(count, below, ...what) {
			check(below);
			const before = hash(mix(FNV_OFFSET, seed >>> 0), what);
			return Array.from({ length: count }, (_, i) => scaled(finish(withWord(before, String(i))), below));
		},
	};
}

function check(below: number): void {
	if (!Number.isInteger(below) || below < 1 || below > 2 ** 32)
		throw new RangeError(`below must be 1-2^32, got ${below}`);
}

function scaled(drawn: number, below: number): number {
	return Math.floor((drawn / 2 ** 32) * below);
}

function hash(before: number, what: readonly (string | number)[]): number {
	let state = before;
	for (const word of what) state = withWord(state, String(word));
	return state;
}

function withWord(before: number, text: string): number {
	let state = before;
	for (let i = 0; i < text.length; i++) state = mix(state, text.charCodeAt(i));
	// The end of a word counts: ("a", "bc") is another question than ("ab", "c").
	return mix(state, 0x1ffff);
}

function mix(state: number, value: number): number {
	return Math.imul(state ^ value, FNV_PRIME);
}

function finish(state: number): number {
	let h = state;
	h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
	h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
	return (h ^ (h >>> 16)) >>> 0;
}
