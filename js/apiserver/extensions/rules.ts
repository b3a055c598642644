// x-kubernetes-validations: rules in CEL over the values of a custom object (KEP-2876;
// k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel). A rule that the library cannot read is told by `unreadable`, and the
// definition says so in its status; it is never taken as fulfilled in silence.

import { Environment } from "@marcbachmann/cel-js";
import { canonicalAddress, familyOf, parsePrefix } from "../../net/address.ts";
import { isArray, isObject, type Json } from "../patch/json.ts";
import { type FieldError, invalidValue } from "../status.ts";
import type { Rule, Schema } from "./schema.ts";

type Compiled = (context: Record<string, unknown>) => unknown;

// Functions of Kubernetes' own libraries (k8s.io/apiserver/pkg/cel/library) that are plain questions about a text.
const environment = new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true })
	.registerFunction("isIP(string): bool", (text: string) => canonicalAddress(text) !== null)
	.registerFunction("isCIDR(string): bool", (text: string) => text.includes("/") && parsePrefix(text) !== null)
	.registerFunction(
		"isIPv4(string): bool",
		(text: string) => canonicalAddress(text) !== null && familyOf(text) === "ipv4",
	);

const compiled = new Map<string, Compiled | null>();

/** null: the library cannot read it. */
function compile(rule: string): Compiled | null {
	const known = compiled.get(rule);
	if (known !== undefined) return known;
	let made: Compiled | null = null;
	try {
		made = environment.parse(withoutIndexedHas(rule)) as unknown as Compiled;
	} catch {
		// Told by `unreadable`.
	}
	compiled.set(rule, made);
	return made;
}

/** The library's `has` takes no index on the way to its field: `has(a[0].b)` is asked as `a[0].?b.hasValue()`. */
function withoutIndexedHas(rule: string): string {
	return rule.replace(/\bhas\(([\w.]+(?:\[[^\]]+\][\w.]*)+)\.(\w+)\)/g, "$1.?$2.hasValue()");
}

/** Rules of a schema that cannot be evaluated here. */
export function unreadable(schema: Schema): string[] {
	const own = (schema["x-kubernetes-validations"] ?? []).filter(({ rule }) => compile(rule) === null);
	return [...own.map(({ rule }) => rule), ...inner(schema).flatMap(unreadable)];
}

function inner({ properties = {}, additionalProperties: more, items }: Schema): Schema[] {
	const all = Object.values(properties);
	if (typeof more === "object") all.push(more);
	if (items !== undefined) all.push(items);
	return all;
}

/** `before`: the value that was there; undefined of a new one. */
export function validateRules(schema: Schema, value: Json, before: Json | undefined, path: string): FieldError[] {
	const errors = (schema["x-kubernetes-validations"] ?? []).flatMap((rule) => check(schema, rule, value, before, path));
	const { properties = {}, additionalProperties: more, items } = schema;
	const below = (name: string) => (path === "" ? name : `${path}.${name}`);
	if (isArray(value) && items !== undefined)
		return [
			...errors,
			...value.flatMap((item, i) => validateRules(items, item, counterpart(schema, item, before), `${path}[${i}]`)),
		];
	if (!isObject(value)) return errors;
	const old = isObject(before) ? before : {};
	return [
		...errors,
		...Object.entries(value).flatMap(([name, member]) => {
			const known = Object.hasOwn(properties, name) ? properties[name] : typeof more === "object" ? more : undefined;
			return known === undefined ? [] : validateRules(known, member, old[name], below(name));
		}),
	];
}

/** The item of a keyed list that an item was before; of other lists nothing is known. */
function counterpart(schema: Schema, item: Json, before: Json | undefined): Json | undefined {
	const keys = schema["x-kubernetes-list-map-keys"] ?? [];
	if (schema["x-kubernetes-list-type"] !== "map" || !isArray(before) || !isObject(item)) return undefined;
	return before.find((old) => isObject(old) && keys.every((key) => old[key] === item[key]));
}

function check(schema: Schema, rule: Rule, value: Json, before: Json | undefined, path: string): FieldError[] {
	const run = compile(rule.rule);
	if (run === null) return [];
	const transition = /\boldSelf\b/.test(rule.rule);
	if (transition && before === undefined && rule.optionalOldSelf !== true) return [];
	const context = { self: celValue(schema, value), oldSelf: before === undefined ? null : celValue(schema, before) };
	const place = rule.fieldPath === undefined ? path : `${path}${rule.fieldPath}`;
	try {
		if (run(context) === true) return [];
	} catch (error) {
		const [said = ""] = String((error as Error).message).split("\n");
		const told = said.replace(/^No such key/, "no such key");
		return [invalidValue(place, kindName(value), `${told} evaluating rule: ${rule.message ?? rule.rule}`)];
	}
	return [invalidRule(place, value, rule, messageOf(rule, context))];
}

function messageOf({ rule, message, messageExpression }: Rule, context: Record<string, unknown>): string {
	const said = messageExpression === undefined ? null : compile(messageExpression);
	if (said !== null) {
		try {
			const text = said(context);
			if (typeof text === "string" && text !== "") return text;
		} catch {
			// The message that needs no evaluation.
		}
	}
	return message ?? `failed rule: ${rule}`;
}

const kindName = (value: Json) => (isArray(value) ? "array" : isObject(value) ? "object" : typeof value);

const REASONS: Readonly<Record<string, FieldError["reason"]>> = {
	FieldValueInvalid: "FieldValueInvalid",
	FieldValueForbidden: "FieldValueForbidden",
	FieldValueRequired: "FieldValueRequired",
	FieldValueDuplicate: "FieldValueDuplicate",
};

function invalidRule(path: string, value: Json, { reason = "" }: Rule, detail: string): FieldError {
	// Of an object or a list no value is printed.
	const error =
		typeof value === "object" && value !== null
			? { ...invalidValue(path, "", ""), message: `Invalid value: ${detail}` }
			: invalidValue(path, value, detail);
	return { ...error, reason: REASONS[reason] ?? error.reason };
}

/** Numbers of integer schemas are CEL's ints, all others its doubles. */
function celValue(schema: Schema, value: Json): unknown {
	const { properties = {}, additionalProperties: more, items } = schema;
	if (isArray(value)) return value.map((item) => celValue(items ?? {}, item));
	if (isObject(value))
		return Object.fromEntries(
			Object.entries(value).map(([name, member]) => [
				name,
				celValue(
					(Object.hasOwn(properties, name) ? properties[name] : typeof more === "object" ? more : {}) ?? {},
					member,
				),
			]),
		);
	const isInt = schema.type === "integer" || schema["x-kubernetes-int-or-string"] === true;
	return isInt && typeof value === "number" ? BigInt(value) : value;
}
