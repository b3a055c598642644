// Where a pod may run, as fields of its spec: tolerations, affinities, spread (pkg/apis/core/validation/validation.go:
// ValidateTolerations, validateAffinity, validateTopologySpreadConstraints).

import type {
	CoreV1Affinity,
	CoreV1NodeAffinity,
	CoreV1NodeSelector,
	CoreV1NodeSelectorRequirement,
	CoreV1NodeSelectorTerm,
	CoreV1PodAffinity,
	CoreV1PodAffinityTerm,
	CoreV1PreferredSchedulingTerm,
	CoreV1Toleration,
	CoreV1TopologySpreadConstraint,
	CoreV1WeightedPodAffinityTerm,
} from "../../api/schema/types.generated.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, notSupported, required } from "../status.ts";
import { dnsLabel, labelKey, labelValue } from "./names.ts";
import { between, each, fields, neededOneOf, oneOf, optional, type Rule, text } from "./rule.ts";
import { labelSelector } from "./selector.ts";

// ValidateNodeSelectorRequirement
const nodeRequirement: Rule<CoreV1NodeSelectorRequirement> = (given, path) => {
	const { operator = "", key = "", values = [] } = given ?? {};
	const place = `${path}.values`;
	const errors: FieldError[] = [];
	if (operator === "In" || operator === "NotIn") {
		if (values.length === 0) errors.push(required(place, "must be specified when `operator` is 'In' or 'NotIn'"));
	} else if (operator === "Exists" || operator === "DoesNotExist") {
		if (values.length > 0)
			errors.push(forbiddenField(place, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
	} else if (operator === "Gt" || operator === "Lt") {
		if (values.length !== 1)
			errors.push(required(place, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
	} else {
		errors.push(invalidValue(`${path}.operator`, operator, "not a valid selector operator"));
	}
	return [...errors, ...text(labelKey)(key, `${path}.key`)];
};

const fieldRequirement: Rule<CoreV1NodeSelectorRequirement> = (given, path) => {
	const { operator = "", key = "", values = [] } = given ?? {};
	const errors: FieldError[] = [];
	if (operator !== "In" && operator !== "NotIn")
		errors.push(invalidValue(`${path}.operator`, operator, "not a valid selector operator"));
	else if (values.length !== 1)
		errors.push(
			required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
		);
	if (key !== "metadata.name") errors.push(invalidValue(`${path}.key`, key, "not a valid field selector key"));
	return errors;
};

const nodeTerm = fields<CoreV1NodeSelectorTerm>({
	matchExpressions: each(nodeRequirement),
	matchFields: each(fieldRequirement),
});

const nodeSelector: Rule<CoreV1NodeSelector> = (given, path) => {
	const place = `${path}.nodeSelectorTerms`;
	const { nodeSelectorTerms: terms = [] } = given ?? {};
	if (terms.length === 0) return [required(place, "must have at least one node selector term")];
	return each(nodeTerm)(terms, place);
};

const weight = between(1, 100);

const nodeAffinity = fields<CoreV1NodeAffinity>({
	requiredDuringSchedulingIgnoredDuringExecution: optional(nodeSelector),
	preferredDuringSchedulingIgnoredDuringExecution: each(
		fields<CoreV1PreferredSchedulingTerm>({
			weight: (value = 0, path) =>
				value < 1 || value > 100 ? [invalidValue(path, value, "must be in the range 1-100")] : [],
			preference: nodeTerm,
		}),
	),
});

// validatePodAffinityTerm
const podTerm = fields<CoreV1PodAffinityTerm>({
	labelSelector: optional(labelSelector),
	namespaceSelector: optional(labelSelector),
	// Upstream's path names a single one.
	namespaces: (names = [], path) => names.flatMap((name) => text(dnsLabel)(name, path.replace(/s$/, ""))),
	topologyKey: (key = "", path) => [
		...(key === "" ? [required(path, "can not be empty")] : []),
		...text(labelKey)(key, path),
	],
});

const podAffinity = fields<CoreV1PodAffinity>({
	requiredDuringSchedulingIgnoredDuringExecution: each(podTerm),
	preferredDuringSchedulingIgnoredDuringExecution: each(
		fields<CoreV1WeightedPodAffinityTerm>({
			weight: (value = 0, path) =>
				weight(value, path).length > 0 ? [invalidValue(path, value, "must be in the range 1-100")] : [],
			podAffinityTerm: podTerm,
		}),
	),
});

export const affinity: Rule<CoreV1Affinity> = fields<CoreV1Affinity>({
	nodeAffinity: optional(nodeAffinity),
	podAffinity: optional(podAffinity),
	podAntiAffinity: optional(podAffinity),
});

export const TAINT_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

// ValidateTolerations
const toleration: Rule<CoreV1Toleration> = (given, path) => {
	const { key = "", operator = "", value = "", effect = "", tolerationSeconds } = given ?? {};
	const errors = key === "" ? [] : text(labelKey)(key, `${path}.key`);
	if (key === "" && operator !== "Exists")
		errors.push(
			invalidValue(
				`${path}.operator`,
				operator,
				'operator must be Exists when `key` is empty, which means "match all values and all keys"',
			),
		);
	if (tolerationSeconds !== undefined && effect !== "NoExecute")
		errors.push(invalidValue(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
	if (operator === "" || operator === "Equal") {
		const [problem] = labelValue(value);
		if (problem !== undefined) errors.push(invalidValue(`${path}.operator`, value, problem));
	} else if (operator === "Exists") {
		if (value !== "")
			errors.push(invalidValue(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'"));
	} else if (operator !== "Lt" && operator !== "Gt") {
		errors.push(notSupported(`${path}.operator`, operator, ["Equal", "Exists"]));
	}
	if (effect !== "") errors.push(...oneOf(...TAINT_EFFECTS)(effect, `${path}.effect`));
	return errors;
};

export const tolerations: Rule<readonly CoreV1Toleration[]> = each(toleration);

const spread: Rule<CoreV1TopologySpreadConstraint> = fields<CoreV1TopologySpreadConstraint>({
	maxSkew: (value = 0, path) => (value > 0 ? [] : [invalidValue(path, value, "must be greater than zero")]),
	topologyKey: (key = "", path) => (key === "" ? [required(path, "can not be empty")] : []),
	whenUnsatisfiable: oneOf("DoNotSchedule", "ScheduleAnyway"),
	labelSelector: optional(labelSelector),
	nodeAffinityPolicy: optional(oneOf("Honor", "Ignore")),
	nodeTaintsPolicy: optional(oneOf("Honor", "Ignore")),
});

export const spreadConstraints: Rule<readonly CoreV1TopologySpreadConstraint[]> = (list = [], path) =>
	list.flatMap((one, i) => {
		const place = `${path}[${i}]`;
		const again = list
			.slice(i + 1)
			.some(
				({ topologyKey, whenUnsatisfiable }) =>
					topologyKey === one.topologyKey && whenUnsatisfiable === one.whenUnsatisfiable,
			);
		const errors = spread(one, place);
		const printed = `{${one.topologyKey}, ${one.whenUnsatisfiable}}`;
		return again ? [...errors, duplicate(`${place}.{topologyKey, whenUnsatisfiable}`, printed)] : errors;
	});

export const taintEffect = neededOneOf(...TAINT_EFFECTS);
