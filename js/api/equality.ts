// Values of the API compared and hashed, where what is unset and what is empty are one (apimachinery pkg/api/equality: Semantic).

/** JSON with sorted keys, without undefined, null and empty lists. */
export function canonicalJson(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
	if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
	let members = "";
	for (const name of Object.keys(value).sort()) {
		const member: unknown = (value as Record<string, unknown>)[name];
		if (!isUnset(member)) members += `${members === "" ? "" : ","}${JSON.stringify(name)}:${canonicalJson(member)}`;
	}
	return `{${members}}`;
}

/** Equal whatever the order of fields, and whether a field is absent, null or an empty list. */
export function semanticEqual(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (isUnset(a) || isUnset(b)) return isUnset(a) && isUnset(b);
	if (typeof a !== "object" || typeof b !== "object") return false;
	if (Array.isArray(a) || Array.isArray(b)) {
		if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
		for (let i = 0; i < a.length; i++) if (!semanticEqual(a[i], b[i])) return false;
		return true;
	}
	return semanticEqualBut(a as object, b as object);
}

/** As `semanticEqual` of two objects, whatever some fields of theirs hold. */
export function semanticEqualBut(a: object, b: object, ...but: readonly string[]): boolean {
	if (a === b) return true;
	for (const name in a) if (!but.includes(name) && !semanticEqual(own(a, name), own(b, name))) return false;
	for (const name in b) if (!but.includes(name) && !Object.hasOwn(a, name) && !isUnset(own(b, name))) return false;
	return true;
}

/** An object's own, for a key named `__proto__` is a key like any other. */
const own = (object: object, name: string): unknown =>
	Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;

const isUnset = (value: unknown) =>
	value === undefined || value === null || (Array.isArray(value) && value.length === 0);
