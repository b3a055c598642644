// What bounds workloads: autoscalers and quotas (printers.go: printHorizontalPodAutoscaler, formatHPAMetrics, printResourceQuota).

import type {
	AutoscalingV2HorizontalPodAutoscaler,
	AutoscalingV2MetricSpec,
	AutoscalingV2MetricStatus,
	AutoscalingV2MetricTarget,
	AutoscalingV2MetricValueStatus,
	CoreV1ResourceQuota,
} from "../../../api/schema/types.generated.ts";
import { AGE, type Column, columns, count, NAME, text } from "./column.ts";

const SHOWN_MAX = 2;
const UNKNOWN = "<unknown>";

function targets({ spec, status }: AutoscalingV2HorizontalPodAutoscaler): string {
	const specs = spec?.metrics ?? [];
	const statuses = status?.currentMetrics ?? [];
	if (specs.length === 0) return "<none>";
	const all = specs.map((metric, i) => metricText(metric, statuses[i]));
	const more = all.length > SHOWN_MAX ? ` + ${all.length - SHOWN_MAX} more...` : "";
	return all.slice(0, SHOWN_MAX).join(", ") + more;
}

const percent = (value: number | undefined) => (value === undefined ? undefined : `${value}%`);

function metricText(spec: AutoscalingV2MetricSpec, status: AutoscalingV2MetricStatus | undefined): string {
	switch (spec.type) {
		case "Resource":
			return ofResource(spec.resource?.name, spec.resource?.target, status?.resource?.current);
		case "ContainerResource":
			return ofResource(
				spec.containerResource?.name,
				spec.containerResource?.target,
				status?.containerResource?.current,
			);
		case "Pods":
			return `${status?.pods?.current.averageValue ?? UNKNOWN}/${spec.pods?.target.averageValue}`;
		case "Object":
			return ofValue(spec.object?.target, status?.object?.current);
		case "External":
			return ofValue(spec.external?.target, status?.external?.current);
		default:
			return "<unknown type>";
	}
}

function ofResource(
	name = "",
	target: AutoscalingV2MetricTarget | undefined,
	current: AutoscalingV2MetricValueStatus | undefined,
): string {
	if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? UNKNOWN}/${target.averageValue}`;
	const wanted = percent(target?.averageUtilization) ?? "<auto>";
	return `${name}: ${percent(current?.averageUtilization) ?? UNKNOWN}/${wanted}`;
}

function ofValue(
	target: AutoscalingV2MetricTarget | undefined,
	current: AutoscalingV2MetricValueStatus | undefined,
): string {
	if (target?.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`;
	return `${current?.value ?? UNKNOWN}/${target?.value}`;
}

/** `cpu: 1/2, pods: 0/10`: of limits, or of everything else. */
function quota({ status }: CoreV1ResourceQuota, limits: boolean): string {
	const names = Object.keys(status?.hard ?? {}).filter((name) => name.startsWith("limits.") === limits);
	return names
		.sort()
		.map((name) => `${name}: ${status?.used?.[name] ?? 0}/${status?.hard?.[name]}`)
		.join(", ");
}

export const POLICY: Readonly<Record<string, readonly Column[]>> = {
	"horizontalpodautoscalers.autoscaling": columns<AutoscalingV2HorizontalPodAutoscaler>(
		NAME,
		text("Reference", ({ spec }) => `${spec?.scaleTargetRef.kind}/${spec?.scaleTargetRef.name}`),
		text("Targets", targets),
		text("MinPods", ({ spec }) => String(spec?.minReplicas ?? "<unset>")),
		text("MaxPods", ({ spec }) => String(spec?.maxReplicas)),
		count("Replicas", ({ status }) => status?.currentReplicas),
		AGE,
	),
	resourcequotas: columns<CoreV1ResourceQuota>(
		NAME,
		text("Request", (object) => quota(object, false)),
		text("Limit", (object) => quota(object, true)),
		AGE,
	),
};
