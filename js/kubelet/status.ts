// The pod status that a kubelet writes (pkg/kubelet/kubelet_pods.go), at one moment: running and ready, running and
// not ready, or waiting for a node. Probes, restarts and their times are the running kubelet's.

import type { Container, ContainerStatus, Pod, PodStatus } from "../api/core.ts";
import type { Condition } from "../api/meta.ts";

const condition = (type: string, holds: boolean): Condition => ({ type, status: holds ? "True" : "False" });

/** Of a pod that runs; the same for all. */
const conditions = (ready: boolean): Condition[] => [
	condition("PodReadyToStartContainers", true),
	condition("Initialized", true),
	condition("Ready", ready),
	condition("ContainersReady", ready),
	condition("PodScheduled", true),
];

/** The statuses of pods that run, one after the other: those alike share what they have in common. */
export class RunningStatuses {
	readonly #ready = conditions(true);
	readonly #unready = conditions(false);
	/** Of the pod before: most often it is of the same template. */
	#last: { containers: readonly Container[]; ready: boolean; statuses: ContainerStatus[] } | null = null;

	/** A pod that runs: its addresses (the primary family first), its node's address, and whether it is ready. */
	of(pod: Pod, podIPs: readonly string[], hostIPs: NonNullable<PodStatus["hostIPs"]>, ready: boolean): PodStatus {
		return {
			phase: "Running",
			conditions: ready ? this.#ready : this.#unready,
			hostIP: hostIPs[0]?.ip ?? "",
			hostIPs,
			podIP: podIPs[0] ?? "",
			podIPs: podIPs.map((ip) => ({ ip })),
			containerStatuses: this.#containers(pod.spec?.containers ?? [], ready),
		};
	}

	#containers(containers: readonly Container[], ready: boolean): ContainerStatus[] {
		const last = this.#last;
		if (last?.containers === containers && last.ready === ready) return last.statuses;
		const statuses = containers.map(({ name, image }): ContainerStatus => {
			const status: ContainerStatus = { name, ready, started: true, restartCount: 0, state: { running: {} } };
			if (image) status.image = image;
			return status;
		});
		this.#last = { containers, ready, statuses };
		return statuses;
	}
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
