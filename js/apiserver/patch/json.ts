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
	if (a === b) return true;
	if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
	if (!isObject(a) || !isObject(b)) return false;
	const names = Object.keys(a);
	return (
		names.length === Object.keys(b).length &&
		names.every((name) => Object.hasOwn(b, name) && equalJson(a[name], b[name]))
	);
}

/** As JSON carries it: without what is undefined. What is so already stays the same object. */
export function cleanJson(value: unknown): Json {
	if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value as Json;
	if (Array.isArray(value)) {
		const items = value.map((item) => (item === undefined ? null : cleanJson(item)));
		return items.every((item, i) => item === value[i]) ? value : items;
	}
	const object = value as Record<string, unknown>;
	const names = Object.keys(object).filter((name) => object[name] !== undefined);
	const members = names.map((name) => cleanJson(object[name]));
	const isClean = Object.getPrototypeOf(object) === Object.prototype && names.length === Object.keys(object).length;
	if (isClean && names.every((name, i) => members[i] === object[name])) return object as JsonObject;
	return Object.fromEntries(names.map((name, i) => [name, members[i] as Json]));
}
