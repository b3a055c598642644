// HorizontalPodAutoscalers over scripted utilisations: the formula, its tolerance, the steps and the window, a target that is missing.

import { describe, expect, it } from "vitest";
import type { Deployment } from "../../js/api/apps.ts";
import type { Condition, KubernetesObject } from "../../js/api/meta.ts";
import { components } from "../../js/controllers/components.ts";
import { replicasBy } from "../../js/controllers/podautoscaler.ts";
import { kubelet } from "./kubelet.ts";
import { type Running, running } from "./running.ts";
import { deployment } from "./workloads.ts";

const RESOURCE = "horizontalpodautoscalers.autoscaling";

function autoscaler(cpu: number | undefined, spec: object = {}): KubernetesObject {
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
function up(cpu: number | undefined, replicas: number | null, spec?: object): Running {
	const cluster = running([...components(), kubelet()]);
	if (replicas !== null) cluster.store.create("deployments.apps", deployment({ replicas }));
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

describe("replicas by a metric", () => {
	it.each([
		["twice as much as wanted", 2, 3, 3, 3, 6],
		["within the tolerance", 1.1, 3, 3, 3, 3],
		["just outside of it", 1.11, 3, 3, 3, 4],
		["half as much", 0.5, 4, 4, 4, 2],
		["pods that are not ready count as idle on the way up", 2, 3, 6, 6, 6],
		["and not on the way down", 0.5, 4, 6, 6, 2],
	])("%s", (_, ratio, ready, pods, current, expected) => {
		expect(replicasBy(ratio, ready, pods, current)).toBe(expected);
	});
});

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
		cluster.store.create("deployments.apps", deployment({ replicas: 1 }));
		cluster.simulation.advance(20_000);
		expect(size(cluster)).toBe(2);
	});

	it("says that there are no metrics, and that it does not know others", () => {
		const cluster = up(undefined, 3);
		cluster.simulation.settle();
		expect(told(cluster).map((event) => event.split(" ")[1])).toEqual([
			"FailedGetResourceMetric",
			"FailedComputeMetricsReplicas",
		]);
		expect(told(cluster)[0]).toContain("failed to get cpu utilization: unable to get metrics for resource cpu");
		expect(conditions(cluster).ScalingActive).toBe("False FailedGetResourceMetric");
		const other = up(200, 3, { behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } });
		other.simulation.settle();
		expect(size(other)).toBe(3);
		expect(told(other)[0]).toContain("NotModelled");
	});
});
