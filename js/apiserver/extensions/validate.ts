// Values of custom objects against their schema (k8s.io/apiextensions-apiserver/pkg/apiserver/validation; the messages of
// k8s.io/kube-openapi/pkg/validation). Types first: what is of another type is said once, and nothing more of it.

import { isArray, isObject, type Json } from "../patch/json.ts";
import { duplicate, type FieldError, invalidValue, notSupported, required, tooLong, tooMany } from "../status.ts";
import type { Schema } from "./schema.ts";

/** `path`: `spec.rules[0].name`; `` of the object itself. */
export function validateValue(schema: Schema, value: Json, path: string): FieldError[] {
	if (value === null && schema.nullable === true) return [];
	const wrong = typeErrors(schema, value, path);
	if (wrong.length > 0) return wrong;
	return [
		...textErrors(schema, value, path),
		...numberErrors(schema, value, path),
		...enumErrors(schema, value, path),
		...listErrors(schema, value, path),
		...objectErrors(schema, value, path),
		...junctorErrors(schema, value, path),
	];
}

export function kindOf(value: Json): string {
	if (value === null) return "null";
	if (isArray(value)) return "array";
	if (typeof value !== "number") return typeof value;
	return Number.isInteger(value) ? "integer" : "number";
}

function typeErrors(schema: Schema, value: Json, path: string): FieldError[] {
	const kind = kindOf(value);
	if (schema["x-kubernetes-int-or-string"] === true)
		return kind === "integer" || kind === "string" ? [] : [typeInvalid(path, "integer,string", kind)];
	const { type } = schema;
	if (type === undefined || type === "" || type === kind || (type === "number" && kind === "integer")) return [];
	const errors = [typeInvalid(path, type, kind)];
	if (type === "integer" && kind === "number")
		errors.push(nowhere(`Checked value must be of type integer (default format) in ${path}`));
	return errors;
}

/** What is wrong with several fields at once has no path. */
const nowhere = (detail: string) => invalidValue("<nil>", "", detail);

const typeInvalid = (path: string, type: string, kind: string): FieldError => ({
	field: path,
	reason: "FieldValueTypeInvalid",
	message: `Invalid value: ${JSON.stringify(kind)}: ${path} in body must be of type ${type}: ${JSON.stringify(kind)}`,
});

