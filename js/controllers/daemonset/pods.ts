// A DaemonSet's pods, node by node: which go, where one comes, and what the status counts
// (pkg/controller/daemon/daemon_controller.go: podsShouldBeOnNode, updateDaemonSetStatus).

import type { DaemonSet } from "../../api/apps.ts";
import type { Node, Pod } from "../../api/core.ts";
import { isFinished, isReady } from "../../api/pod.ts";
import { isAvailable } from "../availability.ts";
import { scaledValue } from "../bounds.ts";
import { withoutZeros } from "../omitempty.ts";
import { podFromTemplate, podPrefix } from "../pod.ts";
import { pinned, placeOn, targetNode } from "./nodes.ts";

export const HASH_LABEL = "controller-revision-hash";
const GENERATION_LABEL = "pod-template-generation";
const GENERATION = "deprecated.daemonset.template.generation";

/** Pods by the node that they are on or for, in order of name; those that have ended and are going are left out. */
export type ByNode = ReadonlyMap<string, readonly Pod[]>;

export function byNode(pods: readonly Pod[]): Map<string, Pod[]> {
	const nodes = new Map<string, Pod[]>();
	for (const pod of pods) {
		const node = isFinished(pod) && isGoing(pod) ? undefined : targetNode(pod);
		if (node === undefined) continue;
		const list = nodes.get(node);
		if (list === undefined) nodes.set(node, [pod]);
		else list.push(pod);
	}
	return nodes;
}

export const isGoing = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;

function generationOf({ metadata }: DaemonSet): string {
	return metadata.annotations?.[GENERATION] ?? "1";
}

/** A pod for a node. `hash`: of the current template. */
export function daemonPod(daemonSet: DaemonSet, hash: string, node: string): Pod {
	const labels = { [HASH_LABEL]: hash, [GENERATION_LABEL]: generationOf(daemonSet) };
	const template = daemonSet.spec?.template ?? {};
	const pod = podFromTemplate(daemonSet, template, { generateName: podPrefix(daemonSet), labels });
	return { ...pod, spec: pinned(pod.spec ?? { containers: [] }, node) };
}

export function isUpdated({ metadata: { labels = {} } }: Pod, daemonSet: DaemonSet, hash: string): boolean {
	return labels[HASH_LABEL] === hash || labels[GENERATION_LABEL] === generationOf(daemonSet);
}

/** Those with a node first, then the oldest (podByCreationTimestampAndPhase). */
export function byAge(a: Pod, b: Pod): number {
	const rank = ({ spec, metadata }: Pod) =>
		`${spec?.nodeName ? 0 : 1} ${metadata.creationTimestamp ?? ""} ${metadata.name ?? ""}`;
	return rank(a) < rank(b) ? -1 : 1;
}

/** maxSurge in pods of `desired`, rounded up. */
export function surgeOf({ spec }: DaemonSet, desired: number): number {
	const { type = "RollingUpdate", rollingUpdate } = spec?.updateStrategy ?? {};
	return type === "RollingUpdate" ? scaledValue(rollingUpdate?.maxSurge ?? 0, desired, "up") : 0;
}

export interface OnNode {
	/** A pod is to be made there. */
	needs: boolean;
	/** Pods that are to go. */
	excess: readonly Pod[];
	/** Pods that have ended: they go as soon as their back-off lets them. */
	ended: readonly Pod[];
}

export function podsOn(
	daemonSet: DaemonSet,
	node: Node,
	pods: readonly Pod[] | undefined,
	hash: string,
	now: bigint,
): OnNode {
	const { shouldRun, mayStay } = placeOn(daemonSet, node);
	if (shouldRun && pods === undefined) return { needs: true, excess: [], ended: [] };
	const there = (pods ?? []).filter((pod) => !isGoing(pod));
	if (!mayStay) return { needs: false, excess: there, ended: [] };
	const ended = there.filter(isFinished);
	const running = there.filter((pod) => !isFinished(pod)).sort(byAge);
	if (surgeOf(daemonSet, 1) === 0) return { needs: false, excess: running.slice(1), ended };
	if (running.length <= 1) return { needs: running.length === 0 && shouldRun, excess: [], ended };
	const fresh = running.filter(({ metadata }) => metadata.labels?.[HASH_LABEL] === hash);
	const old = running.filter((pod) => !fresh.includes(pod));
	const excess = [...fresh.slice(1), ...old.slice(1)];
	const [successor, predecessor] = [fresh[0], old[0]];
	const isReplaced =
		successor !== undefined &&
		predecessor !== undefined &&
		(!isReady(predecessor) || isAvailable(successor, daemonSet.spec?.minReadySeconds ?? 0, now));
	return { needs: false, excess: isReplaced ? [...excess, predecessor] : excess, ended };
}

export function statusOf(
	daemonSet: DaemonSet,
	nodes: readonly Node[],
	pods: ByNode,
	hash: string,
	now: bigint,
): NonNullable<DaemonSet["status"]> {
	const minReadySeconds = daemonSet.spec?.minReadySeconds ?? 0;
	const desired = nodes.filter((node) => placeOn(daemonSet, node).shouldRun);
	const names = new Set(desired.map(({ metadata }) => metadata.name ?? ""));
	const known = new Set(nodes.map(({ metadata }) => metadata.name ?? ""));
	const first = desired.flatMap(({ metadata }) => [...(pods.get(metadata.name ?? "") ?? [])].sort(byAge)[0] ?? []);
	const ready = first.filter(isReady);
	const available = ready.filter((pod) => isAvailable(pod, minReadySeconds, now)).length;
	const { collisionCount } = daemonSet.status ?? {};
	return {
		desiredNumberScheduled: desired.length,
		currentNumberScheduled: first.length,
		numberMisscheduled: [...pods.keys()].filter((name) => known.has(name) && !names.has(name)).length,
		numberReady: ready.length,
		...withoutZeros({
			updatedNumberScheduled: first.filter((pod) => isUpdated(pod, daemonSet, hash)).length,
			numberAvailable: available,
			numberUnavailable: desired.length - available,
			observedGeneration: daemonSet.metadata.generation ?? 0,
		}),
		...(collisionCount !== undefined && { collisionCount }),
	};
}
