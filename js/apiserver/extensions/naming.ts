// Which of a definition's names it may have: none that another definition of its group has already
// (k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go, pkg/controller/establish).

import type {
	ApiextensionsV1CustomResourceDefinition,
	ApiextensionsV1CustomResourceDefinitionNames,
} from "../../api/schema/types.generated.ts";

type Definition = ApiextensionsV1CustomResourceDefinition;
type Names = ApiextensionsV1CustomResourceDefinitionNames;

export interface Accepted {
	names: Partial<Names>;
	/** null: all are accepted. */
	conflict: { reason: string; message: string } | null;
}

/** `others`: the definitions beside it. `was`: what it had been given before. */
export function acceptedNames(
	wanted: Names,
	was: Partial<Names>,
	group: string,
	others: readonly Definition[],
): Accepted {
	const taken = others.filter(({ spec }) => spec.group === group).map(({ status }) => status?.acceptedNames);
	const resources = new Set(taken.flatMap((names) => [names?.plural, names?.singular, ...(names?.shortNames ?? [])]));
	const kinds = new Set(taken.flatMap((names) => [names?.kind, names?.listKind]));
	const names: Partial<Names> = { plural: "", kind: "", ...was };
	let conflict: Accepted["conflict"] = null;
	const claim = (field: "plural" | "singular" | "kind" | "listKind", reason: string, known: ReadonlySet<unknown>) => {
		const name = wanted[field];
		if (name !== undefined && name !== was[field] && known.has(name)) conflict = { reason, message: inUse([name]) };
		else if (name !== undefined) names[field] = name;
	};
	claim("plural", "PluralConflict", resources);
	claim("singular", "SingularConflict", resources);
	const clashes = (wanted.shortNames ?? []).filter((name) => !was.shortNames?.includes(name) && resources.has(name));
	if (clashes.length > 0) conflict = { reason: "ShortNamesConflict", message: inUse(clashes) };
	else if (wanted.shortNames !== undefined) names.shortNames = wanted.shortNames;
	claim("kind", "KindConflict", kinds);
	claim("listKind", "ListKindConflict", kinds);
	if (wanted.categories !== undefined) names.categories = wanted.categories;
	return { names, conflict };
}

function inUse(names: readonly string[]): string {
	const each = names.map((name) => `${JSON.stringify(name)} is already in use`);
	return each.length === 1 ? (each[0] ?? "") : `[${each.join(", ")}]`;
}

/** Served, by the names that it was given. */
export function isEstablished({ status }: Definition): boolean {
	return status?.conditions?.some((one) => one.type === "Established" && one.status === "True") ?? false;
}
