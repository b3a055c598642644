// Jobs (pkg/apis/batch/validation/validation.go).

import type { BatchV1Job, BatchV1JobSpec } from "../../api/schema/types.generated.ts";
import { type FieldError, invalidValue, notSupported, required } from "../status.ts";
import { immutable } from "./apps.ts";
import { podTemplate } from "./pod.ts";
import { fields, notNegative, oneOf, optional, type Rule } from "./rule.ts";
import { isEmptySelector, labelSelector, selectedBy } from "./selector.ts";

const JOB_RESTARTS = ["OnFailure", "Never"];
const UNMATCHED = "`selector` does not match template `labels`";
const INDEXED_MAX = 100_000;

// validateJobSpec
export const jobSpec: Rule<BatchV1JobSpec> = (spec, path) => {
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
