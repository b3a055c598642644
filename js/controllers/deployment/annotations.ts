// What a Deployment's controller writes down in annotations of its ReplicaSets: revisions and the size that they were meant
// for (pkg/controller/deployment/util/deployment_util.go).

import type { Deployment, ReplicaSet } from "../../api/apps.ts";
import { maxSurge, replicasOf } from "./spec.ts";

export const REVISION = "deployment.kubernetes.io/revision";
const HISTORY = "deployment.kubernetes.io/revision-history";
const DESIRED = "deployment.kubernetes.io/desired-replicas";
const MAX = "deployment.kubernetes.io/max-replicas";
/** Annotations of a Deployment that its ReplicaSet does not get. */
const NOT_COPIED: ReadonlySet<string> = new Set([
	"kubectl.kubernetes.io/last-applied-configuration",
	REVISION,
	HISTORY,
	DESIRED,
	MAX,
	"deprecated.deployment.rollback.to",
]);
/** Characters of a revision history. */
const HISTORY_MAX = 2000;

type Annotations = Readonly<Record<string, string>>;

/** 0 of one that has no revision; null of one that cannot be read. */
export function revisionOf({ metadata }: ReplicaSet): number | null {
	const text = metadata.annotations?.[REVISION];
	if (text === undefined) return 0;
	return /^[+-]?[0-9]+$/.test(text) ? Number(text) : null;
}

export function maxRevision(sets: readonly ReplicaSet[]): number {
	return sets.reduce((max, set) => Math.max(max, revisionOf(set) ?? 0), 0);
}

/** Annotations of the ReplicaSet of the current template (SetNewReplicaSetAnnotations). `revision`: the one after all others. */
export function currentAnnotations(
	deployment: Deployment,
	before: Annotations,
	revision: number,
): Record<string, string> {
	const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name));
	const annotations = { ...before, ...Object.fromEntries(copied) };
	const text = before[REVISION];
	const was = text === undefined || text === "" ? 0 : /^[+-]?[0-9]+$/.test(text) ? Number(text) : null;
	if (was === null || was >= revision) return annotations;
	annotations[REVISION] = String(revision);
	if (text !== undefined) {
		const history = longerHistory(before[HISTORY] ?? "", text);
		if (history !== null) annotations[HISTORY] = history;
	}
	return annotations;
}

/** The oldest revisions go where there is no room; null where the new one alone has none. */
function longerHistory(history: string, revision: string): string | null {
	if (history === "") return revision;
	const kept = history.split(",");
	const lengthOf = () => [...kept, revision].join(",").length;
	while (kept.length > 0 && lengthOf() > HISTORY_MAX) kept.shift();
	return lengthOf() <= HISTORY_MAX ? [...kept, revision].join(",") : null;
}

/** The size that a ReplicaSet of the Deployment was last scaled for. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
	const replicas = replicasOf(deployment);
	return { [DESIRED]: String(replicas), [MAX]: String(replicas + maxSurge(deployment)) };
}

export function hasSize({ metadata }: ReplicaSet, deployment: Deployment): boolean {
	return Object.entries(sizeAnnotations(deployment)).every(([name, value]) => metadata.annotations?.[name] === value);
}

/** The Deployment's replicas when the ReplicaSet was last scaled; null where nobody says. */
export function desiredReplicas({ metadata }: ReplicaSet): number | null {
	return count(metadata.annotations?.[DESIRED]);
}

/** The same with what it might surge. */
export function maxReplicas({ metadata }: ReplicaSet): number | null {
	return count(metadata.annotations?.[MAX]);
}

function count(text: string | undefined): number | null {
	return text !== undefined && /^[0-9]+$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : null;
}
