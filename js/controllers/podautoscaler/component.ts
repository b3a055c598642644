// HorizontalPodAutoscalers (pkg/controller/podautoscaler/horizontal.go: reconcileAutoscaler) over metrics that a scene scripts.

import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus, MetricStatus } from "../../api/autoscaling.ts";
import { semanticEqual } from "../../api/equality.ts";
import { keyOf } from "../../api/key.ts";
import type { Condition, KubernetesObject } from "../../api/meta.ts";
import { parseQuantity } from "../../api/quantity.ts";
import { reasonOf } from "../../api/reason.ts";
import { timeOf } from "../../api/time.ts";
import type { Component, Later, StoreChange, World } from "../../ports.ts";
import { objectAt } from "../claim.ts";
import { withoutZeros } from "../omitempty.ts";
import { limited, type Past, pastOf, recommending, scaling } from "./limits.ts";
import { type Failure, type Proposal, propose } from "./metrics.ts";
import type { Tolerances } from "./replicas.ts";
import { autoscalersOf, podsOf, printSelector, RESOURCE, selectorOf, type Target, targetOf } from "./target.ts";

/** --horizontal-pod-autoscaler-sync-period */
const PERIOD_MS = 15_000;
/** --horizontal-pod-autoscaler-tolerance */
const TOLERANCE = 0.1;

export class PodAutoscaler implements Component {
	readonly name = "horizontal-pod-autoscaler";
	readonly watches = { [RESOURCE]: keysOfChange };
	/** By key. */
	readonly #past: Map<string, Past>;

	constructor(past: Map<string, Past> = new Map()) {
		this.#past = past;
	}

