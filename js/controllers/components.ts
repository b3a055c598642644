// The controllers of workloads that run in a cluster: what a simulation is given.

import type { Component } from "../ports.ts";
import { deployment } from "./deployment/component.ts";
import { replicaset, replication } from "./replicaset/component.ts";

/**
 * Whoever makes pods looks before whoever decides how many: then the pods of a rollout stay within its bounds at every
 * step, which upstream's controllers, side by side, keep to within a moment.
 */
export const components: readonly Component[] = [replicaset, replication, deployment];
