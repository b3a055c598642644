// RollingUpdate of a DaemonSet: old pods go as far as maxUnavailable, or new ones come beside them as far as maxSurge
// (pkg/controller/daemon/update.go: rollingUpdate). Nodes are taken in order of name, where upstream has none.

import type { DaemonSet } from "../../api/apps.ts";
import type { Node, Pod } from "../../api/core.ts";
import { isAvailable } from "../availability.ts";
import { scaledValue } from "../bounds.ts";
import { placeOn } from "./nodes.ts";
import { type ByNode, isGoing, isUpdated, surgeOf } from "./pods.ts";

export interface Replacement {
	remove: readonly Pod[];
	/** Nodes that get a pod beside the old one. */
	add: readonly string[];
}

interface Pair {
	node: string;
	fresh: Pod | undefined;
	old: Pod | undefined;
}

export function replacements(
	daemonSet: DaemonSet,
	nodes: readonly Node[],
	pods: ByNode,
	hash: string,
	now: bigint,
): Replacement {
	const desired = nodes.filter((node) => placeOn(daemonSet, node).shouldRun);
	const surge = surgeOf(daemonSet, desired.length);
	// A node without any pod counts as well: it will have one.
	const names = new Set([...pods.keys(), ...desired.map(({ metadata }) => metadata.name ?? "")]);
	const pairs = [...names]
		.sort()
		.map((node) => pairOn(node, pods.get(node) ?? [], (pod) => isUpdated(pod, daemonSet, hash)));
	const available = (pod: Pod) => isAvailable(pod, daemonSet.spec?.minReadySeconds ?? 0, now);
	if (surge === 0)
		return { remove: unavailableFirst(pairs, available, maxUnavailable(daemonSet, desired.length)), add: [] };
	const runs = new Set(desired.map(({ metadata }) => metadata.name ?? ""));
	return besides(pairs, available, surge, runs);
}

function maxUnavailable({ spec }: DaemonSet, desired: number): number {
	const count = scaledValue(spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, desired, "up");
	return desired > 0 ? Math.max(1, count) : count;
}

/** null: more of a kind than one, which is not the update's to put right. */
function pairOn(node: string, pods: readonly Pod[], isFresh: (pod: Pod) => boolean): Pair | null {
	const staying = pods.filter((pod) => !isGoing(pod));
	const fresh = staying.filter(isFresh);
	const old = staying.filter((pod) => !isFresh(pod));
	return fresh.length > 1 || old.length > 1 ? null : { node, fresh: fresh[0], old: old[0] };
}

function unavailableFirst(pairs: readonly (Pair | null)[], available: (pod: Pod) => boolean, most: number): Pod[] {
	const allowed: Pod[] = [];
	const candidates: Pod[] = [];
	let unavailable = 0;
	for (const pair of pairs) {
		const one = pair?.old ?? pair?.fresh;
		if (pair === null || one === undefined || (pair.old !== undefined && pair.fresh !== undefined)) unavailable++;
		else if (!available(one)) {
			unavailable++;
			if (pair.old !== undefined) allowed.push(one);
		} else if (pair.old !== undefined) candidates.push(one);
	}
	return [...allowed, ...candidates.slice(0, Math.max(0, most - unavailable))];
}

function besides(
	pairs: readonly (Pair | null)[],
	available: (pod: Pod) => boolean,
	most: number,
	runs: ReadonlySet<string>,
): Replacement {
	const remove: Pod[] = [];
	const misplaced: Pod[] = [];
	const allowed: string[] = [];
	const candidates: string[] = [];
	let surging = 0;
	let there = 0;
	for (const pair of pairs) {
		if (pair === null) {
			surging++;
			continue;
		}
		const { node, fresh, old } = pair;
		const serving = old ?? fresh;
		if (serving !== undefined && available(serving)) there++;
		if (old === undefined) continue;
		if (fresh !== undefined) {
			if (available(fresh)) remove.push(old);
			else surging++;
		} else if (!available(old)) {
			if (runs.has(node)) allowed.push(node);
			else remove.push(old);
		} else if (runs.has(node)) candidates.push(node);
		else misplaced.push(old);
	}
	remove.push(...misplaced.slice(0, Math.max(0, there - runs.size)));
	return { remove, add: [...allowed, ...candidates.slice(0, Math.max(0, most - surging))] };
}
