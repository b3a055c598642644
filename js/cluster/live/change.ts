// One object of the API as it changes.

import type { KubernetesObject } from "../../api/meta.ts";

/** Before and now; null: there was, or is, none. */
export interface ObjectChange {
	before: KubernetesObject | null;
	now: KubernetesObject | null;
}
