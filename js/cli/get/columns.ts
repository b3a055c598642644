// Text in columns: of the API's tables (k8s.io/cli-runtime/pkg/printers/tableprinter.go), of `-o custom-columns=` (kubectl's
// customcolumn.go), laid out as its tabwriter does.

import type { KubernetesObject } from "../../api/meta.ts";
import { UsageError } from "../status.ts";
import { sprint } from "./goformat.ts";
import { parseJsonPath, type Template } from "./jsonpath.ts";
import { findResults } from "./jsonpathwalk.ts";

const MIN_WIDTH = 6;
const PADDING = 3;

/** Rows of cells; the last cell of a row is not padded. Widths are of all rows. */
export function layOut(rows: readonly (readonly string[])[]): string {
	return new Layout().rows(rows);
}

/** Columns that keep their widths for what comes later. */
export class Layout {
	readonly #widths: number[] = [];

	rows(rows: readonly (readonly string[])[]): string {
		const widths = this.#widths;
		for (const row of rows)
			row.slice(0, -1).forEach((cell, i) => {
				widths[i] = Math.max(widths[i] ?? MIN_WIDTH, Array.from(cell).length + PADDING);
			});
		const padded = (cell: string, i: number) => cell + " ".repeat((widths[i] ?? 0) - Array.from(cell).length);
		return rows
			.map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : padded(cell, i))).join("")}\n`)
			.join("");
	}
}

export interface Table {
	columnDefinitions: { name: string; type: string; format: string; priority: number }[];
	rows: { cells: unknown[]; object: KubernetesObject }[];
}

export interface TableOptions {
	wide: boolean;
	headers: boolean;
	/** A first column with the namespace. */
	namespace: boolean;
	/** Of names, `deployment.apps`; null: none. */
	kind: string | null;
	labelColumns: readonly string[];
	/** All labels, as the last column. */
	labels: boolean;
}

/** Rows of text; the header first, where there is anything below it. */
export function tableRows({ columnDefinitions, rows }: Table, options: TableOptions): string[][] {
	const { wide, headers, namespace, kind, labelColumns, labels } = options;
	if (rows.length === 0) return [];
	const shown = columnDefinitions.map(({ priority }) => wide || priority === 0);
	const header = [
		...(namespace ? ["NAMESPACE"] : []),
		...columnDefinitions.filter((_, i) => shown[i]).map(({ name }) => name.toUpperCase()),
		...labelColumns.map((label) => (label.split("/").at(-1) ?? "").toUpperCase()),
		...(labels ? ["LABELS"] : []),
	];
	const lines = rows.map(({ cells, object: { metadata } }) => {
		const own = metadata.labels ?? {};
		const texts = cells.map((cell, i) => {
			const isName = columnDefinitions[i]?.format === "name";
			return isName && kind !== null ? `${kind}/${cellText(cell)}` : cellText(cell);
		});
		return [
			...(namespace ? [metadata.namespace ?? ""] : []),
			...texts.filter((_, i) => shown[i]),
			...labelColumns.map((label) => (Object.hasOwn(own, label) ? (own[label] ?? "") : "")),
			...(labels ? [labelsText(own)] : []),
		];
	});
	return headers ? [header, ...lines] : lines;
}

/** Up to the first line break. */
function cellText(cell: unknown): string {
	if (cell === null || cell === undefined) return "";
	if (typeof cell !== "string") return sprint(cell);
	const at = cell.search(/[\f\n\r]/);
	return at < 0 ? cell : `${cell.slice(0, at)}...`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
	const names = Object.keys(labels).sort();
	return names.length === 0 ? "<none>" : names.map((name) => `${name}=${labels[name]}`).join(",");
}

export interface CustomColumn {
	header: string;
	template: Template;
}

const RELAXED = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/;

/** `metadata.name`, `.metadata.name`, `{.metadata.name}` are one. Throws UsageError and JsonPathError. */
export function relaxedJsonPath(text: string): { expression: string; template: Template } {
	const found = RELAXED.exec(text);
	if (found === null)
		throw new UsageError(
			"unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'",
		);
	const expression = `{.${found[1] ?? found[2]}}`;
	return { expression, template: parseJsonPath(expression) };
}

/** `NAME:.metadata.name,…`. Throws UsageError and JsonPathError. */
export function parseCustomColumns(spec: string): CustomColumn[] {
	if (spec === "") throw new UsageError("custom-columns format specified but no custom columns given");
	return spec.split(",").map((part) => {
		const colon = part.indexOf(":");
		if (colon < 0) throw new UsageError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
		return { header: part.slice(0, colon), template: relaxedJsonPath(part.slice(colon + 1)).template };
	});
}

export function customRows(columns: readonly CustomColumn[], objects: readonly object[], headers: boolean): string[][] {
	const rows = objects.map((object) =>
		columns.map(({ template }) => {
			const values = findResults(template, object, { allowMissing: true }).flat();
			return values.length === 0 ? "<none>" : values.map(sprint).join(",");
		}),
	);
	return headers ? [columns.map(({ header }) => header), ...rows] : rows;
}
