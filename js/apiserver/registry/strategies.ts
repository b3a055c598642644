// The strategies of the built-in kinds, by resource.

import type { PodSpec } from "../../api/core.ts";
import type { CoreV1Namespace, CoreV1Pod } from "../../api/schema/types.generated.ts";
import { withPodDefaults } from "../defaults.ts";
import { required } from "../status.ts";
import type { ServedResource } from "./catalogue.ts";
import type { Strategy } from "./strategy.ts";

const DEFAULT_GRACE = 30;

// pkg/registry/core/pod/strategy.go
const pods: Strategy = {
	withDefaults(object) {
		const { spec, status } = object as CoreV1Pod;
		// Nothing can be filled into what is to be refused.
		if (spec?.containers === undefined) return object;
		return { ...object, spec: withPodDefaults(spec as PodSpec), status: { phase: "Pending", ...status } };
	},
	validate(object) {
		const { spec } = object as CoreV1Pod;
		return (spec?.containers ?? []).length === 0 ? [required("spec.containers")] : [];
	},
	selectable(object) {
		const { spec, status } = object as CoreV1Pod;
		return {
			"spec.nodeName": spec?.nodeName ?? "",
			"spec.restartPolicy": spec?.restartPolicy ?? "",
			"spec.schedulerName": spec?.schedulerName ?? "",
			"spec.serviceAccountName": spec?.serviceAccountName ?? "",
			"spec.hostNetwork": String(spec?.hostNetwork ?? false),
			"status.phase": status?.phase ?? "",
			"status.podIP": status?.podIP ?? "",
			"status.nominatedNodeName": status?.nominatedNodeName ?? "",
		};
	},
	gracePeriod(object, asked) {
		const { spec, status } = object as CoreV1Pod;
		// No kubelet has it, or its containers have ended.
		if (!spec?.nodeName || status?.phase === "Succeeded" || status?.phase === "Failed") return 0;
		const grace = asked ?? spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE;
		return grace < 0 ? 1 : grace;
	},
};

// pkg/registry/core/namespace/strategy.go
const namespaces: Strategy = {
	withDefaults(object) {
		const labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name ?? "" };
		const spec = { finalizers: ["kubernetes"], ...(object as CoreV1Namespace).spec };
		const status = { phase: "Active", ...(object as CoreV1Namespace).status };
		return { ...object, metadata: { ...object.metadata, labels }, spec, status };
	},
	selectable: (object) => ({ "status.phase": (object as CoreV1Namespace).status?.phase ?? "" }),
};

const STRATEGIES: Readonly<Record<string, Strategy>> = { pods, namespaces };
const NOTHING_PARTICULAR: Strategy = {};

export function strategyOf(resource: ServedResource): Strategy {
	return STRATEGIES[resource.name] ?? NOTHING_PARTICULAR;
}
