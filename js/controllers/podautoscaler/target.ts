// What a HorizontalPodAutoscaler scales: workloads with a scale subresource, and which pods are theirs
// (pkg/controller/podautoscaler/horizontal.go: scaleForResourceMappings, validateAndParseSelector).

import type { HorizontalPodAutoscaler } from "../../api/autoscaling.ts";
import type { Pod } from "../../api/core.ts";
import { keyOf } from "../../api/key.ts";
import type { KubernetesObject, LabelSelector } from "../../api/meta.ts";
import type { Store } from "../../ports.ts";
import { selected } from "../lookup.ts";

export const RESOURCE = "horizontalpodautoscalers.autoscaling";

interface Scaled extends KubernetesObject {
	spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
	status?: { replicas?: number };
}

export interface Target {
	/** `deployments.apps`. */
	resource: string;
	object: Scaled;
}

const TARGETS: Readonly<Record<string, [resource: string, scale: string]>> = {
	"apps/Deployment": ["deployments.apps", "deployments/scale.apps"],
	"apps/ReplicaSet": ["replicasets.apps", "replicasets/scale.apps"],
	"apps/StatefulSet": ["statefulsets.apps", "statefulsets/scale.apps"],
	"/ReplicationController": ["replicationcontrollers", "replicationcontrollers/scale"],
};

/** A text is why there is none. */
export function targetOf({ metadata, spec }: HorizontalPodAutoscaler, store: Store): Target | string {
	const { apiVersion = "", kind = "", name = "" } = spec?.scaleTargetRef ?? {};
	const [group = "", version, ...more] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
	if (more.length > 0) return `unexpected GroupVersion string: ${apiVersion}`;
	const [resource, scale] = version === undefined ? [] : (TARGETS[`${group}/${kind}`] ?? []);
	if (resource === undefined) return `no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`;
	const object = store.get<Scaled>(resource, metadata.namespace ?? "", name);
	return object === undefined ? `${scale} ${JSON.stringify(name)} not found` : { resource, object };
}

/** Equality alone, as ReplicationControllers have it, or a LabelSelector. */
export function selectorOf({ spec }: Scaled): LabelSelector {
	const selector = spec?.selector ?? {};
	const isSelector = "matchLabels" in selector || "matchExpressions" in selector;
	return isSelector ? (selector as LabelSelector) : { matchLabels: selector as Record<string, string> };
}

export function podsOf({ object }: Target, store: Store): readonly Pod[] {
	return selected<Pod>(store, "pods", object.metadata.namespace ?? "", selectorOf(object));
}

/** Autoscalers of the namespace whose target's selector selects one of the pods, in order of name. */
export function autoscalersOf(pods: readonly Pod[], namespace: string, store: Store): HorizontalPodAutoscaler[] {
	const names = new Set(pods.map(keyOf));
	return store.list<HorizontalPodAutoscaler>(RESOURCE, namespace).filter((autoscaler) => {
		const target = targetOf(autoscaler, store);
		return typeof target !== "string" && podsOf(target, store).some((pod) => names.has(keyOf(pod)));
	});
}

/** `app=web,tier in (a,b)`, in order of key. */
export function printSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
	const listed = (values: readonly string[] = []) => `(${[...values].sort().join(",")})`;
	const parts: [key: string, text: string][] = [
		...Object.entries(matchLabels).map(([key, value]): [string, string] => [key, `${key}=${value}`]),
		...matchExpressions.map(({ key, operator, values }): [string, string] => {
			if (operator === "Exists") return [key, key];
			if (operator === "DoesNotExist") return [key, `!${key}`];
			return [key, `${key} ${operator === "In" ? "in" : "notin"} ${listed(values)}`];
		}),
	];
	return parts
		.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
		.map(([, text]) => text)
		.join(",");
}
