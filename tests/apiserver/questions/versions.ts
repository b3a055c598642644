// One object in several versions: autoscalers of autoscaling/v1 and v2, events of the core group and of events.k8s.io.

import { create, type Given, get, merge, one, put, type Scene, type Step } from "./question.ts";

const REF = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const scaler = (version: "v1" | "v2", spec: object = {}, rest: object = {}): Given => ({
	apiVersion: `autoscaling/${version}`,
	kind: "HorizontalPodAutoscaler",
	metadata: { name: "web" },
	...rest,
	spec: { maxReplicas: 5, scaleTargetRef: REF, ...spec },
});
const [OLD, NEW] = [scaler("v1"), scaler("v2")];
const cpu = { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } };
const memory = { name: "memory", target: { type: "AverageValue", averageValue: "512Mi" } };
const METRICS = [
	{ type: "Resource", resource: memory },
	{ type: "Resource", resource: cpu },
	{
		type: "Pods",
		pods: {
			metric: { name: "rps", selector: { matchLabels: { b: "1", a: "2" } } },
			target: { type: "AverageValue", averageValue: "1500m" },
		},
	},
	{
		type: "Object",
		object: {
			describedObject: { kind: "Service", name: "web", apiVersion: "v1" },
			metric: { name: "hits" },
			target: { type: "Value", value: "2k" },
		},
	},
	{
		type: "Object",
		object: {
			describedObject: { kind: "Service", name: "web" },
			metric: { name: "hits" },
			target: { type: "AverageValue", averageValue: "10" },
		},
	},
	{ type: "ContainerResource", containerResource: { ...cpu, container: "c" } },
	{
		type: "External",
		external: {
			metric: { name: "queue", selector: { matchExpressions: [{ key: "a", operator: "Exists" }] } },
			target: { type: "AverageValue", averageValue: "30" },
		},
	},
	{ type: "External", external: { metric: { name: "queue" }, target: { type: "Value", value: "30" } } },
];
const BEHAVIOR = {
	scaleDown: { stabilizationWindowSeconds: 60, policies: [{ type: "Pods", value: 1, periodSeconds: 30 }] },
};
const STATUS = {
	status: {
		observedGeneration: 3,
		currentReplicas: 2,
		desiredReplicas: 3,
		lastScaleTime: "2026-11-26T10:00:00Z",
		currentMetrics: [
			{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 61, averageValue: "61m" } } },
			{ type: "Pods", pods: { metric: { name: "rps" }, current: { averageValue: "900m" } } },
			{
				type: "Object",
				object: {
					describedObject: { kind: "Service", name: "web" },
					metric: { name: "hits" },
					current: { value: "7", averageValue: "3500m" },
				},
			},
			{ type: "External", external: { metric: { name: "queue" }, current: { value: "4" } } },
			{
				type: "ContainerResource",
				containerResource: { name: "cpu", container: "c", current: { averageUtilization: 5, averageValue: "5m" } },
			},
		],
		conditions: [
			{
				type: "AbleToScale",
				status: "True",
				lastTransitionTime: "2026-11-26T10:00:00Z",
				reason: "ReadyForNewScale",
				message: "recommended size matches current size",
			},
			{ type: "ScalingActive", status: "False" },
		],
	},
};
const annotated = (name: string, value: unknown) => ({
	metadata: {
		name: "web",
		annotations: {
			kept: "1",
			[`autoscaling.alpha.kubernetes.io/${name}`]: typeof value === "string" ? value : JSON.stringify(value),
		},
	},
});

const event = (version: "v1" | "events.k8s.io/v1", rest: object, name = "e"): Given => ({
	apiVersion: version,
	kind: "Event",
	metadata: { name },
	...rest,
});
const ABOUT = { kind: "Pod", name: "p", namespace: "{ns}" };
const FRESH = {
	regarding: ABOUT,
	eventTime: "2026-11-26T10:00:00.000000Z",
	reportingController: "podwire.dev/test",
	reportingInstance: "one",
	action: "Binding",
	reason: "Scheduled",
	note: "bound",
	type: "Normal",
};
const [FORMER, LATER] = [event("v1", {}), event("events.k8s.io/v1", {})];
const fresh = event("events.k8s.io/v1", FRESH);
const former = event("v1", {
	involvedObject: { ...ABOUT, fieldPath: "spec.containers{c}" },
	reason: "Pulled",
	message: "pulled",
	type: "Normal",
	count: 3,
	source: { component: "kubelet", host: "node-1" },
	firstTimestamp: "2026-11-26T10:00:00Z",
	lastTimestamp: "2026-11-26T10:05:00Z",
});
const both = (first: Given, second: Given) => [get(first), get(second)];
const listed = (root: string, selector: string): Step => ({
	method: "GET",
	url: `${root}/namespaces/{ns}/events?fieldSelector=${selector}`,
});
const managed = (method: string, object: Given, manager: string, type: string): Step => ({
	method,
	url: `/apis/${object.apiVersion}/namespaces/{ns}/horizontalpodautoscalers${method === "POST" ? "" : "/web"}?fieldManager=${manager}`,
	type,
	body: object,
});
const JSON_TYPE = "application/json";
const [APPLY, MERGE] = ["application/apply-patch+yaml", "application/merge-patch+json"];

