// The key of an object among those of its kind, as work queues have it (client-go tools/cache: MetaNamespaceKeyFunc).

import type { KubernetesObject } from "./meta.ts";

/** `NAMESPACE/NAME`; of a cluster-scoped one `/NAME`. */
export function keyOf({ metadata }: KubernetesObject): string {
	return `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}
