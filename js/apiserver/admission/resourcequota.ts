// The admission plugin ResourceQuota (k8s.io/apiserver/pkg/admission/plugin/resourcequota: controller.go): what an object uses is
// charged to the quotas of its namespace before it is there, and one that would be exceeded refuses it. A quota counts from when its
// controller has said what it holds to.

import type { KubernetesObject } from "../../api/meta.ts";
import { compareQuantities } from "../../api/quantity.ts";
import {
	countedResource,
	difference,
	isInScope,
	only,
	type Quota,
	sumOf,
	type Usage,
	uncountable,
	usageOf,
} from "../../api/quota.ts";
import type { ServedResource } from "../registry/catalogue.ts";
import type { Registry } from "../registry/request.ts";
import { forbidden } from "../status.ts";

/** Kinds whose use may change while they are there. */
const CHANGING: ReadonlySet<string> = new Set(["services", "persistentvolumeclaims"]);

/** What charges the quotas, once the object is written. Throws StatusError 403. `before`: undefined of a new object. */
export function charged(
	{ storage, clock }: Registry,
	{ keptAs: resource, namespaced, group, plural }: ServedResource,
	object: KubernetesObject,
	before: KubernetesObject | undefined,
): () => void {
	const { namespace = "", name = "" } = object.metadata;
	if (!namespaced || (before !== undefined && !CHANGING.has(resource))) return () => {};
	const refuse = (why: string) => forbidden({ group, resource: plural }, name, why);
	const quotas = (storage.list("resourcequotas", { namespace }).items as Quota[]).filter(
		(quota) => limitedBy(quota, resource).length > 0 && isInScope(quota, resource, object),
	);
	if (quotas.length === 0) return () => {};
	for (const quota of quotas) {
		const limited = limitedBy(quota, resource);
		const why = uncountable(resource, object, limited);
		if (why !== undefined) throw refuse(`failed quota: ${quota.metadata.name}: ${why}`);
		const unknown = limited.filter((limit) => quota.status?.used?.[limit] === undefined).sort();
		if (unknown.length > 0)
			throw refuse(`status unknown for quota: ${quota.metadata.name}, resources: ${unknown.join(",")}`);
	}
	const now = clock.now();
	const usage = difference(usageOf(resource, object, now), before === undefined ? {} : usageOf(resource, before, now));
	const after = quotas.map((quota) => {
		const hard = quota.status?.hard as Usage;
		const requested = only(usage, Object.keys(hard));
		const used = sumOf(quota.status?.used as Usage, requested);
		const exceeded = Object.keys(requested).filter(
			(limit) => compareQuantities(used[limit] ?? "0", hard[limit] ?? "0") > 0,
		);
		if (exceeded.length > 0) {
			const shown = (amounts: Usage) => printed(only(amounts, exceeded));
			throw refuse(
				`exceeded quota: ${quota.metadata.name}, requested: ${shown(requested)}, used: ${shown(quota.status?.used as Usage)}, limited: ${shown(hard)}`,
			);
		}
		return { quota, used, isCharged: Object.keys(requested).length > 0 };
	});
	return () => {
		for (const { quota, used, isCharged } of after)
			if (isCharged) storage.put("resourcequotas", { ...quota, status: { ...quota.status, used } } as KubernetesObject);
	};
}

/** What it limits of a resource, as its controller has said. */
function limitedBy({ status }: Quota, resource: string): string[] {
	return Object.keys(status?.hard ?? {}).filter((limit) => countedResource(limit) === resource);
}

/** `cpu=1,memory=1Gi`. */
function printed(amounts: Usage): string {
	return Object.keys(amounts)
		.sort()
		.map((name) => `${name}=${amounts[name]}`)
		.join(",");
}
