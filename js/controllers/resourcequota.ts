// ResourceQuotas: what they hold to and how much is used, in their status (pkg/controller/resourcequota). The API charges what it
// lets in; here it is counted anew when a quota changes, when something goes or needs less, and every five minutes.

import { semanticEqual } from "../api/equality.ts";
import { keyOf } from "../api/key.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { only, type Quota, usageOf, usedOf } from "../api/quota.ts";
import type { Component, Later, Store, StoreChange, World } from "../ports.ts";
import { objectAt } from "./claim.ts";

const QUOTAS = "resourcequotas";
/** `--resource-quota-sync-period`. */
const RESYNC_MS = 300_000;

export const resourceQuota: Component = { name: "resourcequota", watches: { "*": keysOf }, reconcile };

function keysOf({ type, resource, object, previous }: StoreChange, store: Store): string[] {
	if (resource === QUOTAS && type !== "DELETED") return [keyOf(object)];
	const { namespace = "" } = object.metadata;
	if (namespace === "") return [];
	const quotas = store.list<Quota>(QUOTAS, namespace);
	if (quotas.length === 0 || (type === "MODIFIED" && !isOther(resource, object, previous))) return [];
	return quotas.map(keyOf);
}

/** Whether it uses another amount than before. */
function isOther(resource: string, object: KubernetesObject, previous: KubernetesObject | undefined): boolean {
	if (previous === undefined) return true;
	return !semanticEqual(usageOf(resource, object, 0n), usageOf(resource, previous, 0n));
}

function reconcile(key: string, { store, clock }: World): Later | undefined {
	const quota = objectAt<Quota>(store, QUOTAS, key);
	if (quota === undefined) return undefined;
	const status = quotaStatus(quota, store, clock.now());
	if (!semanticEqual(status, quota.status)) store.updateStatus(QUOTAS, { ...quota, status });
	return { idleMs: RESYNC_MS };
}

/** `now`: ns since the epoch. */
export function quotaStatus(quota: Quota, store: Pick<Store, "list">, now: bigint): NonNullable<Quota["status"]> {
	const hard = quota.spec?.hard ?? {};
	const { namespace = "" } = quota.metadata;
	const used = usedOf(quota, (resource) => store.list(resource, namespace), now);
	// What nobody counts stays as somebody said it.
	const other = only((quota.status?.used ?? {}) as Record<string, string>, Object.keys(hard));
	return { hard, used: { ...other, ...used } };
}
