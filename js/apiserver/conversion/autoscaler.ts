// HorizontalPodAutoscalers of autoscaling/v1, which has one metric, in autoscaling/v2, which has lists of them and is what is
// kept; what v1 has no field for it carries in annotations (pkg/apis/autoscaling/v1/conversion.go, annotations.go). The texts in
// them are Go's: fields in the order of its structs, names as the annotation's version has them.

import type { KubernetesObject } from "../../api/meta.ts";
import { isArray, isObject, type Json, type JsonObject } from "../patch/json.ts";

const ANNOTATION = "autoscaling.alpha.kubernetes.io/";
const ROUND_TRIP = [
	"metrics",
	"behavior",
	"scale-down-tolerance",
	"scale-up-tolerance",
	"current-metrics",
	"conditions",
];

const struct = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const list = (value: Json | undefined): JsonObject[] => (isArray(value) ? value.map(struct) : []);

/** Without what is left out: an absent member, and Go's omitempty. */
function members(entries: Readonly<Record<string, Json | undefined>>): JsonObject {
	return Object.fromEntries(
		Object.entries(entries).filter(([, value]) => value !== undefined && value !== null),
	) as JsonObject;
}

const reference = ({ kind = "", name = "", apiVersion }: JsonObject) =>
	members({ kind, name, apiVersion: apiVersion || undefined });

/** Of one source of metrics: the field, and how it is said in either version. */
interface Source {
	field: string;
	old(source: JsonObject): JsonObject;
	now(source: JsonObject): JsonObject;
}

/** Go prints maps by their keys. */
function inOrder(value: Json): Json {
	if (isArray(value)) return value.map(inOrder);
	if (!isObject(value)) return value;
	return Object.fromEntries(
		Object.entries(value)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([name, member]) => [name, inOrder(member)]),
	);
}

function metricOf({ metric }: JsonObject): JsonObject {
	const { selector, ...rest } = struct(metric);
	return selector === undefined ? rest : { ...rest, selector: inOrder(selector) };
}

const byUtilization = ({ targetAverageUtilization: utilization, targetAverageValue: averageValue }: JsonObject) =>
	members({
		type: utilization === undefined ? "AverageValue" : "Utilization",
		averageValue,
		averageUtilization: utilization,
	});
const isZero = (quantity: Json | undefined) =>
	quantity === undefined || /^[+-]?0*\.?0*[a-zA-Z]*$/.test(String(quantity));

const SOURCES: readonly Source[] = [
	{
		field: "object",
		old: (source) => {
			const target = struct(source.target);
			const { name = "", selector } = metricOf(source);
			const { value: targetValue = "0", averageValue } = target;
			return members({
				target: reference(struct(source.describedObject)),
				metricName: name,
				targetValue,
				selector,
				averageValue,
			});
		},
		now: ({ target, metricName = "", targetValue = "0", selector, averageValue }) => ({
			describedObject: reference(struct(target)),
			target: members({
				type: averageValue === undefined ? "Value" : "AverageValue",
				value: averageValue !== undefined && isZero(targetValue) ? undefined : targetValue,
				averageValue,
			}),
			metric: members({ name: metricName, selector }),
		}),
	},
	{
		field: "pods",
		old: (source) => {
			const { name = "", selector } = metricOf(source);
			return members({
				metricName: name,
				targetAverageValue: struct(source.target).averageValue ?? "0",
				selector,
			});
		},
		now: ({ metricName = "", targetAverageValue = "0", selector }) => ({
			metric: members({ name: metricName, selector }),
			target: { type: "AverageValue", averageValue: targetAverageValue },
		}),
	},
	{
		field: "resource",
		old: ({ name = "", target }) => {
			const { averageUtilization, averageValue } = struct(target);
			return members({ name, targetAverageUtilization: averageUtilization, targetAverageValue: averageValue });
		},
		now: (source) => ({ name: source.name ?? "", target: byUtilization(source) }),
	},
	{
		field: "containerResource",
		old: ({ name = "", container = "", target }) => {
			const { averageUtilization, averageValue } = struct(target);
			return members({
				name,
				targetAverageUtilization: averageUtilization,
				targetAverageValue: averageValue,
				container,
			});
		},
		now: (source) => ({ name: source.name ?? "", target: byUtilization(source), container: source.container ?? "" }),
	},
	{
		field: "external",
		old: (source) => {
			const { name = "", selector } = metricOf(source);
			const { value, averageValue } = struct(source.target);
			return members({
				metricName: name,
				metricSelector: selector,
				targetValue: value,
				targetAverageValue: averageValue,
			});
		},
		now: ({ metricName = "", metricSelector, targetValue, targetAverageValue }) => ({
			metric: members({ name: metricName, selector: metricSelector }),
			target: members({
				type: targetValue === undefined ? "AverageValue" : "Value",
				value: targetValue,
				averageValue: targetAverageValue,
			}),
		}),
	},
];

