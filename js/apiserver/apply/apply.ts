// Server-side apply (KEP-555): a client says the fields that it means, whole; the server merges them, takes away what it said
// before and says no more, and refuses what another client owns and has set otherwise, unless it is forced.

import type { KubernetesObject, ObjectMeta } from "../../api/meta.ts";
import type { ApiSchema } from "../../api/schema/schema.ts";
import { inVersion } from "../conversion/versions.ts";
import type { Json } from "../patch/json.ts";
import type { ServedResource } from "../registry/catalogue.ts";
import { badRequest, StatusError } from "../status.ts";
import {
	difference,
	type FieldSet,
	fromFieldsV1,
	intersection,
	isEmpty,
	printFields,
	union,
	without,
} from "./fieldset.ts";
import { type Owner, ownable, ownersOf, versionOf, type Writer, withOwners } from "./managers.ts";
import { applied, compare, pruned } from "./typed.ts";

export interface Application {
	object: KubernetesObject;
	owners: Owner[];
}

/** What every configuration says, and nobody owns. */
const NAMED = fromFieldsV1({ "f:metadata": { "f:name": {} } });

/** `live` undefined: the object is to be made. Throws StatusError 409 with the conflicts, 400 where a list's key is missing. */
export function apply(
	schema: ApiSchema,
	resource: ServedResource,
	live: KubernetesObject | undefined,
	config: KubernetesObject,
	writer: Writer,
	force: boolean,
): Application {
	if ((config.metadata as { managedFields?: unknown }).managedFields !== undefined)
		throw badRequest("metadata.managedFields must be nil");
	const type = { type: resource.type };
	const said = ownable(schema, resource, config);
	const known = live === undefined ? [] : ownersOf(live.metadata);
	const isMine = ({ manager, operation, subresource }: Owner) =>
		manager === writer.manager && operation === "Apply" && subresource === writer.subresource;
	const mine = known.find(isMine);
	const others = known.filter((owner) => !isMine(owner));
	const before = live === undefined ? undefined : withOwners(live, []);
	const base = (before ?? { metadata: {} as ObjectMeta }) as unknown as Json;
	const wanted = applied(schema, type, base, config as unknown as Json);
	const { changed } = compare(schema, type, base, wanted);
	// What an owner has in another version is compared in that one.
	const elsewhere = (apiVersion: string) => {
		const version = versionOf(schema, resource, apiVersion);
		const [was, is] = [base, wanted].map((object) => inVersion(version, object as unknown as KubernetesObject));
		return compare(schema, version, was as unknown as Json, is as unknown as Json).changed;
	};
	const disputed = others
		.map((owner) => {
			const isHere = owner.apiVersion === resource.apiVersion || before === undefined;
			const disputes = isHere ? intersection(changed, said) : elsewhere(owner.apiVersion);
			return { owner, fields: intersection(owner.fields, disputes) };
		})
		.filter(({ fields }) => !isEmpty(fields));
	if (disputed.length > 0 && !force) throw conflicts(disputed);
	const left = others.map((owner) => {
		const lost = disputed.find((dispute) => dispute.owner === owner);
		return lost === undefined ? owner : { ...owner, fields: without(owner.fields, lost.fields) };
	});
	const owned = left.reduce<FieldSet>((all, { fields }) => union(all, fields), said);
	const gone = mine === undefined ? fromFieldsV1({}) : difference(mine.fields, owned);
	const object = (pruned(schema, type, wanted, gone, union(owned, NAMED)) ?? {}) as unknown as KubernetesObject;
	const { manager, subresource } = writer;
	const isSame = mine !== undefined && isEmpty(difference(mine.fields, said)) && isEmpty(difference(said, mine.fields));
	const time = isSame ? mine.time : writer.time;
	const entry: Owner = {
		manager,
		operation: "Apply",
		apiVersion: resource.apiVersion,
		subresource,
		time,
		fields: said,
	};
	return { object, owners: [entry, ...left] };
}

function conflicts(disputed: readonly { owner: Owner; fields: FieldSet }[]): StatusError {
	const each = disputed.flatMap(({ owner, fields }) =>
		printFields(fields).map((field) => ({ by: named(owner), field })),
	);
	const [first] = each;
	const byOwner = grouped(each);
	const said =
		each.length === 1
			? `conflict with ${first?.by}: ${first?.field}`
			: [...byOwner]
					.map(([by, list]) => `conflicts with ${by}:\n${list.map(({ field }) => `- ${field}`).join("\n")}`)
					.join("\n");
	const count = each.length === 1 ? "1 conflict" : `${each.length} conflicts`;
	const causes = each.map(({ by, field }) => ({
		reason: "FieldManagerConflict",
		message: `conflict with ${by}`,
		field,
	}));
	return new StatusError(409, "Conflict", `Apply failed with ${count}: ${said}`, { causes });
}

function named({ manager, operation, apiVersion, subresource }: Owner): string {
	const name = JSON.stringify(manager);
	if (operation === "Apply") return name;
	const below = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
	return `${name}${below} using ${apiVersion}`;
}

function grouped<T extends { by: string }>(list: readonly T[]): Map<string, T[]> {
	const groups = new Map<string, T[]>();
	for (const item of list) groups.set(item.by, [...(groups.get(item.by) ?? []), item]);
	return groups;
}
