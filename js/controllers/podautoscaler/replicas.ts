// How many replicas a metric asks for (pkg/controller/podautoscaler/replica_calculator.go). Values are in thousandths, as upstream
// counts them: of cores, bytes, or whatever a metric measures.

import type { Pod } from "../../api/core.ts";
import { isReady, readyCondition } from "../../api/pod.ts";
import { parseQuantity } from "../../api/quantity.ts";
import { nanosOf } from "../../api/time.ts";

const SECOND = 1_000_000_000n;
/** --horizontal-pod-autoscaler-cpu-initialization-period, -initial-readiness-delay */
const CPU_INITIALIZATION = 300n * SECOND;
const READINESS_DELAY = 30n * SECOND;
const INT32_MOST = 2 ** 31 - 1;

export interface Tolerances {
	up: number;
	down: number;
}

/** By the pods' names. */
export type Usage = ReadonlyMap<string, number>;

export interface Replicas {
	replicas: number;
	/** Per pod. */
	average: number;
	/** Per cent of the requests; of plain values 0. */
	utilization: number;
}

export const isWithin = (ratio: number, { up, down }: Tolerances) => 1 - down <= ratio && ratio <= 1 + up;

const atMostInt32 = (count: number) => Math.min(count, INT32_MOST);

export interface Question {
	pods: readonly Pod[];
	usage: Usage;
	/** `cpu`, `memory`; of other metrics ``. */
	resource: string;
	tolerances: Tolerances;
	/** Replicas that the target asks for. */
	current: number;
	/** ns. */
	now: bigint;
}

/** GetResourceReplicas. `target`: per cent of `requests`. A text is why there is no answer. */
export function byUtilization(question: Question, target: number, requests: Usage): Replicas | string {
	return replicasOf(question, {
		measure(usage) {
			const [used, asked] = [...usage].reduce(
				([sum, of], [name, value]) => [sum + value, of + (requests.get(name) ?? 0)],
				[0, 0],
			);
			if (asked === 0) return "no metrics returned matched known pods";
			const utilization = Math.floor((used * 100) / asked);
			return { ratio: utilization / target, utilization, average: Math.floor(used / usage.size) };
		},
		// On the way down what is not known counts as all of its request.
		missing: (name) => ((requests.get(name) ?? 0) * Math.max(100, target)) / 100,
	});
}

/** calcPlainMetricReplicas. `target`: of the average. */
export function byAverage(question: Question, target: number): Replicas | string {
	return replicasOf(question, {
		measure(usage) {
			const average = Math.floor([...usage.values()].reduce((sum, value) => sum + value, 0) / usage.size);
			return { ratio: average / target, utilization: 0, average };
		},
		missing: () => target,
	});
}

interface Measured {
	ratio: number;
	utilization: number;
	average: number;
}

interface Measure {
	/** Of at least one value. */
	measure(usage: Usage): Measured | string;
	/** What a pod without a value is taken to use on the way down. */
	missing(name: string): number;
}

function replicasOf(question: Question, { measure, missing }: Measure): Replicas | string {
	const { pods, tolerances, current } = question;
	if (pods.length === 0) return "no pods returned by selector while calculating replica count";
	const groups = grouped(question);
	if (groups.known.size === 0) return "did not receive metrics for targeted pods (pods might be unready)";
	const first = measure(groups.known);
	if (typeof first === "string") return first;
	const { ratio, average, utilization } = first;
	const answer = (replicas: number): Replicas => ({ replicas: atMostInt32(replicas), average, utilization });
	const growsOverUnready = groups.unready.length > 0 && ratio > 1;
	if (!growsOverUnready && groups.missing.length === 0)
		return answer(isWithin(ratio, tolerances) ? current : Math.ceil(ratio * groups.ready));
	const all = new Map(groups.known);
	if (ratio < 1) for (const name of groups.missing) all.set(name, missing(name));
	if (ratio > 1) for (const name of groups.missing) all.set(name, 0);
	if (growsOverUnready) for (const name of groups.unready) all.set(name, 0);
	const second = measure(all);
	if (typeof second === "string") return second;
	const turns = (ratio < 1 && second.ratio > 1) || (ratio > 1 && second.ratio < 1);
	if (isWithin(second.ratio, tolerances) || turns) return answer(current);
	const replicas = Math.ceil(second.ratio * all.size);
	const isOther = (second.ratio < 1 && replicas > current) || (second.ratio > 1 && replicas < current);
	return answer(isOther ? current : replicas);
}

