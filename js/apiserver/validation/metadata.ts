// ObjectMeta of any object, new or changed (k8s.io/apimachinery/pkg/api/validation/objectmeta.go).

import type { ObjectMeta, OwnerReference } from "../../api/meta.ts";
import { type FieldError, forbiddenField, invalidValue } from "../status.ts";
import {
	type NameRule,
	qualifiedName,
	validateAnnotations,
	validateLabels,
	validateName,
	validateScope,
} from "./names.ts";

const META = "metadata";

export function validateMetadata(metadata: ObjectMeta, namespaced: boolean, rule: NameRule): FieldError[] {
	return [
		...validateName(metadata, rule, META),
		...validateScope(metadata.namespace, namespaced, META),
		...validateLabels(metadata.labels ?? {}, `${META}.labels`),
		...validateAnnotations(metadata.annotations ?? {}, `${META}.annotations`),
		...validateOwners(metadata.ownerReferences ?? []),
		...validateFinalizers(metadata.finalizers ?? []),
	];
}

const STANDARD_FINALIZERS = ["kubernetes", "orphan", "foregroundDeletion"];

// ValidateFinalizers, and what core's validation asks of names without a domain
function validateFinalizers(names: readonly string[]): FieldError[] {
	const place = `${META}.finalizers`;
	const errors = names.flatMap((name) => qualifiedName(name).map((problem) => invalidValue(place, name, problem)));
	if (names.includes("orphan") && names.includes("foregroundDeletion"))
		errors.push(invalidValue(place, names, "finalizer orphan and foregroundDeletion cannot be both set"));
	for (const [i, name] of names.entries()) {
		if (name.includes("/") || STANDARD_FINALIZERS.includes(name)) continue;
		const detail = "name is neither a standard finalizer name nor is it fully qualified";
		errors.push(invalidValue(`${place}[${i}]`, name, detail));
	}
	return errors;
}

function validateOwners(owners: readonly OwnerReference[]): FieldError[] {
	// Upstream's paths leave the index out.
	const errors = owners.flatMap((owner) => {
		const { apiVersion = "", kind = "", name = "", uid = "" } = owner;
		const place = `${META}.ownerReferences`;
		const [version, group, ...more] = apiVersion.split("/").reverse();
		const found: FieldError[] = [];
		if (!version || more.length > 0 || group === "")
			found.push(invalidValue(`${place}.apiVersion`, apiVersion, "version must not be empty"));
		for (const [field, value] of Object.entries({ kind, name, uid }))
			if (value === "") found.push(invalidValue(`${place}.${field}`, value, "must not be empty"));
		if (apiVersion === "v1" && kind === "Event")
			found.push(invalidValue(place, owner, "/v1, Kind=Event is disallowed from being an owner"));
		return found;
	});
	const controllers = owners.filter(({ controller }) => controller === true);
	if (controllers.length > 1) {
		const [first, second] = controllers as [OwnerReference, OwnerReference];
		errors.push(
			invalidValue(
				`${META}.ownerReferences`,
				owners,
				`Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`,
			),
		);
	}
	return errors;
}

/** What an update may not change. */
export function validateMetadataUpdate(now: ObjectMeta, before: ObjectMeta): FieldError[] {
	const errors: FieldError[] = [];
	const fixed = [
		"name",
		"namespace",
		"uid",
		"creationTimestamp",
		"deletionTimestamp",
		"deletionGracePeriodSeconds",
	] as const;
	for (const name of fixed) {
		if ((now[name] ?? null) === (before[name] ?? null)) continue;
		errors.push(invalidValue(`${META}.${name}`, now[name] ?? null, "field is immutable"));
	}
	if (before.deletionTimestamp !== undefined) {
		const known = new Set(before.finalizers ?? []);
		const added = (now.finalizers ?? []).filter((name) => !known.has(name));
		if (added.length > 0)
			errors.push(
				forbiddenField(
					`${META}.finalizers`,
					`no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(", ")}}`,
				),
			);
	}
	if (now.resourceVersion === undefined || now.resourceVersion === "")
		errors.push(invalidValue(`${META}.resourceVersion`, now.resourceVersion ?? "", "must be specified for an update"));
	return errors;
}
