// Lists in a strategic merge: items are merged by their merge key, scalars by value.

import { DIRECTIVE, StrategicPatchError } from "./directive.ts";
import { isArray, isObject, type Json, type JsonObject } from "./json.ts";
import { enforceOrder } from "./order.ts";

export interface ListStrategy {
	/** patchStrategy `merge`; else the patch's list replaces the whole. */
	merges: boolean;
	/** Of lists of objects. */
	mergeKey: string | undefined;
	/** Merges an item of the patch into the one of equal key. */
	mergeItem(present: JsonObject, item: JsonObject): JsonObject;
}

/** Both lists non-null. Throws StrategicPatchError where items are of several kinds, or lack the merge key. */
export function mergeList(strategy: ListStrategy, original: readonly Json[], patch: readonly Json[]): readonly Json[] {
	if (original.length === 0 && patch.length === 0) return original;
	const kinds = new Set(
		[...original, ...patch].map((item) => (isObject(item) ? "object" : isArray(item) ? "list" : "scalar")),
	);
	if (kinds.size > 1) throw new StrategicPatchError("all list elements need same type, but found several");
	if (kinds.has("list")) throw new StrategicPatchError("lists of lists cannot be merged");
	if (kinds.has("scalar")) {
		const merged = unique([...original, ...patch]);
		return enforceOrder(merged, patch, original, undefined);
	}
	const { mergeKey } = strategy;
	if (mergeKey === undefined) throw new StrategicPatchError("cannot merge lists without merge key");
	return mergeItems(strategy, mergeKey, original as readonly JsonObject[], patch as readonly JsonObject[]);
}

function mergeItems(
	strategy: ListStrategy,
	mergeKey: string,
	original: readonly JsonObject[],
	patch: readonly JsonObject[],
): readonly Json[] {
	let kept = [...original];
	const wanted: JsonObject[] = [];
	let replaces = false;
	for (const item of patch) {
		const directive = item[DIRECTIVE];
		if (directive === undefined) wanted.push(item);
		else if (directive === "delete") kept = kept.filter((other) => other[mergeKey] !== keyOf(item, mergeKey));
		else if (directive === "replace") replaces = true;
		else if (directive === "merge") throw new StrategicPatchError("merging lists cannot yet be specified in the patch");
		else throw new StrategicPatchError(`unknown patch type found: ${String(directive)}`);
	}
	if (replaces) return wanted;
	const merged = [...kept];
	for (const item of wanted) {
		const key = keyOf(item, mergeKey);
		const place = merged.findIndex((other) => other[mergeKey] === key);
		// A new item comes as it is, nulls and directives below it included; decoding it drops them.
		if (place < 0) merged.push(item);
		else merged[place] = strategy.mergeItem(merged[place] as JsonObject, item);
	}
	return enforceOrder(merged, wanted, kept, mergeKey);
}

function keyOf(item: JsonObject, mergeKey: string): Json {
	const key = item[mergeKey];
	if (key === undefined)
		throw new StrategicPatchError(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
	return key;
}

/** Scalars are compared as they print. */
function unique(items: readonly Json[]): readonly Json[] {
	const seen = new Set<string>();
	return items.filter((item) => !seen.has(String(item)) && seen.add(String(item)));
}

/** `$deleteFromPrimitiveList`. */
export function removeFromList(original: readonly Json[], gone: readonly Json[]): readonly Json[] {
	const names = new Set(gone.map(String));
	return original.filter((item) => !names.has(String(item)));
}
