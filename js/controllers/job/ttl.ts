// Jobs that are over go after ttlSecondsAfterFinished, with what is theirs (pkg/controller/ttlafterfinished).

import type { Job } from "../../api/batch.ts";
import { reasonOf } from "../../api/reason.ts";
import { nanosOf } from "../../api/time.ts";
import type { Component } from "../../ports.ts";
import { objectAt, ownKey } from "../claim.ts";
import { isOver } from "./end.ts";

export const ttlAfterFinished: Component = {
	name: "ttl-after-finished",
	watches: { "jobs.batch": ownKey },
	reconcile(key, { store, clock }) {
		const job = objectAt<Job>(store, "jobs.batch", key);
		const ttl = job?.spec?.ttlSecondsAfterFinished;
		if (job === undefined || ttl === undefined || !isOver(job) || job.metadata.deletionTimestamp !== undefined)
			return undefined;
		const end = job.status?.conditions?.find(({ type }) => type === "Complete" || type === "Failed");
		const left = Number((nanosOf(end?.lastTransitionTime) ?? 0n) - clock.now()) / 1e6 + ttl * 1000;
		if (left > 0) return { idleMs: left };
		try {
			store.delete("jobs.batch", job, { propagationPolicy: "Foreground" });
		} catch (error) {
			if (reasonOf(error) !== "NotFound") throw error;
		}
		return undefined;
	},
};
