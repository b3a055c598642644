// Names that controllers make: five random characters after a base (apiserver storage/names), the hash of a pod
// template as FNV-32a written in the same safe alphabet (pkg/controller ComputeHash). The hashed bytes are the
// template's canonical JSON, not Go's deep print: a hash has upstream's form, not its value.

import type { Random } from "../ports.ts";

/** No vowels and no look-alikes: no bad words, no 0/O. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const GENERATED_MAX = 63;

/** `base` and five characters; `what` names the object, so that every object has its own suffix. */
export function generatedName(base: string, random: Random, ...what: readonly (string | number)[]): string {
	let suffix = "";
	for (let i = 0; i < SUFFIX_LENGTH; i++) suffix += ALPHABET[random.integer(ALPHABET.length, "name", base, ...what, i)];
	return base.slice(0, GENERATED_MAX - SUFFIX_LENGTH) + suffix;
}

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

/** Hash of a pod template: up to ten characters of the safe alphabet. */
export function templateHash(template: unknown): string {
	const sum = fnv32a(new TextEncoder().encode(canonicalJson(template)));
	return Array.from(String(sum), (digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join("");
}

function fnv32a(bytes: Uint8Array): number {
	let hash = 0x811c9dc5;
	for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
	return hash;
}

/** JSON with sorted keys and without undefined. */
function canonicalJson(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
	if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
	const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
	entries.sort(([a], [b]) => (a < b ? -1 : 1));
	return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
}

/** A uid in the form of a random UUID (RFC 9562 version 4), the same for the same object and seed. */
export function uidOf(random: Random, kind: string, namespace: string, name: string): string {
	let hex = "";
	for (let i = 0; i < 4; i++)
		hex += random
			.integer(2 ** 32, "uid", kind, namespace, name, i)
			.toString(16)
			.padStart(8, "0");
	const variant = "89ab"[Number.parseInt(hex[16] ?? "0", 16) & 3];
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
