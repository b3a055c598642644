// Which pods go first where a ReplicaSet has too many (pkg/controller/controller_utils.go: ActivePodsWithRanks;
// replicaset/replica_set.go: getPodsToDelete).

import type { Pod } from "../../api/core.ts";
import { isReady } from "../../api/pod.ts";
import { nanosOf } from "../../api/time.ts";
import { readySince } from "../availability.ts";
import { isActive } from "../pod.ts";

const COST = "controller.kubernetes.io/pod-deletion-cost";
const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * `count` of the pods, those first that are missed least: without a node, pending, not ready, of lower deletion cost, on
 * a node with more of `related`, ready for less time, restarted more often, younger. Times are compared by their order of
 * magnitude, and where that is one, by uid.
 * @param related pods of all ReplicaSets of the same owner
 * @param now ns
 */
export function victims(pods: readonly Pod[], related: readonly Pod[], count: number, now: bigint): Pod[] {
	if (count >= pods.length) return [...pods];
	const onNode = new Map<string, number>();
	for (const pod of related) {
		const node = pod.spec?.nodeName ?? "";
		if (isActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1);
	}
	const ranked = pods.map((pod): Ranked => ({ pod, neighbours: onNode.get(pod.spec?.nodeName ?? "") ?? 0 }));
	return ranked
		.sort((a, b) => compare(a, b, now))
		.slice(0, count)
		.map(({ pod }) => pod);
}

interface Ranked {
	pod: Pod;
	/** Active pods of the same owner on its node. */
	neighbours: number;
}

/** Negative: `a` goes first. */
function compare(a: Ranked, b: Ranked, now: bigint): number {
	const placed = Number(isPlaced(a.pod)) - Number(isPlaced(b.pod));
	if (placed !== 0) return placed;
	const phase = phaseOf(a.pod) - phaseOf(b.pod);
	if (phase !== 0) return phase;
	const ready = Number(isReady(a.pod)) - Number(isReady(b.pod));
	if (ready !== 0) return ready;
	const cost = costOf(a.pod) - costOf(b.pod);
	if (cost !== 0) return cost;
	if (a.neighbours !== b.neighbours) return b.neighbours - a.neighbours;
	const since = isReady(a.pod) ? byTime(readySince(a.pod), readySince(b.pod), a.pod, b.pod, now) : 0;
	if (since !== 0) return since;
	const [restarts, others] = [restartsOf(a.pod), restartsOf(b.pod)];
	if (restarts[0] !== others[0]) return others[0] - restarts[0];
	if (restarts[1] !== others[1]) return others[1] - restarts[1];
	const [made, madeToo] = [a.pod, b.pod].map(({ metadata }) => nanosOf(metadata.creationTimestamp));
	return byTime(made ?? null, madeToo ?? null, a.pod, b.pod, now);
}

const isPlaced = ({ spec }: Pod) => Boolean(spec?.nodeName);
const phaseOf = ({ status }: Pod) => PHASES[status?.phase ?? ""] ?? 0;

/** An i32 as Go prints one; anything else is 0 (GetDeletionCostFromPodAnnotations). */
function costOf({ metadata }: Pod): number {
	const text = metadata.annotations?.[COST] ?? "";
	if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return 0;
	const cost = Number(text);
	return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0;
}

function byTime(a: bigint | null, b: bigint | null, one: Pod, other: Pod, now: bigint): number {
	if (a === b) return 0;
	if (a === null) return -1;
	if (b === null) return 1;
	const magnitude = magnitudeOf(a, now) - magnitudeOf(b, now);
	if (magnitude !== 0) return magnitude;
	return (one.metadata.uid ?? "") < (other.metadata.uid ?? "") ? -1 : 1;
}

const magnitudeOf = (at: bigint, now: bigint) => (now > at ? Math.trunc(Math.log2(Number(now - at))) : -1);

/** Most restarts of a container, and of a sidecar. */
function restartsOf({ spec, status }: Pod): [number, number] {
	const sidecars = new Set(
		(spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name),
	);
	const most = (counts: (number | undefined)[]) => counts.reduce((max: number, count) => Math.max(max, count ?? 0), 0);
	return [
		most((status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
		most(
			(status?.initContainerStatuses ?? []).map(({ name, restartCount }) => (sidecars.has(name) ? restartCount : 0)),
		),
	];
}
