// Pods as the server makes them of what a client sends (pkg/registry/core/pod/strategy.go).

import { qosClass } from "../../api/podresources.ts";
import type { CoreV1Pod, CoreV1PodSpec, CoreV1PodStatus } from "../../api/schema/types.generated.ts";
import { pod, podUpdate } from "../validation/pod.ts";
import type { Strategy } from "./strategy.ts";

const DEFAULT_GRACE = 30;
export const pods: Strategy = {
	returnsDeleted: true,
	statusLeaves: ["ownerReferences"],
	prepareCreate(object) {
		const spec = (object as CoreV1Pod).spec as CoreV1PodSpec;
		const status: CoreV1PodStatus = { phase: "Pending", qosClass: qosClass(spec) };
		return { ...object, status };
	},
	validate: (object) => pod(object as CoreV1Pod, ""),
	validateUpdate: (object, before) => podUpdate(object as CoreV1Pod, before as CoreV1Pod),
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
