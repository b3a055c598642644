// CronJobs (pkg/apis/batch/validation/validation.go).

import { parseSchedule } from "../../api/schedule.ts";
import type { BatchV1CronJob, BatchV1CronJobSpec, BatchV1JobTemplateSpec } from "../../api/schema/types.generated.ts";
import { isTimeZone } from "../../api/timezone.ts";
import { type FieldError, invalidValue, notSupported, required } from "../status.ts";
import { jobSpec } from "./batch.ts";
import { fields, neededOneOf, notNegative, optional, type Rule } from "./rule.ts";

/** A Job's name has at most 63 characters, of which 11 are a dash and the minutes of its time. */
const NAME_MAX = 52;

// As the names of files in a zone database may be (https://data.iana.org/time-zones/theory.html#naming).
const ZONE_PART = /^[A-Za-z.\-_0-9+]{1,14}$/;

/** validateTimeZone. */
const timeZone: Rule<string> = (zone = "", path) => {
	if (zone === "") return [invalidValue(path, zone, "timeZone must be nil or non-empty string")];
	const unknown = invalidValue(path, zone, `unknown time zone ${zone}`);
	const isName = (part: string) => part !== "." && part !== ".." && !part.startsWith("-") && ZONE_PART.test(part);
	if (!zone.split("/").every(isName)) return [unknown];
	const explicit = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
	const errors = zone.toLowerCase() === "local" ? [invalidValue(path, zone, explicit)] : [];
	// Go takes `Local` for a zone, and that alone.
	return zone === "Local" || isTimeZone(zone) ? errors : [...errors, unknown];
};

/** What is wrong with a schedule, in the parser's words; it reads a zone in front. */
function scheduleProblem(schedule: string): string | null {
	const [, zone, rest = schedule] = /^(?:CRON_)?TZ=(\S*) (.*)$/.exec(schedule) ?? [];
	if (zone !== undefined && !isTimeZone(zone)) return `provided bad location ${zone}: unknown time zone ${zone}`;
	const parsed = parseSchedule(zone === undefined ? rest : rest.trim());
	return typeof parsed === "string" ? parsed : null;
}

/** validateScheduleFormat. `before`: the schedule that was; a zone in it may stay. */
function scheduleErrors(schedule: string, zone: string | undefined, before: string | undefined): FieldError[] {
	const path = "spec.schedule";
	if (schedule === "") return [required(path)];
	const problem = scheduleProblem(schedule);
	const errors = problem === null ? [] : [invalidValue(path, schedule, problem)];
	if (!schedule.includes("TZ")) return errors;
	if (before?.includes("TZ") !== true)
		errors.push(invalidValue(path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
	else if (zone !== undefined)
		errors.push(invalidValue(path, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"));
	return errors;
}

/** ValidateJobTemplateSpec. */
const jobTemplate: Rule<BatchV1JobTemplateSpec> = ({ spec } = {}, path) => {
	const errors = jobSpec(spec, `${path}.spec`);
	const { selector, manualSelector } = spec ?? {};
	if (selector !== undefined)
		errors.push(invalidValue(`${path}.spec.selector`, selector, "`selector` will be auto-generated"));
	if (manualSelector === true)
		errors.push(notSupported(`${path}.spec.manualSelector`, manualSelector, ["nil", "false"]));
	return errors;
};

/** validateCronJobSpec. */
function cronJobSpec(spec: BatchV1CronJobSpec | undefined, before: BatchV1CronJobSpec | undefined): FieldError[] {
	const isOtherZone = before === undefined || before.timeZone !== spec?.timeZone;
	return [
		...scheduleErrors(spec?.schedule ?? "", spec?.timeZone, before?.schedule),
		...fields<BatchV1CronJobSpec>({
			startingDeadlineSeconds: optional(notNegative),
			...(isOtherZone && { timeZone: optional(timeZone) }),
			concurrencyPolicy: neededOneOf("Allow", "Forbid", "Replace"),
			successfulJobsHistoryLimit: optional(notNegative),
			failedJobsHistoryLimit: optional(notNegative),
			jobTemplate,
		})(spec, "spec"),
	];
}

/** ValidateCronJobCreate. */
export function cronJob({ metadata, spec }: BatchV1CronJob): FieldError[] {
	const { name = "" } = metadata ?? {};
	const errors = cronJobSpec(spec, undefined);
	if (name.length > NAME_MAX)
		errors.push(invalidValue("metadata.name", name, `must be no more than ${NAME_MAX} characters`));
	return errors;
}

/** ValidateCronJobUpdate. */
export const cronJobUpdate = (now: BatchV1CronJob, before: BatchV1CronJob): FieldError[] =>
	cronJobSpec(now.spec, before.spec);