/** Values there are by now. */
const STATUSES: readonly Source[] = [
	{
		field: "object",
		old: (source) => {
			const { name = "", selector } = metricOf(source);
			const { value = "0", averageValue } = struct(source.current);
			return members({
				target: reference(struct(source.describedObject)),
				metricName: name,
				currentValue: value,
				selector,
				averageValue,
			});
		},
		now: ({ target, metricName = "", currentValue = "0", selector, averageValue }) => ({
			metric: members({ name: metricName, selector }),
			current: members({ value: currentValue, averageValue }),
			describedObject: reference(struct(target)),
		}),
	},
	{
		field: "pods",
		old: (source) => {
			const { name = "", selector } = metricOf(source);
			return members({
				metricName: name,
				currentAverageValue: struct(source.current).averageValue ?? "0",
				selector,
			});
		},
		now: ({ metricName = "", currentAverageValue = "0", selector }) => ({
			metric: members({ name: metricName, selector }),
			current: { averageValue: currentAverageValue },
		}),
	},
	{
		field: "resource",
		old: ({ name = "", current }) => currently(name, struct(current)),
		now: (source) => ({ name: source.name ?? "", current: current(source) }),
	},
	{
		field: "containerResource",
		old: ({ name = "", container = "", current }) => ({ ...currently(name, struct(current)), container }),
		now: (source) => ({ name: source.name ?? "", current: current(source), container: source.container ?? "" }),
	},
	{
		field: "external",
		old: (source) => {
			const { name = "", selector } = metricOf(source);
			const { value = "0", averageValue } = struct(source.current);
			return members({
				metricName: name,
				metricSelector: selector,
				currentValue: value,
				currentAverageValue: averageValue,
			});
		},
		now: ({ metricName = "", metricSelector, currentValue = "0", currentAverageValue }) => ({
			metric: members({ name: metricName, selector: metricSelector }),
			current: members({ value: currentValue, averageValue: currentAverageValue }),
		}),
	},
];

const currently = (name: Json, { averageUtilization, averageValue = "0" }: JsonObject) =>
	members({ name, currentAverageUtilization: averageUtilization, currentAverageValue: averageValue });
const current = ({ currentAverageUtilization, currentAverageValue = "0" }: JsonObject) =>
	members({ averageValue: currentAverageValue, averageUtilization: currentAverageUtilization });

const each = (sources: readonly Source[], way: "old" | "now") => (metric: JsonObject) =>
	members({
		type: metric.type ?? "",
		...Object.fromEntries(
			sources.map((source) => [
				source.field,
				metric[source.field] === undefined ? undefined : source[way](struct(metric[source.field])),
			]),
		),
	});

/** What v1 has a field for. */
const isCpuUtilization = ({ type, resource }: JsonObject) =>
	type === "Resource" &&
	struct(resource).name === "cpu" &&
	struct(struct(resource).target).averageUtilization !== undefined;

const RULES = ["StabilizationWindowSeconds", "SelectPolicy", "Policies", "Tolerance"];
const POLICY = ["Type", "Value", "PeriodSeconds"];
const lower = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

/** Go prints the fields of a type without tags under their own names, absent ones as null. */
function goBehavior({ scaleUp, scaleDown }: JsonObject): JsonObject {
	const named = (names: readonly string[], value: JsonObject) =>
		Object.fromEntries(names.map((name) => [name, value[lower(name)] ?? null])) as JsonObject;
	const rules = (value: Json | undefined): Json => {
		if (!isObject(value)) return null;
		const policies = isArray(value.policies) ? list(value.policies).map((policy) => named(POLICY, policy)) : null;
		return { ...named(RULES, value), Policies: policies };
	};
	return { ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) };
}

/** And reads them under any. */
function ownBehavior(value: JsonObject): JsonObject {
	const renamed = (given: Json): Json => {
		if (isArray(given)) return given.map(renamed);
		if (!isObject(given)) return given;
		const entries = Object.entries(given).filter(([, member]) => member !== null);
		return Object.fromEntries(entries.map(([name, member]) => [lower(name), renamed(member)]));
	};
	return struct(renamed(value));
}

type Parts = { spec: JsonObject; status: JsonObject; annotations: Record<string, string> };

function partsOf(object: KubernetesObject): Parts {
	const { spec, status, metadata } = object as unknown as {
		spec?: Json;
		status?: Json;
		metadata: KubernetesObject["metadata"];
	};
	return { spec: struct(spec), status: struct(status), annotations: { ...metadata.annotations } };
}

function assembled(
	object: KubernetesObject,
	apiVersion: string,
	{ spec, status, annotations }: Parts,
): KubernetesObject {
	const { annotations: _, ...metadata } = object.metadata;
	const kept = Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations };
	return { ...object, apiVersion, metadata: kept, spec, status } as unknown as KubernetesObject;
}

