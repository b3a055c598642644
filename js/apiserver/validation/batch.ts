// Jobs and CronJobs (pkg/apis/batch/validation/validation.go). The grammar of schedules: robfig/cron v3, standard form.

import type {
	BatchV1CronJob,
	BatchV1CronJobSpec,
	BatchV1Job,
	BatchV1JobSpec,
} from "../../api/schema/types.generated.ts";
import { type FieldError, invalidValue, notSupported, required } from "../status.ts";
import { immutable } from "./apps.ts";
import { podTemplate } from "./pod.ts";
import { fields, neededOneOf, notNegative, oneOf, optional, type Rule } from "./rule.ts";
import { isEmptySelector, labelSelector, selectedBy } from "./selector.ts";

const JOB_RESTARTS = ["OnFailure", "Never"];
const UNMATCHED = "`selector` does not match template `labels`";
const INDEXED_MAX = 100_000;

// validateJobSpec
const jobSpec: Rule<BatchV1JobSpec> = (spec, path) => {
	const { completions, completionMode = "", parallelism = 0, template } = spec ?? {};
	const errors = fields<BatchV1JobSpec>({
		parallelism: optional(notNegative),
		completions: optional(notNegative),
		activeDeadlineSeconds: optional(notNegative),
		backoffLimit: optional(notNegative),
		ttlSecondsAfterFinished: optional(notNegative),
		backoffLimitPerIndex: optional(notNegative),
	})(spec, path);
	// Of a CronJob's template nobody has filled it in.
	if (completionMode !== "" && completionMode !== "NonIndexed" && completionMode !== "Indexed")
		errors.push(notSupported(`${path}.completionMode`, completionMode, ["NonIndexed", "Indexed"]));
	if (completionMode === "Indexed") {
		if (completions === undefined) errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
		if (parallelism > INDEXED_MAX)
			errors.push(
				invalidValue(
					`${path}.parallelism`,
					parallelism,
					"must be less than or equal to 100000 when completion mode is Indexed",
				),
			);
	}
	errors.push(
		...optional(oneOf("Failed", "TerminatingOrFailed"))(spec?.podReplacementPolicy, `${path}.podReplacementPolicy`),
	);
	errors.push(...podTemplate(template, `${path}.template`));
	const { restartPolicy = "" } = template?.spec ?? {};
	const place = `${path}.template.spec.restartPolicy`;
	if (restartPolicy === "" || restartPolicy === "Always")
		errors.push(required(place, `valid values: ${JOB_RESTARTS.map((word) => JSON.stringify(word)).join(", ")}`));
	else if (!JOB_RESTARTS.includes(restartPolicy)) errors.push(notSupported(place, restartPolicy, JOB_RESTARTS));
	return errors;
};

const CONTROLLER_UID = "batch.kubernetes.io/controller-uid";

/** ValidateJob. */
export const job: Rule<BatchV1Job> = (object) => {
	const { spec, metadata } = object ?? {};
	const { selector, manualSelector = false, template } = (spec ?? {}) as BatchV1JobSpec;
	const labels = template?.metadata?.labels;
	const place = "spec.selector";
	const errors: FieldError[] = [];
	if (selector === undefined) return [...jobSpec(spec, "spec"), required(place)];
	errors.push(...labelSelector(selector, place));
	const generated = { matchLabels: { [CONTROLLER_UID]: metadata?.uid ?? "" } };
	if (!manualSelector && JSON.stringify(selector) !== JSON.stringify(generated))
		errors.push(invalidValue(place, selector, "`selector` not auto-generated"));
	if (!isEmptySelector(selector) && selectedBy(selector, labels) === false)
		errors.push(invalidValue("spec.template.metadata.labels", labels ?? null, UNMATCHED));
	return [...jobSpec(spec, "spec"), ...errors];
};

