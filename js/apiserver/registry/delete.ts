// DELETE: at once, or by a mark that finalizers and, for pods, the kubelet answer
// (k8s.io/apiserver/pkg/registry/rest/delete.go, registry/generic/registry/store.go: Delete, deletionFinalizersForGarbageCollection).

import { FOREGROUND, ORPHAN } from "../../api/finalizers.ts";
import type { KubernetesObject, ObjectMeta } from "../../api/meta.ts";
import { conflict, invalid, notFound, notSupported } from "../status.ts";
import { countsGenerations } from "./names.ts";
import {
	type DeleteOptions,
	keep,
	type Preconditions,
	type PropagationPolicy,
	type Registry,
	type Subject,
	stored,
	timestamp,
} from "./request.ts";

export interface Deletion {
	object: KubernetesObject;
	/** False: it is marked and still there. */
	gone: boolean;
}

const EMPTYING =
	"The system is ensuring all content is removed from this namespace.  Upon completion, this namespace will automatically be purged by the system.";

/** Throws StatusError. */
export function remove(registry: Registry, subject: Subject, options: DeleteOptions = {}): Deletion {
	const { resource, namespace, name } = subject;
	const strategy = registry.strategy(resource);
	checkOptions(options);
	strategy.mayDelete?.(name);
	const before = stored(registry, subject);
	if (before === undefined) throw notFound({ group: resource.group, resource: resource.plural }, name);
	checkPreconditions(subject, before, options.preconditions);
	const metadata = marked(registry, subject, before, options);
	const isHeld = strategy.isHeld?.(before) ?? false;
	if ((metadata.finalizers ?? []).length === 0 && !isHeld && (metadata.deletionGracePeriodSeconds ?? 0) === 0) {
		const last = strategy.gracePeriod === undefined ? before : { ...before, metadata };
		if (options.dryRun === true) return { object: last, gone: true };
		const removed = registry.storage.remove(resource.keptAs, namespace, name) ?? before;
		strategy.afterDelete?.(registry, removed);
		const { resourceVersion = "" } = removed.metadata;
		return { object: { ...last, metadata: { ...last.metadata, resourceVersion } }, gone: true };
	}
	const marks = { ...before, metadata };
	const after = strategy.terminating?.(marks) ?? marks;
	if (strategy.isHeld !== undefined && before.metadata.deletionTimestamp !== undefined)
		throw conflict({ group: resource.group, resource: resource.plural }, name, EMPTYING);
	if (options.dryRun === true || JSON.stringify(metadata) === JSON.stringify(before.metadata))
		return { object: after, gone: false };
	const kept = keep(registry, resource, after);
	strategy.afterMark?.(registry, kept);
	return { object: kept, gone: false };
}

// ValidateDeleteOptions (apimachinery pkg/apis/meta/v1/validation)
function checkOptions({ propagationPolicy: policy }: DeleteOptions): void {
	const known = ["Foreground", "Background", "Orphan"];
	if (policy === undefined || known.includes(policy)) return;
	const errors = [notSupported("propagationPolicy", policy, [...known, "nil"])];
	throw invalid("meta.k8s.io", "DeleteOptions", "", errors);
}

// Messages name the kind here, not the resource.
function checkPreconditions(
	{ resource, name }: Subject,
	{ metadata }: KubernetesObject,
	wanted: Preconditions = {},
): void {
	const about = { group: resource.group, resource: resource.kind };
	const { uid, resourceVersion: version } = wanted;
	if (uid !== undefined && uid !== metadata.uid)
		throw conflict(
			about,
			name,
			`the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
		);
	if (version === undefined || version === metadata.resourceVersion) return;
	const is = metadata.resourceVersion;
	throw conflict(
		about,
		name,
		`the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${is}). The object might have been modified`,
	);
}

/** The metadata of an object that is being deleted. */
function marked(
	registry: Registry,
	{ resource }: Subject,
	before: KubernetesObject,
	options: DeleteOptions,
): ObjectMeta {
	const strategy = registry.strategy(resource);
	const policy = options.propagationPolicy ?? strategy.propagationPolicy;
	const pending = before.metadata.deletionTimestamp !== undefined;
	const present = before.metadata.finalizers ?? [];
	const own = strategy.deletionFinalizer;
	const held = own === undefined || pending || present.includes(own) ? present : [...present, own];
	const finalizers = finalizersOf(held, policy);
	const grace = strategy.gracePeriod?.(before, options.gracePeriodSeconds) ?? 0;
	// A deletion that is under way can only be shortened.
	const left = pending ? Math.min(grace, before.metadata.deletionGracePeriodSeconds ?? 0) : grace;
	const metadata: ObjectMeta = { ...before.metadata };
	if (finalizers.length > 0) metadata.finalizers = finalizers;
	else delete metadata.finalizers;
	if (pending && left === (before.metadata.deletionGracePeriodSeconds ?? 0)) return metadata;
	metadata.deletionTimestamp = timestamp(registry.clock, left * 1000);
	// A namespace is given no time, but is emptied.
	if (strategy.terminating === undefined) metadata.deletionGracePeriodSeconds = left;
	if (!pending && countsGenerations(resource) && own === undefined)
		metadata.generation = (metadata.generation ?? 0) + 1;
	return metadata;
}

function finalizersOf(present: readonly string[], policy: PropagationPolicy | undefined): string[] {
	if (policy === undefined) return [...present];
	const others = present.filter((name) => name !== ORPHAN && name !== FOREGROUND);
	if (policy === "Orphan") return [...others, ORPHAN];
	return policy === "Foreground" ? [...others, FOREGROUND] : others;
}
