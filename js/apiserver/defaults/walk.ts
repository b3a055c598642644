// How defaults come into an object: by type, wherever in the object the type is, the outer before the inner, as upstream's
// generated code walks (pkg/apis/*/v1/zz_generated.defaults.go). The tables beside this file hold the rows; a value is filled
// in where the field is left out or an empty text. Quantities get their canonical text (apimachinery pkg/api/resource).

import type { KubernetesObject } from "../../api/meta.ts";
import { canonicalQuantity } from "../../api/quantity.ts";
import { isList, isMap, isReference } from "../../api/schema/lookup.ts";
import type { ApiSchema, FieldSchema } from "../../api/schema/schema.ts";
import { isArray, isObject, type Json, type JsonObject } from "../patch/json.ts";

/** Of one type: from an object as the client gave it to one with defaults; the argument stays as it is. */
export type Defaulting = (object: JsonObject) => JsonObject;

/** By name of a type in the schema. */
export type DefaultTable = Readonly<Record<string, Defaulting>>;

type Filling = Json | undefined | ((object: JsonObject) => Json | undefined);

/** Fills in fields in order; what a function makes of the object as it is by then, undefined leaves the field out. */
export function fill(fillings: Readonly<Record<string, Filling>>): Defaulting {
	const entries = Object.entries(fillings);
	return (object) => {
		let filled: Record<string, Json> | undefined;
		for (const [name, filling] of entries) {
			const now: JsonObject = filled ?? object;
			if (now[name] !== undefined && now[name] !== null && now[name] !== "") continue;
			const value = typeof filling === "function" ? filling(now) : filling;
			if (value === undefined) continue;
			filled ??= { ...object };
			filled[name] = value;
		}
		return filled ?? object;
	};
}

/** One after the other. */
export function chain(...steps: readonly Defaulting[]): Defaulting {
	return (object) => steps.reduce((filled, step) => step(filled), object);
}

/** `object` with a member made anew; where it has none, it stays as it is. */
export function inside(name: string, change: (member: Json) => Json): Defaulting {
	return (object) => {
		const member = object[name];
		if (member === undefined) return object;
		const changed = change(member);
		return changed === member ? object : { ...object, [name]: changed };
	};
}

/** The object with the defaults of every type in it; what lacks none stays the same object, in it and as a whole. */
export function withDefaults<T extends KubernetesObject>(
	schema: ApiSchema,
	table: DefaultTable,
	type: string,
	object: T,
): T {
	const walk = new Walk(schema, table);
	return walk.value({ type }, object as unknown as Json) as unknown as T;
}

class Walk {
	readonly #schema: ApiSchema;
	readonly #table: DefaultTable;

	constructor(schema: ApiSchema, table: DefaultTable) {
		this.#schema = schema;
		this.#table = table;
	}

	value(field: FieldSchema, value: Json): Json {
		if (field === "quantity") return canonicalQuantity(value as string | number);
		if (isList(field)) return isArray(value) && !isPlain(field.list) ? this.#list(field.list, value) : value;
		if (isMap(field)) return isObject(value) && !isPlain(field.map) ? this.#map(field.map, value) : value;
		return isReference(field) && isObject(value) ? this.#struct(field.type, value) : value;
	}

	#list(item: FieldSchema, value: readonly Json[]): Json {
		const members = value.map((member) => this.value(item, member));
		return members.every((member, i) => member === value[i]) ? value : members;
	}

	#map(item: FieldSchema, value: JsonObject): Json {
		return mapped(value, value, (_, member) => this.value(item, member));
	}

	#struct(type: string, value: JsonObject): JsonObject {
		const own = Object.hasOwn(this.#table, type) ? this.#table[type]?.(value) : undefined;
		const { fields } = this.#schema.types[type] ?? { fields: {} };
		return mapped(own ?? value, value, (name, member) => {
			const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
			return field === undefined ? member : this.value(field, member);
		});
	}
}

/** An object with its members changed; `before` itself where that makes no difference to it. */
function mapped(object: JsonObject, before: JsonObject, change: (name: string, member: Json) => Json): JsonObject {
	const names = Object.keys(object);
	const members = names.map((name) => change(name, object[name] as Json));
	const isSame =
		(object === before || names.length === Object.keys(before).length) &&
		names.every((name, i) => members[i] === before[name] && (object === before || Object.hasOwn(before, name)));
	return isSame ? before : Object.fromEntries(names.map((name, i) => [name, members[i] as Json]));
}

const isPlain = (field: FieldSchema) => typeof field === "string" && field !== "quantity";
