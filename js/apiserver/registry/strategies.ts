// The strategies of the built-in kinds, by resource.

import type { Pod, PodSpec } from "../../api/core.ts";
import type { KubernetesObject } from "../../api/meta.ts";
import { withPodDefaults } from "../defaults.ts";
import type { ServedResource } from "./catalogue.ts";
import type { Strategy } from "./strategy.ts";

const DEFAULT_GRACE = 30;

// pkg/registry/core/pod/strategy.go
const pods: Strategy = {
	withDefaults(object) {
		const pod = object as Pod;
		const spec = withPodDefaults(pod.spec as PodSpec);
		return { ...pod, spec, status: { phase: "Pending", ...pod.status } } as KubernetesObject;
	},
	selectable(object) {
		const { spec, status } = object as Pod & {
			spec?: { nodeName?: string; restartPolicy?: string; schedulerName?: string };
		};
		const { phase, podIP, nominatedNodeName } = (status ?? {}) as Record<string, string | undefined>;
		return {
			"spec.nodeName": spec?.nodeName ?? "",
			"spec.restartPolicy": spec?.restartPolicy ?? "",
			"spec.schedulerName": spec?.schedulerName ?? "",
			"spec.serviceAccountName": (spec as { serviceAccountName?: string })?.serviceAccountName ?? "",
			"spec.hostNetwork": String(spec?.hostNetwork ?? false),
			"status.phase": phase ?? "",
			"status.podIP": podIP ?? "",
			"status.nominatedNodeName": nominatedNodeName ?? "",
		};
	},
	gracePeriod(object, asked) {
		const { spec, status } = object as Pod & { spec?: { nodeName?: string; terminationGracePeriodSeconds?: number } };
		const phase = (status as { phase?: string } | undefined)?.phase;
		// No kubelet has it, or its containers have ended.
		if (!spec?.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
		const grace = asked ?? spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE;
		return grace < 0 ? 1 : grace;
	},
};

// pkg/registry/core/namespace/strategy.go
const namespaces: Strategy = {
	withDefaults(object) {
		const labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name ?? "" };
		const spec = { finalizers: ["kubernetes"], ...(object.spec as object | undefined) };
		const status = { phase: "Active", ...(object.status as object | undefined) };
		return { ...object, metadata: { ...object.metadata, labels }, spec, status };
	},
	selectable: (object) => ({ "status.phase": (object.status as { phase?: string } | undefined)?.phase ?? "" }),
};

const STRATEGIES: Readonly<Record<string, Strategy>> = { pods, namespaces };
const NOTHING_PARTICULAR: Strategy = {};

export function strategyOf(resource: ServedResource): Strategy {
	return STRATEGIES[resource.name] ?? NOTHING_PARTICULAR;
}
