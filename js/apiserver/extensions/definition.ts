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
import { remove } from "../registry/delete.ts";
import type { Registry } from "../registry/request.ts";
import type { Strategy } from "../registry/strategy.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../status.ts";
import { dns1035Label, dnsSubdomain } from "../validation/names.ts";
import { text } from "../validation/rule.ts";
import { acceptedNames, isEstablished } from "./naming.ts";
import { unreadable } from "./rules.ts";
import { type Schema, typesOf } from "./schema.ts";

export const DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io";

/** What holds a definition until its objects are gone. */
const CLEANUP = "customresourcecleanup.apiextensions.k8s.io";
const TERMINATING = "Terminating";

type Definition = ApiextensionsV1CustomResourceDefinition;
type Spec = ApiextensionsV1CustomResourceDefinitionSpec;

/** What a custom resource has beside its names. */
export interface Custom {
	/** The definition's name. */
	definition: string;
	/** `example.com/v1`: of the version that this is. */
	apiVersion: string;
	schema: Schema;
	/** Of all versions, by apiVersion. */
	schemas: Readonly<Record<string, Schema>>;
	/** The apiVersion in which objects are kept. */
	kept: string;
	/** Whether a webhook would have to say what an object is in another version. */
	converts: boolean;
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
	const { spec, status } = object as unknown as Definition;
	const { group, scope, versions } = spec;
	// What was accepted is what is served.
	const names = { ...spec.names, ...status?.acceptedNames };
	const types: Record<string, TypeSchema> = {};
	const schemaOf = (version: Spec["versions"][number]) => (version.schema?.openAPIV3Schema ?? {}) as Schema;
	const schemas = Object.fromEntries(versions.map((version) => [`${group}/${version.name}`, schemaOf(version)]));
	const storage = versions.find((version) => version.storage) ?? versions[0];
	const resources = versions
		.filter(({ served }) => served)
		.map((version): DefinedResource => {
			const schema = schemaOf(version);
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
					definition: object.metadata.name ?? "",
					apiVersion: `${group}/${version.name}`,
					schema,
					schemas,
					kept: `${group}/${storage?.name}`,
					converts: spec.conversion?.strategy === "Webhook",
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
	return [...errors, ...validateConversion(spec?.conversion)];
}

const STRATEGIES = ["None", "Webhook"];
const REVIEWS = ["v1", "v1beta1"];

// validateCustomResourceConversion, with the paths of the internal type
function validateConversion(conversion: Spec["conversion"]): FieldError[] {
	if (conversion === undefined) return [];
	const { strategy = "", webhook } = conversion;
	const path = "spec.conversion";
	const errors: FieldError[] = [];
	if (strategy === "") errors.push(required(`${path}.strategy`));
	else if (!STRATEGIES.includes(strategy)) errors.push(notSupported(`${path}.strategy`, strategy, STRATEGIES));
	const reviews = webhook?.conversionReviewVersions ?? [];
	const client = webhook?.clientConfig;
	if (strategy !== "Webhook") {
		const why = "should not be set when strategy is not set to Webhook";
		if (client !== undefined) errors.push(forbiddenField(`${path}.webhookClientConfig`, why));
		if (reviews.length > 0) errors.push(forbiddenField(`${path}.conversionReviewVersions`, why));
		return errors;
	}
	if (client === undefined)
		errors.push(required(`${path}.webhookClientConfig`, "required when strategy is set to Webhook"));
	else if ((client.url === undefined) === (client.service === undefined))
		errors.push(required(`${path}.webhookClientConfig`, "exactly one of url or service is required"));
	if (reviews.length === 0) return [...errors, required(`${path}.conversionReviewVersions`)];
	for (const [i, version] of reviews.entries()) {
		const place = `${path}.conversionReviewVersions[${i}]`;
		if (reviews.indexOf(version) < i) errors.push(invalidValue(place, version, "duplicate version"));
		else errors.push(...text(dns1035Label)(version, place));
	}
	if (!reviews.some((version) => REVIEWS.includes(version)))
		errors.push(
			invalidValue(`${path}.conversionReviewVersions`, reviews, `must include at least one of ${REVIEWS.join(", ")}`),
		);
	return errors;
}

/** Names, storage and acceptance as the controllers of the definition would write them. */
function established(
	object: KubernetesObject,
	before: KubernetesObject | undefined,
	others: readonly KubernetesObject[],
): KubernetesObject {
	const { spec, metadata } = object as unknown as Definition;
	const { group = "", versions = [], names } = spec ?? ({} as Spec);
	const was = (before as unknown as Definition | undefined)?.status;
	const time = before?.metadata.creationTimestamp ?? metadata?.creationTimestamp ?? "";
	const condition = (type: string, holds: boolean, reason: string, message: string) => {
		const status = holds ? "True" : "False";
		const same = was?.conditions?.find((one) => one.type === type && one.status === status);
		return { type, status, lastTransitionTime: same?.lastTransitionTime ?? time, reason, message };
	};
	const accepted = acceptedNames(names ?? {}, was?.acceptedNames ?? {}, group, others as unknown as Definition[]);
	const { reason, message } = accepted.conflict ?? { reason: "NoConflicts", message: "no conflicts found" };
	// Who is served once stays so, under its old names.
	const isServed =
		accepted.conflict === null || (before !== undefined && isEstablished(before as unknown as Definition));
	const conditions = [
		condition("NamesAccepted", accepted.conflict === null, reason, message),
		isServed
			? condition("Established", true, "InitialNamesAccepted", "the initial names have been accepted")
			: condition("Established", false, "NotAccepted", "not all names are accepted"),
		...(was?.conditions ?? []).filter(({ type }) => type === TERMINATING),
	];
	if (spec?.conversion?.strategy === "Webhook" && versions.length > 1)
		conditions.push(
			condition(
				"podwire.dev/ConversionNotServed",
				true,
				"NoWebhooks",
				`no webhook is called here: objects are read and written in ${versions.find((version) => version.storage)?.name} alone`,
			),
		);
	const unread = versions.flatMap(({ schema }) => unreadable((schema?.openAPIV3Schema ?? {}) as Schema));
	if (unread.length > 0)
		conditions.push(
			condition(
				"podwire.dev/RulesNotEvaluated",
				true,
				"UnknownFunctions",
				`not evaluated here: ${[...new Set(unread)].join("; ")}`,
			),
		);
	const storage = versions.find((version) => version.storage)?.name;
	const stored = [...new Set([...(was?.storedVersions ?? []), ...(storage === undefined ? [] : [storage])])];
	return { ...object, status: { conditions, acceptedNames: accepted.names, storedVersions: stored } };
}

function others({ storage }: Registry, object: KubernetesObject): KubernetesObject[] {
	return storage.list(DEFINITIONS).items.filter(({ metadata }) => metadata.name !== object.metadata.name);
}

/** With the condition that its objects are going first. */
function terminating(object: KubernetesObject): KubernetesObject {
	const { status } = object as unknown as Definition;
	const condition = {
		...{ type: TERMINATING, status: "True", lastTransitionTime: object.metadata.deletionTimestamp ?? "" },
		reason: "InstanceDeletionPending",
		message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
	};
	const conditions = [...(status?.conditions ?? []).filter(({ type }) => type !== TERMINATING), condition];
	return { ...object, status: { ...status, conditions } };
}

/** The definition's objects are deleted; with the last one it goes itself (pkg/controller/finalizer/crd_finalizer.go). */
export function finalizeDefinition(registry: Registry, object: KubernetesObject): void {
	const { group, names } = (object as unknown as Definition).spec;
	const kind = `${names.plural}.${group}`;
	const resource = registry.catalogue.ofName(kind);
	if (resource?.custom !== undefined)
		for (const { metadata } of registry.storage.list(kind).items)
			if (metadata.deletionTimestamp === undefined)
				remove(registry, { resource, namespace: metadata.namespace ?? "", name: metadata.name ?? "" });
	endDefinition(registry, kind);
}

/** Takes a definition away that is going, where none of its objects is left. */
export function endDefinition(registry: Registry, name: string): void {
	const { storage } = registry;
	const now = storage.get(DEFINITIONS, "", name);
	if (now?.metadata.deletionTimestamp === undefined || storage.list(name).items.length > 0) return;
	const { finalizers = [], ...metadata } = now.metadata;
	const left = finalizers.filter((one) => one !== CLEANUP);
	if (left.length > 0) {
		storage.put(DEFINITIONS, { ...now, metadata: { ...metadata, finalizers: left } });
		return;
	}
	const gone = storage.remove(DEFINITIONS, "", name) ?? now;
	freeNames(registry, gone);
}

/** Definitions that waited for a name of one that is gone have it now. */
function freeNames(registry: Registry, gone: KubernetesObject): void {
	for (const waiting of others(registry, gone)) {
		if (isEstablished(waiting as unknown as Definition)) continue;
		registry.storage.put(DEFINITIONS, established(waiting, waiting, others(registry, waiting)));
	}
}

export const definitions: Strategy = {
	validate,
	begin: (registry, object, before) => ({
		object: before === undefined ? established(object, undefined, others(registry, object)) : object,
		commit: () => {},
	}),
	settled: (object, before, registry) => established(object, before, others(registry, object)),
	deletionFinalizer: CLEANUP,
	terminating,
	afterMark: finalizeDefinition,
	// Its objects go with it, whatever holds them, where somebody took the finalizer away.
	afterDelete(registry, object) {
		const { name = "" } = object.metadata;
		for (const { metadata } of registry.storage.list(name).items)
			registry.storage.remove(name, metadata.namespace ?? "", metadata.name ?? "");
		freeNames(registry, object);
	},
};
