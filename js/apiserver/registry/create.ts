// POST: a new object gets its name, uid and time, its defaults, and is checked; then it is there
// (k8s.io/apiserver/pkg/registry/rest/create.go, registry/generic/registry/store.go).

import type { KubernetesObject, ObjectMeta } from "../../api/meta.ts";
import { updatedOwners, withOwners } from "../apply/managers.ts";
import { alreadyExists, badRequest, type FieldError, forbidden, invalid, notFound } from "../status.ts";
import { validateMetadata } from "../validation/metadata.ts";
import type { ServedResource } from "./catalogue.ts";
import { GENERATIONS, nameRule } from "./names.ts";
import { type Registry, timestamp, type WriteOptions, writerOf } from "./request.ts";

// Without vowels and what is mistaken for them (k8s.io/apimachinery/pkg/util/rand).
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const GENERATED = 5;
const GENERATED_NAME_MAX = 63;
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
	if (!metadata.name && metadata.generateName) metadata.name = generatedName(registry, resource, metadata);
	metadata.uid = freshUid(registry, resource, metadata);
	metadata.creationTimestamp = timestamp(registry.clock);
	if (GENERATIONS.has(resource.name)) metadata.generation = 1;
	else delete metadata.generation;
	const bare: KubernetesObject = { ...object, apiVersion: resource.apiVersion, kind: resource.kind, metadata };
	if (resource.subresources.status !== undefined) delete bare.status;
	return registry.strategy(resource).withDefaults?.(bare) ?? bare;
}

function generatedName({ storage, random }: Registry, resource: ServedResource, metadata: ObjectMeta): string {
	const { namespace = "", generateName = "" } = metadata;
	const base = generateName.slice(0, GENERATED_NAME_MAX - GENERATED);
	const sign = (attempt: number, i: number) =>
		ALPHABET[random.integer(ALPHABET.length, "generateName", resource.name, base, storage.revision, attempt, i)];
	for (let attempt = 0; attempt < TRIES; attempt++) {
		const name = base + Array.from({ length: GENERATED }, (_, i) => sign(attempt, i)).join("");
		if (storage.get(resource.name, namespace, name) === undefined) return name;
	}
	throw alreadyExists({ group: resource.group, resource: resource.plural }, base);
}

// RFC 9562, version 4.
function freshUid(
	{ storage, random }: Registry,
	resource: ServedResource,
	{ namespace = "", name = "" }: ObjectMeta,
): string {
	const word = (i: number) =>
		random
			.integer(2 ** 32, "uid", resource.name, namespace, name, storage.revision, i)
			.toString(16)
			.padStart(8, "0");
	const hex = [0, 1, 2, 3].map(word).join("");
	const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16);
	return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, variant + hex.slice(17, 20), hex.slice(20)].join(
		"-",
	);
}
