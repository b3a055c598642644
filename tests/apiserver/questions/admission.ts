// What admission plugins make of pods and claims, and what they refuse: Priority and LimitRanger. A range has one bound at a
// time, because upstream walks several in no order.

import { create, type Given, merge, type Scene, type Step, tried } from "./question.ts";

const named = (apiVersion: string, kind: string, name: string, rest: object): Given => ({
	apiVersion,
	kind,
	metadata: { name },
	...rest,
});
const container = (resources?: object, name = "c") => ({
	name,
	image: "i",
	...(resources === undefined ? {} : { resources }),
});
const pod = (spec: object = {}, resources?: object): Given =>
	named("v1", "Pod", "web", { spec: { containers: [container(resources)], ...spec } });
const priority = (name: string, rest: object) => named("scheduling.k8s.io/v1", "PriorityClass", name, rest);
const range = (...limits: object[]) => named("v1", "LimitRange", "bounds", { spec: { limits } });
const claim = (storage?: string) =>
	named("v1", "PersistentVolumeClaim", "web", {
		spec: { accessModes: ["ReadWriteOnce"], resources: { requests: storage === undefined ? {} : { storage } } },
	});
const bounded = (title: string, limits: object[], ...asked: Given[]): Scene => ({
	title,
	steps: [create(range(...limits)), ...asked.map(tried)],
});
const gone = (object: Given): Step => ({
	method: "DELETE",
	url: `/apis/scheduling.k8s.io/v1/priorityclasses/${object.metadata.name}`,
});
const [HIGH, COMMON] = [
	priority("question-high", { value: 1000, preemptionPolicy: "Never" }),
	priority("question-common", { value: 7, globalDefault: true }),
];

export const ADMISSION: Scene[] = [
	{
		title: "pods of a PriorityClass",
		steps: [
			create(HIGH),
			...[
				{ priorityClassName: "question-high" },
				{ priorityClassName: "question-none" },
				{ priority: 5 },
				{ priorityClassName: "question-high", priority: 5 },
				{ priorityClassName: "question-high", priority: 1000 },
				{ priorityClassName: "question-high", preemptionPolicy: "PreemptLowerPriority" },
				{ preemptionPolicy: "Never" },
				{ priorityClassName: "system-node-critical" },
			].map((spec) => tried(pod(spec))),
			gone(HIGH),
		],
	},
	bounded(
		"a LimitRange's defaults",
		[{ type: "Container", default: { cpu: "500m", memory: "1Gi" }, defaultRequest: { cpu: "100m" } }],
		pod(),
		pod({}, { requests: { cpu: "1m" } }),
		pod({}, { limits: { cpu: "2", memory: "2Gi" } }),
		pod({ initContainers: [container(undefined, "first")], containers: [container(), container(undefined, "d")] }),
	),
	bounded(
		"a LimitRange's least",
		[{ type: "Container", min: { cpu: "100m" } }],
		pod(),
		pod({}, { requests: { cpu: "50m" } }),
		pod({}, { requests: { cpu: "0.1" } }),
	),
	bounded(
		"a LimitRange's most",
		[{ type: "Container", max: { memory: "1Gi" } }],
		pod(),
		pod({}, { limits: { memory: "2048Mi" } }),
		pod({}, { requests: { memory: "1Gi" }, limits: { memory: "1Gi" } }),
	),
	bounded(
		"a LimitRange's ratio",
		[{ type: "Container", maxLimitRequestRatio: { cpu: "2" } }],
		pod(),
		pod({}, { requests: { cpu: "100m" }, limits: { cpu: "300m" } }),
		pod({}, { requests: { cpu: "100m" }, limits: { cpu: "200m" } }),
		pod({}, { requests: { cpu: "100m" } }),
	),
	bounded(
		"a LimitRange for pods",
		[{ type: "Pod", max: { memory: "1Gi" } }],
		pod({ containers: [container({ limits: { memory: "768Mi" } }), container({ limits: { memory: "512Mi" } }, "d")] }),
		pod({ containers: [container({ limits: { memory: "256Mi" } }), container({ limits: { memory: "512Mi" } }, "d")] }),
		pod({
			initContainers: [container({ limits: { memory: "1500Mi" } }, "first")],
			containers: [container({ limits: { memory: "256Mi" } })],
		}),
		pod({
			containers: [container({ limits: { memory: "900000000" } }), container({ limits: { memory: "512Mi" } }, "d")],
		}),
	),
	bounded(
		"a LimitRange for pods' CPU",
		[{ type: "Pod", min: { cpu: "1" } }],
		pod(),
		pod({ containers: [container({ requests: { cpu: "300m" } }), container({ requests: { cpu: "0.6" } }, "d")] }),
		pod({ containers: [container({ requests: { cpu: "300m" } }), container({ requests: { cpu: "0.7" } }, "d")] }),
	),
	bounded(
		"a LimitRange for claims",
		[{ type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "10Gi" } }],
		claim("512Mi"),
		claim("20Gi"),
		claim("5Gi"),
	),
	{
		title: "a second default PriorityClass",
		steps: [
			create(COMMON),
			tried(priority("question-other", { value: 8, globalDefault: true })),
			merge(COMMON, { description: "common" }),
			tried(pod()),
			tried(pod({ priority: 0 })),
			gone(COMMON),
		],
	},
];
