// Label selectors as fields of objects (k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go).

import type { LabelSelector } from "../../api/meta.ts";
import type { MetaV1LabelSelector, MetaV1LabelSelectorRequirement } from "../../api/schema/types.generated.ts";
import { selects } from "../../api/selector.ts";
import { type FieldError, forbiddenField, invalidValue, required } from "../status.ts";
import { labelKey, labelValue, validateLabels } from "./names.ts";
import { each, fields, type Rule, text } from "./rule.ts";

// ValidateLabelSelectorRequirement
const requirement: Rule<MetaV1LabelSelectorRequirement> = (given, path) => {
	const { operator = "", key = "", values = [] } = given ?? {};
	const errors: FieldError[] = [];
	const place = `${path}.values`;
	if (operator === "In" || operator === "NotIn") {
		if (values.length === 0) errors.push(required(place, "must be specified when `operator` is 'In' or 'NotIn'"));
	} else if (operator === "Exists" || operator === "DoesNotExist") {
		if (values.length > 0)
			errors.push(forbiddenField(place, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
	} else {
		errors.push(invalidValue(`${path}.operator`, operator, "not a valid selector operator"));
	}
	errors.push(...text(labelKey)(key, `${path}.key`));
	return [...errors, ...each(text(labelValue))(values, place)];
};

/** ValidateLabelSelector. */
export const labelSelector: Rule<MetaV1LabelSelector> = fields<MetaV1LabelSelector>({
	matchLabels: (labels = {}, path) => validateLabels(labels, path),
	matchExpressions: each(requirement),
});

export const isEmptySelector = ({ matchLabels = {}, matchExpressions = [] }: MetaV1LabelSelector) =>
	Object.keys(matchLabels).length + matchExpressions.length === 0;

/** A workload's selector: there, not empty, well formed. */
export function workloadSelector(emptyDetail: string): Rule<MetaV1LabelSelector> {
	return (selector, path) => {
		if (selector === undefined) return [required(path)];
		const errors = labelSelector(selector, path);
		return isEmptySelector(selector) ? [...errors, invalidValue(path, selector, emptyDetail)] : errors;
	};
}

/** Whether labels are selected; null where the selector cannot be read. */
export function selectedBy(
	selector: MetaV1LabelSelector | undefined,
	labels: Record<string, string> | undefined,
): boolean | null {
	if (selector === undefined || labelSelector(selector, "").length > 0) return null;
	return selects(selector as LabelSelector, labels ?? {});
}
