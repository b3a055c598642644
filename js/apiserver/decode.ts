// A request's body as an object of its type: every field that the type has and of the kind that it has, nulls gone, unknown
// fields told (k8s.io/apimachinery/pkg/runtime/serializer/json, sigs.k8s.io/json). Validation of values comes later.

import type { KubernetesObject } from "../api/meta.ts";
import { isList, isMap, isReference } from "../api/schema/lookup.ts";
import type { ApiSchema, FieldSchema, ResourceSchema, Scalar } from "../api/schema/schema.ts";
import type { Custom } from "./extensions/definition.ts";
import { pruned } from "./extensions/prune.ts";
import { isArray, isObject, type Json, type JsonObject } from "./patch/json.ts";
import { badRequest } from "./status.ts";

export interface Decoded {
	object: KubernetesObject;
	/** Paths of fields that the type does not have; they are not in `object`. */
	unknown: string[];
}

/** Deeper than any object of the API; a body beyond it is refused. */
export const DEPTH_MAX = 100;

/** Throws StatusError 400 where the body is no object of the resource's kind. */
export function decode(
	schema: ApiSchema,
	resource: Pick<ResourceSchema, "kind" | "version" | "type"> & { custom?: Custom },
	body: Json,
): Decoded {
	const { kind, version } = resource;
	const refuse = (why: string) => badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
	if (!isObject(body)) throw refuse(`json: cannot unmarshal ${kindOf(body)} into Go value of type ${version}.${kind}`);
	const reading = new Reading(schema, refuse);
	if (resource.custom !== undefined) return decodeCustom(reading, resource.custom, body);
	const object = reading.value({ type: resource.type }, body, "", 0) as unknown as KubernetesObject;
	return { object: { ...object, metadata: object.metadata ?? {} }, unknown: reading.unknown };
}

/** Of a custom object the metadata alone has types here; what is wrong with the rest is for validation to say. */
function decodeCustom(reading: Reading, { schema }: Custom, body: JsonObject): Decoded {
	if (isTooDeep(body, DEPTH_MAX)) throw badRequest(`nested deeper than ${DEPTH_MAX}`);
	const unknown: string[] = [];
	const kept = pruned(schema, body, unknown);
	const metadata = reading.value({ type: "meta.v1.ObjectMeta" }, body.metadata ?? {}, "metadata", 0);
	const object = { ...kept, metadata } as unknown as KubernetesObject;
	return { object, unknown: [...reading.unknown, ...unknown] };
}

const GO_TYPES: Readonly<Record<Scalar, string>> = {
	string: "string",
	int32: "int32",
	int64: "int64",
	number: "float64",
	boolean: "bool",
	bytes: "[]uint8",
	time: "v1.Time",
	microTime: "v1.MicroTime",
	intOrString: "intstr.IntOrString",
	quantity: "resource.Quantity",
	any: "interface {}",
	object: "map[string]interface {}",
};

function kindOf(value: Json): string {
	if (isArray(value)) return "array";
	return typeof value === "boolean" ? "bool" : typeof value;
}

class Reading {
	readonly unknown: string[] = [];
	readonly #schema: ApiSchema;
	readonly #refuse: (why: string) => Error;

	constructor(schema: ApiSchema, refuse: (why: string) => Error) {
		this.#schema = schema;
		this.#refuse = refuse;
	}

