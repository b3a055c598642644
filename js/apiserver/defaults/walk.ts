// How defaults come into an object: by type, wherever in the object the type is, the outer before the inner, as upstream's
// generated code walks (pkg/apis/*/v1/zz_generated.defaults.go). The tables beside this file hold the rows; a value is filled
// in where the field is left out or an empty text. Quantities get their canonical text (apimachinery pkg/api/resource).

import { merged, setMember, withMember } from "../../api/member.ts";
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
			filled ??= merged<Record<string, Json>>(object);
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
		return changed === member ? object : withMember(object as Record<string, Json>, name, changed);
	};
}

/** The object with the defaults of every type in it; what lacks none stays the same object, in it and as a whole. */
export function withDefaults<T extends KubernetesObject>(
	schema: ApiSchema,
	table: DefaultTable,
	type: string,
	object: T,
): T {
	return new Defaults(schema, table).of(type, object);
}

/** For objects one after the other: what one has of the one before (its template's) is looked at once. */
export class Defaults {
	readonly #table: DefaultTable;
	readonly #fields: FilledFields;
	/** By field: the list that was there last, and what became of it. */
	readonly #last = new Map<FieldSchema, { value: readonly Json[]; made: Json }>();

	constructor(schema: ApiSchema, table: DefaultTable) {
		this.#table = table;
		this.#fields = filledFields(schema, table);
	}

	/** As `withDefaults`. */
	of<T extends KubernetesObject>(type: string, object: T): T {
		return this.#struct(type, object as unknown as JsonObject) as unknown as T;
	}

	#value(field: FieldSchema, value: Json): Json {
		if (field === "quantity") return canonicalQuantity(value as string | number);
		if (isList(field)) return isArray(value) && !isPlain(field.list) ? this.#list(field, field.list, value) : value;
		if (isMap(field)) return isObject(value) && !isPlain(field.map) ? this.#map(field.map, value) : value;
		return isReference(field) && isObject(value) ? this.#struct(field.type, value) : value;
	}

	#list(field: FieldSchema, item: FieldSchema, value: readonly Json[]): Json {
		const last = this.#last.get(field);
		if (last?.value === value) return last.made;
		const made = mappedList(value, (member) => this.#value(item, member));
		this.#last.set(field, { value, made });
		return made;
	}

	#map(item: FieldSchema, value: JsonObject): Json {
		return mapped(value, value, (_, member) => this.#value(item, member));
	}

	#struct(type: string, value: JsonObject): JsonObject {
		const own = Object.hasOwn(this.#table, type) ? this.#table[type]?.(value) : undefined;
		const fields = this.#fields.of(type);
		if (fields.size === 0 && own === undefined) return value;
		return mapped(own ?? value, value, (name, member) => {
			const field = fields.get(name);
			return field === undefined ? member : this.#value(field, member);
		});
	}
}

/** The fields of types in which there may be something to fill in: most have none. */
class FilledFields {
	readonly #schema: ApiSchema;
	readonly #table: DefaultTable;
	readonly #byType = new Map<string, ReadonlyMap<string, FieldSchema>>();

	constructor(schema: ApiSchema, table: DefaultTable) {
		this.#schema = schema;
		this.#table = table;
	}

	of(type: string): ReadonlyMap<string, FieldSchema> {
		let fields = this.#byType.get(type);
		if (fields === undefined) {
			fields = new Map(this.#fieldsOf(type).filter(([, field]) => this.#isFilled(field)));
			this.#byType.set(type, fields);
		}
		return fields;
	}

	#fieldsOf(type: string): [string, FieldSchema][] {
		return Object.entries(this.#schema.types[type]?.fields ?? {});
	}

	/** Types may hold themselves. */
	#isFilled(field: FieldSchema, seen = new Set<string>()): boolean {
		if (field === "quantity") return true;
		if (isList(field)) return this.#isFilled(field.list, seen);
		if (isMap(field)) return this.#isFilled(field.map, seen);
		if (!isReference(field) || seen.has(field.type)) return false;
		seen.add(field.type);
		return (
			Object.hasOwn(this.#table, field.type) || this.#fieldsOf(field.type).some(([, one]) => this.#isFilled(one, seen))
		);
	}
}

const known = new WeakMap<ApiSchema, { table: DefaultTable; fields: FilledFields }>();

function filledFields(schema: ApiSchema, table: DefaultTable): FilledFields {
	const last = known.get(schema);
	if (last?.table === table) return last.fields;
	const fields = new FilledFields(schema, table);
	known.set(schema, { table, fields });
	return fields;
}

/** An object with its members changed; `before` itself where that makes no difference to it. */
function mapped(object: JsonObject, before: JsonObject, change: (name: string, member: Json) => Json): JsonObject {
	// What is changed, as far as the first member that is.
	let made: Record<string, Json> | null = null;
	let isSame = true;
	let count = 0;
	for (const name in object) {
		const member = object[name] as Json;
		const changed = change(name, member);
		if (made === null && changed !== member) made = upTo(object, name);
		if (made !== null) setMember(made, name, changed);
		isSame &&= changed === before[name] && (object === before || Object.hasOwn(before, name));
		count++;
	}
	if (isSame && (object === before || count === Object.keys(before).length)) return before;
	return made ?? object;
}

/** The list itself where nothing in it changes. */
export function mappedList(list: readonly Json[], change: (item: Json) => Json): readonly Json[] {
	let made: Json[] | null = null;
	for (let i = 0; i < list.length; i++) {
		const changed = change(list[i] as Json);
		if (made === null && changed !== list[i]) made = list.slice();
		if (made !== null) made[i] = changed;
	}
	return made ?? list;
}

/** The members before this one. */
function upTo(object: JsonObject, end: string): Record<string, Json> {
	const made: Record<string, Json> = {};
	for (const name in object) {
		if (name === end) break;
		setMember(made, name, object[name] as Json);
	}
	return made;
}

const isPlain = (field: FieldSchema) => typeof field === "string" && field !== "quantity";
