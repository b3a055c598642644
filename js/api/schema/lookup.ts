// Finding one's way in a schema: the structure of a field's field.

import type { ApiSchema, FieldSchema, ListSchema, MapSchema, TypeReference } from "./schema.ts";

export function isReference(field: FieldSchema | undefined): field is TypeReference {
	return typeof field === "object" && "type" in field;
}

export function isList(field: FieldSchema | undefined): field is ListSchema {
	return typeof field === "object" && "list" in field;
}

export function isMap(field: FieldSchema | undefined): field is MapSchema {
	return typeof field === "object" && "map" in field;
}

/** What `name` holds inside a value of structure `field`; undefined where the structure has no such field. */
export function member(schema: ApiSchema, field: FieldSchema | undefined, name: string): FieldSchema | undefined {
	if (isMap(field)) return field.map;
	if (!isReference(field)) return undefined;
	const { fields } = schema.types[field.type] ?? { fields: {} };
	return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
