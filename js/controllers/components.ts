// The controllers of workloads that run in a cluster: what a simulation is given.

import type { Component } from "../ports.ts";
import { CronJobController } from "./cronjob/component.ts";
import { DaemonSetController } from "./daemonset/component.ts";
import { deployment } from "./deployment/component.ts";
import { disruption } from "./disruption.ts";
import { JobController } from "./job/component.ts";
import { ttlAfterFinished } from "./job/ttl.ts";
import { PodAutoscaler } from "./podautoscaler/component.ts";
import { replicaset, replication } from "./replicaset/component.ts";
import { resourceQuota } from "./resourcequota.ts";
import { statefulset } from "./statefulset/component.ts";

/**
 * Those of one cluster. Whoever makes pods looks before whoever decides how many: then the pods of a rollout stay within
 * its bounds at every step, which upstream's controllers, side by side, keep to within a moment.
 */
export function components(): Component[] {
	return [
		replicaset,
		replication,
		deployment,
		statefulset,
		new DaemonSetController(),
		new JobController(),
		new CronJobController(),
		ttlAfterFinished,
		disruption,
		resourceQuota,
		new PodAutoscaler(),
	];
}
