// HorizontalPodAutoscalers (pkg/controller/podautoscaler/horizontal.go, replica_calculator.go) over utilisations that are scripted:
// `podwire.dev/utilization.cpu: "85"` on the autoscaler says per cent of the requests that each ready pod uses. Other metrics
// and `behavior` are not modelled: such an autoscaler does not act, and says so.

import type { Pod } from "../api/core.ts";
import { semanticEqual } from "../api/equality.ts";
import { keyOf } from "../api/key.ts";
import type { Condition, KubernetesObject, LabelSelector } from "../api/meta.ts";
import { isReady } from "../api/pod.ts";
import { reasonOf } from "../api/reason.ts";
import { timeOf } from "../api/time.ts";
import type { Component, Later, Store, StoreChange, World } from "../ports.ts";
import { objectAt } from "./claim.ts";
import { selected } from "./lookup.ts";
import { withoutZeros } from "./omitempty.ts";

const RESOURCE = "horizontalpodautoscalers.autoscaling";
const SCRIPT = "podwire.dev/utilization.";
// --horizontal-pod-autoscaler-sync-period, -tolerance, -downscale-stabilization; the limits of one step up.
const PERIOD_MS = 15_000;
const TOLERANCE = 0.1;
const WINDOW = 300n * 1_000_000_000n;
const STEP_FACTOR = 2;
const STEP_LEAST = 4;

interface Autoscaler extends KubernetesObject {
	spec?: {
		scaleTargetRef: { apiVersion?: string; kind: string; name: string };
		minReplicas?: number;
		maxReplicas: number;
		metrics?: Metric[];
		behavior?: unknown;
	};
	status?: AutoscalerStatus;
}

interface Metric {
	type: string;
	resource?: { name: string; target: { type: string; averageUtilization?: number } };
}

interface AutoscalerStatus {
	observedGeneration?: number;
	lastScaleTime?: string;
	currentReplicas?: number;
	desiredReplicas: number;
	currentMetrics?: { type: "Resource"; resource: { name: string; current: { averageUtilization: number } } }[];
	conditions?: Condition[];
}

interface Recommendation {
	replicas: number;
	/** ns. */
	at: bigint;
}

interface Target extends KubernetesObject {
	spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
}

const TARGETS: Readonly<Record<string, [resource: string, scale: string]>> = {
	"apps/Deployment": ["deployments.apps", "deployments/scale.apps"],
	"apps/ReplicaSet": ["replicasets.apps", "replicasets/scale.apps"],
	"apps/StatefulSet": ["statefulsets.apps", "statefulsets/scale.apps"],
	"/ReplicationController": ["replicationcontrollers", "replicationcontrollers/scale"],
};

export class PodAutoscaler implements Component {
	readonly name = "horizontal-pod-autoscaler";
	readonly watches = { [RESOURCE]: keysOfChange };
	/** Of the last five minutes, by key. */
	readonly #recommendations = new Map<string, readonly Recommendation[]>();

	fork(): PodAutoscaler {
		const copy = new PodAutoscaler();
		for (const [key, list] of this.#recommendations) copy.#recommendations.set(key, list);
		return copy;
	}

	reconcile(key: string, world: World): Later | undefined {
		const autoscaler = objectAt<Autoscaler>(world.store, RESOURCE, key);
		if (autoscaler?.spec === undefined) {
			this.#recommendations.delete(key);
			return undefined;
		}
		const look = new Look(world, autoscaler);
		look.scale((desired, current) => this.#stabilized(key, desired, current, world.clock.now()));
		look.write();
		return { idleMs: PERIOD_MS };
	}

	/** The highest of what was recommended lately. */
	#stabilized(key: string, desired: number, current: number, now: bigint): number {
		const before = this.#recommendations.get(key) ?? [{ replicas: current, at: now }];
		const recent = before.filter(({ at }) => at >= now - WINDOW);
		this.#recommendations.set(key, [...recent, { replicas: desired, at: now }]);
		return Math.max(desired, ...recent.map(({ replicas }) => replicas));
	}
}

/** What it writes itself is no news: it looks again in its period. */
function keysOfChange({ object, previous }: StoreChange): string[] {
	const told = ({ metadata, spec }: KubernetesObject) => [metadata.uid, metadata.annotations, spec];
	return previous !== undefined && semanticEqual(told(object), told(previous)) ? [] : [keyOf(object)];
}

/** One look at one autoscaler. */
class Look {
	readonly #world: World;
	readonly #autoscaler: Autoscaler;
	readonly #spec: NonNullable<Autoscaler["spec"]>;
	#status: AutoscalerStatus;

	constructor(world: World, autoscaler: Autoscaler) {
		this.#world = world;
		this.#autoscaler = autoscaler;
		this.#spec = autoscaler.spec as NonNullable<Autoscaler["spec"]>;
		const { desiredReplicas = 0, ...rest } = autoscaler.status ?? {};
		this.#status = { ...rest, desiredReplicas };
	}

