// Pods as the server makes them of what a client sends (pkg/registry/core/pod/strategy.go), with what the admission plugins
// Priority and DefaultTolerationSeconds add (plugin/pkg/admission).

import { parseQuantity } from "../../api/quantity.ts";
import type {
	CoreV1Container,
	CoreV1Pod,
	CoreV1PodSpec,
	CoreV1PodStatus,
	CoreV1Toleration,
} from "../../api/schema/types.generated.ts";
import { pod, podUpdate } from "../validation/pod.ts";
import type { Strategy } from "./strategy.ts";

const DEFAULT_GRACE = 30;
const TOLERATED = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const TOLERATION_SECONDS = 300;

export const pods: Strategy = {
	returnsDeleted: true,
	statusLeaves: ["ownerReferences"],
	prepareCreate(object) {
		const spec = admitted((object as CoreV1Pod).spec as CoreV1PodSpec);
		const status: CoreV1PodStatus = { phase: "Pending", qosClass: qosClass(spec) };
		return { ...object, spec, status };
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

function admitted(spec: CoreV1PodSpec): CoreV1PodSpec {
	const { tolerations = [] } = spec;
	const missing = TOLERATED.filter((key) => !tolerations.some((one) => tolerates(one, key)));
	const added = missing.map((key) => ({
		key,
		operator: "Exists",
		effect: "NoExecute",
		tolerationSeconds: TOLERATION_SECONDS,
	}));
	const complete: CoreV1PodSpec = { priority: 0, preemptionPolicy: "PreemptLowerPriority", ...spec };
	return added.length === 0 ? complete : { ...complete, tolerations: [...tolerations, ...added] };
}

const tolerates = ({ key = "", effect = "" }: CoreV1Toleration, taint: string) =>
	(key === taint || key === "") && (effect === "NoExecute" || effect === "");

const COMPUTE = ["cpu", "memory"] as const;

/** ComputePodQOS (pkg/apis/core/helper/qos). */
function qosClass({ containers, initContainers = [] }: CoreV1PodSpec): string {
	const all = [...(containers ?? []), ...initContainers];
	const amounts = ({ resources = {} }: CoreV1Container, list: "requests" | "limits") =>
		COMPUTE.map((name) => parseQuantity(resources[list]?.[name]) ?? 0);
	const asks = all.flatMap((one) => [...amounts(one, "requests"), ...amounts(one, "limits")]);
	if (asks.every((amount) => amount === 0)) return "BestEffort";
	const guaranteed = all.every((one) => {
		const [requests, limits] = [amounts(one, "requests"), amounts(one, "limits")];
		return limits.every((limit, i) => limit > 0 && (requests[i] === limit || requests[i] === 0));
	});
	return guaranteed ? "Guaranteed" : "Burstable";
}
