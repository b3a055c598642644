// The defaults of single objects for those who have no registry: pods and Services out of manifests.

import type { PodSpec, Service } from "../../api/core.ts";
import { kubernetes } from "../../api/schema/kubernetes.generated.ts";
import { DEFAULTS } from "./groups.ts";
import { withDefaults } from "./walk.ts";

/** The Service with upstream's defaults; the argument is left as it is. */
export function withServiceDefaults(service: Service): Service {
	return withDefaults(kubernetes, DEFAULTS, "core.v1.Service", service);
}

/** The spec of a pod with upstream's defaults. */
export function withPodDefaults(spec: PodSpec): PodSpec {
	const pod = { apiVersion: "v1", kind: "Pod", metadata: {}, spec };
	return withDefaults(kubernetes, DEFAULTS, "core.v1.Pod", pod).spec;
}
