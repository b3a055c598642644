// Label selectors: whether a LabelSelector or an equality map selects a set of labels (apimachinery pkg/labels).
// NotIn and DoesNotExist also select labels that lack the key. The text form of `kubectl -l` is not here.

import type { LabelSelector, LabelSelectorRequirement } from "./meta.ts";

export type Labels = Readonly<Record<string, string>>;

/** An equality map, as a Service has it. An empty map selects everything; the caller decides what absence means. */
export function selectsLabels(selector: Labels, labels: Labels | undefined): boolean {
	return Object.entries(selector).every(([key, value]) => labelOf(labels, key) === value);
}

/** A LabelSelector: all of matchLabels and all of matchExpressions. Empty selects everything, absent nothing. */
export function selects(selector: LabelSelector | null | undefined, labels: Labels | undefined): boolean {
	if (selector === null || selector === undefined) return false;
	if (!selectsLabels(selector.matchLabels ?? {}, labels)) return false;
	return (selector.matchExpressions ?? []).every((requirement) => satisfies(requirement, labels));
}

function satisfies({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels | undefined): boolean {
	const value = labelOf(labels, key);
	switch (operator) {
		case "In":
			return value !== undefined && values.includes(value);
		case "NotIn":
			return value === undefined || !values.includes(value);
		case "Exists":
			return value !== undefined;
		case "DoesNotExist":
			return value === undefined;
	}
}

function labelOf(labels: Labels | undefined, key: string): string | undefined {
	return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}
