// Rows of `kubectl get`: the columns of each kind and what stands in them (pkg/printers/internalversion/printers.go).

import type { KubernetesObject } from "../../api/meta.ts";
import { inVersion, kept } from "../conversion/versions.ts";
import type { ServedResource } from "../registry/catalogue.ts";
import { AGE, type Cell, type Column, type Described, NAME } from "./columns/column.ts";
import { customColumns } from "./columns/custom.ts";
import { COLUMNS } from "./columns/index.ts";

/** meta/v1 TableColumnDefinition. `priority` 1: with `-o wide` alone. */
export interface ColumnDefinition {
	name: string;
	type: "string" | "integer";
	format: string;
	description: string;
	priority: 0 | 1;
}

export interface Row {
	cells: Cell[];
}

function columnsOf(resource: ServedResource): readonly Column[] {
	if (resource.custom !== undefined) return customColumns(resource.custom.columns);
	return COLUMNS[resource.name] ?? [NAME, AGE];
}

export function tableColumns(resource: ServedResource): ColumnDefinition[] {
	return columnsOf(resource).map(({ name, wide, integer }) => ({
		name,
		type: integer ? "integer" : "string",
		format: name === "Name" ? "name" : "",
		description: "",
		priority: wide ? 1 : 0,
	}));
}

/** `now`: of ages, ns since the epoch. */
export function rowOf(resource: ServedResource, object: KubernetesObject, now: bigint): Row {
	const told = (resource.custom === undefined ? kept(object) : inVersion(resource, object)) as Described;
	return { cells: columnsOf(resource).map((column) => column.cell(told, now)) };
}
