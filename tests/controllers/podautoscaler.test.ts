// HorizontalPodAutoscalers over scripted metrics: formulas, tolerances, pods that do not count, windows and rates, what is told.

import { describe, expect, it } from "vitest";
import type { Deployment } from "../../js/api/apps.ts";
import type { HorizontalPodAutoscaler, MetricSpec, MetricTarget } from "../../js/api/autoscaling.ts";
import type { Condition, KubernetesObject } from "../../js/api/meta.ts";
import { components } from "../../js/controllers/components.ts";
import { kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { autoscaler, deployment, AUTOSCALERS as RESOURCE, template } from "./workloads.ts";

/** Whose pods ask for a fifth of a core. */
function asking(spec: Parameters<typeof deployment>[0], podAnnotations?: Record<string, string>): Deployment {
	const { metadata, spec: pod } = template("web:1", podAnnotations);
	const containers = (pod?.containers ?? []).map((one) => ({
		...one,
		resources: { requests: { cpu: "200m", memory: "128Mi" } },
	}));
	return deployment({ template: { metadata: metadata ?? {}, spec: { ...pod, containers } }, ...spec });
}
function up(cpu: number | undefined, replicas: number | null, spec?: object): Running {
	const cluster = running([...components(), kubelet()]);
	if (replicas !== null) cluster.store.create("deployments.apps", asking({ replicas }));
	cluster.simulation.settle();
	cluster.store.create(RESOURCE, autoscaler(cpu, spec));
	return cluster;
}
const size = ({ store }: Running) => store.get<Deployment>("deployments.apps", "d", "web")?.spec?.replicas;
const use = ({ store }: Running, cpu: number) => {
	const now = store.get(RESOURCE, "d", "scaler") as KubernetesObject;
	store.update(RESOURCE, {
		...now,
		metadata: { ...now.metadata, annotations: { "podwire.dev/utilization.cpu": String(cpu) } },
	});
};
function conditions({ store }: Running): Record<string, string> {
	const { status } = store.get(RESOURCE, "d", "scaler") as { status: { conditions?: Condition[] } };
	return Object.fromEntries((status.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]));
}
const told = ({ events }: Running) => events.filter((event) => event.includes("HorizontalPodAutoscaler"));

describe("a HorizontalPodAutoscaler", () => {
	it("scales up by its formula, in steps of at most twice as many, to its maximum", () => {
		const cluster = up(200, 3);
		cluster.simulation.settle();
		expect(size(cluster)).toBe(6);
		expect(told(cluster)).toEqual([
			"Normal SuccessfulRescale HorizontalPodAutoscaler d/scaler: New size: 6; reason: cpu resource utilization (percentage of request) above target",
		]);
		expect(conditions(cluster)).toEqual({
			AbleToScale: "True SucceededRescale",
			ScalingActive: "True ValidMetricFound",
			ScalingLimited: "True ScaleUpLimit",
		});
		cluster.simulation.advance(20_000);
		expect(size(cluster)).toBe(10);
		expect(conditions(cluster).ScalingLimited).toBe("True TooManyReplicas");
	});

	it("scales down five minutes after the last higher recommendation", () => {
		const cluster = up(100, 3);
		cluster.simulation.settle();
		expect(size(cluster)).toBe(6);
		cluster.simulation.settle();
		use(cluster, 25);
		cluster.simulation.advance(290_000);
		expect(size(cluster)).toBe(6);
		expect(conditions(cluster).AbleToScale).toBe("True ScaleDownStabilized");
		cluster.simulation.advance(30_000);
		expect(size(cluster)).toBeLessThan(6);
		expect(told(cluster).at(-1)).toContain("reason: All metrics below target");
	});

	it("brings a target within its bounds, whatever is used", () => {
		const cluster = up(undefined, 1);
		cluster.simulation.settle();
		expect(size(cluster)).toBe(2);
		expect(told(cluster)).toEqual([
			"Normal SuccessfulRescale HorizontalPodAutoscaler d/scaler: New size: 2; reason: Current number of replicas below Spec.MinReplicas",
		]);
	});

	it("leaves a target of no replicas alone", () => {
		const cluster = up(100, 0);
		cluster.simulation.settle();
		expect(size(cluster)).toBe(0);
		expect(conditions(cluster).ScalingActive).toBe("False ScalingDisabled");
	});

	it("says that its target is missing, and finds it when it comes", () => {
		const cluster = up(50, null);
		cluster.simulation.settle();
		expect(told(cluster)).toEqual([
			'Warning FailedGetScale HorizontalPodAutoscaler d/scaler: deployments/scale.apps "web" not found',
		]);
		expect(conditions(cluster)).toEqual({ AbleToScale: "False FailedGetScale" });
		cluster.store.create("deployments.apps", asking({ replicas: 1 }));
		cluster.simulation.advance(20_000);
		expect(size(cluster)).toBe(2);
	});

	it("says that there are no metrics", () => {
		const cluster = up(undefined, 3);
		cluster.simulation.settle();
		const why =
			"failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
		expect(told(cluster)).toEqual([
			`Warning FailedGetResourceMetric HorizontalPodAutoscaler d/scaler: ${why}`,
			`Warning FailedComputeMetricsReplicas HorizontalPodAutoscaler d/scaler: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${why}`,
		]);
		expect(conditions(cluster).ScalingActive).toBe("False FailedGetResourceMetric");
	});

	it("says that its pods ask for nothing, of which no share can be used", () => {
		const cluster = running([...components(), kubelet()]);
		cluster.store.create("deployments.apps", deployment({ replicas: 2 }));
		cluster.simulation.settle();
		cluster.store.create(RESOURCE, autoscaler(80));
		cluster.simulation.settle();
		expect(told(cluster)[0]).toMatch(
			/^Warning FailedGetResourceMetric .*: failed to get cpu utilization: missing request for cpu in container c of Pod web-/,
		);
	});

	it("does not act beside another one over the same pods", () => {
		const cluster = up(200, 3);
		const other = autoscaler(200);
		cluster.store.create(RESOURCE, { ...other, metadata: { ...other.metadata, name: "other" } });
		cluster.simulation.settle();
		expect(size(cluster)).toBe(3);
		expect(conditions(cluster).ScalingActive).toBe("False AmbiguousSelector");
		expect(told(cluster)[0]).toBe(
			"Warning AmbiguousSelector HorizontalPodAutoscaler d/scaler: pods by selector app=web are controlled by multiple HPAs: [d/other d/scaler]",
		);
	});

	it("reports what it saw", () => {
		const cluster = up(85, 3);
		cluster.simulation.settle();
		const { status } = cluster.store.get(RESOURCE, "d", "scaler") as HorizontalPodAutoscaler;
		expect(status).toMatchObject({
			currentReplicas: 3,
			desiredReplicas: 6,
			currentMetrics: [
				{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 85, averageValue: "170m" } } },
			],
		});
	});
});