	get state(): Map<string, Past> {
		return new Map(this.#past);
	}

	of(state: Map<string, Past>): PodAutoscaler {
		return new PodAutoscaler(state);
	}

	reconcile(key: string, world: World): Later | undefined {
		const autoscaler = objectAt<HorizontalPodAutoscaler>(world.store, RESOURCE, key);
		if (autoscaler?.spec === undefined) {
			this.#past.delete(key);
			return undefined;
		}
		const look = new Look(world, autoscaler, this.#past.get(key));
		look.scale();
		if (look.past !== undefined) this.#past.set(key, look.past);
		look.write();
		return { idleMs: PERIOD_MS };
	}
}

/** What it writes itself is no news: it looks again in its period. */
function keysOfChange({ object, previous }: StoreChange): string[] {
	const told = ({ metadata, spec }: KubernetesObject) => [metadata.uid, metadata.annotations, spec];
	return previous !== undefined && semanticEqual(told(object), told(previous)) ? [] : [keyOf(object)];
}

/** What all metrics come to. */
interface Wish {
	replicas: number;
	/** The metric that asks for most. */
	name: string;
}

/** One look at one autoscaler. */
class Look {
	past: Past | undefined;
	readonly #world: World;
	readonly #now: bigint;
	readonly #autoscaler: HorizontalPodAutoscaler;
	readonly #spec: NonNullable<HorizontalPodAutoscaler["spec"]>;
	#status: HorizontalPodAutoscalerStatus;

	constructor(world: World, autoscaler: HorizontalPodAutoscaler, past: Past | undefined) {
		this.past = past;
		this.#world = world;
		this.#now = world.clock.now();
		this.#autoscaler = autoscaler;
		this.#spec = autoscaler.spec as NonNullable<HorizontalPodAutoscaler["spec"]>;
		this.#status = { desiredReplicas: 0, ...autoscaler.status };
	}

	scale(): void {
		const target = targetOf(this.#autoscaler, this.#world.store);
		if (typeof target === "string") {
			this.#warn("FailedGetScale", target);
			const message = `the HPA controller was unable to get the target's current scale: ${target}`;
			this.#say("AbleToScale", false, "FailedGetScale", message);
			return;
		}
		const got = "the HPA controller was able to get the target's current scale";
		this.#say("AbleToScale", true, "SucceededGetScale", got);
		const current = target.object.spec?.replicas ?? 1;
		this.past ??= pastOf(current, this.#now);
		const { minReplicas = 1, maxReplicas } = this.#spec;
		if (current === 0) {
			const message = "scaling is disabled since the replica count of the target is zero";
			this.#say("ScalingActive", false, "ScalingDisabled", message);
			this.#count(current, current, []);
		} else if (current > maxReplicas)
			this.#rescale(target, current, maxReplicas, "Current number of replicas above Spec.MaxReplicas", []);
		else if (current < minReplicas)
			this.#rescale(target, current, minReplicas, "Current number of replicas below Spec.MinReplicas", []);
		else this.#byMetrics(target, current, this.past);
	}

	#byMetrics(target: Target, current: number, past: Past): void {
		const { minReplicas = 1, maxReplicas, behavior } = this.#spec;
		const { wish, metrics } = this.#wish(target, current);
		if (typeof wish === "string") {
			this.#count(current, this.#status.desiredReplicas, metrics);
			this.#warn("FailedComputeMetricsReplicas", wish);
			return;
		}
		const bounds = { current, least: minReplicas, most: maxReplicas, behavior, now: this.#now };
		const { replicas, stabilized, limit } = limited(wish.replicas, past, bounds);
		this.past = recommending(past, wish.replicas, this.#now);
		this.#say("AbleToScale", true, stabilized.reason, stabilized.message);
		this.#say("ScalingLimited", limit.holds, limit.reason, limit.message);
		const reason = wish.replicas > current ? `${wish.name} above target` : "All metrics below target";
		if (replicas === current) this.#count(current, current, metrics);
		else this.#rescale(target, current, replicas, wish.replicas === current ? "" : reason, metrics);
	}

	/** What the metrics ask for (computeReplicasForMetrics); a text is why nothing can be said. */
	#wish(target: Target, current: number): { wish: Wish | string; metrics: MetricStatus[] } {
		const pods = podsOf(target, this.#world.store);
		const unfit = this.#unfit(target);
		if (unfit !== null) return { wish: unfit, metrics: [] };
		const specs = this.#spec.metrics ?? [];
		const asked = {
			autoscaler: this.#autoscaler,
			pods,
			tolerances: this.#tolerances(),
			current,
			running: target.object.status?.replicas ?? 0,
			now: this.#now,
		};
		const proposals = specs.map((metric) => propose(metric, asked));
		const failures = proposals.filter((one): one is Failure => "error" in one);
		for (const { reason, message } of failures) this.#warn(reason, message);
		const known = proposals.filter((one): one is Proposal => !("error" in one));
		const metrics = proposals.map((one): MetricStatus => ("error" in one ? { type: "" } : one.status));
		const most = known.reduce<Wish>((best, one) => (best.replicas === 0 || one.replicas > best.replicas ? one : best), {
			replicas: 0,
			name: "",
		});
		const [failed] = failures;
		// With one metric missing, the others may only make it larger.
		if (failed !== undefined && (known.length === 0 || most.replicas < current)) {
			const message = `the HPA was unable to compute the replica count: ${failed.message}`;
			this.#say("ScalingActive", false, failed.reason, message);
			const count = `${failures.length} invalid out of ${specs.length}`;
			return { wish: `invalid metrics (${count}), first error is: ${failed.error}`, metrics };
		}
		const found = `the HPA was able to successfully calculate a replica count from ${most.name}`;
		this.#say("ScalingActive", true, "ValidMetricFound", found);
		return { wish: most, metrics };
	}

	/** Why the target's selector is of no use (validateAndParseSelector); null where it is. */
	#unfit(target: Target): string | null {
		const { store } = this.#world;
		const selector = printSelector(selectorOf(target.object));
		if (selector === "") {
			this.#warn("SelectorRequired", "selector is required");
			this.#say("ScalingActive", false, "InvalidSelector", "the HPA target's scale is missing a selector");
			return "selector is required";
		}
		const others = autoscalersOf(podsOf(target, store), this.#autoscaler.metadata.namespace ?? "", store);
		if (others.length <= 1) return null;
		const named = others.map(keyOf).join(" ");
		const message = `pods by selector ${selector} are controlled by multiple HPAs: [${named}]`;
		this.#warn("AmbiguousSelector", message);
		this.#say("ScalingActive", false, "AmbiguousSelector", message);
		return message;
	}

	#tolerances(): Tolerances {
		const { scaleUp, scaleDown } = this.#spec.behavior ?? {};
		const of = (text: string | undefined) => parseQuantity(text) ?? TOLERANCE;
		return { up: of(scaleUp?.tolerance), down: of(scaleDown?.tolerance) };
	}

	#rescale(target: Target, current: number, desired: number, reason: string, metrics: MetricStatus[]): void {
		const { resource, object } = target;
		const size = `New size: ${desired}; reason: ${reason}`;
		try {
			this.#world.store.update(resource, { ...object, spec: { ...object.spec, replicas: desired } });
		} catch (error) {
			if (reasonOf(error) === null) throw error;
			const { message } = error as Error;
			this.#warn("FailedRescale", `${size}; error: ${message}`);
			const said = `the HPA controller was unable to update the target scale: ${message}`;
			this.#say("AbleToScale", false, "FailedUpdateScale", said);
			this.#count(current, this.#status.desiredReplicas, metrics);
			return;
		}
		const message = `the HPA controller was able to update the target scale to ${desired}`;
		this.#say("AbleToScale", true, "SucceededRescale", message);
		this.#world.recorder.event(this.#autoscaler, "Normal", "SuccessfulRescale", size);
		if (this.past !== undefined && this.#spec.behavior !== undefined)
			this.past = scaling(this.past, current, desired, this.#now);
		this.#count(current, desired, metrics);
		this.#status.lastScaleTime = timeOf(this.#now);
	}

	#count(current: number, desired: number, metrics: MetricStatus[]): void {
		const { currentReplicas: _, currentMetrics: __, ...rest } = this.#status;
		this.#status = {
			...rest,
			...withoutZeros({ currentReplicas: current }),
			desiredReplicas: desired,
			...(metrics.length > 0 && { currentMetrics: metrics }),
		};
	}

	#warn(reason: string, message: string): void {
		this.#world.recorder.event(this.#autoscaler, "Warning", reason, message);
	}

	#say(type: string, holds: boolean, reason: string, message: string): void {
		const { conditions = [] } = this.#status;
		const status = holds ? "True" : "False";
		const before = conditions.find((one) => one.type === type);
		const now = timeOf(this.#now);
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
