// Names and uids that the API server makes for objects (k8s.io/apiserver/pkg/storage/names, apimachinery/pkg/util/rand), out
// of chance that the caller gives: the same words, the same name.

/** `count` integers in [0, below) for the words that say what is being decided (`Random.integers`). */
export interface Draw {
	integers(count: number, below: number, ...what: readonly (string | number)[]): number[];
}

/** No vowels and no look-alikes: no bad words, no 0/O. */
export const SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const GENERATED_MAX = 63;

/** `base` and five characters; `what` names the object, so that every object has its own suffix. */
export function generatedName(base: string, draw: Draw, ...what: readonly (string | number)[]): string {
	const drawn = draw.integers(SUFFIX_LENGTH, SAFE_ALPHABET.length, "name", base, ...what);
	// One text, not a rope of two: names are many, and live long.
	return [base.slice(0, GENERATED_MAX - SUFFIX_LENGTH), ...drawn.map((index) => SAFE_ALPHABET[index])].join("");
}

const HEX = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
const HYPHEN = "-".charCodeAt(0);
/** Digits before which there is a hyphen, of 32. */
const PARTS: ReadonlySet<number> = new Set([8, 12, 16, 20]);

/** A uid in the form of a random UUID (RFC 9562 version 4), the same for the same words and seed. */
export function uidOf(draw: Draw, ...what: readonly (string | number)[]): string {
	const words = draw.integers(4, 2 ** 32, "uid", ...what);
	const codes: number[] = [];
	for (let i = 0; i < 32; i++) {
		let digit = ((words[i >> 3] as number) >>> (28 - 4 * (i & 7))) & 15;
		if (i === 12) digit = 4;
		else if (i === 16) digit = 8 | (digit & 3);
		if (PARTS.has(i)) codes.push(HYPHEN);
		codes.push(HEX[digit] as number);
	}
	// One text, not a rope of its parts: uids are many, and live long.
	return String.fromCharCode(...codes);
}
