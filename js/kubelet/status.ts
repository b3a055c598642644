// The pod status that a kubelet writes (pkg/kubelet/kubelet_pods.go), at one moment: running and ready, running and
// not ready, or waiting for a node. Probes, restarts and their times are the running kubelet's.

import type { ContainerStatus, Pod, PodStatus } from "../api/core.ts";
import type { Condition } from "../api/meta.ts";

/** A pod that runs: its addresses (the primary family first), its node's address, and whether it is ready. */
export function runningStatus(pod: Pod, podIPs: readonly string[], hostIP: string, ready: boolean): PodStatus {
	const condition = (type: string, holds: boolean): Condition => ({ type, status: holds ? "True" : "False" });
	const containers = (pod.spec?.containers ?? []).map((container): ContainerStatus => {
		const status: ContainerStatus = {
			name: container.name,
			ready,
			started: true,
			restartCount: 0,
			state: { running: {} },
		};
		if (container.image) status.image = container.image;
		return status;
	});
	return {
		phase: "Running",
		conditions: [
			condition("PodReadyToStartContainers", true),
			condition("Initialized", true),
			condition("Ready", ready),
			condition("ContainersReady", ready),
			condition("PodScheduled", true),
		],
		hostIP,
		hostIPs: [{ ip: hostIP }],
		podIP: podIPs[0] ?? "",
		podIPs: podIPs.map((ip) => ({ ip })),
		containerStatuses: containers,
	};
}

/** A pod that no node takes. */
export function unscheduledStatus(reason: string, message: string): PodStatus {
	return { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason, message }] };
}

/** A pod whose sandbox could not get an address: bound, and stuck. */
export function addresslessStatus(hostIP: string): PodStatus {
	return {
		phase: "Pending",
		conditions: [
			{ type: "PodReadyToStartContainers", status: "False" },
			{ type: "Ready", status: "False", reason: "ContainersNotReady" },
			{ type: "PodScheduled", status: "True" },
		],
		hostIP,
		hostIPs: [{ ip: hostIP }],
	};
}
