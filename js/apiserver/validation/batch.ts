// Jobs (pkg/apis/batch/validation/validation.go).

import type { BatchV1Job, BatchV1JobSpec } from "../../api/schema/types.generated.ts";
import { type FieldError, invalidValue, notSupported, required } from "../status.ts";
import { immutable } from "./apps.ts";
import { failurePolicy, successRules } from "./jobpolicy.ts";
import { podTemplate } from "./pod.ts";
import { fields, notNegative, oneOf, optional, type Rule } from "./rule.ts";
import { isEmptySelector, labelSelector, selectedBy } from "./selector.ts";

const JOB_RESTARTS = ["OnFailure", "Never"];
const UNMATCHED = "`selector` does not match template `labels`";
const INDEXED_MAX = 100_000;

const MODES = ["NonIndexed", "Indexed"];
/** Of an Indexed Job whose indexes fail for themselves: from so many completions on other bounds hold. */
const MANY = 100_000;
const OF_MANY = 10_000;

const jobNumbers = fields<BatchV1JobSpec>({
	parallelism: optional(notNegative),
	completions: optional(notNegative),
	activeDeadlineSeconds: optional(notNegative),
	backoffLimit: optional(notNegative),
	ttlSecondsAfterFinished: optional(notNegative),
	backoffLimitPerIndex: optional(notNegative),
	maxFailedIndexes: optional(notNegative),
});

// validateJobSpec
export const jobSpec: Rule<BatchV1JobSpec> = (spec, path) => {
	const { completionMode = "", podFailurePolicy, successPolicy, podReplacementPolicy, template } = spec ?? {};
	const errors = jobNumbers(spec, path);
	if (spec?.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
		errors.push(required(`${path}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
	// Of a CronJob's template nobody has filled it in.
	if (completionMode !== "" && !MODES.includes(completionMode))
		errors.push(notSupported(`${path}.completionMode`, completionMode, MODES));
	if (completionMode === "Indexed") errors.push(...indexed(spec ?? {}, path));
	if (completionMode === "" || completionMode === "NonIndexed")
		for (const name of ["backoffLimitPerIndex", "maxFailedIndexes"] as const)
			if (spec?.[name] !== undefined)
				errors.push(invalidValue(`${path}.${name}`, spec[name], "requires indexed completion mode"));
	if (podFailurePolicy !== undefined) errors.push(...failurePolicy(spec ?? {}, `${path}.podFailurePolicy`));
	if (successPolicy !== undefined && completionMode !== "Indexed")
		errors.push(invalidValue(`${path}.successPolicy`, successPolicy, "requires indexed completion mode"));
	else if (successPolicy !== undefined)
		errors.push(...successRules(successPolicy, spec?.completions ?? 0, `${path}.successPolicy`));
	const replacements = podFailurePolicy === undefined ? oneOf("Failed", "TerminatingOrFailed") : oneOf("Failed");
	errors.push(...optional(replacements)(podReplacementPolicy, `${path}.podReplacementPolicy`));
	errors.push(...podTemplate(template, `${path}.template`));
	const { restartPolicy = "" } = template?.spec ?? {};
	const place = `${path}.template.spec.restartPolicy`;
	if (restartPolicy === "" || restartPolicy === "Always")
		errors.push(required(place, `valid values: ${JOB_RESTARTS.map((word) => JSON.stringify(word)).join(", ")}`));
	else if (!JOB_RESTARTS.includes(restartPolicy)) errors.push(notSupported(place, restartPolicy, JOB_RESTARTS));
	else if (podFailurePolicy !== undefined && restartPolicy !== "Never")
		errors.push(invalidValue(place, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified'));
	return errors;
};

/** What an Indexed Job's numbers are bound by. */
function indexed(spec: Partial<BatchV1JobSpec>, path: string): FieldError[] {
	const { completions, parallelism = 0, maxFailedIndexes: failed, backoffLimitPerIndex } = spec;
	const errors: FieldError[] = [];
	const bounded = (name: "parallelism" | "maxFailedIndexes", detail: string) =>
		errors.push(invalidValue(`${path}.${name}`, spec[name], detail));
	if (completions === undefined) errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
	if (parallelism > INDEXED_MAX)
		bounded("parallelism", "must be less than or equal to 100000 when completion mode is Indexed");
	if (completions !== undefined && failed !== undefined && failed > completions)
		bounded("maxFailedIndexes", "must be less than or equal to completions");
	if (failed !== undefined && failed > INDEXED_MAX)
		bounded("maxFailedIndexes", `must be less than or equal to ${INDEXED_MAX}`);
	if (completions === undefined || completions <= MANY || backoffLimitPerIndex === undefined) return errors;
	const detail = `must be less than or equal to ${OF_MANY} when completions are above ${MANY} and used with backoff limit per index`;
	if (failed === undefined)
		errors.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${MANY}`));
	if (parallelism > OF_MANY) bounded("parallelism", detail);
	if (failed !== undefined && failed > OF_MANY) bounded("maxFailedIndexes", detail);
	return errors;
}

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
