// Objects by their types: which fields a value sets, what two values differ in, and what becomes of a value that another one is
// applied to (sigs.k8s.io/structured-merge-diff/v6/typed: tofieldset.go, compare.go, merge.go).

import { isList, isMap, isReference, member } from "../../api/schema/lookup.ts";
import type { ApiSchema, FieldSchema, ListSchema } from "../../api/schema/schema.ts";
import { equalJson, isArray, isObject, type Json, type JsonObject } from "../patch/json.ts";
import { badRequest } from "../status.ts";
import { EMPTY, type FieldSet, fieldSet, LEAF } from "./fieldset.ts";

/** Keys that items may leave out (core/v1 defaults of ports). */
const KEY_DEFAULTS: Readonly<Record<string, Json>> = { protocol: "TCP" };

/** Is a value of this structure owned as a whole? */
function isAtomic(schema: ApiSchema, field: FieldSchema | undefined): boolean {
	if (field === undefined || typeof field === "string") return true;
	if (isReference(field)) return field.atomic === true || schema.types[field.type]?.atomic === true;
	if (isList(field)) return field.as === undefined || field.as === "atomic";
	return field.atomic === true;
}

/** The step to an item of a `set` or `map` list. Throws StatusError 400 where an item leaves out a key without a default. */
function itemStep(list: ListSchema, item: Json): string {
	if (list.as === "set") return `v:${JSON.stringify(item)}`;
	const keys = [...(list.keys ?? [])].sort().map((key): [string, Json] => {
		const value = isObject(item) ? (item[key] ?? KEY_DEFAULTS[key]) : undefined;
		if (value !== undefined) return [key, value];
		throw badRequest(`associative list with keys has an element that omits key field "${key}"`);
	});
	return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

/** Members of a struct or map, or items of a keyed list, by step; undefined where the value is a leaf. */
function parts(
	schema: ApiSchema,
	field: FieldSchema | undefined,
	value: Json | undefined,
): Map<string, Json> | undefined {
	if (isAtomic(schema, field)) return undefined;
	if (isList(field)) return isArray(value) ? new Map(value.map((item) => [itemStep(field, item), item])) : undefined;
	return isObject(value) ? new Map(Object.entries(value).map(([name, part]) => [`f:${name}`, part])) : undefined;
}

function partField(schema: ApiSchema, field: FieldSchema | undefined, step: string): FieldSchema | undefined {
	return isList(field) ? field.list : member(schema, field, step.slice(2));
}

/** Every field that a value sets. */
export function fieldsOf(schema: ApiSchema, field: FieldSchema | undefined, value: Json): FieldSet {
	const found = parts(schema, field, value);
	if (found === undefined || found.size === 0) return LEAF;
	// Items of lists and keys of maps are fields themselves, members of a struct only where they are leaves.
	const counts = isList(field) || isMap(field);
	return fieldSet(
		false,
		[...found].map(([step, part]) => {
			const set = fieldsOf(schema, partField(schema, field, step), part);
			return [step, counts ? { ...set, self: true } : set] as const;
		}),
	);
}

export interface Comparison {
	/** New, or of another value: the new one. Of what is new, containers too. */
	changed: FieldSet;
	/** There no more. */
	removed: FieldSet;
}

export function compare(
	schema: ApiSchema,
	field: FieldSchema | undefined,
	before: Json | undefined,
	after: Json | undefined,
): Comparison {
	if (after === undefined)
		return { changed: EMPTY, removed: before === undefined ? EMPTY : everything(schema, field, before) };
	if (before === undefined) return { changed: everything(schema, field, after), removed: EMPTY };
	const [was, is] = [parts(schema, field, before), parts(schema, field, after)];
	if (was === undefined || is === undefined)
		return { changed: equalJson(before, after) ? EMPTY : LEAF, removed: EMPTY };
	const steps = [...new Set([...was.keys(), ...is.keys()])];
	const each = steps.map(
		(step) => [step, compare(schema, partField(schema, field, step), was.get(step), is.get(step))] as const,
	);
	return {
		changed: fieldSet(
			false,
			each.map(([step, { changed }]) => [step, changed] as const),
		),
		removed: fieldSet(
			false,
			each.map(([step, { removed }]) => [step, removed] as const),
		),
	};
}

function everything(schema: ApiSchema, field: FieldSchema | undefined, value: Json): FieldSet {
	const found = parts(schema, field, value);
	if (found === undefined) return LEAF;
	const members = [...found].map(
		([step, part]) => [step, everything(schema, partField(schema, field, step), part)] as const,
	);
	return fieldSet(true, members);
}

/** `live` with everything that `applied` sets. */
export function applied(schema: ApiSchema, field: FieldSchema | undefined, live: Json | undefined, config: Json): Json {
	const [has, sets] = [parts(schema, field, live), parts(schema, field, config)];
	if (has === undefined || sets === undefined) return config;
	const merge = (step: string, part: Json) => applied(schema, partField(schema, field, step), has.get(step), part);
	if (!isList(field)) {
		const members = new Map(Object.entries(live as JsonObject));
		for (const [step, part] of sets) members.set(step.slice(2), merge(step, part));
		return Object.fromEntries(members);
	}
	return interleaved([...has.keys()], [...sets.keys()]).map((step) => {
		const part = sets.get(step);
		return part === undefined ? (has.get(step) as Json) : merge(step, part);
	});
}

/** What is applied in its order; what else is there keeps its place, before what is new there. */
function interleaved(live: readonly string[], wanted: readonly string[]): string[] {
	const named = new Set(wanted);
	const result: string[] = [];
	let at = 0;
	const passOthers = () => {
		for (; at < live.length; at++) {
			const step = live[at] as string;
			if (!named.has(step)) result.push(step);
			else if (!result.includes(step)) return;
		}
	};
	for (const step of wanted) {
		passOthers();
		result.push(step);
	}
	return [...result, ...live.slice(at).filter((step) => !named.has(step))];
}

/**
 * `value` without the fields of `gone`. What is in `gone` itself, and a member of a struct with something in `gone`, goes with everything
 * below it, defaults too, unless somebody has something there (`kept`); a container that is left empty goes as well.
 */
export function pruned(
	schema: ApiSchema,
	field: FieldSchema | undefined,
	value: Json,
	gone: FieldSet,
	kept: FieldSet = EMPTY,
): Json | undefined {
	const found = parts(schema, field, value);
	if (found === undefined) return gone.self ? undefined : value;
	if (gone.self && !kept.self && kept.members.size === 0) return undefined;
	const left = [...found].flatMap(([step, part]): [string, Json][] => {
		const below = gone.members.get(step);
		if (below === undefined) return [[step, part]];
		// A member of a struct of which nobody has anything any more (EnsureNamedFieldsAreMembers).
		if (isReference(field) && !kept.members.has(step)) return [];
		const rest = pruned(schema, partField(schema, field, step), part, below, kept.members.get(step));
		return rest === undefined ? [] : [[step, rest]];
	});
	if (left.length === 0 && found.size > 0) return undefined;
	if (isList(field)) return left.map(([, part]) => part);
	return Object.fromEntries(left.map(([step, part]) => [step.slice(2), part]));
}
