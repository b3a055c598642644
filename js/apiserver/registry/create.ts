// POST: a new object gets its name, uid and time, its defaults, and is checked; then it is there
// (k8s.io/apiserver/pkg/registry/rest/create.go, registry/generic/registry/store.go).

import type { KubernetesObject, ObjectMeta } from "../../api/meta.ts";
import { generatedName, uidOf } from "../../api/names.ts";
import { admitted, checkAdmission } from "../admission/admission.ts";
import { charged } from "../admission/resourcequota.ts";
import { type Owner, updatedOwners, withOwners } from "../apply/managers.ts";
import { alreadyExists, type FieldError, forbidden, invalid, notFound, StatusError } from "../status.ts";
import { validateMetadata } from "../validation/metadata.ts";
import type { ServedResource } from "./catalogue.ts";
import { complete } from "./complete.ts";
import { countsGenerations, nameRule } from "./names.ts";
import { keep, type Registry, timestamp, type WriteOptions, writerOf } from "./request.ts";

const TRIES = 8;

/** Throws StatusError. `object` is decoded; its namespace is the request's. The answer is in the version that is kept. */
export function create(
	registry: Registry,
	resource: ServedResource,
	object: KubernetesObject,
	options: WriteOptions = {},
): KubernetesObject {
	checkNamespace(registry, resource, object);
	const strategy = registry.strategy(resource);
	const dryRun = options.dryRun === true;
	const given = defaulted(registry, resource, object);
	// What the server decides from here on is nobody's field.
	const called = object.metadata.name || (object.metadata.generateName ?? "");
	const admissible = admitted(registry, resource, given, called);
	const prepared = strategy.prepareCreate?.(admissible) ?? admissible;
	const begun = strategy.begin?.(registry, prepared, undefined, dryRun) ?? { object: prepared, commit: () => {} };
	const made = withOwners(begun.object, owners(registry, resource, given, options));
	const { name = "", namespace = "" } = made.metadata;
	const errors: FieldError[] = [
		...validateMetadata(made.metadata, resource.namespaced, nameRule(resource.name)),
		...(strategy.validate?.(made) ?? []),
		...(strategy.validateCreate?.(made) ?? []),
	];
	if (errors.length > 0) throw invalid(registry.catalogue.kept(resource).group, resource.kind, name, errors);
	checkAdmission(registry, resource, made, undefined);
	const charge = charged(registry, resource, made, undefined);
	if (registry.storage.get(resource.keptAs, namespace, name) !== undefined)
		throw alreadyExists({ group: resource.group, resource: resource.plural }, name);
	if (dryRun) return made;
	if (object.metadata.resourceVersion)
		throw new StatusError(500, "", "resourceVersion should not be set on objects to be created");
	begun.commit();
	charge();
	return keep(registry, resource, made);
}

function owners(
	registry: Registry,
	resource: ServedResource,
	object: KubernetesObject,
	options: WriteOptions,
): readonly Owner[] {
	if (options.owners !== undefined) return options.owners;
	const writer = writerOf(registry, options);
	if (writer === undefined) return [];
	return updatedOwners(registry.catalogue.schema, resource, undefined, withOwners(object, []), writer);
}

// The admission plugin NamespaceLifecycle.
function checkNamespace({ storage }: Registry, resource: ServedResource, { metadata }: KubernetesObject): void {
	if (!resource.namespaced || !metadata.namespace) return;
	const { namespace } = metadata;
	const found = storage.get("namespaces", "", namespace);
	if (found === undefined) throw notFound({ group: "", resource: "namespaces" }, namespace);
	if (found.metadata.deletionTimestamp === undefined) return;
	const refusal = forbidden(
		{ group: resource.group, resource: resource.plural },
		metadata.name ?? "",
		`unable to create new content in namespace ${namespace} because it is being terminated`,
	);
	const message = `namespace ${namespace} is being terminated`;
	const causes = [{ reason: "NamespaceTerminating", message, field: "metadata.namespace" }];
	throw new StatusError(403, "Forbidden", refusal.message, { ...refusal.status.details, causes });
}

/** The object with its name, uid and time, and the defaults of its kind. */
function defaulted(registry: Registry, resource: ServedResource, object: KubernetesObject): KubernetesObject {
	const { deletionTimestamp: _, deletionGracePeriodSeconds: __, ...given } = object.metadata;
	const metadata: ObjectMeta = { ...given };
	if (!metadata.name && metadata.generateName) metadata.name = freeName(registry, resource, metadata);
	const { namespace = "", name = "" } = metadata;
	// A second object of the name is another one.
	metadata.uid = uidOf(registry.random, resource.name, namespace, name, registry.storage.revision);
	metadata.creationTimestamp = timestamp(registry.clock);
	if (countsGenerations(resource)) metadata.generation = 1;
	else delete metadata.generation;
	const bare: KubernetesObject = { ...object, apiVersion: resource.apiVersion, kind: resource.kind, metadata };
	const strategy = registry.strategy(resource);
	if (resource.subresources.status !== undefined && strategy.keepsStatus !== true) delete bare.status;
	return complete(registry, resource, bare);
}

function freeName({ storage, random }: Registry, resource: ServedResource, metadata: ObjectMeta): string {
	const { namespace = "", generateName = "" } = metadata;
	for (let attempt = 0; attempt < TRIES; attempt++) {
		const name = generatedName(generateName, random, resource.name, storage.revision, attempt);
		if (storage.get(resource.keptAs, namespace, name) === undefined) return name;
	}
	throw alreadyExists({ group: resource.group, resource: resource.plural }, generateName);
}
