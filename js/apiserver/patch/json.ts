// JSON values as patches see them. Objects are built from entries, so that a key named `__proto__` is a key like any other.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
	readonly [name: string]: Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isArray(value: Json | undefined): value is readonly Json[] {
	return Array.isArray(value);
}

/** Equal as JSON, whatever the order of members. */
export function equalJson(a: Json | undefined, b: Json | undefined): boolean {
	if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
	if (!isObject(a) || !isObject(b)) return a === b;
	const names = Object.keys(a);
	return (
		names.length === Object.keys(b).length &&
		names.every((name) => Object.hasOwn(b, name) && equalJson(a[name], b[name]))
	);
}
