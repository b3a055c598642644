// What pods use, as a scene scripts it: nothing runs here whose use could be measured. On a HorizontalPodAutoscaler
// `podwire.dev/utilization.cpu: "85"` says per cent of their requests that its pods use, `podwire.dev/metric.NAME: "120"` what any
// other metric has; on a pod `podwire.dev/usage.cpu: 250m` and `podwire.dev/metric.NAME` what it has itself, `none` that nothing
// is known. `.CONTAINER` after a resource: of that container alone. Samples are of the moment.

import type { Pod } from "../../api/core.ts";
import type { KubernetesObject } from "../../api/meta.ts";
import { parseQuantity } from "../../api/quantity.ts";
import { milli, requestOf, type Usage } from "./replicas.ts";

const PREFIX = "podwire.dev/";
const NONE = "none";

const said = ({ metadata }: KubernetesObject, key: string) => metadata.annotations?.[PREFIX + key];

/** undefined where nobody says anything: no such metric is served. A pod that runs and is not said has what the autoscaler says. */
export function resourceUsage(
	autoscaler: KubernetesObject,
	pods: readonly Pod[],
	resource: string,
	container: string,
): Usage | undefined {
	const key = container === "" ? resource : `${resource}.${container}`;
	const text = said(autoscaler, `utilization.${key}`);
	const percent = text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
	return usageBy(pods, `usage.${key}`, (pod) => {
		const request = requestOf(pod, resource, container);
		return percent === undefined ? undefined : (typeof request === "string" ? 0 : request * percent) / 100;
	});
}

/** Of a metric that each pod has. */
export function podUsage(autoscaler: KubernetesObject, pods: readonly Pod[], metric: string): Usage | undefined {
	const value = metricValue(autoscaler, metric);
	return usageBy(pods, `metric.${metric}`, () => value);
}

/** Thousandths of a metric that there is once; undefined where nobody says. */
export function metricValue(autoscaler: KubernetesObject, metric: string): number | undefined {
	const text = said(autoscaler, `metric.${metric}`);
	return text === undefined || parseQuantity(text) === null ? undefined : milli(text);
}

function usageBy(pods: readonly Pod[], key: string, usual: (pod: Pod) => number | undefined): Usage | undefined {
	const usage = new Map<string, number>();
	let isSaid = false;
	for (const pod of pods) {
		const own = said(pod, key);
		const value = own === undefined ? usual(pod) : own === NONE ? undefined : milli(own);
		isSaid ||= own !== undefined || value !== undefined;
		if (value !== undefined && pod.status?.phase === "Running") usage.set(pod.metadata.name ?? "", value);
	}
	return isSaid || pods.length === 0 ? usage : undefined;
}
