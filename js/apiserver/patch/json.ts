// JSON values as patches see them. Objects are built from entries, or by `setMember`: a key named `__proto__` is a key like any other.

import { setMember } from "../../api/member.ts";

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
	let more = 0;
	for (const name in a) {
		if (!Object.hasOwn(b, name) || !equalJson(a[name], b[name])) return false;
		more--;
	}
	for (const _ in b) more++;
	return more === 0;
}

/** As JSON carries it: without what is undefined. What is so already stays the same object. */
export function cleanJson(value: unknown): Json {
	if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value as Json;
	if (Array.isArray(value)) return cleanList(value);
	const object = value as Record<string, unknown>;
	if (Object.getPrototypeOf(object) !== Object.prototype) return cleanedFrom(object, null, undefined);
	for (const name in object) {
		const member = object[name];
		const clean = cleanJson(member);
		if (member === undefined || clean !== member) return cleanedFrom(object, name, clean);
	}
	return object as JsonObject;
}

function cleanList(list: readonly unknown[]): Json {
	let items: Json[] | null = null;
	for (let i = 0; i < list.length; i++) {
		const clean = list[i] === undefined ? null : cleanJson(list[i]);
		if (items === null && clean !== list[i]) items = list.slice(0, i) as Json[];
		items?.push(clean);
	}
	return items ?? (list as Json[]);
}

/** A copy of what is clean up to the member `known`, which becomes `clean`; null: nothing is known of it. */
function cleanedFrom(object: Record<string, unknown>, known: string | null, clean: Json | undefined): JsonObject {
	const made: Record<string, Json> = {};
	let isKnown = known !== null;
	for (const name of Object.keys(object)) {
		const member =
			name === known ? clean : isKnown ? (object[name] as Json) : (cleanJson(object[name]) as Json | undefined);
		if (name === known) isKnown = false;
		if (member !== undefined) setMember(made, name, member);
	}
	return made;
}
