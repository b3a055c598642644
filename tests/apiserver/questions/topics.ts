// All questions, by the name of the file that their answers are in.

import { ADMISSION } from "./admission.ts";
import { CORE } from "./core.ts";
import { CUSTOM } from "./custom.ts";
import { GROUPS } from "./groups.ts";
import { LISTS } from "./lists.ts";
import { METADATA } from "./metadata.ts";
import { NETWORKING } from "./networking.ts";
import { OWNERS } from "./owners.ts";
import { PODS } from "./pods.ts";
import type { Scene } from "./question.ts";
import { SERVICES } from "./services.ts";
import { VERSIONS } from "./versions.ts";
import { WORKLOADS } from "./workloads.ts";

export const TOPICS: Readonly<Record<string, readonly Scene[]>> = {
	services: SERVICES,
	workloads: WORKLOADS,
	pods: PODS,
	networking: NETWORKING,
	core: CORE,
	custom: CUSTOM,
	groups: GROUPS,
	lists: LISTS,
	metadata: METADATA,
	owners: OWNERS,
	versions: VERSIONS,
	admission: ADMISSION,
};
