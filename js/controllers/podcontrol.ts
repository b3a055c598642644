// Pods made and deleted in a controller's name, with the events that say so (pkg/controller/controller_utils.go: RealPodControl).

import type { Pod } from "../api/core.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { hasCause, reasonOf } from "../api/reason.ts";
import type { World } from "../ports.ts";

/** Throws what the API refused. Nobody is told where the namespace is going. */
export function createPod({ store, recorder }: World, owner: KubernetesObject, pod: Pod): Pod {
	try {
		const made = store.create("pods", pod);
		recorder.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${made.metadata.name}`);
		return made;
	} catch (error) {
		if (reasonOf(error) !== null && !isEnding(error))
			recorder.event(owner, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
		throw error;
	}
}

/** False where it was gone already. Throws what the API refused. */
export function deletePod({ store, recorder }: World, owner: KubernetesObject, pod: Pod): boolean {
	try {
		store.delete("pods", pod);
	} catch (error) {
		const reason = reasonOf(error);
		if (reason === "NotFound") return false;
		if (reason !== null)
			recorder.event(owner, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
		throw error;
	}
	recorder.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
	return true;
}

/** The refusal of a namespace that is being terminated: no other attempt will fare better. */
export function isEnding(error: unknown): boolean {
	return hasCause(error, "NamespaceTerminating");
}

/**
 * Calls `act` up to `count` times in batches that double from one on, as long as none of a batch fails (slowStartBatch in
 * pkg/controller/replicaset). Returns the first refusal of the batch that failed.
 */
export function slowStart(count: number, act: () => void): unknown {
	for (let left = count, size = Math.min(left, 1); size > 0; size = Math.min(2 * size, left)) {
		let refusal: unknown;
		for (let i = 0; i < size; i++) {
			try {
				act();
			} catch (error) {
				if (reasonOf(error) === null) throw error;
				refusal ??= error;
			}
		}
		if (refusal !== undefined) return refusal;
		left -= size;
	}
	return undefined;
}
