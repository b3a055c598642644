// The controllers of workloads that run in a cluster: what a simulation is given.

import type { Component } from "../ports.ts";
import { replicaset, replication } from "./replicaset/component.ts";

export const components: readonly Component[] = [replicaset, replication];
