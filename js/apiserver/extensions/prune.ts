// What becomes of a custom object before it is looked at: unknown fields go, defaults come, nulls that nobody may write are
// defaulted (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting}).

import { isArray, isObject, type Json, type JsonObject } from "../patch/json.ts";
import { preserves, type Schema } from "./schema.ts";

const META = new Set(["apiVersion", "kind", "metadata"]);

/** The object without fields that its schema does not have; their paths are added to `unknown`. */
export function pruned(schema: Schema, object: JsonObject, unknown: string[]): JsonObject {
	const { apiVersion, kind, metadata, ...rest } = object;
	const kept = prunedStruct(schema, rest, "", unknown, true);
	return Object.fromEntries(
		Object.entries({ apiVersion, kind, metadata, ...kept }).filter(([, member]) => member !== undefined),
	) as JsonObject;
}

function prunedStruct(schema: Schema, value: JsonObject, path: string, unknown: string[], root = false): JsonObject {
	const { properties = {}, additionalProperties: more } = schema;
	const members = Object.entries(value).flatMap(([name, member]): [string, Json][] => {
		const place = path === "" ? name : `${path}.${name}`;
		if (!root && schema["x-kubernetes-embedded-resource"] === true && META.has(name)) return [[name, member]];
		if (Object.hasOwn(properties, name))
			return [[name, prunedValue(properties[name] as Schema, member, place, unknown)]];
		if (typeof more === "object") return [[name, prunedValue(more, member, place, unknown)]];
		if (more === true || preserves(schema)) return [[name, member]];
		unknown.push(place);
		return [];
	});
	return Object.fromEntries(members);
}

function prunedValue(schema: Schema, value: Json, path: string, unknown: string[]): Json {
	if (isObject(value)) return prunedStruct(schema, value, path, unknown);
	if (!isArray(value)) return value;
	const { items } = schema;
	if (items === undefined) return value;
	return value.map((item, i) => prunedValue(items, item, `${path}[${i}]`, unknown));
}

/** The value with the defaults of its schema, wherever an object is that could have them. */
export function defaulted(schema: Schema, value: Json): Json {
	const { properties = {}, additionalProperties: more, items } = schema;
	if (isArray(value)) return items === undefined ? value : value.map((item) => defaulted(items, item));
	if (!isObject(value)) return value;
	const filled = new Map(Object.entries(value));
	for (const [name, inner] of Object.entries(properties)) {
		const given = filled.get(name);
		const missing = given === undefined || (given === null && inner.nullable !== true);
		if (missing && inner.default !== undefined) filled.set(name, inner.default);
		// A null that the schema does not allow and that has no default is dropped.
		else if (given === null && inner.nullable !== true) filled.delete(name);
	}
	return Object.fromEntries(
		[...filled].map(([name, member]) => {
			const inner = Object.hasOwn(properties, name) ? properties[name] : typeof more === "object" ? more : undefined;
			return [name, inner === undefined ? member : defaulted(inner, member)];
		}),
	);
}
