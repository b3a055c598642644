// The policies of a Job: which failures count for what, and when it has done enough (pkg/apis/batch/validation/validation.go:
// validatePodFailurePolicy, validateSuccessPolicy).

import type {
	BatchV1JobSpec,
	BatchV1PodFailurePolicyOnExitCodesRequirement,
	BatchV1PodFailurePolicyOnPodConditionsPattern,
	BatchV1PodFailurePolicyRule,
	BatchV1SuccessPolicy,
	BatchV1SuccessPolicyRule,
} from "../../api/schema/types.generated.ts";
import {
	duplicate,
	type FieldError,
	invalidValue,
	invalidWhole,
	notSupported,
	required,
	tooLong,
	tooMany,
} from "../status.ts";
import { qualified } from "./formats.ts";
import { NOT_NEGATIVE } from "./rule.ts";

const RULES_MAX = 20;
const PATTERNS_MAX = 20;
const EXIT_CODES_MAX = 255;
const INDEXES_MAX = 64 * 1024;
const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS = ["In", "NotIn"];
const STATUSES = ["False", "True", "Unknown"];

const validValues = (words: readonly string[]) =>
	`valid values: [${words.map((word) => JSON.stringify(word)).join(" ")}]`;

function word(value: string | undefined, words: readonly string[], path: string): FieldError[] {
	if (value === undefined || value === "") return [required(path, validValues(words))];
	return words.includes(value) ? [] : [notSupported(path, value, words)];
}

export function failurePolicy(spec: Partial<BatchV1JobSpec>, path: string): FieldError[] {
	const rules = spec.podFailurePolicy?.rules ?? [];
	const { containers = [], initContainers = [] } = spec.template?.spec ?? {};
	const names = new Set([...containers, ...initContainers].map(({ name }) => name));
	return [
		...(rules.length > RULES_MAX ? [tooMany(`${path}.rules`, rules.length, RULES_MAX)] : []),
		...rules.flatMap((rule, i) => failureRule(rule, spec, names, `${path}.rules[${i}]`)),
	];
}

function failureRule(
	rule: BatchV1PodFailurePolicyRule,
	{ backoffLimitPerIndex }: Partial<BatchV1JobSpec>,
	names: ReadonlySet<string>,
	path: string,
): FieldError[] {
	const { action, onExitCodes, onPodConditions = [] } = rule;
	const errors =
		action === "FailIndex" && backoffLimitPerIndex === undefined
			? [invalidValue(`${path}.action`, action, "requires the backoffLimitPerIndex to be set")]
			: word(action, ACTIONS, `${path}.action`);
	if (onExitCodes !== undefined) errors.push(...exitCodes(onExitCodes, names, `${path}.onExitCodes`));
	if (onPodConditions.length > 0) errors.push(...podConditions(onPodConditions, `${path}.onPodConditions`));
	if (onExitCodes !== undefined && onPodConditions.length > 0)
		errors.push(invalidWhole(path, "specifying both OnExitCodes and OnPodConditions is not supported"));
	if (onExitCodes === undefined && onPodConditions.length === 0)
		errors.push(invalidWhole(path, "specifying one of OnExitCodes and OnPodConditions is required"));
	return errors;
}

function podConditions(patterns: readonly BatchV1PodFailurePolicyOnPodConditionsPattern[], path: string): FieldError[] {
	return [
		...(patterns.length > PATTERNS_MAX ? [tooMany(path, patterns.length, PATTERNS_MAX)] : []),
		...patterns.flatMap(({ type, status }, i) => [
			...qualified(type, `${path}[${i}].type`),
			...word(status, STATUSES, `${path}[${i}].status`),
		]),
	];
}

function exitCodes(
	{ operator, containerName, values = [] }: BatchV1PodFailurePolicyOnExitCodesRequirement,
	names: ReadonlySet<string>,
	path: string,
): FieldError[] {
	const errors = word(operator, OPERATORS, `${path}.operator`);
	if (containerName !== undefined && !names.has(containerName)) {
		const detail = "must be one of the container or initContainer names in the pod template";
		errors.push(invalidValue(`${path}.containerName`, containerName, detail));
	}
	const place = `${path}.values`;
	if (values.length === 0) errors.push(invalidValue(place, values, "at least one value is required"));
	if (values.length > EXIT_CODES_MAX) errors.push(tooMany(place, values.length, EXIT_CODES_MAX));
	const seen = new Set<number>();
	for (const [i, value] of values.entries()) {
		if (operator === "In" && value === 0)
			errors.push(invalidValue(`${place}[${i}]`, value, "must not be 0 for the In operator"));
		if (seen.has(value)) errors.push(duplicate(`${place}[${i}]`, value));
		seen.add(value);
	}
	if (values.some((value, i) => value < (values[i - 1] ?? value)))
		errors.push(invalidValue(place, values, "must be ordered"));
	return errors;
}

export function successRules({ rules = [] }: BatchV1SuccessPolicy, completions: number, path: string): FieldError[] {
	const place = `${path}.rules`;
	const errors: FieldError[] = [];
	if (rules.length === 0)
		errors.push(required(place, "at least one rules must be specified when the successPolicy is specified"));
	if (rules.length > RULES_MAX) errors.push(tooMany(place, rules.length, RULES_MAX));
	return [...errors, ...rules.flatMap((rule, i) => successRule(rule, completions, `${place}[${i}]`))];
}

function successRule(
	{ succeededIndexes: indexes, succeededCount: count }: BatchV1SuccessPolicyRule,
	completions: number,
	path: string,
): FieldError[] {
	const errors: FieldError[] = [];
	if (indexes === undefined && count === undefined)
		errors.push(required(path, "at least one of succeededCount or succeededIndexes must be specified"));
	const total = indexes === undefined ? 0 : countIndexes(indexes, completions);
	const place = `${path}.succeededIndexes`;
	if (indexes !== undefined && indexes.length > INDEXES_MAX) errors.push(tooLong(place, INDEXES_MAX));
	if (typeof total === "string") errors.push(invalidValue(place, indexes, `error parsing succeededIndexes: ${total}`));
	if (count === undefined) return errors;
	const counted = (detail: string) => errors.push(invalidValue(`${path}.succeededCount`, count, detail));
	const most = (limit: number, of: string) => counted(`must be less than or equal to ${limit} (the number of ${of})`);
	if (count < 0) counted(NOT_NEGATIVE);
	if (count > completions) most(completions, "specified completions");
	const named = typeof total === "string" ? 0 : total;
	if (indexes !== undefined && count > named) most(named, "indexes in the specified succeededIndexes field");
	return errors;
}

/** How many indexes `0-2,5` names, or what is wrong with it (validateIndexesFormat). */
function countIndexes(text: string, completions: number): number | string {
	let total = 0;
	let last = -1;
	for (const part of text === "" ? [] : text.split(",")) {
		const ends = part.split("-");
		if (ends.length > 2)
			return `the fragment ${JSON.stringify(part)} violates the requirement that an index interval can have at most two parts separated by '-'`;
		for (const end of ends) {
			if (!/^\+?\d+$/.test(end)) return `cannot convert string to integer for index: ${JSON.stringify(end)}`;
			if (Number(end) >= completions) return `too large index: ${JSON.stringify(end)}`;
		}
		const [first = 0, second] = ends.map(Number);
		const unordered = (before: number, now: number) => `non-increasing order, previous: ${before}, current: ${now}`;
		if (second !== undefined && first >= second) return unordered(first, second);
		if (total > 0 && last >= first) return unordered(last, first);
		last = second ?? first;
		total += last - first + 1;
	}
	return total;
}
