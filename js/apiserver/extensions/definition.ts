// CustomResourceDefinitions: what they must be, what they become (Established at once: no controller stands between), and which
// resources they serve (k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation, pkg/controller/{status,establish}).

import type { KubernetesObject } from "../../api/meta.ts";
import type { ResourceSchema, TypeSchema } from "../../api/schema/schema.ts";
import type {
	ApiextensionsV1CustomResourceColumnDefinition,
	ApiextensionsV1CustomResourceDefinition,
	ApiextensionsV1CustomResourceDefinitionSpec,
	ApiextensionsV1CustomResourceSubresourceScale,
} from "../../api/schema/types.generated.ts";
import type { Strategy } from "../registry/strategy.ts";
import { type FieldError, invalidValue, notSupported, required } from "../status.ts";
import { dns1035Label, dnsSubdomain } from "../validation/names.ts";
import { text } from "../validation/rule.ts";
import { unreadable } from "./rules.ts";
import { type Schema, typesOf } from "./schema.ts";

export const DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io";

type Definition = ApiextensionsV1CustomResourceDefinition;
type Spec = ApiextensionsV1CustomResourceDefinitionSpec;

/** What a custom resource has beside its names. */
export interface Custom {
	schema: Schema;
	scale: ApiextensionsV1CustomResourceSubresourceScale | undefined;
	columns: readonly ApiextensionsV1CustomResourceColumnDefinition[] | undefined;
	selectable: readonly string[];
}

export interface DefinedResource extends ResourceSchema {
	custom: Custom;
	singular: string;
	shortNames: readonly string[];
	categories: readonly string[];
}

const VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const SCALE = { group: "autoscaling", version: "v1", kind: "Scale", verbs: ["get", "patch", "update"] };

/** The resources of a definition, one a version that it serves, and their types. */
export function definedBy(object: KubernetesObject): {
	resources: DefinedResource[];
	types: Record<string, TypeSchema>;
} {
	const { group, names, scope, versions } = (object as unknown as Definition).spec;
	const types: Record<string, TypeSchema> = {};
	const resources = versions
		.filter(({ served }) => served)
		.map((version): DefinedResource => {
			const schema = (version.schema?.openAPIV3Schema ?? {}) as Schema;
			const type = `${group}.${version.name}.${names.kind}`;
			Object.assign(types, typesOf(type, schema));
			const { status, scale } = version.subresources ?? {};
			const own = { group, version: version.name, kind: names.kind, verbs: ["get", "patch", "update"] };
			return {
				...{ group, version: version.name, kind: names.kind, plural: names.plural, namespaced: scope === "Namespaced" },
				verbs: VERBS,
				subresources: {
					...(status === undefined ? {} : { status: own }),
					...(scale === undefined ? {} : { scale: SCALE }),
				},
				type,
				singular: names.singular ?? names.kind.toLowerCase(),
				shortNames: names.shortNames ?? [],
				categories: names.categories ?? [],
				custom: {
					schema,
					scale,
					columns: version.additionalPrinterColumns,
					selectable: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath),
				},
			};
		});
	return { resources, types };
}

// ValidateCustomResourceDefinition, the part that people meet
function validate(object: KubernetesObject): FieldError[] {
	const { spec } = object as unknown as Definition;
	const { group = "", names, scope = "", versions = [] } = spec ?? ({} as Spec);
	const errors: FieldError[] = [];
	const { name = "" } = object.metadata;
	const wanted = `${names?.plural ?? ""}.${group}`;
	if (name !== wanted) errors.push(invalidValue("metadata.name", name, 'must be spec.names.plural+"."+spec.group'));
	if (group === "") errors.push(required("spec.group"));
	else if (!group.includes("."))
		errors.push(invalidValue("spec.group", group, "should be a domain with at least one dot"));
	else errors.push(...text(dnsSubdomain)(group, "spec.group"));
	if (scope !== "Namespaced" && scope !== "Cluster")
		errors.push(scope === "" ? required("spec.scope") : notSupported("spec.scope", scope, ["Cluster", "Namespaced"]));
	const stored = versions.filter(({ storage }) => storage);
	for (const [i, version] of versions.entries()) {
		errors.push(...text(dns1035Label)(version.name, `spec.versions[${i}].name`));
		if (version.schema?.openAPIV3Schema === undefined)
			errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`));
	}
	if (stored.length !== 1)
		errors.push(invalidValue("spec.versions", versions, "must have exactly one version marked as storage version"));
	if (stored.length === 0)
		errors.push(invalidValue("status.storedVersions", null, "must have at least one stored version"));
	for (const field of ["plural", "singular"] as const)
		errors.push(...text(dns1035Label)(names?.[field] ?? "", `spec.names.${field}`));
	for (const field of ["kind", "listKind"] as const) {
		const value = names?.[field] ?? "";
		errors.push(...text(dns1035Label)(value.toLowerCase(), `spec.names.${field}`));
	}
	return errors;
}

/** Names, storage and acceptance as the controllers of the definition would write them. */
function established(object: KubernetesObject, before?: KubernetesObject): KubernetesObject {
	const { spec } = object as unknown as Definition;
	const { versions = [], names } = spec ?? ({} as Spec);
	const was = (before as unknown as Definition | undefined)?.status;
	const time = before?.metadata.creationTimestamp ?? object.metadata.creationTimestamp ?? "";
	const condition = (type: string, reason: string, message: string) => ({
		type,
		status: "True",
		lastTransitionTime: was?.conditions?.find((one) => one.type === type)?.lastTransitionTime ?? time,
		reason,
		message,
	});
	const conditions = [
		condition("NamesAccepted", "NoConflicts", "no conflicts found"),
		condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
	];
	const unread = versions.flatMap(({ schema }) => unreadable((schema?.openAPIV3Schema ?? {}) as Schema));
	if (unread.length > 0)
		conditions.push(
			condition(
				"podwire.dev/RulesNotEvaluated",
				"UnknownFunctions",
				`not evaluated here: ${[...new Set(unread)].join("; ")}`,
			),
		);
	const storage = versions.find((version) => version.storage)?.name;
	const stored = [...new Set([...(was?.storedVersions ?? []), ...(storage === undefined ? [] : [storage])])];
	return { ...object, status: { conditions, acceptedNames: names, storedVersions: stored } };
}

export const definitions: Strategy = {
	validate,
	prepareCreate: (object) => established(object),
	settled: established,
	// Its objects go with it.
	afterDelete(registry, object) {
		const { group, names } = (object as unknown as Definition).spec;
		const resource = `${names.plural}.${group}`;
		for (const { metadata } of registry.storage.list(resource).items)
			registry.storage.remove(resource, metadata.namespace ?? "", metadata.name ?? "");
	},
};
