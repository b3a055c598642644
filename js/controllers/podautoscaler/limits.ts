// How far one step may go: what was recommended lately, the rates of spec.behavior, and the bounds (pkg/controller/podautoscaler/
// horizontal.go: normalizeDesiredReplicas, normalizeDesiredReplicasWithBehaviors).

import type { ScalingRules } from "../../api/autoscaling.ts";

const SECOND = 1_000_000_000n;
/** --horizontal-pod-autoscaler-downscale-stabilization */
const WINDOW_S = 300;
/** Of windows and of periods. */
const LONGEST_S = 3600;
const STEP_FACTOR = 2;
const STEP_LEAST = 4;

interface Happened {
	replicas: number;
	/** ns. */
	at: bigint;
}

/** What is remembered of one autoscaler. */
export interface Past {
	recommended: readonly Happened[];
	/** By how many replicas it was scaled. */
	up: readonly Happened[];
	down: readonly Happened[];
}

/** Of one that begins with `current` replicas (recordInitialRecommendation). */
export const pastOf = (current: number, now: bigint): Past => ({
	recommended: [{ replicas: current, at: now }],
	up: [],
	down: [],
});

const recent = (happened: readonly Happened[], now: bigint) =>
	happened.filter(({ at }) => at >= now - BigInt(LONGEST_S) * SECOND);

/** With another recommendation. */
export const recommending = (past: Past, replicas: number, now: bigint): Past => ({
	...past,
	recommended: [...recent(past.recommended, now), { replicas, at: now }],
});

/** With another step. */
export function scaling(past: Past, from: number, to: number, now: bigint): Past {
	const step = { replicas: Math.abs(to - from), at: now };
	return to > from
		? { ...past, up: [...recent(past.up, now), step] }
		: { ...past, down: [...recent(past.down, now), step] };
}

export interface Bounds {
	current: number;
	least: number;
	most: number;
	behavior: { scaleUp?: ScalingRules; scaleDown?: ScalingRules } | undefined;
	/** ns. */
	now: bigint;
}

export interface Limited {
	replicas: number;
	/** Of AbleToScale. */
	stabilized: { reason: string; message: string };
	/** Of ScalingLimited. */
	limit: { holds: boolean; reason: string; message: string };
}

const LIMITS = {
	DesiredWithinRange: "the desired count is within the acceptable range",
	ScaleUpLimit: "the desired replica count is increasing faster than the maximum scale rate",
	ScaleDownLimit: "the desired replica count is decreasing faster than the maximum scale rate",
	TooManyReplicas: "the desired replica count is more than the maximum replica count",
	TooFewReplicas: "the desired replica count is less than the minimum replica count",
};
const STABLE = {
	ReadyForNewScale: "recommended size matches current size",
	ScaleUpStabilized: "recent recommendations were lower than current one, applying the lowest recent recommendation",
	ScaleDownStabilized:
		"recent recommendations were higher than current one, applying the highest recent recommendation",
};

/** What becomes of a wish. `past`: before it. */
export function limited(wanted: number, past: Past, bounds: Bounds): Limited {
	const { current, behavior } = bounds;
	const stable = behavior === undefined ? highest(wanted, past, bounds) : steady(wanted, past, bounds);
	const isUp = behavior !== undefined && wanted >= current;
	const why = stable === wanted ? "ReadyForNewScale" : isUp ? "ScaleUpStabilized" : "ScaleDownStabilized";
	const [replicas, reason] = behavior === undefined ? byRules(stable, bounds) : byRates(stable, past, bounds);
	return {
		replicas,
		stabilized: { reason: why, message: STABLE[why] },
		limit: { holds: replicas !== stable, reason, message: LIMITS[reason] },
	};
}

/** stabilizeRecommendation: not below what was recommended lately. */
function highest(wanted: number, { recommended }: Past, { now }: Bounds): number {
	const since = now - BigInt(WINDOW_S) * SECOND;
	return Math.max(wanted, ...recommended.filter(({ at }) => at >= since).map(({ replicas }) => replicas));
}

/** stabilizeRecommendationWithBehaviors: up no further than the least, down no further than the most that was recommended lately. */
function steady(wanted: number, { recommended }: Past, { current, behavior, now }: Bounds): number {
	const within = (seconds: number) =>
		recommended.filter(({ at }) => at > now - BigInt(seconds) * SECOND).map(({ replicas }) => replicas);
	const up = Math.min(wanted, ...within(behavior?.scaleUp?.stabilizationWindowSeconds ?? 0));
	const down = Math.max(wanted, ...within(behavior?.scaleDown?.stabilizationWindowSeconds ?? WINDOW_S));
	return Math.min(Math.max(current, up), down);
}

type Limit = [replicas: number, reason: keyof typeof LIMITS];

function byRules(wanted: number, { current, least, most }: Bounds): Limit {
	const step = Math.max(STEP_FACTOR * current, STEP_LEAST);
	if (wanted < least) return [least, "TooFewReplicas"];
	if (wanted > Math.min(step, most)) return most > step ? [step, "ScaleUpLimit"] : [most, "TooManyReplicas"];
	return [wanted, "DesiredWithinRange"];
}

function byRates(wanted: number, past: Past, { current, least, most, behavior, now }: Bounds): Limit {
	if (wanted > current) {
		const rate = Math.max(current, upLimit(current, past, behavior?.scaleUp ?? {}, now));
		const [allowed, why]: Limit = most > rate ? [rate, "ScaleUpLimit"] : [most, "TooManyReplicas"];
		if (wanted > allowed) return [allowed, why];
	} else if (wanted < current) {
		const rate = Math.min(current, downLimit(current, past, behavior?.scaleDown ?? {}, now));
		const [allowed, why]: Limit = least < rate ? [rate, "ScaleDownLimit"] : [least, "TooFewReplicas"];
		if (wanted < allowed) return [allowed, why];
	}
	return [wanted, "DesiredWithinRange"];
}

/** Replicas when a period began. */
function before(current: number, { up, down }: Past, seconds: number, now: bigint): number {
	const since = now - BigInt(seconds) * SECOND;
	const sum = (steps: readonly Happened[]) =>
		steps.filter(({ at }) => at > since).reduce((total, { replicas }) => total + replicas, 0);
	return current - sum(up) + sum(down);
}

function upLimit(current: number, past: Past, { selectPolicy, policies = [] }: ScalingRules, now: bigint): number {
	if (selectPolicy === "Disabled") return current;
	const proposed = policies.map(({ type, value, periodSeconds }) => {
		const start = before(current, past, periodSeconds, now);
		// Rounded up, for else a single pod would never become two.
		return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
	});
	return selectPolicy === "Min" ? Math.min(...proposed) : Math.max(...proposed);
}

function downLimit(current: number, past: Past, { selectPolicy, policies = [] }: ScalingRules, now: bigint): number {
	if (selectPolicy === "Disabled") return current;
	const proposed = policies.map(({ type, value, periodSeconds }) => {
		const start = before(current, past, periodSeconds, now);
		return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100));
	});
	return selectPolicy === "Min" ? Math.max(...proposed) : Math.min(...proposed);
}