function textErrors({ minLength, maxLength, pattern, format }: Schema, value: Json, path: string): FieldError[] {
	if (typeof value !== "string") return [];
	const length = [...value].length;
	if (maxLength !== undefined && length > maxLength) return [tooLong(path, maxLength)];
	if (minLength !== undefined && length < minLength)
		return [invalidValue(path, value, `${path} in body should be at least ${minLength} chars long`)];
	if (pattern !== undefined && !expression(pattern).test(value))
		return [invalidValue(path, value, `${path} in body should match '${pattern}'`)];
	if (format !== undefined && FORMATS[format]?.(value) === false)
		return [invalidValue(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`)];
	return [];
}

const expressions = new Map<string, RegExp>();

/** RE2's syntax, as far as JavaScript's agrees with it. */
function expression(pattern: string): RegExp {
	let known = expressions.get(pattern);
	if (known === undefined) {
		known = new RegExp(pattern, "u");
		expressions.set(pattern, known);
	}
	return known;
}

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
	"date-time": (text) => /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text),
	date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text),
	byte: (text) => /^[A-Za-z0-9+/\r\n]*={0,2}$/.test(text),
	uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
};

function numberErrors(schema: Schema, value: Json, path: string): FieldError[] {
	if (typeof value !== "number") return [];
	const { minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false, multipleOf } = schema;
	const errors: FieldError[] = [];
	const say = (detail: string) => errors.push(invalidValue(path, value, `${path} in body should be ${detail}`));
	if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum))
		say(exclusiveMaximum ? `less than ${maximum}` : `less than or equal to ${maximum}`);
	if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum))
		say(exclusiveMinimum ? `greater than ${minimum}` : `greater than or equal to ${minimum}`);
	if (multipleOf !== undefined && value % multipleOf !== 0) say(`a multiple of ${multipleOf}`);
	return errors;
}

function enumErrors({ enum: values }: Schema, value: Json, path: string): FieldError[] {
	if (values === undefined || values.some((known) => JSON.stringify(known) === JSON.stringify(value))) return [];
	const known = values.map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
	return [notSupported(path, value, known)];
}

function listErrors(schema: Schema, value: Json, path: string): FieldError[] {
	if (!isArray(value)) return [];
	const { minItems, maxItems, items } = schema;
	const errors: FieldError[] = [];
	if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems));
	if (minItems !== undefined && value.length < minItems)
		errors.push(invalidValue(path, value.length, `${path} in body should have at least ${minItems} items`));
	if (items !== undefined) errors.push(...value.flatMap((item, i) => validateValue(items, item, `${path}[${i}]`)));
	return [...errors, ...duplicates(schema, value, path)];
}

/** Items of sets and keyed lists are there once (schema/listtype). */
function duplicates(schema: Schema, value: readonly Json[], path: string): FieldError[] {
	const type = schema["x-kubernetes-list-type"];
	const keys = schema["x-kubernetes-list-map-keys"] ?? [];
	if (type !== "set" && type !== "map") return [];
	const seen = new Set<string>();
	return value.flatMap((item, i) => {
		const key: Json =
			type === "set" || !isObject(item)
				? item
				: Object.fromEntries(
						[...keys]
							.sort()
							.flatMap((name): [string, Json][] => (item[name] === undefined ? [] : [[name, item[name]]])),
					);
		const text = JSON.stringify(key);
		if (!seen.has(text)) {
			seen.add(text);
			return [];
		}
		return [duplicate(`${path}[${i}]`, key)];
	});
}

function objectErrors(schema: Schema, value: Json, path: string): FieldError[] {
	if (!isObject(value)) return [];
	const { properties = {}, additionalProperties: more, required: needed = [], minProperties, maxProperties } = schema;
	const count = Object.keys(value).length;
	const errors = needed
		.filter((name) => !Object.hasOwn(value, name))
		.map((name) => required(path === "" ? name : `${path}.${name}`));
	if (maxProperties !== undefined && count > maxProperties) errors.push(tooMany(path, count, maxProperties));
	if (minProperties !== undefined && count < minProperties)
		errors.push(invalidValue(path, count, `${path} in body should have at least ${minProperties} properties`));
	for (const [name, member] of Object.entries(value)) {
		const inner = Object.hasOwn(properties, name) ? properties[name] : typeof more === "object" ? more : undefined;
		if (inner !== undefined) errors.push(...validateValue(inner, member, path === "" ? name : `${path}.${name}`));
	}
	return errors;
}

function junctorErrors({ allOf = [], anyOf = [], oneOf = [], not }: Schema, value: Json, path: string): FieldError[] {
	const found = (schema: Schema) => validateValue(schema, value, path);
	const holds = (schema: Schema) => found(schema).length === 0;
	const errors = allOf.flatMap(found);
	const say = (detail: string) => errors.push(nowhere(`${JSON.stringify(path)} ${detail}`));
	if (anyOf.length > 0 && !anyOf.some(holds)) {
		say("must validate at least one schema (anyOf)");
		errors.push(...found(anyOf[0] as Schema));
	}
	const held = oneOf.filter(holds).length;
	if (oneOf.length > 0 && held === 0) {
		say("must validate one and only one schema (oneOf). Found none valid");
		errors.push(...found(oneOf[0] as Schema));
	} else if (held > 1) {
		say(`must validate one and only one schema (oneOf). Found ${held} valid alternatives`);
	}
	if (not !== undefined && holds(not)) say("must not validate the schema (not)");
	return errors;
}
