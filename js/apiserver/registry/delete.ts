// DELETE: at once, or by a mark that finalizers and, for pods, the kubelet answer
// (k8s.io/apiserver/pkg/registry/rest/delete.go, registry/generic/registry/store.go: Delete, deletionFinalizersForGarbageCollection).

import type { KubernetesObject, ObjectMeta } from "../../api/meta.ts";
import { conflict, notFound } from "../status.ts";
import { GENERATIONS } from "./names.ts";
import { type DeleteOptions, type Preconditions, type Registry, type Subject, stored, timestamp } from "./request.ts";

/** Finalizers by which an object waits for the garbage collector. */
export const ORPHAN = "orphan";
export const FOREGROUND = "foregroundDeletion";

export interface Deletion {
	object: KubernetesObject;
	/** False: it is marked and still there. */
	gone: boolean;
}

/** Throws StatusError. */
export function remove(registry: Registry, subject: Subject, options: DeleteOptions = {}): Deletion {
	const { resource, namespace, name } = subject;
	const before = stored(registry, subject);
	if (before === undefined) throw notFound({ group: resource.group, resource: resource.plural }, name);
	checkPreconditions(subject, before, options.preconditions);
	const metadata = marked(registry, subject, before, options);
	if (metadata === null) {
		if (options.dryRun === true) return { object: before, gone: true };
		return { object: registry.storage.remove(resource.name, namespace, name) ?? before, gone: true };
	}
	const after = { ...before, metadata };
	if (options.dryRun === true || JSON.stringify(metadata) === JSON.stringify(before.metadata))
		return { object: after, gone: false };
	return { object: registry.storage.put(resource.name, after), gone: false };
}

function checkPreconditions(
	{ resource, name }: Subject,
	{ metadata }: KubernetesObject,
	wanted: Preconditions = {},
): void {
	const about = { group: resource.group, resource: resource.plural };
	const { uid, resourceVersion: version } = wanted;
	if (uid !== undefined && uid !== metadata.uid)
		throw conflict(
			about,
			name,
			`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
		);
	if (version === undefined || version === metadata.resourceVersion) return;
	const is = metadata.resourceVersion;
	throw conflict(
		about,
		name,
		`Precondition failed: ResourceVersion in precondition: ${version}, ResourceVersion in object meta: ${is}`,
	);
}

/** The metadata of an object that stays for now; null where it goes at once. */
function marked(
	registry: Registry,
	{ resource }: Subject,
	before: KubernetesObject,
	options: DeleteOptions,
): ObjectMeta | null {
	const finalizers = finalizersOf(before.metadata.finalizers ?? [], options);
	const strategy = registry.strategy(resource);
	const grace = strategy.gracePeriod?.(before, options.gracePeriodSeconds) ?? 0;
	const pending = before.metadata.deletionTimestamp !== undefined;
	// A deletion that is under way can only be shortened.
	const left = pending ? Math.min(grace, before.metadata.deletionGracePeriodSeconds ?? 0) : grace;
	if (finalizers.length === 0 && left === 0) return null;
	const metadata: ObjectMeta = { ...before.metadata };
	if (finalizers.length > 0) metadata.finalizers = finalizers;
	else delete metadata.finalizers;
	if (pending && left === (before.metadata.deletionGracePeriodSeconds ?? 0)) return metadata;
	metadata.deletionTimestamp = timestamp(registry.clock, left * 1000);
	metadata.deletionGracePeriodSeconds = left;
	if (!pending && GENERATIONS.has(resource.name)) metadata.generation = (metadata.generation ?? 0) + 1;
	return metadata;
}

function finalizersOf(present: readonly string[], { propagationPolicy }: DeleteOptions): string[] {
	if (propagationPolicy === undefined) return [...present];
	const others = present.filter((name) => name !== ORPHAN && name !== FOREGROUND);
	if (propagationPolicy === "Orphan") return [...others, ORPHAN];
	return propagationPolicy === "Foreground" ? [...others, FOREGROUND] : others;
}
