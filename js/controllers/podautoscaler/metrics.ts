// What one metric of a HorizontalPodAutoscaler proposes, and what its status says of it; or why it has nothing to propose
// (pkg/controller/podautoscaler/horizontal.go: computeReplicasForMetric).

import type {
	HorizontalPodAutoscaler,
	MetricIdentifier,
	MetricSpec,
	MetricStatus,
	MetricTarget,
} from "../../api/autoscaling.ts";
import type { LabelSelector } from "../../api/meta.ts";
import { canonicalQuantity } from "../../api/quantity.ts";
import {
	byAverage,
	byShare,
	byTotal,
	byUtilization,
	milli,
	type Question,
	type Replicas,
	requestsOf,
} from "./replicas.ts";
import { metricValue, podUsage, resourceUsage } from "./scripted.ts";

export interface Proposal {
	replicas: number;
	/** `cpu resource utilization (percentage of request)`. */
	name: string;
	status: MetricStatus;
}

export interface Failure {
	/** Of the event and the condition: `FailedGetResourceMetric`. */
	reason: string;
	message: string;
	/** The message with what it was asked for in front. */
	error: string;
}

export interface Asked extends Omit<Question, "usage" | "resource"> {
	autoscaler: HorizontalPodAutoscaler;
	/** Replicas that the target's status has. */
	running: number;
}

export function propose(metric: MetricSpec, asked: Asked): Proposal | Failure {
	const { resource, containerResource, pods, object, external } = metric;
	if (resource !== undefined) return ofResource(resource, "", asked);
	if (containerResource !== undefined) return ofResource(containerResource, containerResource.container, asked);
	if (pods !== undefined) return ofPods(pods, asked);
	if (object !== undefined) return ofObject(object, asked);
	if (external !== undefined) return ofExternal(external, asked);
	const error = `unknown metric source type ${JSON.stringify(metric.type)}`;
	return { reason: "InvalidMetricSourceType", message: error, error };
}

function ofResource(
	{ name, target }: NonNullable<MetricSpec["resource"]>,
	container: string,
	asked: Asked,
): Proposal | Failure {
	const isWhole = container === "";
	const failed = (why: string): Failure => {
		const message = `failed to get ${name} ${target.averageValue === undefined ? "utilization" : "usage"}: ${why}`;
		const what = isWhole ? `${name} resource` : `${container} container`;
		const reason = isWhole ? "FailedGetResourceMetric" : "FailedGetContainerResourceMetric";
		return { reason, message, error: `failed to get ${what} metric value: ${message}` };
	};
	const found = byResource(name, target, container, asked);
	if (typeof found === "string") return failed(found);
	const { replicas, average, utilization } = found;
	const averageValue = name === "memory" ? binary(average) : decimal(average);
	const current =
		target.averageValue === undefined ? { averageUtilization: utilization, averageValue } : { averageValue };
	const percentage = `${name} ${isWhole ? "" : "container "}resource utilization (percentage of request)`;
	return {
		replicas,
		name: target.averageValue === undefined ? percentage : `${name} resource`,
		status: isWhole
			? { type: "Resource", resource: { name, current } }
			: { type: "ContainerResource", containerResource: { name, container, current } },
	};
}

function byResource(name: string, target: MetricTarget, container: string, asked: Asked): Replicas | string {
	const { autoscaler, pods } = asked;
	const usage = resourceUsage(autoscaler, pods, name, container);
	const none = `unable to get metrics for resource ${name}: `;
	if (usage === undefined)
		return `${none}unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)`;
	if (usage.size === 0 && pods.length > 0) return `${none}no metrics returned from resource metrics API`;
	const question = { ...asked, usage, resource: name };
	if (target.averageValue !== undefined) return byAverage(question, milli(target.averageValue));
	const requests = requestsOf(pods, name, container);
	const found = byUtilization(
		question,
		target.averageUtilization ?? 0,
		typeof requests === "string" ? new Map() : requests,
	);
	// Pods are counted before their requests are asked for.
	const isEarlier = typeof found === "string" && !found.startsWith("no metrics returned matched");
	return typeof requests === "string" && !isEarlier ? requests : found;
}

