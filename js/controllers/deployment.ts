// Deployment to ReplicaSet where nothing ran before: one ReplicaSet of the current template at its full size.

import type { Deployment, ReplicaSet } from "../api/apps.ts";
import { REVISION } from "./deployment/annotations.ts";
import { replicaSetFor } from "./deployment/replicasets.ts";

export function replicaSetOf(deployment: Deployment): ReplicaSet {
	return replicaSetFor(deployment, deployment.spec?.replicas ?? 1, 1);
}

export function withStatus(deployment: Deployment, replicas: number, ready: number): Deployment {
	const status = {
		observedGeneration: deployment.metadata.generation ?? 1,
		replicas,
		updatedReplicas: replicas,
		readyReplicas: ready,
		availableReplicas: ready,
		unavailableReplicas: Math.max(0, (deployment.spec?.replicas ?? 1) - ready),
		conditions: [
			{
				type: "Available",
				status: ready >= replicas ? ("True" as const) : ("False" as const),
				reason: ready >= replicas ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
			},
		],
	};
	const metadata = { ...deployment.metadata, annotations: { ...deployment.metadata.annotations, [REVISION]: "1" } };
	return {
		...deployment,
		metadata,
		spec: deployment.spec && { ...deployment.spec, replicas: deployment.spec.replicas ?? 1 },
		status,
	} as Deployment;
}
