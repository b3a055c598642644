// One column of a kind's table, and the ones that many kinds have.

import type { CoreV1PodSpec, MetaV1LabelSelector, MetaV1ObjectMeta } from "../../../api/schema/types.generated.ts";
import { age } from "./age.ts";

export type Cell = string | number;

/** What every object has. */
export interface Described {
	metadata?: MetaV1ObjectMeta;
}

/** Objects that make pods. */
export interface Templated extends Described {
	spec?: { template?: { spec?: CoreV1PodSpec } };
}

export interface Column<T extends Described = Described> {
	name: string;
	/** With `-o wide` alone. */
	wide?: true;
	integer?: true;
	/** `now`: ns since the epoch. */
	cell(object: T, now: bigint): Cell;
}

export const NAME: Column = { name: "Name", cell: ({ metadata }) => metadata?.name ?? "" };
export const AGE: Column = { name: "Age", cell: ({ metadata }, now) => age(metadata?.creationTimestamp, now) };
export const CREATED_AT: Column = { name: "Created At", cell: ({ metadata }) => metadata?.creationTimestamp ?? "" };

/** The columns of one kind. */
export const columns = <T extends Described>(...list: Column<T>[]): readonly Column<T>[] => list;

export function text<T extends Described>(name: string, cell: (object: T, now: bigint) => Cell): Column<T> {
	return { name, cell };
}

export function count<T extends Described>(name: string, cell: (object: T) => number | undefined): Column<T> {
	return { name, integer: true, cell: (object) => cell(object) ?? 0 };
}

export function wide<T extends Described>(column: Column<T>): Column<T> {
	return { ...column, wide: true };
}

/** `a=1,b=2` in order of keys; `<none>`. */
export function labels(map: Readonly<Record<string, string>> | undefined): string {
	const pairs = Object.entries(map ?? {}).map(([key, value]) => (value === "" ? key : `${key}=${value}`));
	return pairs.length === 0 ? "<none>" : pairs.sort().join(",");
}

/** A LabelSelector as `-l` would write it; `<none>`. */
export function selector(value: MetaV1LabelSelector | undefined): string {
	if (value === undefined) return "<none>";
	const equal = Object.entries(value.matchLabels ?? {}).map(([key, wanted]) => `${key}=${wanted}`);
	const others = (value.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
		if (operator === "Exists") return key;
		if (operator === "DoesNotExist") return `!${key}`;
		return `${key} ${operator === "In" ? "in" : "notin"} (${[...values].sort().join(",")})`;
	});
	const all = [...equal, ...others].sort();
	return all.length === 0 ? "<none>" : all.join(",");
}

const containers = ({ spec }: Templated) => spec?.template?.spec?.containers ?? [];
export const CONTAINERS = wide<Templated>(
	text("Containers", (object) =>
		containers(object)
			.map(({ name }) => name)
			.join(","),
	),
);
export const IMAGES = wide<Templated>(
	text("Images", (object) =>
		containers(object)
			.map(({ image }) => image ?? "")
			.join(","),
	),
);
export const SELECTOR = wide(
	text<Described & { spec?: { selector?: MetaV1LabelSelector } }>("Selector", ({ spec }) => selector(spec?.selector)),
);

/** At most `most` of them, and how many more there are. */
export function firstOf(values: readonly string[], most: number): string {
	if (values.length === 0) return "<none>";
	const more = values.length - most;
	return values.slice(0, most).join(",") + (more > 0 ? ` + ${more} more...` : "");
}
