// The strategy of custom resources (k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go).

import type { KubernetesObject } from "../../api/meta.ts";
import { isArray, isObject, type Json, type JsonObject } from "../patch/json.ts";
import type { Strategy } from "../registry/strategy.ts";
import { type FieldError, forbidden, invalidValue } from "../status.ts";
import { type Custom, DEFINITIONS, endDefinition } from "./definition.ts";
import { validateRules } from "./rules.ts";
import { validateValue } from "./validate.ts";

const UNCHECKED: FieldError = {
	field: "<nil>",
	reason: "FieldValueInvalid",
	message:
		"Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};

const strategies = new WeakMap<Custom, Strategy>();

export function customStrategy(custom: Custom): Strategy {
	let known = strategies.get(custom);
	if (known === undefined) {
		known = strategyFor(custom);
		strategies.set(custom, known);
	}
	return known;
}

/** After one of these nothing is asked of a value any more (hasBlockingErr). */
const BLOCKING: ReadonlySet<string> = new Set([
	...[
		"FieldValueNotSupported",
		"FieldValueRequired",
		"FieldValueTooLong",
		"FieldValueTooMany",
		"FieldValueTypeInvalid",
	],
]);

function strategyFor({ definition, schema, scale, selectable }: Custom): Strategy {
	const check = (object: KubernetesObject, before?: KubernetesObject): FieldError[] => {
		const value = bare(object);
		const errors = validateValue(schema, value, "");
		if (scale !== undefined) errors.push(...count(object, scale.specReplicasPath));
		if (errors.some(({ reason }) => BLOCKING.has(reason))) return hasRules(schema) ? [...errors, UNCHECKED] : errors;
		return [...errors, ...validateRules(schema, value, before === undefined ? undefined : bare(before), "")];
	};
	return {
		conditional: true,
		statusLeaves: "all",
		begin(registry, object, before) {
			const { metadata } = registry.storage.get(DEFINITIONS, "", definition) ?? {};
			if (before === undefined && metadata?.deletionTimestamp !== undefined) throw leaving(definition, object);
			return { object, commit: () => {} };
		},
		afterDelete: (registry) => endDefinition(registry, definition),
		validateCreate: (object) => check(object),
		validateUpdate: check,
		validateStatus(object, before) {
			const { properties: { status = {} } = {} } = schema;
			const value = (object.status ?? null) as Json;
			const own = object.status === undefined ? [] : validateValue(status, value, "status");
			// The status alone is looked at, so messages name fields from there on.
			const errors = own.map((error) => ({
				...error,
				message: error.message.replace(/: status\.(\S+ in body)/, ": $1"),
			}));
			if (scale !== undefined) errors.push(...count(object, scale.statusReplicasPath));
			if (errors.some(({ reason }) => BLOCKING.has(reason))) return hasRules(schema) ? [...errors, UNCHECKED] : errors;
			if (errors.length > 0) return errors;
			return validateRules(schema, bare(object), bare(before), "");
		},
		selectable: (object) => Object.fromEntries(selectable.map((path) => [path.slice(1), textAt(object, path)])),
	};
}

function leaving(definition: string, { metadata }: KubernetesObject): Error {
	const [resource = "", ...group] = definition.split(".");
	const why = "create not allowed while custom resource definition is terminating";
	return forbidden({ resource, group: group.join(".") }, metadata.name ?? "", why);
}

/** What a scale counts must be whole and not negative (ValidateSpec, ValidateStatus of the scale). */
function count(object: KubernetesObject, path: string): FieldError[] {
	let value = object as unknown as Json;
	const names = path.split(".").slice(1);
	const wrong = (expected: string) => [
		invalidValue(
			path,
			0,
			`${path} accessor error: ${goText(value)} is of the type ${goType(value)}, expected ${expected}`,
		),
	];
	for (const name of names) {
		if (!isObject(value)) return wrong("map[string]interface{}");
		const member: Json | undefined = Object.hasOwn(value, name) ? value[name] : undefined;
		if (member === undefined || member === null) return [];
		value = member;
	}
	if (!Number.isInteger(value)) return wrong("int64");
	return (value as number) < 0 ? [invalidValue(path, value, "should be a non-negative integer")] : [];
}

const goText = (value: Json) => (typeof value === "object" ? JSON.stringify(value) : String(value));

function goType(value: Json): string {
	if (isArray(value)) return "[]interface {}";
	if (isObject(value)) return "map[string]interface {}";
	return typeof value === "number" ? "float64" : typeof value === "boolean" ? "bool" : "string";
}

/** The object as its schema sees it: of the metadata, the names alone. */
function bare(object: KubernetesObject): JsonObject {
	const { name = "", generateName } = object.metadata;
	const metadata: JsonObject = generateName === undefined ? { name } : { name, generateName };
	return { ...(object as unknown as JsonObject), metadata };
}

function hasRules({ properties = {}, additionalProperties: more, items, ...schema }: Custom["schema"]): boolean {
	if ((schema["x-kubernetes-validations"] ?? []).length > 0) return true;
	if (items !== undefined && hasRules(items)) return true;
	return Object.values(properties).some(hasRules) || (typeof more === "object" && hasRules(more));
}

/** What a simple path leads to, `.spec.replicas`; undefined where nothing is. */
export function valueAt(object: unknown, path: string): Json | undefined {
	let value = object as Json | undefined;
	for (const name of path.split(".").slice(1))
		value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
	return value;
}

function textAt(object: KubernetesObject, path: string): string {
	const value = valueAt(object, path);
	return value === undefined || value === null ? "" : String(value);
}
