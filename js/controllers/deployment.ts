// Deployment to ReplicaSet (pkg/controller/deployment): one ReplicaSet of the current template, named by its hash.
// Rolling updates, history and scaling of old ReplicaSets are the running controller's; here nothing ran before.

import type { Deployment, ReplicaSet } from "../api/apps.ts";
import type { IntOrString } from "../api/meta.ts";
import { templateHash } from "./names.ts";
import { ownerReference } from "./pod.ts";

const HASH_LABEL = "pod-template-hash";
const REVISION = "deployment.kubernetes.io/revision";

export function replicaSetOf(deployment: Deployment): ReplicaSet {
	const { name = "", namespace = "default" } = deployment.metadata;
	const spec = deployment.spec;
	const template = spec?.template ?? {};
	const hash = templateHash(template);
	const replicas = spec?.replicas ?? 1;
	return {
		apiVersion: "apps/v1",
		kind: "ReplicaSet",
		metadata: {
			name: `${name}-${hash}`,
			namespace,
			labels: { ...template.metadata?.labels, [HASH_LABEL]: hash },
			annotations: {
				"deployment.kubernetes.io/desired-replicas": String(replicas),
				"deployment.kubernetes.io/max-replicas": String(replicas + surge(deployment, replicas)),
				[REVISION]: "1",
			},
			ownerReferences: [ownerReference(deployment)],
		},
		spec: {
			replicas,
			selector: { ...spec?.selector, matchLabels: { ...spec?.selector.matchLabels, [HASH_LABEL]: hash } },
			template: {
				...template,
				metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [HASH_LABEL]: hash } },
			},
		},
	};
}

/** maxSurge in pods; a percentage is rounded up. */
function surge(deployment: Deployment, replicas: number): number {
	const { type, rollingUpdate } = deployment.spec?.strategy ?? {};
	return type === "Recreate" ? 0 : podCount(rollingUpdate?.maxSurge ?? "25%", replicas);
}

function podCount(value: IntOrString, replicas: number): number {
	return typeof value === "number" ? value : Math.ceil((Number.parseInt(value, 10) * replicas) / 100);
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
