// Whether a kubelet takes a pod that is bound to its node (pkg/kubelet/lifecycle/predicate.go): one that came past the scheduler
// may ask for host ports that another one has. Resources and affinity are not asked again.

import type { Node, Pod } from "../api/core.ts";
import { PODS_BY_NODE } from "../api/indexes.ts";
import { hostPorts, hostPortsClash } from "../api/placement.ts";
import { isFinished } from "../api/pod.ts";
import { timeOf } from "../api/time.ts";
import type { World } from "../ports.ts";

const REASON = "NodePorts";
const MESSAGE = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";

/** One that is not taken has failed for good, and its status says why. */
export function isAdmitted(pod: Pod, { metadata }: Node, { store, recorder, clock }: World): boolean {
	const wanted = hostPorts(pod);
	if (wanted.length === 0) return true;
	const taken = store
		.indexed(PODS_BY_NODE, metadata.name ?? "")
		.filter((other) => other.metadata.uid !== pod.metadata.uid && !isFinished(other) && isTaken(other))
		.flatMap(hostPorts);
	if (!wanted.some((port) => taken.some((other) => hostPortsClash(port, other)))) return true;
	recorder.event(pod, "Warning", REASON, MESSAGE, metadata.name);
	const startTime = timeOf(clock.now());
	const rejected = { phase: "Failed", reason: REASON, message: `Pod was rejected: ${MESSAGE}`, startTime } as const;
	store.updateStatus<Pod>("pods", { ...pod, status: { ...pod.status, ...rejected } });
	return false;
}

/** Whether the kubelet has taken it already. */
const isTaken = ({ status }: Pod) => status?.startTime !== undefined;