	/** `path`: `spec.template.spec.containers[0]`. */
	value(field: FieldSchema, value: Json, path: string, depth: number): Json {
		if (depth > DEPTH_MAX) throw this.#refuse(`nested deeper than ${DEPTH_MAX} at ${path}`);
		if (isReference(field)) return this.#struct(field.type, value, path, depth);
		if (isList(field)) {
			if (!isArray(value)) throw this.#mismatch(value, path, `[]${this.#goType(field.list)}`);
			return value.map((item, i) => this.value(field.list, item ?? this.#zero(field.list), `${path}[${i}]`, depth + 1));
		}
		if (isMap(field)) return this.#map(field.map, value, path, depth);
		this.#scalar(field, value, path, depth);
		return value;
	}

	#struct(type: string, value: Json, path: string, depth: number): JsonObject {
		if (!isObject(value)) throw this.#mismatch(value, path, this.#goType({ type }));
		const { fields } = this.#schema.types[type] ?? { fields: {} };
		const kept: [string, Json][] = [];
		for (const [name, member] of Object.entries(value)) {
			const place = path === "" ? name : `${path}.${name}`;
			const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
			if (field === undefined) this.unknown.push(place);
			else if (member !== null) kept.push([name, this.value(field, member, place, depth + 1)]);
		}
		return Object.fromEntries(kept);
	}

	#map(item: FieldSchema, value: Json, path: string, depth: number): JsonObject {
		if (!isObject(value)) throw this.#mismatch(value, path, `map[string]${this.#goType(item)}`);
		const members = Object.entries(value).map(([name, member]): [string, Json] => [
			name,
			this.value(item, member ?? this.#zero(item), `${path}.${name}`, depth + 1),
		]);
		return Object.fromEntries(members);
	}

	#scalar(field: Scalar, value: Json, path: string, depth: number): void {
		const fits =
			field === "any"
				? !isTooDeep(value, DEPTH_MAX - depth)
				: field === "object"
					? isObject(value) && !isTooDeep(value, DEPTH_MAX - depth)
					: SCALARS[field](value);
		if (fits) return;
		if (field === "bytes" && typeof value === "string")
			throw this.#refuse(`illegal base64 data at input byte ${illegalByte(value)}`);
		throw this.#mismatch(value, path, GO_TYPES[field]);
	}

	#zero(field: FieldSchema): Json {
		if (typeof field !== "string") return isList(field) ? [] : {};
		if (field === "boolean") return false;
		return field === "int32" || field === "int64" || field === "number" ? 0 : field === "any" ? null : "";
	}

	#goType(field: FieldSchema): string {
		if (isReference(field)) return field.type.split(".").slice(-2).join(".");
		if (isList(field)) return `[]${this.#goType(field.list)}`;
		if (isMap(field)) return `map[string]${this.#goType(field.map)}`;
		return GO_TYPES[field];
	}

	#mismatch(value: Json, path: string, type: string): Error {
		const said = typeof value === "number" && type.startsWith("int") ? `number ${value}` : kindOf(value);
		return this.#refuse(`json: cannot unmarshal ${said} into Go struct field ${path} of type ${type}`);
	}
}

const integer = (bits: number) => (value: Json) =>
	typeof value === "number" && Number.isInteger(value) && value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1);
const text = (value: Json) => typeof value === "string";
// RFC 3339.
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const time = (value: Json) => typeof value === "string" && TIME.test(value);
const QUANTITY = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/;

const SCALARS: Readonly<Record<Exclude<Scalar, "any" | "object">, (value: Json) => boolean>> = {
	string: text,
	int32: integer(32),
	int64: integer(64),
	number: (value) => typeof value === "number",
	boolean: (value) => typeof value === "boolean",
	bytes: (value) => typeof value === "string" && /^[A-Za-z0-9+/\r\n]*={0,2}$/.test(value),
	time,
	microTime: time,
	intOrString: (value) => text(value) || integer(32)(value),
	quantity: (value) => (typeof value === "string" ? QUANTITY.test(value) : typeof value === "number"),
};

/** Where a text stops being base64. */
function illegalByte(text: string): number {
	const at = text.search(/[^A-Za-z0-9+/\r\n]/);
	return at < 0 ? text.length : at;
}

function isTooDeep(value: Json, left: number): boolean {
	if (typeof value !== "object" || value === null) return false;
	return left <= 0 || Object.values(value).some((member) => isTooDeep(member as Json, left - 1));
}
