// What becomes of a StatefulSet's pods in one step: those that are missing, those that are too many, those of an old template
// (pkg/controller/statefulset/stateful_set_control.go: updateStatefulSet). maxUnavailable is behind a gate that is off in 1.36.

import type { ControllerRevision, StatefulSet } from "../../api/apps.ts";
import type { Pod } from "../../api/core.ts";
import { isFinished } from "../../api/pod.ts";
import { reasonOf } from "../../api/reason.ts";
import type { World } from "../../ports.ts";
import { isAvailable } from "../availability.ts";
import { templateOf } from "../history.ts";
import { slowStart } from "../podcontrol.ts";
import { applyRetention, createClaims, hasStaleClaim } from "./claims.ts";
import {
	hasIdentity,
	hasStorage,
	isInRange,
	newPod,
	ordinalOf,
	REVISION_LABEL,
	replicasOf,
	startOf,
	withIdentity,
	withStorage,
} from "./identity.ts";

export interface Revisions {
	current: ControllerRevision;
	update: ControllerRevision;
}

export interface Update {
	/** Every pod that the status counts; those of this step are not made yet. */
	pods: readonly Pod[];
	/** Pods of the current revision that this step deleted. */
	deleted: number;
	refusal: unknown;
}

interface Step {
	world: World;
	set: StatefulSet;
	/** One at a time, each when the one before is available (OrderedReady). */
	ordered: boolean;
	now: bigint;
}

const isGoing = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;
const isCreated = ({ status }: Pod) => Boolean(status?.phase);
export const revisionOf = ({ metadata }: Pod) => metadata.labels?.[REVISION_LABEL] ?? "";

export function updatePods(world: World, set: StatefulSet, pods: readonly Pod[], revisions: Revisions): Update {
	const ordered = set.spec?.podManagementPolicy !== "Parallel";
	const step: Step = { world, set, ordered, now: world.clock.now() };
	const replicas = replicasIn(set, pods, revisions);
	const condemned = pods
		.filter((pod) => ordinalOf(pod) >= 0 && !isInRange(set, pod))
		.sort((a, b) => ordinalOf(b) - ordinalOf(a));
	const counted = { pods: [...replicas, ...condemned], deleted: 0 };
	const firstUnhealthy = [...replicas, ...condemned.toReversed()].find((pod) => isUnavailable(step, pod));
	try {
		if (forAll(step, replicas, (pod) => keep(step, pod))) return { ...counted, refusal: undefined };
		for (const pod of condemned) applyRetention(world, set, pod);
		const remove = (pod: Pod) => condemn(step, pod, firstUnhealthy);
		if (forAll(step, condemned, remove)) return { ...counted, refusal: undefined };
		const deleted = set.spec?.updateStrategy?.type === "OnDelete" ? 0 : roll(step, replicas, revisions);
		return { ...counted, deleted, refusal: undefined };
	} catch (refusal) {
		if (reasonOf(refusal) === null) throw refusal;
		return { ...counted, refusal };
	}
}

/** The pod of each ordinal: the one that is there, or one to be made. */
function replicasIn(set: StatefulSet, pods: readonly Pod[], { current, update }: Revisions): Pod[] {
	const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod), pod]));
	const { type = "RollingUpdate", rollingUpdate } = set.spec?.updateStrategy ?? {};
	const kept =
		type !== "RollingUpdate"
			? 0
			: (rollingUpdate?.partition ?? (rollingUpdate ? 0 : (set.status?.currentReplicas ?? 0)));
	return Array.from({ length: replicasOf(set) }, (_, i) => {
		const ordinal = startOf(set) + i;
		const revision = i < kept ? current : update;
		return byOrdinal.get(ordinal) ?? newPod(set, templateOf(revision), ordinal, revision.metadata.name ?? "");
	});
}

function isUnavailable({ set, now }: Pick<Step, "set" | "now">, pod: Pod): boolean {
	return isGoing(pod) || !isAvailable(pod, set.spec?.minReadySeconds ?? 0, now);
}

/** Whether the step ends there: in order, at the first pod that is to be waited for. Throws the first refusal. */
function forAll({ ordered }: Step, pods: readonly Pod[], act: (pod: Pod) => boolean): boolean {
	if (ordered) return pods.some(act);
	let next = 0;
	const refusal = slowStart(pods.length, () => {
		act(pods[next++] as Pod);
	});
	if (refusal !== undefined) throw refusal;
	return false;
}

/** Whether it is to be waited for (processReplica). */
function keep(step: Step, pod: Pod): boolean {
	const { world, set, ordered } = step;
	if (isFinished(pod)) {
		if (!isGoing(pod)) remove(step, pod);
		return true;
	}
	if (!isCreated(pod)) {
		if (hasStaleClaim(world, set, pod)) return true;
		make(step, pod);
		return ordered;
	}
	if (pod.status?.phase === "Pending") {
		createClaims(world, set, pod);
		applyRetention(world, set, pod);
	}
	if (ordered && (isUnavailable(step, pod) || pod.status?.phase !== "Running")) return true;
	applyRetention(world, set, pod);
	if (hasIdentity(set, pod) && hasStorage(set, pod)) return false;
	if (!hasStorage(set, pod)) createClaims(world, set, pod);
	tell(step, "Update", pod, () => world.store.update("pods", withStorage(set, withIdentity(pod))));
	return false;
}

/** Whether it is to be waited for (processCondemned): from the highest ordinal on. */
function condemn(step: Step, pod: Pod, firstUnhealthy: Pod | undefined): boolean {
	const { ordered } = step;
	if (isGoing(pod)) return ordered;
	if (ordered && pod !== firstUnhealthy && isUnavailable(step, pod)) return true;
	remove(step, pod);
	return true;
}

/** From the highest ordinal on the first pod of another template goes, once all above it are available. How many went. */
function roll(step: Step, replicas: readonly Pod[], { update }: Revisions): number {
	const partition = step.set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
	for (const pod of replicas.slice(partition).toReversed()) {
		if (revisionOf(pod) !== update.metadata.name && !isGoing(pod)) {
			remove(step, pod);
			return 1;
		}
		if (isUnavailable(step, pod)) return 0;
	}
	return 0;
}

function make(step: Step, pod: Pod): void {
	const { world, set } = step;
	try {
		createClaims(world, set, pod);
	} catch (error) {
		if (reasonOf(error) !== null) failed(step, "Create", pod, error as Error);
		throw error;
	}
	tell(step, "Create", pod, () => applyRetention(world, set, world.store.create("pods", pod)));
}

function remove(step: Step, pod: Pod): void {
	tell(step, "Delete", pod, () => {
		try {
			step.world.store.delete("pods", pod);
		} catch (error) {
			if (reasonOf(error) !== "NotFound") throw error;
		}
	});
}

function tell(step: Step, verb: "Create" | "Update" | "Delete", pod: Pod, act: () => unknown): void {
	try {
		act();
	} catch (error) {
		const reason = reasonOf(error);
		if (reason !== null && reason !== "AlreadyExists") failed(step, verb, pod, error as Error);
		throw error;
	}
	const { world, set } = step;
	const message = `${verb} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
	world.recorder.event(set, "Normal", `Successful${verb}`, message);
}

function failed({ world, set }: Step, verb: string, pod: Pod, { message }: Error): void {
	const about = `${verb} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
	world.recorder.event(set, "Warning", `Failed${verb}`, `${about} failed error: ${message}`);
}