describe("metrics of other kinds", () => {
	/** Of three pods; `scripted`: annotations of the autoscaler. */
	function sized(metrics: MetricSpec[], scripted: Record<string, string>, onPods?: Record<string, string>): Running {
		const cluster = running([...components(), kubelet()]);
		cluster.store.create("deployments.apps", asking({ replicas: 3 }, onPods));
		cluster.simulation.settle();
		const made = autoscaler(undefined, {
			metrics,
			maxReplicas: 100,
			behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
		});
		const annotations = Object.fromEntries(
			Object.entries(scripted).map(([key, value]) => [`podwire.dev/${key}`, value]),
		);
		cluster.store.create(RESOURCE, { ...made, metadata: { ...made.metadata, annotations } });
		cluster.simulation.settle();
		return cluster;
	}
	const queue = (target: MetricTarget): MetricSpec => ({
		type: "External",
		external: { metric: { name: "queue" }, target },
	});
	const cpu: MetricSpec = {
		type: "Resource",
		resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
	};

	it.each<[string, MetricSpec[], Record<string, string>, Record<string, string> | undefined, number, string]>([
		[
			"a resource's average",
			[{ type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "64Mi" } } }],
			{},
			{ "podwire.dev/usage.memory": "128Mi" },
			6,
			"memory resource above target",
		],
		[
			"a container's utilization",
			[
				{
					type: "ContainerResource",
					containerResource: { name: "cpu", container: "c", target: { type: "Utilization", averageUtilization: 50 } },
				},
			],
			{},
			{ "podwire.dev/usage.cpu.c": "150m" },
			5,
			"cpu container resource utilization (percentage of request) above target",
		],
		[
			"a metric of pods",
			[{ type: "Pods", pods: { metric: { name: "requests" }, target: { type: "AverageValue", averageValue: "10" } } }],
			{ "metric.requests": "15" },
			undefined,
			5,
			"pods metric requests above target",
		],
		[
			"an external one, of all together",
			[queue({ type: "Value", value: "30" })],
			{ "metric.queue": "60" },
			undefined,
			6,
			"external metric queue(nil) above target",
		],
		[
			"an external one, for each pod",
			[queue({ type: "AverageValue", averageValue: "30" })],
			{ "metric.queue": "150" },
			undefined,
			5,
			"external metric queue(nil) above target",
		],
		[
			"an object's",
			[
				{
					type: "Object",
					object: {
						describedObject: { kind: "Service", name: "web" },
						metric: { name: "hits" },
						target: { type: "Value", value: "100" },
					},
				},
			],
			{ "metric.hits": "150" },
			undefined,
			5,
			"Service metric hits above target",
		],
		[
			"the one that asks for most",
			[cpu, queue({ type: "Value", value: "30" })],
			{ "utilization.cpu": "75", "metric.queue": "60" },
			undefined,
			6,
			"external metric queue(nil) above target",
		],
		[
			"of one missing the others may ask for more",
			[cpu, queue({ type: "Value", value: "30" })],
			{ "metric.queue": "60" },
			undefined,
			6,
			"external metric queue(nil) above target",
		],
	])("%s", (_, metrics, scripted, onPods, replicas, reason) => {
		const cluster = sized(metrics, scripted, onPods);
		expect(told(cluster).at(-1)).toBe(
			`Normal SuccessfulRescale HorizontalPodAutoscaler d/scaler: New size: ${replicas}; reason: ${reason}`,
		);
		expect(size(cluster)).toBe(replicas);
	});

	it("of one missing the others may not ask for less", () => {
		const cluster = sized([cpu, queue({ type: "Value", value: "30" })], { "metric.queue": "10" });
		expect(size(cluster)).toBe(3);
		expect(told(cluster).at(-1)).toContain("FailedComputeMetricsReplicas");
		expect(told(cluster).at(-1)).toContain(
			"invalid metrics (1 invalid out of 2), first error is: failed to get cpu resource metric value: ",
		);
	});

	it("that nobody has are told", () => {
		expect(told(sized([queue({ type: "Value", value: "30" })], {}))).toEqual([
			"Warning FailedGetExternalMetric HorizontalPodAutoscaler d/scaler: unable to get external metric d/queue/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)",
			"Warning FailedComputeMetricsReplicas HorizontalPodAutoscaler d/scaler: invalid metrics (1 invalid out of 1), first error is: failed to get queue external metric value: failed to get external metric queue: unable to get external metric d/queue/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)",
		]);
	});
});

