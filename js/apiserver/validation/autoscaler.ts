// HorizontalPodAutoscalers (pkg/apis/autoscaling/validation/validation.go: ValidateHorizontalPodAutoscalerSpec).

import { compareQuantities } from "../../api/quantity.ts";
import type {
	AutoscalingV2CrossVersionObjectReference,
	AutoscalingV2HorizontalPodAutoscaler,
	AutoscalingV2HPAScalingPolicy,
	AutoscalingV2HPAScalingRules,
	AutoscalingV2MetricIdentifier,
	AutoscalingV2MetricSpec,
	AutoscalingV2MetricTarget,
} from "../../api/schema/types.generated.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../status.ts";
import { dnsLabel, pathSegment } from "./names.ts";
import { each, NOT_NEGATIVE, optional, type Rule, text } from "./rule.ts";

const reference: Rule<AutoscalingV2CrossVersionObjectReference> = (given, path) => {
	const { apiVersion = "" } = given ?? {};
	return [
		...(apiVersion === "" ? [invalidValue(`${path}.apiVersion`, "", "apiVersion must specify API group")] : []),
		...named(given, path),
	];
};

/** Of what a metric is about no group is asked. */
const named: Rule<AutoscalingV2CrossVersionObjectReference> = (given, path) => {
	const { kind = "", name = "" } = given ?? {};
	return [
		...(kind === "" ? [required(`${path}.kind`)] : text(pathSegment)(kind, `${path}.kind`)),
		...(name === "" ? [required(`${path}.name`)] : text(pathSegment)(name, `${path}.name`)),
	];
};

const SOURCES = {
	Object: "object",
	Pods: "pods",
	Resource: "resource",
	External: "external",
	ContainerResource: "containerResource",
} as const;

const isPositive = (quantity: string | number) => compareQuantities(String(quantity), "0") > 0;

function target(given: AutoscalingV2MetricTarget | undefined, path: string): FieldError[] {
	const { type = "", averageUtilization: utilization } = given ?? {};
	const errors: FieldError[] = [];
	if (type === "") errors.push(required(`${path}.type`, "must specify a metric target type"));
	else if (!["Utilization", "Value", "AverageValue"].includes(type))
		errors.push(invalidValue(`${path}.type`, type, "must be either Utilization, Value, or AverageValue"));
	for (const name of ["value", "averageValue"] as const) {
		const quantity = given?.[name];
		if (quantity !== undefined && !isPositive(quantity))
			errors.push(invalidValue(`${path}.${name}`, quantity, "must be positive"));
	}
	if (utilization !== undefined && utilization < 1)
		errors.push(invalidValue(`${path}.averageUtilization`, utilization, "must be greater than 0"));
	return errors;
}

const identifier = ({ name = "" }: Partial<AutoscalingV2MetricIdentifier> = {}, path: string): FieldError[] =>
	name === "" ? [required(`${path}.name`, "must specify a metric name")] : text(pathSegment)(name, `${path}.name`);

/** Of a resource: one of two targets. */
function resourceTarget(given: AutoscalingV2MetricTarget | undefined, path: string): FieldError[] {
	const { averageUtilization, averageValue } = given ?? {};
	const errors = target(given, path);
	const both = averageUtilization !== undefined && averageValue !== undefined;
	if (averageUtilization === undefined && averageValue === undefined)
		errors.push(required(`${path}.averageUtilization`, "must set either a target raw value or a target utilization"));
	if (both)
		errors.push(forbiddenField(`${path}.averageValue`, "may not set both a target raw value and a target utilization"));
	return errors;
}

function resourceName(name: string, path: string): FieldError[] {
	return name ? [] : [required(`${path}.name`, "must specify a resource name")];
}

const sources: { [K in (typeof SOURCES)[keyof typeof SOURCES]]: Rule<NonNullable<AutoscalingV2MetricSpec[K]>> } = {
	resource: (source, path) => [
		...resourceName(source?.name ?? "", path),
		...resourceTarget(source?.target, `${path}.target`),
	],
	containerResource: (source, path) => [
		...resourceName(source?.name ?? "", path),
		...(source?.container
			? text(dnsLabel)(source.container, `${path}.container`)
			: [required(`${path}.container`, "must specify a container")]),
		...resourceTarget(source?.target, `${path}.target`),
	],
	pods: (source, path) => [
		...identifier(source?.metric, `${path}.metric`),
		...target(source?.target, `${path}.target`),
		...(source?.target?.averageValue === undefined
			? [required(`${path}.target.averageValue`, "must specify a positive target averageValue")]
			: []),
	],
	object: (source, path) => [
		...named(source?.describedObject, `${path}.describedObject`),
		...identifier(source?.metric, `${path}.metric`),
		...target(source?.target, `${path}.target`),
		...(source?.target?.value === undefined && source?.target?.averageValue === undefined
			? [required(`${path}.target.averageValue`, "must set either a target value or averageValue")]
			: []),
	],
	external(source, path) {
		const { value, averageValue } = source?.target ?? {};
		const errors = [...identifier(source?.metric, `${path}.metric`), ...target(source?.target, `${path}.target`)];
		if (value === undefined && averageValue === undefined)
			errors.push(
				required(`${path}.target.averageValue`, "must set either a target value for metric or a per-pod target"),
			);
		if (value !== undefined && averageValue !== undefined)
			errors.push(
				forbiddenField(`${path}.target.value`, "may not set both a target value for metric and a per-pod target"),
			);
		return errors;
	},
};

