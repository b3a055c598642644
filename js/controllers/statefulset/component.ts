// The StatefulSet controller (pkg/controller/statefulset/stateful_set.go). A Service of the name that `serviceName` says need
// not be there: without it the pods come up, and their names do not resolve.

import type { StatefulSet } from "../../api/apps.ts";
import type { Pod } from "../../api/core.ts";
import { semanticEqual } from "../../api/equality.ts";
import { isReady } from "../../api/pod.ts";
import { selects } from "../../api/selector.ts";
import type { Component, Later, World } from "../../ports.ts";
import { isAvailable, untilAvailable } from "../availability.ts";
import { candidates, claim, type OwnerKind, objectAt, ownerKeys, ownKey } from "../claim.ts";
import { currentRevision, revisionsOf, truncateHistory } from "../history.ts";
import { withoutZeros } from "../omitempty.ts";
import { isMember, replicasOf, TEMPLATE_LABEL } from "./identity.ts";
import { type Revisions, revisionOf, type Update, updatePods } from "./update.ts";

const STATEFUL_SET: OwnerKind = {
	kind: "StatefulSet",
	resource: "statefulsets.apps",
	selectorOf: (object) => (object as StatefulSet).spec?.selector,
};
const DEFAULT_HISTORY = 10;

export const statefulset: Component = {
	name: "statefulset",
	watches: { "statefulsets.apps": ownKey, pods: ownerKeys(STATEFUL_SET) },
	reconcile,
};

type Status = NonNullable<StatefulSet["status"]>;

function reconcile(key: string, world: World): Later | undefined {
	const { store } = world;
	const set = objectAt<StatefulSet>(store, "statefulsets.apps", key);
	if (set?.spec === undefined) return undefined;
	const { selector, minReadySeconds = 0, revisionHistoryLimit = DEFAULT_HISTORY } = set.spec;
	const known = revisionsOf(store, set);
	const objects = candidates<Pod>(store, "pods", set);
	const matches = (labels: Pod["metadata"]["labels"], pod: Pod) => selects(selector, labels) && isMember(set, pod);
	const pods = claim(store, { owner: set, resource: "pods", objects, matches });
	const { revision: update, collisions } = currentRevision(store, set, known, TEMPLATE_LABEL);
	const current = known.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
	const revisions: Revisions = { current, update };
	const isGoing = set.metadata.deletionTimestamp !== undefined;
	const done: Update = isGoing ? { pods, deleted: 0, refusal: undefined } : updatePods(world, set, pods, revisions);
	const status = statusOf(set, done, revisions, collisions, world.clock.now());
	if (!semanticEqual(status, set.status)) store.updateStatus("statefulsets.apps", { ...set, status });
	const live = new Set([current, update].map(({ metadata }) => metadata.name ?? "").concat(pods.map(revisionOf)));
	const unused = known.filter(({ metadata }) => !live.has(metadata.name ?? ""));
	truncateHistory(store, unused, revisionHistoryLimit);
	if (done.refusal !== undefined) throw done.refusal;
	const progressMs = untilAvailable(pods, minReadySeconds, world.clock.now());
	return progressMs === null ? undefined : { progressMs };
}

function statusOf(
	set: StatefulSet,
	{ pods, deleted }: Update,
	revisions: Revisions,
	collisions: number,
	now: bigint,
): Status {
	const minReadySeconds = set.spec?.minReadySeconds ?? 0;
	const created = pods.filter(({ status }) => Boolean(status?.phase));
	const ready = created.filter((pod) => pod.status?.phase === "Running" && isReady(pod));
	const staying = created.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(revisionOf);
	const ofRevision = ({ metadata }: Revisions["current"]) => staying.filter((name) => name === metadata.name).length;
	const { current, update } = revisions;
	const replicas = replicasOf(set);
	const updatedReplicas = ofRevision(update);
	const isDone =
		(set.spec?.updateStrategy?.type ?? "RollingUpdate") === "RollingUpdate" &&
		[updatedReplicas, ready.length, created.length].every((count) => count === replicas);
	return {
		...withoutZeros({
			observedGeneration: set.metadata.generation ?? 0,
			readyReplicas: ready.length,
			currentReplicas: isDone ? updatedReplicas : Math.max(0, ofRevision(current) - deleted),
			updatedReplicas,
		}),
		replicas: created.length,
		availableReplicas: ready.filter((pod) => isAvailable(pod, minReadySeconds, now)).length,
		currentRevision: (isDone ? update : current).metadata.name ?? "",
		updateRevision: update.metadata.name ?? "",
		collisionCount: collisions,
	};
}
