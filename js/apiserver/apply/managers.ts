// Who owns which field: `metadata.managedFields` (KEP-555; k8s.io/apimachinery/pkg/util/managedfields). Every write of a client
// gives it what it changed; an apply gives it what it says, and takes from it what it no longer says.

import type { KubernetesObject, ObjectMeta } from "../../api/meta.ts";
import type { ApiSchema } from "../../api/schema/schema.ts";
import { inVersion } from "../conversion/versions.ts";
import { isArray, isObject, type Json, type JsonObject } from "../patch/json.ts";
import type { ServedResource } from "../registry/catalogue.ts";
import { StatusError } from "../status.ts";
import { type FieldSet, fromFieldsV1, isEmpty, toFieldsV1, union, without } from "./fieldset.ts";
import { compare, fieldsOf } from "./typed.ts";

export interface ManagedFieldsEntry {
	manager: string;
	operation: "Apply" | "Update";
	apiVersion: string;
	time?: string;
	fieldsType: "FieldsV1";
	fieldsV1: JsonObject;
	subresource?: string;
}

/** One manager and what it owns. */
export interface Owner {
	manager: string;
	operation: "Apply" | "Update";
	apiVersion: string;
	subresource: string;
	time: string | undefined;
	fields: FieldSet;
}

/** Nobody owns what identifies an object, or what the server alone writes. */
const NOBODYS = fromFieldsV1({
	"f:apiVersion": {},
	"f:kind": {},
	"f:metadata": Object.fromEntries(
		["name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion"]
			.concat(["deletionTimestamp", "deletionGracePeriodSeconds"])
			.map((name) => [`f:${name}`, {}]),
	),
});

export function ownersOf(metadata: ObjectMeta): Owner[] {
	const { managedFields = [] } = metadata as { managedFields?: ManagedFieldsEntry[] };
	return managedFields.map(({ manager, operation, apiVersion, time, fieldsV1, subresource = "" }) => ({
		manager,
		operation,
		apiVersion,
		subresource,
		time,
		fields: fromFieldsV1(fieldsV1),
	}));
}

/** The object with these owners; those that own nothing are left out. */
export function withOwners(object: KubernetesObject, owners: readonly Owner[]): KubernetesObject {
	const managedFields = owners
		.filter(({ fields }) => !isEmpty(fields))
		.map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
			manager,
			operation,
			apiVersion,
			...(time === undefined ? {} : { time }),
			fieldsType: "FieldsV1" as const,
			fieldsV1: toFieldsV1(fields),
			...(subresource === "" ? {} : { subresource }),
		}));
	const { managedFields: _, ...metadata } = object.metadata as ObjectMeta & { managedFields?: unknown };
	return {
		...object,
		metadata: managedFields.length === 0 ? metadata : ({ ...metadata, managedFields } as ObjectMeta),
	};
}

export interface Writer {
	manager: string;
	subresource: string;
	/** RFC 3339. */
	time: string;
}

/** Fields that somebody can own. */
export function ownable(schema: ApiSchema, resource: ServedResource, object: KubernetesObject): FieldSet {
	return without(fieldsOf(schema, { type: resource.type }, object as unknown as Json), NOBODYS);
}

/** Fields that hold structs in Go, not pointers: an object that nobody has written to has them too. */
const STRUCTS = new Set([
	...["metadata", "spec", "status", "template", "strategy", "updateStrategy", "jobTemplate", "loadBalancer"],
	...["podSelector", "scaleTargetRef"],
]);

/** As Go's zero value of an object prints: what a new object is compared with. */
function emptyOf(object: KubernetesObject): JsonObject {
	const emptied = (value: JsonObject, inStatus = false): JsonObject =>
		Object.fromEntries(
			Object.entries(value).flatMap(([name, member]): [string, Json][] => {
				if (STRUCTS.has(name) && isObject(member)) return [[name, emptied(member, inStatus || name === "status")]];
				// No client's: what a new object's status holds without being asked for.
				if (inStatus && (member === 0 || member === null || member === "")) return [[name, member]];
				// The one list of it that Go prints when it is empty, and that has owners item by item.
				return name === "containers" && isArray(member) ? [[name, []]] : [];
			}),
		);
	return emptied(object as unknown as JsonObject);
}

/**
 * Who owns what after a write that is no apply: `before` undefined where the object is new. Of an object whose lists leave out
 * their keys nothing can be said: owners stay as they were (UpdateNoErrors).
 */
export function updatedOwners(
	schema: ApiSchema,
	resource: ServedResource,
	before: KubernetesObject | undefined,
	after: KubernetesObject,
	writer: Writer,
): Owner[] {
	try {
		return changedOwners(schema, resource, before, after, writer);
	} catch (error) {
		if (!(error instanceof StatusError)) throw error;
		return before === undefined ? [] : ownersOf(before.metadata);
	}
}

/** The version of a resource's kind that an owner speaks of; where it is served no more, the resource's own. */
export function versionOf(schema: ApiSchema, resource: ServedResource, apiVersion: string): Version {
	if (apiVersion === resource.apiVersion) return resource;
	const { kind } = resource;
	const found = schema.resources.find(
		({ group, version, kind: other }) =>
			other === kind && apiVersion === (group === "" ? version : `${group}/${version}`),
	);
	return found === undefined ? resource : { apiVersion, kind, type: found.type };
}

type Version = Pick<ServedResource, "apiVersion" | "kind" | "type">;

/** What a write gives and takes, in the fields of each version that there are owners in. */
function changesIn(
	schema: ApiSchema,
	resource: ServedResource,
	before: KubernetesObject | undefined,
	after: KubernetesObject,
): (apiVersion: string) => { gained: FieldSet; lost: FieldSet } {
	const known = new Map<string, { gained: FieldSet; lost: FieldSet }>();
	return (apiVersion) => {
		let found = known.get(apiVersion);
		if (found === undefined) {
			const version = versionOf(schema, resource, apiVersion);
			const is = inVersion(version, after);
			const was = before === undefined ? emptyOf(is) : inVersion(version, before);
			const { changed, removed } = compare(schema, version, was as unknown as Json, is as unknown as Json);
			found = { gained: without(changed, NOBODYS), lost: without(removed, NOBODYS) };
			known.set(apiVersion, found);
		}
		return found;
	};
}

function changedOwners(
	schema: ApiSchema,
	resource: ServedResource,
	before: KubernetesObject | undefined,
	after: KubernetesObject,
	writer: Writer,
): Owner[] {
	const changes = changesIn(schema, resource, before, after);
	const { gained, lost } = changes(resource.apiVersion);
	const own = (owner: Owner) =>
		owner.manager === writer.manager &&
		owner.operation === "Update" &&
		owner.apiVersion === resource.apiVersion &&
		owner.subresource === writer.subresource;
	const known = before === undefined ? [] : ownersOf(before.metadata);
	const others = known
		.filter((owner) => !own(owner))
		.map((owner) => {
			const there = changes(owner.apiVersion);
			return { ...owner, fields: without(without(owner.fields, there.gained), there.lost) };
		});
	const mine = known.find(own);
	const fields = union(mine === undefined ? fromFieldsV1({}) : without(mine.fields, lost), gained);
	const time = isEmpty(gained) && mine !== undefined ? mine.time : writer.time;
	const { manager, subresource } = writer;
	return [...others, { manager, operation: "Update", apiVersion: resource.apiVersion, subresource, time, fields }];
}
