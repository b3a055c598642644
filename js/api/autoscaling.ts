// autoscaling/v2: HorizontalPodAutoscaler.
// Field names are upstream's (OpenAPI document of Kubernetes 1.36); types only.

import type { Condition, KubernetesObject, LabelSelector, ObjectMeta } from "./meta.ts";

export interface HorizontalPodAutoscaler extends KubernetesObject {
	apiVersion: "autoscaling/v2";
	kind: "HorizontalPodAutoscaler";
	metadata: ObjectMeta;
	spec?: {
		scaleTargetRef: { apiVersion?: string; kind: string; name: string };
		minReplicas?: number;
		maxReplicas: number;
		metrics?: MetricSpec[];
		behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules };
	};
	status?: HorizontalPodAutoscalerStatus;
}

export interface HorizontalPodAutoscalerStatus {
	observedGeneration?: number;
	lastScaleTime?: string;
	currentReplicas?: number;
	desiredReplicas: number;
	currentMetrics?: MetricStatus[];
	conditions?: Condition[];
}

export interface ScalingRules {
	stabilizationWindowSeconds?: number;
	selectPolicy?: "Max" | "Min" | "Disabled";
	policies?: { type: "Pods" | "Percent"; value: number; periodSeconds: number }[];
	/** A quantity: `0.05`. */
	tolerance?: string;
}

export interface MetricIdentifier {
	name: string;
	selector?: LabelSelector;
}

export interface MetricTarget {
	type: "Utilization" | "Value" | "AverageValue";
	value?: string;
	averageValue?: string;
	/** Per cent of the requests. */
	averageUtilization?: number;
}

export interface MetricSpec {
	type: string;
	resource?: { name: string; target: MetricTarget };
	containerResource?: { name: string; container: string; target: MetricTarget };
	pods?: { metric: MetricIdentifier; target: MetricTarget };
	object?: {
		describedObject: { apiVersion?: string; kind: string; name: string };
		metric: MetricIdentifier;
		target: MetricTarget;
	};
	external?: { metric: MetricIdentifier; target: MetricTarget };
}

/** Of a metric that could not be had the type is empty. */
export interface MetricStatus {
	type: string;
	[source: string]: unknown;
}