describe("behavior", () => {
	const minute = 60;
	type Behavior = NonNullable<NonNullable<HorizontalPodAutoscaler["spec"]>["behavior"]>;
	/** Replicas after each 15 s, from a start at `replicas` on. */
	function course(behavior: Behavior, cpu: number, replicas: number, looks: number): number[] {
		const cluster = up(cpu, replicas, { maxReplicas: 100, minReplicas: 1, behavior });
		const sizes: number[] = [];
		for (let n = 0; n < looks; n++) {
			cluster.simulation.advance(n === 0 ? 5000 : 15_000);
			sizes.push(size(cluster) ?? 0);
		}
		return sizes;
	}

	it.each<[string, Behavior, number, number, number[]]>([
		["the defaults: four more or twice as many in 15 s", { scaleUp: {} }, 500, 2, [6, 12, 24]],
		[
			"no more than so many pods in a period",
			{ scaleUp: { policies: [{ type: "Pods", value: 1, periodSeconds: 30 }] } },
			500,
			2,
			[3, 3, 4, 4, 5],
		],
		["rounded up", { scaleUp: { policies: [{ type: "Percent", value: 10, periodSeconds: 15 }] } }, 500, 2, [3, 4, 5]],
		[
			"the least of two policies",
			{
				scaleUp: {
					selectPolicy: "Min",
					policies: [
						{ type: "Percent", value: 100, periodSeconds: 15 },
						{ type: "Pods", value: 3, periodSeconds: 15 },
					],
				},
			},
			500,
			4,
			[7, 10],
		],
		["never", { scaleUp: { selectPolicy: "Disabled" } }, 500, 2, [2, 2]],
		["down at once", { scaleDown: { stabilizationWindowSeconds: 0 } }, 10, 10, [2]],
		[
			"down by so many pods a minute",
			{ scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: "Pods", value: 2, periodSeconds: minute }] } },
			10,
			10,
			[8, 8, 8, 8, 6],
		],
		[
			"down by per cent, cut off",
			{ scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: "Percent", value: 25, periodSeconds: 15 }] } },
			5,
			10,
			[7, 5, 3],
		],
		["down after the window", { scaleDown: { stabilizationWindowSeconds: 30 } }, 10, 10, [10, 10, 2]],
		["up after the window", { scaleUp: { stabilizationWindowSeconds: 30 } }, 100, 3, [3, 3, 6]],
		["within a tolerance of its own", { scaleUp: { tolerance: "0.5" } }, 70, 4, [4, 4]],
		["beyond it", { scaleUp: { tolerance: "0.05" } }, 54, 10, [11]],
	])("%s", (_, behavior, cpu, replicas, sizes) => {
		expect(course(behavior, cpu, replicas, sizes.length)).toEqual(sizes);
	});

	it("says what held it back", () => {
		const held = (behavior: Behavior, cpu: number, replicas: number) => {
			const cluster = up(cpu, replicas, { maxReplicas: 100, minReplicas: 1, behavior });
			cluster.simulation.advance(16_000);
			return conditions(cluster);
		};
		expect(held({ scaleUp: { policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] } }, 500, 2)).toMatchObject({
			ScalingLimited: "True ScaleUpLimit",
		});
		expect(held({ scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: "Disabled" } }, 10, 9)).toMatchObject({
			ScalingLimited: "True ScaleDownLimit",
		});
		expect(held({ scaleUp: { stabilizationWindowSeconds: 600 } }, 100, 3).AbleToScale).toBe("True ScaleUpStabilized");
		expect(held({ scaleDown: {} }, 10, 9).AbleToScale).toBe("True ScaleDownStabilized");
	});
});
