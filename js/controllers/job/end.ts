// Whether a Job is over, and how (pkg/controller/job/util/utils.go: FinishedCondition).

import type { Job } from "../../api/batch.ts";

export type End = "Complete" | "Failed";

/** undefined of a Job that is not over. */
export function endOf({ status }: Job): End | undefined {
	return status?.conditions?.find(({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True")
		?.type as End | undefined;
}

export const isOver = (job: Job) => endOf(job) !== undefined;
