// Strategic merge patch: a merge patch that knows the type it is for. Lists with a merge key merge item by item, and
// directives in the patch say what a merge cannot: `$patch: delete|replace`, `$retainKeys`, `$setElementOrder/LIST`,
// `$deleteFromPrimitiveList/LIST` (k8s.io/apimachinery/pkg/util/strategicpatch/patch.go; what it does with nulls: the option
// IgnoreUnmatchedNulls, as the server has it).

import { isList, isReference, member } from "../../api/schema/lookup.ts";
import type { ApiSchema, FieldSchema } from "../../api/schema/schema.ts";
import { DIRECTIVE, StrategicPatchError } from "./directive.ts";
import { isArray, isObject, type Json, type JsonObject } from "./json.ts";
import { type ListStrategy, mergeList, removeFromList } from "./list.ts";
import { checkOrder, enforceOrder } from "./order.ts";

const RETAIN_KEYS = "$retainKeys";
const SET_ORDER = "$setElementOrder/";
const DELETE_FROM = "$deleteFromPrimitiveList/";

/** `original` patched; neither is changed. `type` is a name in `schema.types`. Throws StrategicPatchError. */
export function strategicMergePatch(
	schema: ApiSchema,
	type: string,
	original: JsonObject,
	patch: JsonObject,
): JsonObject {
	return mergeObject({ schema, field: { type } }, original, patch);
}

/** Where in a type a merge is. */
interface Place {
	schema: ApiSchema;
	/** undefined: below a value whose structure is not known. */
	field: FieldSchema | undefined;
}

function mergeObject(place: Place, original: JsonObject, patch: JsonObject): JsonObject {
	if (Object.hasOwn(patch, DIRECTIVE)) return directed(patch);
	const merged = new Map(Object.entries(original));
	const rest = new Map(Object.entries(patch));
	retainKeys(merged, rest);
	for (const [name, order] of [...rest]) {
		if (!name.startsWith(SET_ORDER)) continue;
		rest.delete(name);
		mergeOrdered(place, merged, rest, name.slice(SET_ORDER.length), order);
	}
	for (const [name, value] of rest) {
		if (name.startsWith(DELETE_FROM)) deleteFrom(merged, name.slice(DELETE_FROM.length), value);
		else mergeMember(place, merged, name, value);
	}
	return Object.fromEntries(merged);
}

function directed(patch: JsonObject): JsonObject {
	const directive = patch[DIRECTIVE];
	if (directive === "delete") return {};
	if (directive === "replace") return Object.fromEntries(Object.entries(patch).filter(([name]) => name !== DIRECTIVE));
	throw new StrategicPatchError(`unknown patch type found: ${String(directive)}`);
}

function mergeMember(place: Place, merged: Map<string, Json>, name: string, value: Json): void {
	if (value === null) {
		merged.delete(name);
		return;
	}
	const present = merged.get(name);
	if (isObject(present) && isObject(value)) {
		const { field, patch } = memberOf(place, name);
		merged.set(name, patch.includes("replace") ? value : mergeObject({ ...place, field }, present, value));
	} else if (isArray(present) && isArray(value)) {
		merged.set(name, mergeLists(place, name, present, value));
	} else if (isKept(value)) {
		merged.set(name, kindOf(present) === kindOf(value) ? value : taken(value));
	} else {
		merged.delete(name);
	}
}

const kindOf = (value: Json | undefined) => (isArray(value) ? "list" : value === null ? "null" : typeof value);

function mergeLists(place: Place, name: string, present: readonly Json[], value: readonly Json[]): Json {
	const strategy = strategyOf(place, name);
	return strategy.merges ? mergeList(strategy, present, value) : value;
}

function deleteFrom(merged: Map<string, Json>, name: string, value: Json): void {
	const present = merged.get(name);
	if (isArray(present) && isArray(value)) merged.set(name, removeFromList(present, value));
}

/** A value that has no counterpart: its nulls and directives mean nothing any more. */
const taken = (value: Json) => withoutDirectives(withoutNulls(value));

function withoutNulls(value: Json): Json {
	if (isArray(value)) return value.map(withoutNulls);
	if (!isObject(value)) return value;
	const kept = Object.entries(value).filter(([, item]) => item !== null);
	return Object.fromEntries(kept.map(([name, item]) => [name, withoutNulls(item)]));
}

const isKept = (value: Json) => !(isObject(value) && Object.hasOwn(value, DIRECTIVE));

function withoutDirectives(value: Json): Json {
	if (isArray(value)) return value.filter(isKept).map(withoutDirectives);
	if (!isObject(value)) return value;
	const kept = Object.entries(value).filter(([, item]) => isKept(item));
	return Object.fromEntries(kept.map(([name, item]) => [name, withoutDirectives(item)]));
}

function retainKeys(merged: Map<string, Json>, patch: Map<string, Json>): void {
	const retained = patch.get(RETAIN_KEYS);
	if (retained === undefined) return;
	patch.delete(RETAIN_KEYS);
	if (!isArray(retained)) throw new StrategicPatchError("$retainKeys is no list");
	for (const [name, value] of patch) {
		// What goes anyway need not be retained: kubectl says so of what a union was before.
		if (value === null || name.startsWith("$") || retained.includes(name)) continue;
		throw new StrategicPatchError(
			`the keys ${JSON.stringify([...patch.keys()])} of the patch are not all in $retainKeys ${JSON.stringify(retained)}`,
		);
	}
	for (const name of [...merged.keys()]) if (!retained.includes(name)) merged.delete(name);
}

function mergeOrdered(
	place: Place,
	merged: Map<string, Json>,
	patch: Map<string, Json>,
	name: string,
	order: Json,
): void {
	if (!isArray(order)) throw new StrategicPatchError(`${SET_ORDER}${name} is no list`);
	const present = listOrNothing(merged.get(name), name);
	const wanted = listOrNothing(patch.get(name), name);
	const strategy = strategyOf(place, name);
	checkOrder(wanted ?? [], order, strategy.mergeKey);
	if (present === undefined && wanted === undefined) return;
	patch.delete(name);
	let items = present ?? [];
	if (wanted !== undefined) {
		if (present === undefined) items = taken(wanted) as readonly Json[];
		else items = strategy.merges ? mergeList(strategy, present, wanted) : wanted;
	}
	merged.set(name, enforceOrder(items, order, present ?? [], strategy.mergeKey));
}

function listOrNothing(value: Json | undefined, name: string): readonly Json[] | undefined {
	if (value === undefined || value === null || isArray(value)) return value ?? undefined;
	throw new StrategicPatchError(`${name} is no list, but has ${SET_ORDER}${name}`);
}

function memberOf(place: Place, name: string): { field: FieldSchema | undefined; patch: readonly string[] } {
	const field = member(place.schema, place.field, name);
	if (field === undefined && isReference(place.field)) {
		const struct = place.field.type.split(".").at(-1);
		throw new StrategicPatchError(`unable to find api field in struct ${struct} for the json field "${name}"`);
	}
	return { field, patch: (typeof field === "object" && field.patch) || [] };
}

function strategyOf(place: Place, name: string): ListStrategy {
	const { field, patch } = memberOf(place, name);
	if (!isList(field)) return { merges: false, mergeKey: undefined, mergeItem: (_, item) => item };
	const { list, mergeKey } = field;
	return {
		merges: patch.includes("merge"),
		mergeKey,
		mergeItem: (present, item) => mergeObject({ ...place, field: list }, present, item),
	};
}
