// When a CronJob is to run: the latest time that it has missed, and how long until the next (pkg/controller/cronjob/utils.go).

import type { CronJob } from "../../api/batch.ts";
import type { Schedule } from "../../api/schedule.ts";
import { nanosOf } from "../../api/time.ts";

const SECOND_MS = 1000;
const MISSED_MANY = 100;
/** For clocks that differ, upstream's controller looks that much later. */
const LATER_MS = 100;

export type Missed = "none" | "few" | "many";

export interface Recent {
	/** ms since the epoch, as all times here: of the last run, or the CronJob's creation. */
	earliest: number;
	/** The latest time that is not after now; null where there is none since `earliest`. */
	latest: number | null;
	missed: Missed;
}

/** A time of the API in ms since the epoch. */
export const millisOf = (time: string | null | undefined): number => Number((nanosOf(time) ?? 0n) / 1_000_000n);

/** Of a CronJob's schedule in its zone. */
export class Times {
	readonly #cronJob: CronJob;
	readonly #schedule: Schedule;

	constructor(cronJob: CronJob, schedule: Schedule) {
		this.#cronJob = cronJob;
		this.#schedule = schedule;
	}

	next(after: number): number | null {
		return this.#schedule.next(after, this.#cronJob.spec?.timeZone ?? "");
	}

	/** `withDeadline`: nothing before startingDeadlineSeconds ago counts. A text is what is wrong with the schedule. */
	recent(now: number, withDeadline: boolean): Recent | string {
		const { metadata, spec, status } = this.#cronJob;
		let earliest = millisOf(status?.lastScheduleTime ?? metadata.creationTimestamp);
		const deadline = spec?.startingDeadlineSeconds;
		if (withDeadline && deadline !== undefined) earliest = Math.max(earliest, now - deadline * SECOND_MS);
		const first = this.next(earliest);
		const second = first === null ? null : this.next(first);
		if (first !== null && now < first) return { earliest, latest: null, missed: "none" };
		if (first !== null && second !== null && now < second) return { earliest, latest: first, missed: "none" };
		// Of the 31st of February there is no first, of a time with no other within five years no second.
		const between = first === null || second === null ? 0 : Math.round((second - first) / SECOND_MS) * SECOND_MS;
		if (first === null || between < SECOND_MS) return "time difference between two schedules is less than 1 second";
		const count = Math.floor((now - first) / between) + 1;
		let latest: number | null = null;
		// One step further back, as days and hours may lie unevenly.
		for (let at = this.next(first + (count - 2) * between); at !== null && at <= now; at = this.next(at)) latest = at;
		return { earliest, latest, missed: count > MISSED_MANY ? "many" : "few" };
	}

	/** Milliseconds until the controller is to look again; null where no time comes any more. */
	untilNext(now: number): number | null {
		const recent = this.recent(now, false);
		const from =
			typeof recent === "string" ? now : (recent.latest ?? (recent.missed === "none" ? recent.earliest : now));
		const next = this.next(from);
		return next === null ? null : next + LATER_MS - now;
	}
}
