// What anybody may read off a pod (pkg/api/v1/pod/util.go).

import type { Pod } from "./core.ts";
import type { Condition } from "./meta.ts";

export function readyCondition({ status }: Pod): Condition | undefined {
	return status?.conditions?.find(({ type }) => type === "Ready");
}

export function isReady(pod: Pod): boolean {
	return readyCondition(pod)?.status === "True";
}

/** Whether all its containers have ended for good (IsPodTerminal). */
export function isFinished({ status }: Pod): boolean {
	return status?.phase === "Succeeded" || status?.phase === "Failed";
}
