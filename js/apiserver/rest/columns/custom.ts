// The columns of custom resources: additionalPrinterColumns of their definition
// (k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor).

import type { ApiextensionsV1CustomResourceColumnDefinition } from "../../../api/schema/types.generated.ts";
import { valuesAt } from "../../extensions/jsonpath.ts";
import type { Json } from "../../patch/json.ts";
import { age } from "./age.ts";
import { AGE, type Cell, type Column, NAME } from "./column.ts";

export function customColumns(
	defined: readonly ApiextensionsV1CustomResourceColumnDefinition[] | undefined,
): readonly Column[] {
	if (defined === undefined) return [NAME, AGE];
	return [NAME, ...defined.map(columnOf)];
}

function columnOf(defined: ApiextensionsV1CustomResourceColumnDefinition): Column {
	const { name, type, jsonPath, priority = 0 } = defined;
	const column: Column = {
		name,
		cell(object, now) {
			const values = valuesAt(object as unknown as Json, jsonPath) ?? [];
			return cellOf(type, values, now);
		},
	};
	if (priority > 0) column.wide = true;
	if (type === "integer") column.integer = true;
	return column;
}

function cellOf(type: string, values: readonly Json[], now: bigint): Cell {
	const [first] = values;
	if (first === undefined || first === null) return "";
	if (type === "date") return age(String(first), now);
	if (type === "integer" || type === "number") return Number(first);
	return values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(" ");
}