/** groupPods: those that go or have failed do not count at all. */
function grouped({ pods, usage, resource, now }: Question) {
	const known = new Map<string, number>();
	const unready: string[] = [];
	const missing: string[] = [];
	for (const pod of pods) {
		const { name = "", deletionTimestamp } = pod.metadata;
		const phase = pod.status?.phase ?? "Pending";
		const value = usage.get(name);
		if (deletionTimestamp !== undefined || phase === "Failed") continue;
		if (phase === "Pending") unready.push(name);
		else if (value === undefined) missing.push(name);
		else if (resource === "cpu" && isStarting(pod, now)) unready.push(name);
		else known.set(name, value);
	}
	return { known, unready, missing, ready: known.size };
}

/** Whether what a pod uses of the CPU says nothing yet: it starts, or has never been ready. */
function isStarting(pod: Pod, now: bigint): boolean {
	const ready = readyCondition(pod);
	const start = nanosOf(pod.status?.startTime);
	if (ready === undefined || start === null) return true;
	const since = nanosOf(ready.lastTransitionTime) ?? 0n;
	if (ready.status !== "False") return false;
	return start + CPU_INITIALIZATION > now || start + READINESS_DELAY > since;
}

/** getUsageRatioReplicaCount: of a value for all pods together. */
export function byTotal(
	{ pods, tolerances, current }: Pick<Question, "pods" | "tolerances" | "current">,
	value: number,
	target: number,
): Replicas | string {
	const ratio = value / target;
	const answer = (replicas: number): Replicas => ({ replicas, average: value, utilization: 0 });
	if (isWithin(ratio, tolerances)) return answer(current);
	if (pods.length === 0)
		return "unable to calculate ready pods: no pods returned by selector while calculating replica count";
	const ready = pods.filter((pod) => pod.status?.phase === "Running" && isReady(pod)).length;
	return answer(atMostInt32(Math.ceil(ratio * ready)));
}

/** GetExternalPerPodMetricReplicas. `running`: replicas that the target's status has. */
export function byShare(tolerances: Tolerances, running: number, value: number, target: number): Replicas {
	const ratio = value / (target * running);
	const replicas = isWithin(ratio, tolerances) ? running : atMostInt32(Math.ceil(value / target));
	return { replicas, average: Math.ceil(value / running), utilization: 0 };
}

/** calculateRequests: by pod, of all its containers or of one. A text is what is missing. */
export function requestsOf(pods: readonly Pod[], resource: string, container: string): Map<string, number> | string {
	const requests = new Map<string, number>();
	for (const pod of pods) {
		const request = requestOf(pod, resource, container);
		if (typeof request === "string") return request;
		requests.set(pod.metadata.name ?? "", request);
	}
	return requests;
}

/** Thousandths, or what is missing. */
export function requestOf({ metadata, spec }: Pod, resource: string, container: string): number | string {
	const whole = (spec as { resources?: Resources } | undefined)?.resources?.requests?.[resource];
	if (container === "" && whole !== undefined) return milli(whole);
	const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
	let sum = 0;
	for (const { name, resources } of [...(spec?.containers ?? []), ...sidecars]) {
		if (container !== "" && container !== name) continue;
		const request = (resources as Resources | undefined)?.requests?.[resource];
		if (request === undefined) return `missing request for ${resource} in container ${name} of Pod ${metadata.name}`;
		sum += milli(request);
		if (container === name) return sum;
	}
	return container === "" ? sum : `container ${container} not found in Pod ${metadata.name}`;
}

interface Resources {
	requests?: Record<string, string>;
}

/** Of a quantity; what is none counts 0. */
export const milli = (quantity: string | undefined): number => Math.ceil((parseQuantity(quantity) ?? 0) * 1000);
