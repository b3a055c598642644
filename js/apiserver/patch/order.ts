// The order of a merged list: what the patch names stands in the patch's order, what only the server has keeps its own, and the
// two are interleaved by where they stood before.

import { DIRECTIVE, StrategicPatchError } from "./directive.ts";
import { isObject, type Json } from "./json.ts";

type Key = (item: Json) => string | undefined;

function keyBy(mergeKey: string | undefined): Key {
	if (mergeKey === undefined) return String;
	return (item) => {
		const key = isObject(item) ? item[mergeKey] : undefined;
		return key === undefined ? undefined : JSON.stringify(key);
	};
}

/** Items of `merged` that `order` names in its order, among the others in the order of `before`. */
export function enforceOrder(
	merged: readonly Json[],
	order: readonly Json[],
	before: readonly Json[],
	mergeKey: string | undefined,
): readonly Json[] {
	const key = keyBy(mergeKey);
	const places = (items: readonly Json[]) => new Map(items.map((item, i) => [key(item), i] as const).reverse());
	const ordered = places(order);
	const earlier = places(before);
	const place = (known: Map<string | undefined, number>, item: Json) => known.get(key(item)) ?? -1;
	const named = merged.filter((item) => ordered.has(key(item))).sort((a, b) => place(ordered, a) - place(ordered, b));
	const others = merged.filter((item) => !ordered.has(key(item))).sort((a, b) => place(earlier, a) - place(earlier, b));
	const all: Json[] = [];
	let next = 0;
	for (const item of named) {
		const stood = place(earlier, item);
		while (stood >= 0 && next < others.length) {
			const other = place(earlier, others[next] as Json);
			if (other < 0 || other > stood) break;
			all.push(others[next++] as Json);
		}
		all.push(item);
	}
	return [...all, ...others.slice(next)];
}

/** The patch's list must stand in the order that `$setElementOrder` gives it. Throws StrategicPatchError. */
export function checkOrder(patch: readonly Json[], order: readonly Json[], mergeKey: string | undefined): void {
	const key = keyBy(mergeKey);
	const wanted = patch.filter((item) => !(isObject(item) && Object.hasOwn(item, DIRECTIVE))).map(key);
	let at = 0;
	for (const item of order) if (at < wanted.length && key(item) === wanted[at]) at++;
	if (at === wanted.length) return;
	throw new StrategicPatchError(
		`The order in patch list:\n${JSON.stringify(patch)}\n doesn't match $setElementOrder list:\n${JSON.stringify(order)}\n`,
	);
}
