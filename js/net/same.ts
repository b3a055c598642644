// Equality of the plain values that networks are made of: objects, arrays, Maps, scalars. Where two are the very same object
// nothing of them is looked at.

/** Have two values the same parts? Rulesets are the same where they are the same objects. */
export function same(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
	if (Array.isArray(a)) return Array.isArray(b) && sameList(a, b);
	if (a instanceof Map) return b instanceof Map && sameMap(a, b);
	return sameFields(a as Record<string, unknown>, b as Record<string, unknown>);
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
	return a.length === b.length && a.every((value, i) => same(value, b[i]));
}

function sameMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
	if (a.size !== b.size) return false;
	for (const [key, value] of a) if (!b.has(key) || !same(value, b.get(key))) return false;
	return true;
}

/** A field that is undefined is none. */
function sameFields(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
	for (const key in a) if (!same(a[key], b[key])) return false;
	for (const key in b) if (b[key] !== undefined && a[key] === undefined) return false;
	return true;
}