export const VERSIONS: Scene[] = [
	{
		title: "an autoscaler of v1 in both versions",
		steps: [create(scaler("v1", { targetCPUUtilizationPercentage: 50, minReplicas: 2 })), ...both(OLD, NEW)],
	},
	{ title: "an autoscaler of v1 that says nothing of CPU", steps: [create(OLD), ...both(OLD, NEW)] },
	{
		title: "an autoscaler of v2 with metrics of all kinds",
		steps: [create(scaler("v2", { metrics: METRICS, behavior: BEHAVIOR })), ...both(OLD, NEW)],
	},
	{
		title: "an autoscaler of v2 with one metric that v1 has no field for",
		steps: [create(scaler("v2", { metrics: METRICS.slice(0, 1) })), ...both(OLD, NEW)],
	},
	{
		title: "an autoscaler's metrics written in v1",
		steps: [
			create(scaler("v2", { metrics: METRICS, behavior: BEHAVIOR })),
			merge(OLD, { spec: { targetCPUUtilizationPercentage: 20, maxReplicas: 9 } }),
			get(NEW),
			merge(OLD, { spec: { targetCPUUtilizationPercentage: null } }),
			get(NEW),
			merge(OLD, { metadata: { annotations: null } }),
			get(NEW),
		],
	},
	{
		title: "an autoscaler with annotations that are no metrics",
		steps: [create(scaler("v1", {}, annotated("metrics", "nonsense"))), ...both(OLD, NEW)],
	},
	{
		title: "an autoscaler of v2 with annotations of v1",
		steps: [create(scaler("v2", {}, annotated("behavior", { ScaleUp: null }))), ...both(OLD, NEW)],
	},
	{
		title: "an autoscaler's status in both versions",
		steps: [
			create(scaler("v2", { metrics: METRICS })),
			merge(NEW, STATUS, "/status"),
			get(OLD),
			merge(OLD, { status: { currentReplicas: 4, currentCPUUtilizationPercentage: 10 } }, "/status"),
			get(NEW),
		],
	},
	one("a bad autoscaler of v1", scaler("v1", { targetCPUUtilizationPercentage: 0, maxReplicas: 0 })),
	{
		title: "an autoscaler that is replaced in v1",
		steps: [
			create(scaler("v2", { metrics: METRICS.slice(0, 3) })),
			put(scaler("v1", { targetCPUUtilizationPercentage: 33 })),
			...both(OLD, NEW),
		],
	},
	{
		title: "who owns an autoscaler in two versions",
		steps: [
			managed("POST", scaler("v2", { metrics: METRICS.slice(0, 2) }), "new", JSON_TYPE),
			managed("PATCH", { ...OLD, spec: { maxReplicas: 7 } } as Given, "old", MERGE),
			managed("PATCH", scaler("v1", { maxReplicas: 8 }), "applier", APPLY),
			managed("PATCH", scaler("v1", { maxReplicas: 7, targetCPUUtilizationPercentage: 70 }), "applier", APPLY),
		],
	},
	{ title: "an event of the core group in both versions", steps: [create(former), ...both(FORMER, LATER)] },
	{ title: "an event of events.k8s.io in both versions", steps: [create(fresh), ...both(FORMER, LATER)] },
	{
		title: "events by their fields",
		steps: [
			create(fresh),
			create({ ...former, metadata: { name: "f" } }),
			listed("/api/v1", "involvedObject.name=p,reason=Pulled"),
			listed("/api/v1", "regarding.name=p"),
			listed("/apis/events.k8s.io/v1", "regarding.name=p,reportingController=podwire.dev/test"),
			listed("/apis/events.k8s.io/v1", "involvedObject.name=p"),
			listed("/apis/events.k8s.io/v1", "type=Normal"),
		],
	},
	one("a bare event of events.k8s.io", event("events.k8s.io/v1", {})),
	one(
		"a bad event of events.k8s.io",
		event("events.k8s.io/v1", {
			...FRESH,
			type: "Odd",
			action: "",
			reason: "x".repeat(129),
			reportingController: "a b",
			series: { count: 1 },
			deprecatedCount: 1,
			deprecatedSource: { host: "h" },
			deprecatedFirstTimestamp: "2026-11-26T10:00:00Z",
		}),
	),
	one("a bad event of the core group", event("v1", { eventTime: "2026-11-26T10:00:00.000000Z", message: "x" })),
	{
		title: "what an event said",
		steps: [
			create(fresh),
			merge(LATER, { note: "other", type: "Warning" }),
			merge(LATER, { series: { count: 1 } }),
			merge(LATER, { series: { count: 2, lastObservedTime: "2026-11-26T11:00:00.000000Z" } }),
			merge(FORMER, { message: "other" }),
			get(event("events.k8s.io/v1", {}, "none")),
			create(fresh),
			create({ ...former, metadata: { name: "e" } }),
		],
	},
];