const metric: Rule<AutoscalingV2MetricSpec> = (given, path) => {
	const { type = "" } = given ?? {};
	const errors: FieldError[] = [];
	if (type === "") errors.push(required(`${path}.type`, "must specify a metric source type"));
	if (!Object.hasOwn(SOURCES, type))
		return [...errors, notSupported(`${path}.type`, type, Object.keys(SOURCES).sort())];
	const name = SOURCES[type as keyof typeof SOURCES];
	if (given?.[name] === undefined)
		return [required(`${path}.${name}`, `must populate information for the given metric source`)];
	errors.push(...(sources[name] as Rule<unknown>)(given[name], `${path}.${name}`));
	for (const other of Object.values(SOURCES))
		if (other !== name && given[other] !== undefined)
			errors.push(forbiddenField(`${path}.${other}`, "must populate the given metric source only"));
	return errors;
};

const WINDOW_MAX = 3600;
const PERIOD_MAX = 1800;

/** validateScalingPolicy. */
const policy: Rule<AutoscalingV2HPAScalingPolicy> = (given, path) => {
	const { type = "", value = 0, periodSeconds = 0 } = given ?? {};
	const errors = ["Pods", "Percent"].includes(type) ? [] : [notSupported(`${path}.type`, type, ["Percent", "Pods"])];
	if (value <= 0) errors.push(invalidValue(`${path}.value`, value, "must be greater than zero"));
	if (periodSeconds <= 0)
		errors.push(invalidValue(`${path}.periodSeconds`, periodSeconds, "must be greater than zero"));
	if (periodSeconds > PERIOD_MAX)
		errors.push(invalidValue(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${PERIOD_MAX}`));
	return errors;
};

/** validateScalingRules. */
const scalingRules: Rule<AutoscalingV2HPAScalingRules> = (given, path) => {
	const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [], tolerance } = given ?? {};
	const errors: FieldError[] = [];
	const place = `${path}.stabilizationWindowSeconds`;
	if (window < 0) errors.push(invalidValue(place, window, "must be greater than or equal to zero"));
	if (window > WINDOW_MAX) errors.push(invalidValue(place, window, `must be less than or equal to ${WINDOW_MAX}`));
	if (selectPolicy !== undefined && !["Disabled", "Max", "Min"].includes(selectPolicy))
		errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, ["Disabled", "Max", "Min"]));
	if (policies.length === 0) errors.push(required(`${path}.policies`, "must specify at least one Policy"));
	errors.push(...each(policy)(policies, `${path}.policies`));
	if (tolerance !== undefined && compareQuantities(String(tolerance), "0") < 0)
		errors.push(invalidValue(`${path}.tolerance`, tolerance, NOT_NEGATIVE));
	return errors;
};

/** ValidateHorizontalPodAutoscaler. */
export const autoscaler: Rule<AutoscalingV2HorizontalPodAutoscaler> = (object) => {
	const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics, behavior } = object?.spec ?? {};
	const errors: FieldError[] = [];
	if (minReplicas !== undefined && minReplicas < 1)
		errors.push(invalidValue("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
	if (maxReplicas < 1) errors.push(required("spec.maxReplicas", "must be set and greater than 0"));
	const scalesFromZero = (metrics ?? []).some(({ type }) => type === "Object" || type === "External");
	if (minReplicas === 0 && !scalesFromZero)
		errors.push(
			forbiddenField(
				"spec.metrics",
				"must specify at least one Object or External metric to support scaling to zero replicas",
			),
		);
	if (minReplicas !== undefined && maxReplicas < minReplicas)
		errors.push(invalidValue("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
	return [
		...errors,
		...reference(scaleTargetRef, "spec.scaleTargetRef"),
		...each(metric)(metrics, "spec.metrics"),
		...optional(scalingRules)(behavior?.scaleUp, "spec.behavior.scaleUp"),
		...optional(scalingRules)(behavior?.scaleDown, "spec.behavior.scaleDown"),
	];
};
