// DaemonSet to pods where nothing ran before: one on every node where one belongs and none is.

import type { DaemonSet } from "../api/apps.ts";
import type { Node, Pod } from "../api/core.ts";
import type { Random } from "../ports.ts";
import { placeOn } from "./daemonset/nodes.ts";
import { daemonPod } from "./daemonset/pods.ts";
import { revisionHash } from "./history.ts";
import { freeName } from "./names.ts";
import { isActive, owns, podPrefix } from "./pod.ts";

/** One pod for each eligible node that has none. `names`: pod names taken in the namespace; new ones are added. */
export function missingPods(
	daemonSet: DaemonSet,
	nodes: readonly Node[],
	pods: readonly Pod[],
	names: Set<string>,
	random: Random,
): Pod[] {
	const spec = daemonSet.spec;
	if (spec === undefined) return [];
	const { namespace = "default" } = daemonSet.metadata;
	const owned = new Set(
		pods.filter((pod) => isActive(pod) && owns(daemonSet, spec.selector, pod)).map((pod) => pod.spec?.nodeName),
	);
	const hash = revisionHash(spec.template);
	return nodes
		.filter((node) => shouldRun(daemonSet, node) && !owned.has(node.metadata.name))
		.map(({ metadata: { name: node = "" } }) => {
			const name = freeName(podPrefix(daemonSet), random, names, namespace, node);
			const pod = daemonPod(daemonSet, hash, node);
			return { ...pod, metadata: { ...pod.metadata, name } };
		});
}

export function shouldRun(daemonSet: DaemonSet, node: Node): boolean {
	return placeOn(daemonSet, node).shouldRun;
}

export function withStatus(daemonSet: DaemonSet, desired: number, scheduled: number, ready: number): DaemonSet {
	const status = {
		currentNumberScheduled: scheduled,
		desiredNumberScheduled: desired,
		numberMisscheduled: 0,
		numberReady: ready,
		numberAvailable: ready,
		numberUnavailable: desired - ready,
		updatedNumberScheduled: scheduled,
		observedGeneration: daemonSet.metadata.generation ?? 1,
	};
	return { ...daemonSet, status };
}
