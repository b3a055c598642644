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
		...(metadata.finalizers ?? []).flatMap((name) =>
			qualifiedName(name).map((problem) => invalidValue(`${META}.finalizers`, name, problem)),
		),
	];
}

function validateOwners(owners: readonly OwnerReference[]): FieldError[] {
	const errors = owners.flatMap((owner, i) => {
		const field = `${META}.ownerReferences[${i}]`;
		const missing = (["apiVersion", "kind", "name", "uid"] as const).filter((name) => !owner[name]);
		return missing.map((name) => invalidValue(`${field}.${name}`, owner[name] ?? "", `${name} must not be empty`));
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
