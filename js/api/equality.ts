// Values of the API compared and hashed, where what is unset and what is empty are one (apimachinery pkg/api/equality: Semantic).

/** JSON with sorted keys, without undefined, null and empty lists. */
export function canonicalJson(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
	if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
	const entries = Object.entries(value).filter(([, entry]) => !isUnset(entry));
	entries.sort(([a], [b]) => (a < b ? -1 : 1));
	return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
}

/** Equal whatever the order of fields, and whether a field is absent, null or an empty list. */
export function semanticEqual(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (isUnset(a) || isUnset(b)) return isUnset(a) && isUnset(b);
	if (Array.isArray(a) || Array.isArray(b)) {
		if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
		return a.every((item, i) => semanticEqual(item, b[i]));
	}
	if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
	// An object's own, for a key named `__proto__` is a key like any other.
	const own = (object: object, name: string) =>
		Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
	for (const name of Object.keys(a)) if (!semanticEqual(own(a, name), own(b, name))) return false;
	for (const name of Object.keys(b)) if (!Object.hasOwn(a, name) && !isUnset(own(b, name))) return false;
	return true;
}

const isUnset = (value: unknown) =>
	value === undefined || value === null || (Array.isArray(value) && value.length === 0);
