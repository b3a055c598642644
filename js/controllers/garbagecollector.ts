// The garbage collector (pkg/controller/garbagecollector): what becomes of an object by its owners and its dependents. One
// object at a time, from what is there: what it asks for is done by whoever calls, and every change asks again.

import { FOREGROUND, ORPHAN } from "../api/finalizers.ts";
import type { KubernetesObject, OwnerReference } from "../api/meta.ts";

/** What the collector sees of the API. */
export interface Graph {
	/** The object that a reference of `dependent` names; null where it is gone, undefined where its kind is not known. */
	owner(dependent: KubernetesObject, reference: OwnerReference): KubernetesObject | null | undefined;
	/** Objects that name a uid among their owners. */
	dependents(uid: string): readonly KubernetesObject[];
}

export type Collection =
	| { does: "delete"; object: KubernetesObject; propagationPolicy: "Orphan" | "Background" | "Foreground" }
	/** Another version of the object: without owners or finalizers that it had. */
	| { does: "update"; object: KubernetesObject };

const has = ({ metadata }: KubernetesObject, finalizer: string) => (metadata.finalizers ?? []).includes(finalizer);
const isDeleting = ({ metadata }: KubernetesObject) => metadata.deletionTimestamp !== undefined;

/** Whether the object waits for its dependents to go. */
export const waitsForDependents = (object: KubernetesObject) => isDeleting(object) && has(object, FOREGROUND);

/** attemptToDeleteItem, attemptToOrphan. */
export function collect(object: KubernetesObject, graph: Graph): Collection[] {
	const { uid = "" } = object.metadata;
	if (isDeleting(object) && has(object, ORPHAN)) return orphaned(object, graph.dependents(uid));
	if (waitsForDependents(object)) {
		const blocks = graph
			.dependents(uid)
			.some((dependent) =>
				(dependent.metadata.ownerReferences ?? []).some(
					(owner) => owner.uid === uid && owner.blockOwnerDeletion === true,
				),
			);
		return blocks ? [] : [{ does: "update", object: withoutFinalizer(object, FOREGROUND) }];
	}
	return isDeleting(object) ? [] : byOwners(object, graph);
}

function orphaned(owner: KubernetesObject, dependents: readonly KubernetesObject[]): Collection[] {
	const { uid } = owner.metadata;
	return [
		...dependents.map((dependent): Collection => {
			return { does: "update", object: withOwners(dependent, (reference) => reference.uid !== uid) };
		}),
		{ does: "update", object: withoutFinalizer(owner, ORPHAN) },
	];
}

function byOwners(object: KubernetesObject, graph: Graph): Collection[] {
	const { ownerReferences: references = [], uid = "" } = object.metadata;
	if (references.length === 0) return [];
	const states = references.map((reference) => stateOf(graph.owner(object, reference), reference));
	if (states.includes("solid")) {
		if (states.every((state) => state === "solid")) return [];
		return [{ does: "update", object: withOwners(object, (_, i) => states[i] === "solid") }];
	}
	const dependents = graph.dependents(uid);
	if (states.includes("waiting") && dependents.length > 0) {
		const freed = dependents.some(waitsForDependents) ? unblocked(object) : object;
		const first: Collection[] = freed === object ? [] : [{ does: "update", object: freed }];
		return [...first, { does: "delete", object, propagationPolicy: "Foreground" }];
	}
	const propagationPolicy = has(object, ORPHAN) ? "Orphan" : has(object, FOREGROUND) ? "Foreground" : "Background";
	return [{ does: "delete", object, propagationPolicy }];
}

/** classifyReferences. An owner whose kind nobody knows may well be there. */
function stateOf(
	owner: KubernetesObject | null | undefined,
	{ uid }: OwnerReference,
): "solid" | "dangling" | "waiting" {
	if (owner === undefined) return "solid";
	if (owner === null || owner.metadata.uid !== uid) return "dangling";
	return waitsForDependents(owner) ? "waiting" : "solid";
}

function withFinalizers(object: KubernetesObject, finalizers: readonly string[]): KubernetesObject {
	const { finalizers: _, ...metadata } = object.metadata;
	return { ...object, metadata: finalizers.length === 0 ? metadata : { ...metadata, finalizers: [...finalizers] } };
}

function withoutFinalizer(object: KubernetesObject, finalizer: string): KubernetesObject {
	return withFinalizers(
		object,
		(object.metadata.finalizers ?? []).filter((name) => name !== finalizer),
	);
}

function withOwners(
	object: KubernetesObject,
	keeps: (reference: OwnerReference, index: number) => boolean,
): KubernetesObject {
	const { ownerReferences = [], ...metadata } = object.metadata;
	const kept = ownerReferences.filter(keeps);
	return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept } };
}

/** Two objects that wait for each other would wait for ever. */
function unblocked(object: KubernetesObject): KubernetesObject {
	const ownerReferences = (object.metadata.ownerReferences ?? []).map(({ blockOwnerDeletion: _, ...reference }) => ({
		...reference,
		blockOwnerDeletion: false,
	}));
	return { ...object, metadata: { ...object.metadata, ownerReferences } };
}