	scale(stabilized: (desired: number, current: number) => number): void {
		const target = this.#target();
		if (target === undefined) return;
		this.#say(
			"AbleToScale",
			true,
			"SucceededGetScale",
			"the HPA controller was able to get the target's current scale",
		);
		const current = target.object.spec?.replicas ?? 1;
		const { minReplicas = 1, maxReplicas } = this.#spec;
		if (current === 0) {
			const message = "scaling is disabled since the replica count of the target is zero";
			this.#say("ScalingActive", false, "ScalingDisabled", message);
			this.#count(current, 0);
		} else if (current > maxReplicas)
			this.#rescale(target, current, maxReplicas, "Current number of replicas above Spec.MaxReplicas");
		else if (current < minReplicas)
			this.#rescale(target, current, minReplicas, "Current number of replicas below Spec.MinReplicas");
		else this.#byMetrics(target, current, stabilized);
	}

	#byMetrics(target: Found, current: number, stabilized: (desired: number, current: number) => number): void {
		const pods = podsOf(this.#world.store, target.object);
		const proposals = (this.#spec.metrics ?? []).map((metric) => this.#propose(metric, pods, current));
		const known = proposals.filter((one) => typeof one !== "string");
		const errors = proposals.filter((one) => typeof one === "string");
		const lowest = Math.min(...known.map(({ replicas }) => replicas));
		// With one metric missing, the others may only make it larger.
		if (known.length === 0 || (errors.length > 0 && lowest < current)) {
			const message = `invalid metrics (${errors.length} invalid out of ${proposals.length}), first error is: ${errors[0]}`;
			this.#warn("FailedComputeMetricsReplicas", message);
			this.#count(current, this.#status.desiredReplicas);
			return;
		}
		this.#status.currentMetrics = known.map(({ name, utilization }) => {
			return { type: "Resource", resource: { name, current: { averageUtilization: utilization } } };
		});
		const most = known.reduce((a, b) => (b.replicas > a.replicas ? b : a));
		const about = `${most.name} resource utilization (percentage of request)`;
		const found = `the HPA was able to successfully calculate a replica count from ${about}`;
		this.#say("ScalingActive", true, "ValidMetricFound", found);
		const desired = this.#limited(current, most.replicas, stabilized(most.replicas, current));
		const reason = most.replicas > current ? `${about} above target` : "All metrics below target";
		if (desired === current) this.#count(current, current);
		else this.#rescale(target, current, desired, reason);
	}

	/** Replicas by one metric, or why it has none. */
	#propose(metric: Metric, pods: readonly Pod[], current: number): Proposal | string {
		const { name = "", target } = metric.resource ?? {};
		const wanted = target?.averageUtilization;
		if (metric.type !== "Resource" || wanted === undefined || this.#spec.behavior !== undefined) {
			const what = this.#spec.behavior === undefined ? `a metric of type ${metric.type}` : "spec.behavior";
			return this.#unknown("NotModelled", `${what} is not modelled: the autoscaler does not act`);
		}
		const failed = (why: string) => {
			const message = `failed to get ${name} utilization: ${why}`;
			return `failed to get ${name} resource metric value: ${this.#unknown("FailedGetResourceMetric", message)}`;
		};
		const text = this.#autoscaler.metadata.annotations?.[SCRIPT + name];
		if (text === undefined || !/^[0-9]+$/.test(text))
			return failed(
				`unable to get metrics for resource ${name}: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)`,
			);
		if (pods.length === 0) return failed("no pods returned by selector while calculating replica count");
		const staying = pods.filter(
			({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== "Failed",
		);
		const ready = staying.filter(isReady).length;
		if (ready === 0) return failed("did not receive metrics for targeted pods (pods might be unready)");
		const utilization = Number(text);
		return { name, utilization, replicas: replicasBy(utilization / wanted, ready, staying.length, current) };
	}

	#unknown(reason: string, message: string): string {
		this.#warn(reason, message);
		this.#say("ScalingActive", false, reason, `the HPA was unable to compute the replica count: ${message}`);
		return message;
	}

	/** Not below what was recommended lately, and within the bounds of one step. */
	#limited(current: number, wanted: number, stable: number): number {
		if (stable === wanted) this.#say("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size");
		else
			this.#say(
				"AbleToScale",
				true,
				"ScaleDownStabilized",
				"recent recommendations were higher than current one, applying the highest recent recommendation",
			);
		const { minReplicas = 1, maxReplicas } = this.#spec;
		const step = Math.max(STEP_FACTOR * current, STEP_LEAST);
		if (stable < minReplicas) {
			const message = "the desired replica count is less than the minimum replica count";
			this.#say("ScalingLimited", true, "TooFewReplicas", message);
			return minReplicas;
		}
		if (stable <= Math.min(step, maxReplicas)) {
			this.#say("ScalingLimited", false, "DesiredWithinRange", "the desired count is within the acceptable range");
			return stable;
		}
		if (maxReplicas > step) {
			const message = "the desired replica count is increasing faster than the maximum scale rate";
			this.#say("ScalingLimited", true, "ScaleUpLimit", message);
			return step;
		}
		const message = "the desired replica count is more than the maximum replica count";
		this.#say("ScalingLimited", true, "TooManyReplicas", message);
		return maxReplicas;
	}

	#target(): Found | undefined {
		const { apiVersion = "", kind, name } = this.#spec.scaleTargetRef;
		const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
		const [resource, scale] = TARGETS[`${group}/${kind}`] ?? [];
		const { namespace = "" } = this.#autoscaler.metadata;
		const object = resource === undefined ? undefined : this.#world.store.get<Target>(resource, namespace, name);
		if (resource !== undefined && object !== undefined) return { resource, object };
		const why =
			scale === undefined
				? `no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`
				: `${scale} ${JSON.stringify(name)} not found`;
		this.#warn("FailedGetScale", why);
		const message = `the HPA controller was unable to get the target's current scale: ${why}`;
		this.#say("AbleToScale", false, "FailedGetScale", message);
		return undefined;
	}

	#rescale({ resource, object }: Found, current: number, desired: number, reason: string): void {
		const size = `New size: ${desired}; reason: ${reason}`;
		try {
			this.#world.store.update(resource, { ...object, spec: { ...object.spec, replicas: desired } });
		} catch (error) {
			if (reasonOf(error) === null) throw error;
			const { message } = error as Error;
			this.#warn("FailedRescale", `${size}; error: ${message}`);
			const said = `the HPA controller was unable to update the target scale: ${message}`;
			this.#say("AbleToScale", false, "FailedUpdateScale", said);
			this.#count(current, this.#status.desiredReplicas);
			return;
		}
		const message = `the HPA controller was able to update the target scale to ${desired}`;
		this.#say("AbleToScale", true, "SucceededRescale", message);
		this.#world.recorder.event(this.#autoscaler, "Normal", "SuccessfulRescale", size);
		this.#count(current, desired);
		this.#status.lastScaleTime = timeOf(this.#world.clock.now());
	}

	#count(current: number, desired: number): void {
		const { currentReplicas: _, ...rest } = this.#status;
		this.#status = { ...rest, ...withoutZeros({ currentReplicas: current }), desiredReplicas: desired };
	}

	#warn(reason: string, message: string): void {
		this.#world.recorder.event(this.#autoscaler, "Warning", reason, message);
	}

	#say(type: string, holds: boolean, reason: string, message: string): void {
		const { conditions = [] } = this.#status;
		const status = holds ? "True" : "False";
		const before = conditions.find((one) => one.type === type);
		const now = timeOf(this.#world.clock.now());
		const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
		const said: Condition = { type, status, reason, message, lastTransitionTime };
		const next = before === undefined ? [...conditions, said] : conditions.map((one) => (one === before ? said : one));
		this.#status = { ...this.#status, conditions: next };
	}

	write(): void {
		const { generation } = this.#autoscaler.metadata;
		const status = generation === undefined ? this.#status : { ...this.#status, observedGeneration: generation };
		if (!semanticEqual(status, this.#autoscaler.status))
			this.#world.store.updateStatus(RESOURCE, { ...this.#autoscaler, status });
	}
}

interface Found {
	resource: string;
	object: Target;
}

interface Proposal {
	name: string;
	/** Per cent of the requests. */
	utilization: number;
	replicas: number;
}

/**
 * GetResourceReplicas: `ratio` of what is used to what shall be. Pods that are not ready count as idle where that
 * makes fewer new ones.
 */
export function replicasBy(ratio: number, ready: number, pods: number, current: number): number {
	const isSmall = (one: number) => Math.abs(1 - one) <= TOLERANCE + Number.EPSILON;
	if (pods === ready || ratio <= 1) return isSmall(ratio) ? current : Math.ceil(ratio * ready);
	const damped = (ratio * ready) / pods;
	if (isSmall(damped) || damped < 1) return current;
	return Math.max(current, Math.ceil(damped * pods));
}

function podsOf(store: Store, { metadata, spec }: Target): readonly Pod[] {
	const selector = spec?.selector ?? {};
	const isLabels = !("matchLabels" in selector || "matchExpressions" in selector);
	const asked = isLabels ? { matchLabels: selector as Record<string, string> } : (selector as LabelSelector);
	return selected<Pod>(store, "pods", metadata.namespace ?? "", asked);
}
