// POST: a new object gets its name, uid and time, its defaults, and is checked; then it is there
// (k8s.io/apiserver/pkg/registry/rest/create.go, registry/generic/registry/store.go).

import type { KubernetesObject, ObjectMeta } from "../../api/meta.ts";
import { generatedName, uidOf } from "../../api/names.ts";
import { updatedOwners, withOwners } from "../apply/managers.ts";
import { alreadyExists, badRequest, type FieldError, forbidden, invalid, notFound } from "../status.ts";
import { validateMetadata } from "../validation/metadata.ts";
import type { ServedResource } from "./catalogue.ts";
import { GENERATIONS, nameRule } from "./names.ts";
import { type Registry, timestamp, type WriteOptions, writerOf } from "./request.ts";

const TRIES = 8;

/** Throws StatusError. `object` is decoded; its namespace is the request's. */
export function create(
	registry: Registry,
	resource: ServedResource,
	object: KubernetesObject,
	options: WriteOptions = {},
): KubernetesObject {
	if (object.metadata.resourceVersion) throw badRequest("resourceVersion should not be set on objects to be created");
	checkNamespace(registry, resource, object);
	const complete = owned(registry, resource, prepared(registry, resource, object), options);
	const { name = "", namespace = "" } = complete.metadata;
	const strategy = registry.strategy(resource);
	const errors: FieldError[] = [
		...validateMetadata(complete.metadata, resource.namespaced, nameRule(resource.name)),
		...(strategy.validate?.(complete) ?? []),
	];
	if (errors.length > 0) throw invalid(resource.group, resource.kind, name, errors);
	if (registry.storage.get(resource.name, namespace, name) !== undefined)
		throw alreadyExists({ group: resource.group, resource: resource.plural }, name);
	return options.dryRun === true ? complete : registry.storage.put(resource.name, complete);
}

function owned(
	registry: Registry,
	resource: ServedResource,
	object: KubernetesObject,
	options: WriteOptions,
): KubernetesObject {
	if (options.owners !== undefined) return withOwners(object, options.owners);
	const writer = writerOf(registry, options);
	const bare = withOwners(object, []);
	return writer === undefined
		? bare
		: withOwners(bare, updatedOwners(registry.catalogue.schema, resource, undefined, bare, writer));
}

// The admission plugin NamespaceLifecycle.
function checkNamespace({ storage }: Registry, resource: ServedResource, { metadata }: KubernetesObject): void {
	if (!resource.namespaced || !metadata.namespace) return;
	const { namespace } = metadata;
	const found = storage.get("namespaces", "", namespace);
	if (found === undefined) throw notFound({ group: "", resource: "namespaces" }, namespace);
	if (found.metadata.deletionTimestamp === undefined) return;
	throw forbidden(
		{ group: resource.group, resource: resource.plural },
		metadata.name ?? "",
		`unable to create new content in namespace ${namespace} because it is being terminated`,
	);
}

function prepared(registry: Registry, resource: ServedResource, object: KubernetesObject): KubernetesObject {
	const { deletionTimestamp: _, deletionGracePeriodSeconds: __, ...given } = object.metadata;
	const metadata: ObjectMeta = { ...given };
	if (!metadata.name && metadata.generateName) metadata.name = freeName(registry, resource, metadata);
	const { namespace = "", name = "" } = metadata;
	// A second object of the name is another one.
	metadata.uid = uidOf(registry.random, resource.name, namespace, name, registry.storage.revision);
	metadata.creationTimestamp = timestamp(registry.clock);
	if (GENERATIONS.has(resource.name)) metadata.generation = 1;
	else delete metadata.generation;
	const bare: KubernetesObject = { ...object, apiVersion: resource.apiVersion, kind: resource.kind, metadata };
	if (resource.subresources.status !== undefined) delete bare.status;
	return registry.strategy(resource).withDefaults?.(bare) ?? bare;
}

function freeName({ storage, random }: Registry, resource: ServedResource, metadata: ObjectMeta): string {
	const { namespace = "", generateName = "" } = metadata;
	for (let attempt = 0; attempt < TRIES; attempt++) {
		const name = generatedName(generateName, random, resource.name, storage.revision, attempt);
		if (storage.get(resource.name, namespace, name) === undefined) return name;
	}
	throw alreadyExists({ group: resource.group, resource: resource.plural }, generateName);
}
