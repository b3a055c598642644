// PUT and what a patch comes to: the object as it shall be, against the one that is there
// (k8s.io/apiserver/pkg/registry/rest/update.go, registry/generic/registry/store.go).

import { withMember, withoutMember } from "../../api/member.ts";
import type { KubernetesObject, ObjectMeta } from "../../api/meta.ts";
import { checkAdmission } from "../admission/admission.ts";
import { charged } from "../admission/resourcequota.ts";
import { type Owner, ownersOf, updatedOwners, withOwners } from "../apply/managers.ts";
import { equalJson, type Json, type JsonObject } from "../patch/json.ts";
import { badRequest, conflict, invalid, invalidValue, notFound } from "../status.ts";
import { validateMetadata, validateMetadataUpdate } from "../validation/metadata.ts";
import { complete as completeOf } from "./complete.ts";
import { countsGenerations, nameRule } from "./names.ts";
import { keep, type Registry, type Subject, stored, type WriteOptions, writerOf } from "./request.ts";
import type { Strategy } from "./strategy.ts";

export interface UpdateOptions extends WriteOptions {
	/** `/status` writes the status, and of the metadata what the kind's strategy does not leave; everything else leaves it. */
	status?: boolean;
}

/** Throws StatusError. What is equal to what is there is not written, and keeps its revision. */
export function update(
	registry: Registry,
	subject: Subject,
	object: KubernetesObject,
	options: UpdateOptions = {},
): KubernetesObject {
	const { resource, namespace, name } = subject;
	const about = { group: resource.group, resource: resource.plural };
	const before = stored(registry, subject);
	if (before === undefined) throw notFound(about, name);
	checkIdentity(subject, object, before);
	const { resourceVersion, uid } = object.metadata;
	if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) throw conflict(about, name);
	if (uid && uid !== before.metadata.uid) {
		const { uid: is } = before.metadata;
		throw conflict(about, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${is}`);
	}
	const strategy = registry.strategy(resource);
	const status = options.status === true;
	if (strategy.conditional === true && !resourceVersion)
		throw invalid(resource.group, resource.plural, name, [
			invalidValue("metadata.resourceVersion", 0, "must be specified for an update"),
		]);
	const complete = completeOf(registry, resource, object);
	const whole = { ...subject, resource: registry.catalogue.kept(resource) };
	const dryRun = options.dryRun === true;
	const prepared = status ? complete : (strategy.prepareUpdate?.(complete, before) ?? complete);
	const nothing = { object: prepared, commit: () => {} };
	const { object: given, commit } =
		(status ? undefined : strategy.begin?.(registry, prepared, before, dryRun)) ?? nothing;
	const written = merged(whole, strategy, complete, before, status);
	const changed = given === complete ? written : merged(whole, strategy, given, before, status);
	const settled = status ? changed : (strategy.settled?.(changed, before, registry) ?? changed);
	const after = withOwners(settled, owners(registry, subject, written, before, options));
	const errors = [
		...validateMetadataUpdate(after.metadata, before.metadata),
		...(status ? (strategy.validateStatus?.(after, before) ?? []) : []),
		...(status ? [] : (strategy.validateUpdate?.(after, before) ?? [])),
		...validateMetadata(after.metadata, resource.namespaced, nameRule(resource.name)),
		...(status ? [] : (strategy.validate?.(after) ?? [])),
	];
	if (errors.length > 0) throw invalid(whole.resource.group, resource.kind, name, errors);
	if (!status) checkAdmission(registry, resource, after, before);
	const charge = status ? () => {} : charged(registry, resource, after, before);
	if (equalJson(after as unknown as Json, before as unknown as Json)) return before;
	if (dryRun) return after;
	commit();
	charge();
	if (!isGone(after) || strategy.isHeld?.(after) === true) return keep(registry, resource, after);
	const gone = registry.storage.remove(resource.keptAs, namespace, name) ?? after;
	strategy.afterDelete?.(registry, gone);
	return { ...after, metadata: { ...after.metadata, resourceVersion: gone.metadata.resourceVersion ?? "" } };
}

function owners(
	registry: Registry,
	{ resource }: Subject,
	object: KubernetesObject,
	before: KubernetesObject,
	options: UpdateOptions,
): readonly Owner[] {
	if (options.owners !== undefined) return options.owners;
	const writer = writerOf(registry, options, options.status === true ? "status" : "");
	if (writer === undefined) return ownersOf(before.metadata);
	return updatedOwners(registry.catalogue.schema, resource, before, withOwners(object, []), writer);
}

function checkIdentity({ name, namespace }: Subject, { metadata }: KubernetesObject, before: KubernetesObject): void {
	if (!metadata.name)
		throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
	if (metadata.name !== name)
		throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
	if (metadata.namespace !== undefined && metadata.namespace !== (before.metadata.namespace ?? ""))
		throw badRequest(
			`the namespace of the object (${metadata.namespace}) does not match the namespace on the request (${namespace})`,
		);
}

function merged(
	{ resource }: Subject,
	{ statusLeaves, countsAnnotations }: Strategy,
	object: KubernetesObject,
	before: KubernetesObject,
	status: boolean,
): KubernetesObject {
	const { generation } = before.metadata;
	const metadata = withoutMember(object.metadata, "generation");
	for (const field of KEPT) if (before.metadata[field] !== undefined) restore(metadata, field, before.metadata);
	if (before.metadata.namespace) metadata.namespace = before.metadata.namespace;
	if (generation !== undefined) metadata.generation = generation;
	if (status) {
		if (statusLeaves === "all") return withStatus(before, object.status);
		for (const field of statusLeaves ?? []) restore(metadata, field, before.metadata);
		return withStatus(withMember(before, "metadata", metadata), object.status);
	}
	const wanted: KubernetesObject = { ...object, apiVersion: resource.apiVersion, kind: resource.kind, metadata };
	const after = resource.subresources.status === undefined ? wanted : withStatus(wanted, before.status);
	const counts = countsGenerations(resource) && resource.kind !== "PriorityClass";
	const isOther =
		!isSameSpec(after, before) ||
		(countsAnnotations === true && !equalJson(metadata.annotations ?? {}, before.metadata.annotations ?? {}));
	if (counts && isOther) metadata.generation = (generation ?? 0) + 1;
	return after;
}

/** What the server alone writes. */
const KEPT = [
	...["name", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"],
] as const satisfies readonly (keyof ObjectMeta)[];

function restore<K extends keyof ObjectMeta>(metadata: ObjectMeta, field: K, before: ObjectMeta): void {
	const value = before[field];
	if (value === undefined) delete metadata[field];
	else metadata[field] = value;
}

function withStatus(object: KubernetesObject, status: unknown): KubernetesObject {
	const made = withoutMember(object, "status");
	if (status !== undefined) made.status = status;
	return made;
}

/** Whether everything is equal that is neither metadata nor status. */
function isSameSpec(a: KubernetesObject, b: KubernetesObject): boolean {
	const [one, other] = [a, b] as unknown as [JsonObject, JsonObject];
	for (const name in one)
		if (!BESIDE.has(name) && (!Object.hasOwn(other, name) || !equalJson(one[name], other[name]))) return false;
	for (const name in other) if (!BESIDE.has(name) && !Object.hasOwn(one, name)) return false;
	return true;
}

const BESIDE: ReadonlySet<string> = new Set(["metadata", "status"]);

/** Deleted, and nothing holds it any more. */
function isGone({ metadata }: KubernetesObject): boolean {
	const waits = metadata.deletionGracePeriodSeconds !== undefined && metadata.deletionGracePeriodSeconds > 0;
	return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0 && !waits;
}
