// The claims of a StatefulSet's pods: made before the pod, kept or given up after it as persistentVolumeClaimRetentionPolicy
// says, by owner references that the garbage collector follows (pkg/controller/statefulset/stateful_pod_control.go).

import type { StatefulSet } from "../../api/apps.ts";
import type { Pod } from "../../api/core.ts";
import { semanticEqual } from "../../api/equality.ts";
import type { KubernetesObject, OwnerReference } from "../../api/meta.ts";
import { NotYet, reasonOf } from "../../api/reason.ts";
import type { World } from "../../ports.ts";
import { ownerReference } from "../pod.ts";
import { claimNames, claimsOf, isInRange } from "./identity.ts";

const CLAIMS = "persistentvolumeclaims";

function policyOf({ spec }: StatefulSet): { deleted: boolean; scaled: boolean } {
	const { whenDeleted, whenScaled } = spec?.persistentVolumeClaimRetentionPolicy ?? {};
	return { deleted: whenDeleted === "Delete", scaled: whenScaled === "Delete" };
}

/** Makes the claims that are missing. Throws what the API refused, after all were tried. */
export function createClaims({ store, recorder }: World, set: StatefulSet, pod: Pod): void {
	let refusal: unknown;
	for (const claim of claimsOf(set, pod)) {
		const { namespace = "", name = "" } = claim.metadata;
		const whose = `Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
		const there = store.get(CLAIMS, namespace, name);
		if (there?.metadata.deletionTimestamp !== undefined) refusal ??= new NotYet(`pvc ${name} is being deleted`);
		if (there !== undefined) continue;
		try {
			store.create(CLAIMS, claim);
			recorder.event(set, "Normal", "SuccessfulCreate", `Create Claim ${name} ${whose} success`);
		} catch (error) {
			const reason = reasonOf(error);
			if (reason === null) throw error;
			if (reason !== "AlreadyExists")
				recorder.event(
					set,
					"Warning",
					"FailedCreate",
					`Create Claim ${name} for ${whose} failed error: ${(error as Error).message}`,
				);
			refusal ??= error;
		}
	}
	if (refusal !== undefined) throw refusal;
}

/** A claim that is to go with a pod of the name that is there no more: the next pod waits until it has gone (PodClaimIsStale). */
export function hasStaleClaim({ store }: World, set: StatefulSet, pod: Pod): boolean {
	if (!policyOf(set).scaled) return false;
	return claimNames(set, pod).some((name) => {
		const claim = store.get(CLAIMS, set.metadata.namespace ?? "", name);
		return claim !== undefined && isStale(claim, pod);
	});
}

const names = ({ apiVersion, kind, name }: OwnerReference, object: KubernetesObject) =>
	apiVersion === object.apiVersion && kind === object.kind && name === object.metadata.name;

function isStale({ metadata }: KubernetesObject, owner: KubernetesObject): boolean {
	const found = metadata.ownerReferences?.find((reference) => names(reference, owner));
	return found !== undefined && found.uid !== owner.metadata.uid;
}

/** Owner references of the claims as the policy wants them. Throws what the API refused. */
export function applyRetention({ store, recorder }: World, set: StatefulSet, pod: Pod): void {
	for (const name of claimNames(set, pod)) {
		const claim = store.get(CLAIMS, set.metadata.namespace ?? "", name);
		if (claim === undefined) continue;
		const conflicts = hasOtherController(claim, set, pod);
		if (conflicts)
			recorder.event(
				set,
				"Warning",
				"ConflictingController",
				`PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`,
			);
		// One that is about to be collected with its owner stays as it is.
		if (isStale(claim, set) || isStale(claim, pod)) continue;
		const others = (claim.metadata.ownerReferences ?? []).filter(
			(reference) => !names(reference, set) && !names(reference, pod),
		);
		const wanted = conflicts ? others : [...others, ...ownersBy(set, pod)];
		if (semanticEqual(wanted, claim.metadata.ownerReferences ?? [])) continue;
		const { ownerReferences: _, ...metadata } = claim.metadata;
		store.update(CLAIMS, {
			...claim,
			metadata: wanted.length === 0 ? metadata : { ...metadata, ownerReferences: wanted },
		});
	}
}

function ownersBy(set: StatefulSet, pod: Pod): OwnerReference[] {
	const { deleted, scaled } = policyOf(set);
	if (scaled && !isInRange(set, pod)) return [ownerReference(pod)];
	return deleted ? [ownerReference(set)] : [];
}

/** hasUnexpectedController: only where the policy would delete claims. */
function hasOtherController(claim: KubernetesObject, set: StatefulSet, pod: Pod): boolean {
	const { deleted, scaled } = policyOf(set);
	if (!deleted && !scaled) return false;
	return (claim.metadata.ownerReferences ?? []).some((reference) => {
		const own = [set, pod].find((object) => names(reference, object));
		return own === undefined ? reference.controller === true : reference.uid !== own.metadata.uid;
	});
}