/** ValidateJobUpdate. */
export function jobUpdate(now: BatchV1Job, before: BatchV1Job): FieldError[] {
	const [is, was] = [now.spec, before.spec] as [BatchV1JobSpec, BatchV1JobSpec];
	return [
		...(is.completionMode === "Indexed" ? [] : immutable("spec.completions", is.completions, was.completions)),
		...immutable("spec.selector", is.selector, was.selector),
		...immutable("spec.template.spec", is.template.spec, was.template.spec),
		...immutable("spec.completionMode", is.completionMode, was.completionMode),
		...immutable("spec.podFailurePolicy", is.podFailurePolicy, was.podFailurePolicy),
		...immutable("spec.backoffLimitPerIndex", is.backoffLimitPerIndex, was.backoffLimitPerIndex),
		...immutable("spec.managedBy", is.managedBy, was.managedBy),
		...immutable("spec.successPolicy", is.successPolicy, was.successPolicy),
	];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const CRON_FIELDS: readonly { least: number; most: number; names: readonly string[] }[] = [
	{ least: 0, most: 59, names: [] },
	{ least: 0, most: 23, names: [] },
	{ least: 1, most: 31, names: [] },
	{ least: 1, most: 12, names: MONTHS },
	{ least: 0, most: 6, names: DAYS },
];
const EVERY = new Set(["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"]);

/** What is wrong with a schedule, in the parser's words; null where nothing is. */
export function scheduleProblem(schedule: string): string | null {
	if (schedule === "") return "empty spec string";
	if (schedule.startsWith("@")) {
		if (EVERY.has(schedule)) return null;
		const [, duration] = /^@every (.*)$/.exec(schedule) ?? [];
		if (duration === undefined) return `unrecognized descriptor: ${schedule}`;
		return /^([0-9.]+(ns|us|µs|ms|s|m|h))+$/.test(duration)
			? null
			: `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(duration)}`;
	}
	const given = schedule.trim().split(/\s+/);
	if (given.length !== CRON_FIELDS.length)
		return `expected exactly 5 fields, found ${given.length}: [${given.join(" ")}]`;
	for (const [i, field] of given.entries()) {
		const problem = field
			.split(",")
			.map((range) => rangeProblem(range, CRON_FIELDS[i] as (typeof CRON_FIELDS)[number]))
			.find((found) => found !== null);
		if (problem !== undefined) return problem ?? null;
	}
	return null;
}

function rangeProblem(range: string, { least, most, names }: (typeof CRON_FIELDS)[number]): string | null {
	const [span = "", step, ...more] = range.split("/");
	if (more.length > 0) return `too many slashes: ${range}`;
	const number = (text: string): number | string => {
		const named = names.indexOf(text.toLowerCase());
		if (named >= 0) return named + (names === MONTHS ? 1 : 0);
		return /^\d+$/.test(text)
			? Number(text)
			: `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
	};
	const ends = span.split("-");
	if (ends.length > 2) return `too many hyphens: ${range}`;
	const whole = span === "*" || span === "?";
	const low = whole ? least : number(ends[0] ?? "");
	if (typeof low === "string") return low;
	const high = whole ? most : ends[1] === undefined ? (step === undefined ? low : most) : number(ends[1]);
	if (typeof high === "string") return high;
	const by = step === undefined ? 1 : number(step);
	if (typeof by === "string") return by;
	if (low < least) return `beginning of range (${low}) below minimum (${least}): ${range}`;
	if (high > most) return `end of range (${high}) above maximum (${most}): ${range}`;
	if (low > high) return `beginning of range (${low}) beyond end of range (${high}): ${range}`;
	return by === 0 ? `step of range should be a positive number: ${range}` : null;
}

/** ValidateCronJobSpec. */
export const cronJob: Rule<BatchV1CronJob> = (object) => {
	const { spec } = object ?? {};
	const { schedule = "" } = spec ?? {};
	const errors: FieldError[] = [];
	const problem = schedule === "" ? null : scheduleProblem(schedule);
	if (schedule === "") errors.push(required("spec.schedule"));
	else if (/TZ=/.test(schedule))
		errors.push(
			invalidValue("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
		);
	else if (problem !== null) errors.push(invalidValue("spec.schedule", schedule, problem));
	return [
		...errors,
		...fields<BatchV1CronJobSpec>({
			startingDeadlineSeconds: optional(notNegative),
			concurrencyPolicy: neededOneOf("Allow", "Forbid", "Replace"),
			successfulJobsHistoryLimit: optional(notNegative),
			failedJobsHistoryLimit: optional(notNegative),
			jobTemplate: (template, path) => jobSpec(template?.spec, `${path}.spec`),
		})(spec, "spec"),
	];
};