function ofPods({ metric, target }: NonNullable<MetricSpec["pods"]>, asked: Asked): Proposal | Failure {
	const { name } = metric;
	const usage = podUsage(asked.autoscaler, asked.pods, name);
	const found =
		usage === undefined
			? `unable to get metric ${name}: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered`
			: byAverage({ ...asked, usage, resource: "" }, milli(target.averageValue));
	if (typeof found === "string")
		return { reason: "FailedGetPodsMetric", message: found, error: `failed to get pods metric value: ${found}` };
	const current = { averageValue: decimal(found.average) };
	return { replicas: found.replicas, name: `pods metric ${name}`, status: { type: "Pods", pods: { metric, current } } };
}

function ofObject(source: NonNullable<MetricSpec["object"]>, asked: Asked): Proposal | Failure {
	const { describedObject, metric, target } = source;
	const { kind, name } = describedObject;
	const { namespace = "" } = asked.autoscaler.metadata;
	const value = metricValue(asked.autoscaler, metric.name);
	const found =
		value === undefined
			? `unable to get metric ${metric.name}: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered on ${kind} ${namespace}/${name}`
			: byValue(value, target, asked);
	if (typeof found === "string") {
		const whole = target.type === "AverageValue" ? `failed to get ${metric.name} object metric: ${found}` : found;
		return { reason: "FailedGetObjectMetric", message: found, error: `failed to get object metric value: ${whole}` };
	}
	return {
		replicas: found.replicas,
		name: target.type === "AverageValue" ? external(metric) : `${kind} metric ${metric.name}`,
		status: { type: "Object", object: { metric, current: currentOf(found, target), describedObject } },
	};
}

function ofExternal({ metric, target }: NonNullable<MetricSpec["external"]>, asked: Asked): Proposal | Failure {
	const { namespace = "" } = asked.autoscaler.metadata;
	const { name, selector } = metric;
	const value = metricValue(asked.autoscaler, name);
	const found =
		value === undefined
			? `unable to get external metric ${namespace}/${name}/${goSelector(selector)}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get ${name}.external.metrics.k8s.io)`
			: byValue(value, target, asked);
	if (typeof found === "string") {
		const what = target.averageValue === undefined ? `external metric ${name}` : `${name} external metric`;
		const error = `failed to get ${name} external metric value: failed to get ${what}: ${found}`;
		return { reason: "FailedGetExternalMetric", message: found, error };
	}
	const status = { type: "External", external: { metric, current: currentOf(found, target) } };
	return { replicas: found.replicas, name: external(metric), status };
}

function byValue(value: number, { value: whole, averageValue }: MetricTarget, asked: Asked): Replicas | string {
	return averageValue === undefined
		? byTotal(asked, value, milli(whole))
		: byShare(asked.tolerances, asked.running, value, milli(averageValue));
}

const currentOf = ({ average }: Replicas, { averageValue }: MetricTarget) =>
	averageValue === undefined ? { value: decimal(average) } : { averageValue: decimal(average) };

const external = ({ name, selector }: MetricIdentifier) => `external metric ${name}(${goSelector(selector)})`;

const decimal = (value: number) => canonicalQuantity(`${value}m`);

function binary(value: number): string {
	const bytes = value / 1000;
	if (!Number.isInteger(bytes)) return decimal(value);
	return bytes % 1024 === 0 ? canonicalQuantity(`${bytes / 1024}Ki`) : String(bytes);
}

/** As Go prints a *LabelSelector. */
function goSelector(selector: LabelSelector | undefined): string {
	if (selector === undefined) return "nil";
	const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
	const requirements = (selector.matchExpressions ?? []).map(
		({ key, operator, values = [] }) =>
			`LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],}`,
	);
	const map = `map[string]string{${labels.map(([key, value]) => `${key}: ${value},`).join("")}}`;
	const list = `[]LabelSelectorRequirement{${requirements.map((one) => `${one},`).join("")}}`;
	return `&LabelSelector{MatchLabels:${map},MatchExpressions:${list},}`;
}
