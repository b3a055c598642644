// Names that controllers make: generated ones that are free, and the hash of a pod template as FNV-32a written in the same
// safe alphabet (pkg/controller ComputeHash). The hashed bytes are the
// template's canonical JSON, not Go's deep print: a hash has upstream's form, not its value.

import { canonicalJson } from "../api/equality.ts";
import { generatedName, SAFE_ALPHABET } from "../api/names.ts";
import type { Random } from "../ports.ts";

/** A name that `taken` does not hold; it is added. */
export function freeName(
	base: string,
	random: Random,
	taken: Set<string>,
	...what: readonly (string | number)[]
): string {
	for (let attempt = 0; ; attempt++) {
		const name = generatedName(base, random, ...what, attempt);
		if (taken.has(name)) continue;
		taken.add(name);
		return name;
	}
}

/**
 * Hash of a pod template or a revision's data: up to ten characters of the safe alphabet. `collisions`: how often the hash
 * before was another's.
 */
export function templateHash(template: unknown, collisions?: number): string {
	const sum = fnv32a(new TextEncoder().encode(`${canonicalJson(template)}${collisions ?? ""}`));
	return Array.from(String(sum), (digit) => SAFE_ALPHABET[digit.charCodeAt(0) % SAFE_ALPHABET.length]).join("");
}

function fnv32a(bytes: Uint8Array): number {
	let hash = 0x811c9dc5;
	for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
	return hash;
}