function withoutRoundTrip(annotations: Record<string, string>): Record<string, string> {
	const dropped = new Set(ROUND_TRIP.map((name) => ANNOTATION + name));
	return Object.fromEntries(Object.entries(annotations).filter(([name]) => !dropped.has(name)));
}

/** autoscaling/v2 as it is kept: what v1 carries in annotations it has fields for. */
export function autoscalerKept(object: KubernetesObject): KubernetesObject {
	const { annotations = {} } = object.metadata;
	if (!ROUND_TRIP.some((name) => Object.hasOwn(annotations, ANNOTATION + name))) return object;
	return { ...object, metadata: { ...object.metadata, annotations: withoutRoundTrip(annotations) } };
}

/** autoscaling/v2 as autoscaling/v1. */
export function autoscalerV1(object: KubernetesObject): KubernetesObject {
	const { spec, status, annotations: given } = partsOf(object);
	const annotations = withoutRoundTrip(given);
	const metrics = list(spec.metrics);
	const write = (name: string, value: Json) => {
		annotations[ANNOTATION + name] = JSON.stringify(value);
	};
	const others = metrics.filter((metric) => !isCpuUtilization(metric)).map(each(SOURCES, "old"));
	if (others.length > 0) write("metrics", others);
	const values = list(status.currentMetrics).map(each(STATUSES, "old"));
	if (values.length > 0) write("current-metrics", values);
	if (isObject(spec.behavior)) write("behavior", goBehavior(spec.behavior));
	const conditions = list(status.conditions);
	if (conditions.length > 0)
		write(
			"conditions",
			conditions.map(({ type = "", status: is = "", lastTransitionTime = null, reason, message }) => ({
				...{ type, status: is, lastTransitionTime },
				...members({ reason: reason || undefined, message: message || undefined }),
			})),
		);
	const utilization = struct(struct(metrics.find(isCpuUtilization)?.resource).target).averageUtilization;
	const cpu = list(status.currentMetrics).filter(
		({ type, resource }) => type === "Resource" && struct(resource).name === "cpu",
	);
	const now = cpu.map(({ resource }) => struct(struct(resource).current).averageUtilization);
	return assembled(object, "autoscaling/v1", {
		spec: members({
			scaleTargetRef: spec.scaleTargetRef,
			minReplicas: spec.minReplicas,
			maxReplicas: spec.maxReplicas,
			targetCPUUtilizationPercentage: utilization,
		}),
		status: members({
			observedGeneration: status.observedGeneration,
			lastScaleTime: status.lastScaleTime,
			currentReplicas: status.currentReplicas ?? 0,
			desiredReplicas: status.desiredReplicas ?? 0,
			currentCPUUtilizationPercentage: now.findLast((value) => value !== undefined),
		}),
		annotations,
	});
}

const CPU_DEFAULT = 80;
const cpuMetric = (averageUtilization: Json): JsonObject => ({
	type: "Resource",
	resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

/** autoscaling/v1 as autoscaling/v2. */
export function autoscalerV2(object: KubernetesObject): KubernetesObject {
	const { spec, status, annotations } = partsOf(object);
	// What is no JSON of the kind says nothing.
	const read = (name: string): Json | undefined => {
		try {
			return JSON.parse(annotations[ANNOTATION + name] ?? "") as Json;
		} catch {
			return undefined;
		}
	};
	const own = spec.targetCPUUtilizationPercentage;
	const metrics = [...list(read("metrics")).map(each(SOURCES, "now")), ...(own === undefined ? [] : [cpuMetric(own)])];
	const behavior = ownBehavior(struct(read("behavior")));
	const utilization = status.currentCPUUtilizationPercentage;
	const told = read("current-metrics");
	const values = isArray(told)
		? list(told).map(each(STATUSES, "now"))
		: utilization === undefined
			? undefined
			: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: utilization } } }];
	const conditions = read("conditions");
	return assembled(object, "autoscaling/v2", {
		spec: members({
			scaleTargetRef: spec.scaleTargetRef,
			minReplicas: spec.minReplicas,
			maxReplicas: spec.maxReplicas,
			metrics: metrics.length > 0 ? metrics : [cpuMetric(CPU_DEFAULT)],
			behavior: Object.keys(behavior).length > 0 ? behavior : undefined,
		}),
		status: members({
			observedGeneration: status.observedGeneration,
			lastScaleTime: status.lastScaleTime,
			currentReplicas: status.currentReplicas === 0 ? undefined : status.currentReplicas,
			desiredReplicas: status.desiredReplicas,
			currentMetrics: values,
			conditions: isArray(conditions) ? conditions : undefined,
		}),
		annotations: withoutRoundTrip(annotations),
	});
}
