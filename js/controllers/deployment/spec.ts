// What a Deployment asks for, as its controller reads it (pkg/controller/deployment/util/deployment_util.go). What the API
// fills in is there; the standing start gives objects that never were in it.

import type { Deployment, DeploymentSpec } from "../../api/apps.ts";
import { fenceposts } from "../bounds.ts";

/** What a Deployment without a value has no limit by. */
const NO_LIMIT = 2 ** 31 - 1;
const DEFAULT_SHARE = "25%";

export function replicasOf({ spec }: Deployment): number {
	return spec?.replicas ?? 1;
}

export function isRollingUpdate({ spec }: Deployment): boolean {
	return (spec?.strategy?.type ?? "RollingUpdate") === "RollingUpdate";
}

function bounds(deployment: Deployment): [surge: number, unavailable: number] {
	if (!isRollingUpdate(deployment)) return [0, 0];
	const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {};
	return fenceposts(maxSurge ?? DEFAULT_SHARE, maxUnavailable ?? DEFAULT_SHARE, replicasOf(deployment));
}

/** Pods above `replicas` that a rolling update may have. */
export function maxSurge(deployment: Deployment): number {
	return bounds(deployment)[0];
}

/** Pods that may be missing during a rolling update. */
export function maxUnavailable(deployment: Deployment): number {
	const replicas = replicasOf(deployment);
	return replicas === 0 ? 0 : Math.min(bounds(deployment)[1], replicas);
}

/** Seconds without progress; undefined: progress is not watched. */
export function progressDeadline({ spec }: Deployment): number | undefined {
	return limitOf(spec?.progressDeadlineSeconds);
}

/** ReplicaSets without pods that are kept; undefined: all. */
export function historyLimit({ spec }: Deployment): number | undefined {
	return limitOf(spec?.revisionHistoryLimit);
}

const limitOf = (value: DeploymentSpec["revisionHistoryLimit"]) => (value === NO_LIMIT ? undefined : value);
