// Columns by resource.

import { CLUSTER } from "./cluster.ts";
import type { Column } from "./column.ts";
import { NETWORK } from "./network.ts";
import { POD } from "./pod.ts";
import { POLICY } from "./policy.ts";
import { WORKLOADS } from "./workload.ts";

export const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
	pods: POD,
	...WORKLOADS,
	...NETWORK,
	...CLUSTER,
	...POLICY,
};
