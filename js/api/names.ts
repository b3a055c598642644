// Names and uids that the API server makes for objects (k8s.io/apiserver/pkg/storage/names, apimachinery/pkg/util/rand), out
// of chance that the caller gives: the same words, the same name.

/** An integer in [0, below) for the words that say what is being decided (`Random.integer`). */
export interface Draw {
	integer(below: number, ...what: readonly (string | number)[]): number;
}

/** No vowels and no look-alikes: no bad words, no 0/O. */
export const SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const GENERATED_MAX = 63;

/** `base` and five characters; `what` names the object, so that every object has its own suffix. */
export function generatedName(base: string, draw: Draw, ...what: readonly (string | number)[]): string {
	let suffix = "";
	for (let i = 0; i < SUFFIX_LENGTH; i++)
		suffix += SAFE_ALPHABET[draw.integer(SAFE_ALPHABET.length, "name", base, ...what, i)];
	return base.slice(0, GENERATED_MAX - SUFFIX_LENGTH) + suffix;
}

/** A uid in the form of a random UUID (RFC 9562 version 4), the same for the same words and seed. */
export function uidOf(draw: Draw, ...what: readonly (string | number)[]): string {
	let hex = "";
	for (let i = 0; i < 4; i++)
		hex += draw
			.integer(2 ** 32, "uid", ...what, i)
			.toString(16)
			.padStart(8, "0");
	const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) & 3];
	const parts = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
	// One text, not a rope of them: uids are many, and live long.
	return [...parts, hex.slice(20)].join("-");
}
