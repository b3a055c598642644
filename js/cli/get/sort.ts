// `--sort-by` (kubectl's pkg/cmd/get/sorter.go): by what a JSONPath finds first in each object; objects in which it finds nothing
// come first, quantities count as quantities. Objects that are equal stay in their order.

import { parseQuantity } from "../../api/quantity.ts";
import { UsageError } from "../status.ts";
import { relaxedJsonPath } from "./columns.ts";
import { findResults } from "./jsonpathwalk.ts";

/** Throws UsageError, also where no object has the field, and JsonPathError. */
export function sortedBy<T>(items: readonly T[], objectOf: (item: T) => unknown, path: string): T[] {
	const { expression, template } = relaxedJsonPath(path);
	const keyed = items.map((item) => ({
		item,
		key: findResults(template, objectOf(item), { allowMissing: true })[0]?.[0],
	}));
	if (items.length > 0 && keyed.every(({ key }) => key === undefined))
		throw new UsageError(`couldn't find any field with path ${JSON.stringify(expression)} in the list of objects`);
	return keyed.sort((a, b) => order(a.key, b.key)).map(({ item }) => item);
}

function order(a: unknown, b: unknown): number {
	if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined);
	if (typeof a !== typeof b || (typeof a !== "string" && typeof a !== "number"))
		throw new UsageError(`unsortable type: ${Array.isArray(a) ? "slice" : typeof a}`);
	const [x, y] = [a as string | number, b as string | number];
	if (typeof x === "string" && typeof y === "string") {
		const [left, right] = [parseQuantity(x), parseQuantity(y)];
		if (left !== null && right !== null) return left - right;
	}
	return x < y ? -1 : x > y ? 1 : 0;
}
