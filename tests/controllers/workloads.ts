// Workloads as tests write them, and pods as victims are chosen from.

import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "../../js/api/apps.ts";
import type { Job, JobSpec } from "../../js/api/batch.ts";
import type { Pod, PodTemplateSpec } from "../../js/api/core.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { Running } from "./running.ts";

export const LABELS = { app: "web" };

export function template(image = "web:1", annotations?: Record<string, string>): PodTemplateSpec {
	return {
		metadata: { labels: LABELS, ...(annotations && { annotations }) },
		spec: { containers: [{ name: "c", image }] },
	};
}

type Spec<T extends { spec?: unknown }> = Partial<NonNullable<T["spec"]>>;

function workload<T extends KubernetesObject>(kind: string, name: string, spec: object, rest: object = {}): T {
	return {
		apiVersion: "apps/v1",
		kind,
		metadata: { namespace: "d", name },
		spec: { replicas: 3, selector: { matchLabels: LABELS }, template: template(), ...spec },
		...rest,
	} as unknown as T;
}

export const replicaSet = (spec: Spec<ReplicaSet> = {}, name = "web") => workload<ReplicaSet>("ReplicaSet", name, spec);
export const deployment = (spec: Spec<Deployment> = {}, name = "web") => workload<Deployment>("Deployment", name, spec);
export const statefulSet = (spec: Spec<StatefulSet> = {}, name = "db") =>
	workload<StatefulSet>("StatefulSet", name, { serviceName: name, ...spec });
export const daemonSet = (spec: Spec<DaemonSet> = {}, name = "agent") => {
	const made = workload<DaemonSet>("DaemonSet", name, spec);
	const { replicas: _, ...rest } = made.spec as NonNullable<DaemonSet["spec"]> & { replicas?: number };
	return { ...made, spec: rest } as DaemonSet;
};

export function pod(name: string, labels: Record<string, string> = LABELS): Pod {
	return {
		apiVersion: "v1",
		kind: "Pod",
		metadata: { namespace: "d", name, labels },
		spec: { containers: [{ name: "c", image: "web:1" }] },
	};
}

export function pods({ store }: Running): readonly Pod[] {
	return store.list<Pod>("pods", "d");
}

/** Pods that are not on their way out. */
export function alive(running: Running): Pod[] {
	return pods(running).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Writes another spec, as a client does that read the object just now. */
export function change<T extends KubernetesObject>(
	{ store }: Running,
	resource: string,
	name: string,
	spec: Partial<T["spec"]>,
): T {
	const now = store.get<T>(resource, "d", name) as T;
	return store.update<T>(resource, { ...now, spec: { ...(now.spec as object), ...(spec as object) } });
}

export function job(spec: Partial<JobSpec> = {}, name = "task"): Job {
	const { metadata, spec: pod } = spec.template ?? {};
	const template = {
		metadata: metadata ?? {},
		spec: { restartPolicy: "Never" as const, ...(pod ?? { containers: [{ name: "c", image: "task:1" }] }) },
	};
	return { apiVersion: "batch/v1", kind: "Job", metadata: { namespace: "d", name }, spec: { ...spec, template } };
}

/** A Job's pods end with a code when they would be ready. */
export const ending = (code: number): PodTemplateSpec => ({
	metadata: { annotations: { "test/exit-code": String(code) } },
});

export const AUTOSCALERS = "horizontalpodautoscalers.autoscaling";

/** Of the Deployment `web`: to half of what its pods ask of the CPU. `cpu`: per cent that they use. */
export function autoscaler(cpu: number | undefined, spec: object = {}): KubernetesObject {
	const annotations: Record<string, string> = cpu === undefined ? {} : { "podwire.dev/utilization.cpu": String(cpu) };
	const target = { type: "Utilization", averageUtilization: 50 };
	return {
		apiVersion: "autoscaling/v2",
		kind: "HorizontalPodAutoscaler",
		metadata: { namespace: "d", name: "scaler", annotations },
		spec: {
			scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
			minReplicas: 2,
			maxReplicas: 10,
			metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
			...spec,
		},
	};
}
