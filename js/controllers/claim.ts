// What a controller owns, and what it takes or lets go by its selector (pkg/controller/controller_ref_manager.go), and whose
// key a change of an owned object wakes (addPod, updatePod, deletePod of each controller).

import { semanticEqual } from "../api/equality.ts";
import { orphansOf } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
import type { KubernetesObject, LabelSelector } from "../api/meta.ts";
import { reasonOf } from "../api/reason.ts";
import type { Labels } from "../api/selector.ts";
import type { Store, StoreChange } from "../ports.ts";
import { ownedBy, selecting } from "./lookup.ts";
import { controllerOf, ownerReference } from "./pod.ts";

/** A kind of owner. */
export interface OwnerKind {
	/** `ReplicaSet`. */
	kind: string;
	/** `replicasets.apps`. */
	resource: string;
	/** undefined: it selects nothing, and adopts nothing. */
	selectorOf(owner: KubernetesObject): LabelSelector | undefined;
}

/** The object that a key names. */
export function objectAt<T extends KubernetesObject>(store: Store, resource: string, key: string): T | undefined {
	const [namespace = "", name = ""] = key.split("/");
	return store.get<T>(resource, namespace, name);
}

/** The key of every change of a resource's own objects. */
export const ownKey = ({ object }: StoreChange): string[] => [keyOf(object)];

/** Keys of owners of what changed: its controller, the one before, and of an orphan all who would adopt it. */
export function ownerKeys(owner: OwnerKind): (change: StoreChange, store: Store) => string[] {
	return ({ type, object, previous }, store) => {
		const keys = new Set<string>();
		const now = controllerKey(owner, object, store);
		const before = previous && controllerKey(owner, previous, store);
		if (before !== undefined) keys.add(before);
		if (now !== undefined) keys.add(now);
		if (type === "DELETED" || controllerOf(object) !== undefined) return [...keys];
		const isNews =
			previous === undefined ||
			controllerOf(previous) !== undefined ||
			!semanticEqual(previous.metadata.labels ?? {}, object.metadata.labels ?? {});
		if (isNews) for (const matching of matchingOwners(owner, object, store)) keys.add(keyOf(matching));
		return [...keys];
	};
}

function controllerKey({ kind, resource }: OwnerKind, object: KubernetesObject, store: Store): string | undefined {
	const reference = controllerOf(object);
	if (reference?.kind !== kind) return undefined;
	const { namespace = "" } = object.metadata;
	const found = store.get(resource, namespace, reference.name);
	return found?.metadata.uid === reference.uid ? `${namespace}/${reference.name}` : undefined;
}

function matchingOwners(owner: OwnerKind, { metadata }: KubernetesObject, store: Store): KubernetesObject[] {
	const selectorOf = (candidate: KubernetesObject) => {
		const selector = owner.selectorOf(candidate);
		return selector === undefined || isEmpty(selector) ? undefined : selector;
	};
	return selecting(store, owner.resource, selectorOf, metadata);
}

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector) =>
	Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;

/** Objects that a controller owns, and its namespace's orphans, in order of name. */
export function candidates<T extends KubernetesObject>(store: Store, resource: string, owner: KubernetesObject): T[] {
	const { uid = "", namespace } = owner.metadata;
	const owned = ownedBy<T>(store, resource, uid).filter((object) => controllerOf(object)?.uid === uid);
	const orphans = ownedBy<T>(store, resource, orphansOf(namespace));
	return orphans.length === 0 ? owned : [...owned, ...orphans];
}

export interface Claim<T> {
	owner: KubernetesObject;
	resource: string;
	objects: readonly T[];
	matches(labels: Labels | undefined, object: T): boolean;
	/** Put on what is adopted, taken off what is let go. */
	finalizer?: string;
}

/**
 * Those of the objects that are the owner's from now on: orphans that match are adopted, what it owns and does not match any
 * more is let go. Does nothing for an owner that is being deleted. Throws the first refusal, after all were tried.
 */
export function claim<T extends KubernetesObject>(
	store: Store,
	{ owner, resource, objects, matches, finalizer }: Claim<T>,
): T[] {
	const { uid } = owner.metadata;
	const isGoing = owner.metadata.deletionTimestamp !== undefined;
	const claimed: T[] = [];
	let refusal: unknown;
	for (const object of objects) {
		const controller = controllerOf(object);
		const fits = matches(object.metadata.labels, object);
		if (controller !== undefined && controller.uid !== uid) continue;
		if (controller !== undefined && fits) {
			claimed.push(object);
			continue;
		}
		if (isGoing || (controller === undefined && (!fits || object.metadata.deletionTimestamp !== undefined))) continue;
		try {
			if (controller === undefined) claimed.push(store.update(resource, adopted(object, owner, finalizer)));
			else store.update(resource, released(object, owner, finalizer));
		} catch (error) {
			const reason = reasonOf(error);
			if (reason === null) throw error;
			if (reason !== "NotFound") refusal ??= error;
		}
	}
	if (refusal !== undefined) throw refusal;
	return claimed;
}

function adopted<T extends KubernetesObject>(object: T, owner: KubernetesObject, finalizer: string | undefined): T {
	const { ownerReferences = [], finalizers = [] } = object.metadata;
	const metadata = { ...object.metadata, ownerReferences: [...ownerReferences, ownerReference(owner)] };
	if (finalizer !== undefined) metadata.finalizers = [...finalizers.filter((name) => name !== finalizer), finalizer];
	return { ...object, metadata };
}

function released<T extends KubernetesObject>(object: T, owner: KubernetesObject, finalizer: string | undefined): T {
	const { ownerReferences = [], finalizers = [], ...metadata } = object.metadata;
	const owners = ownerReferences.filter((reference) => reference.uid !== owner.metadata.uid);
	const kept = finalizers.filter((name) => name !== finalizer);
	return {
		...object,
		metadata: {
			...metadata,
			...(owners.length > 0 && { ownerReferences: owners }),
			...(kept.length > 0 && { finalizers: kept }),
		},
	};
}
