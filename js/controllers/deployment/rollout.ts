// One step of a Deployment's controller: the objects as they are after what it wrote so far, and the writes that all
// strategies share (pkg/controller/deployment/sync.go).

import type { Deployment, DeploymentStatus, ReplicaSet } from "../../api/apps.ts";
import { semanticEqual } from "../../api/equality.ts";
import { hasCause, reasonOf } from "../../api/reason.ts";
import type { World } from "../../ports.ts";
import { controllerOf } from "../pod.ts";
import {
	currentAnnotations,
	desiredReplicas,
	hasSize,
	maxRevision,
	REVISION,
	revisionOf,
	sizeAnnotations,
} from "./annotations.ts";
import { byAge, isCurrent, replicaSetFor, sizeOf, sumOfSizes } from "./replicasets.ts";
import { historyLimit, isRollingUpdate, maxSurge, progressDeadline, replicasOf } from "./spec.ts";
import { allOf, progressing, type Sets, statusOf, withProgressing } from "./status.ts";

const REPLICA_SETS = "replicasets.apps";
const DEPLOYMENTS = "deployments.apps";

export class Rollout {
	readonly world: World;
	deployment: Deployment;
	/** Its ReplicaSets, oldest first. */
	#sets: ReplicaSet[];

	constructor(world: World, deployment: Deployment, sets: readonly ReplicaSet[]) {
		this.world = world;
		this.deployment = deployment;
		this.#sets = [...sets].sort(byAge);
	}

	get now(): bigint {
		return this.world.clock.now();
	}

	/** As they are; the oldest of the template is the current one. */
	get sets(): Sets {
		const current = this.#sets.find((set) => isCurrent(set, this.deployment));
		return { current, old: this.#sets.filter((set) => set !== current) };
	}

	/** The ReplicaSet as it was last written. */
	latest(replicaSet: ReplicaSet): ReplicaSet {
		return this.#sets.find(({ metadata }) => metadata.uid === replicaSet.metadata.uid) ?? replicaSet;
	}

	writeStatus(status: DeploymentStatus, revision = this.deployment.metadata.annotations?.[REVISION]): void {
		const { metadata } = this.deployment;
		const annotations =
			revision === undefined ? metadata.annotations : { ...metadata.annotations, [REVISION]: revision };
		const next: Deployment = { ...this.deployment, status };
		if (annotations !== undefined) next.metadata = { ...metadata, annotations };
		if (semanticEqual(next, this.deployment)) return;
		this.deployment = this.world.store.updateStatus(DEPLOYMENTS, next);
	}

	/** The status as it is where no rollout is under way (syncDeploymentStatus). */
	syncStatus(): void {
		this.writeStatus(statusOf(this.deployment, this.sets, this.now));
	}

	/** Gives the current ReplicaSet its revision and the Deployment's annotations, and the Deployment that revision. */
	syncRevision(): void {
		const { current, old } = this.sets;
		if (current === undefined) return;
		const annotations = currentAnnotations(this.deployment, current.metadata.annotations ?? {}, maxRevision(old) + 1);
		const minReadySeconds = this.deployment.spec?.minReadySeconds ?? 0;
		const wanted: ReplicaSet = { ...current, metadata: { ...current.metadata, annotations } };
		if ((current.spec?.minReadySeconds ?? 0) !== minReadySeconds && current.spec !== undefined)
			wanted.spec = { ...current.spec, minReadySeconds };
		const written = semanticEqual(wanted, current) ? current : this.#write(wanted);
		const isNew = progressDeadline(this.deployment) !== undefined && progressing(this.deployment) === undefined;
		const message = `Found new replica set "${written.metadata.name}"`;
		const status = isNew
			? withProgressing(this.deployment, "True", "FoundNewReplicaSet", message, this.now)
			: (this.deployment.status ?? {});
		this.writeStatus(status, written.metadata.annotations?.[REVISION] ?? "");
	}

	/** Makes the ReplicaSet of the current template where there is none. Throws what the API refused. */
	create(): void {
		const { current, old } = this.sets;
		if (current !== undefined) return;
		const revision = maxRevision(old) + 1;
		const replicaSet = replicaSetFor(this.deployment, this.#newSize(undefined), revision);
		const { name = "" } = replicaSet.metadata;
		const made = this.#create(replicaSet);
		const size = sizeOf(made);
		if (size > 0) this.#tell("ScalingReplicaSet", `Scaled up replica set ${name} from 0 to ${size}`);
		const watched = progressDeadline(this.deployment) !== undefined;
		const message = `Created new replica set "${name}"`;
		const status = watched
			? withProgressing(this.deployment, "True", "NewReplicaSetCreated", message, this.now)
			: (this.deployment.status ?? {});
		this.writeStatus(status, String(revision));
		this.#sets = [...this.#sets, made].sort(byAge);
	}

	#create(replicaSet: ReplicaSet): ReplicaSet {
		try {
			return this.world.store.create(REPLICA_SETS, replicaSet);
		} catch (error) {
			const reason = reasonOf(error);
			if (reason === "AlreadyExists") this.#collided(replicaSet);
			else if (reason !== null && !hasCause(error, "NamespaceTerminating")) this.#refused(replicaSet, error as Error);
			throw error;
		}
	}

	/** Another object has the name: the next attempt is with another hash, unless it is our own that is about to be seen. */
	#collided({ metadata: { namespace = "", name = "" } }: ReplicaSet): void {
		const there = this.world.store.get<ReplicaSet>(REPLICA_SETS, namespace, name);
		const isOurs = there !== undefined && controllerOf(there)?.uid === this.deployment.metadata.uid;
		if (there === undefined || (isOurs && isCurrent(there, this.deployment))) return;
		const { status = {} } = this.deployment;
		this.writeStatus({ ...status, collisionCount: (status.collisionCount ?? 0) + 1 });
	}

	#refused({ metadata }: ReplicaSet, error: Error): void {
		const reason = "ReplicaSetCreateError";
		const message = `Failed to create new replica set "${metadata.name}": ${error.message}`;
		if (progressDeadline(this.deployment) !== undefined)
			this.writeStatus(withProgressing(this.deployment, "False", reason, message, this.now));
		this.world.recorder.event(this.deployment, "Warning", reason, message);
	}

	/** How many pods the current ReplicaSet may have now (NewRSNewReplicas). */
	#newSize(current: ReplicaSet | undefined): number {
		const replicas = replicasOf(this.deployment);
		if (!isRollingUpdate(this.deployment)) return replicas;
		const size = current === undefined ? 0 : sizeOf(current);
		const room = replicas + maxSurge(this.deployment) - sumOfSizes(this.#sets);
		return room <= 0 ? size : size + Math.min(room, replicas - size);
	}

	/** Brings the current ReplicaSet as far as the surge allows; whether that changed it. */
	scaleCurrent(): boolean {
		const { current } = this.sets;
		if (current === undefined) return false;
		const replicas = replicasOf(this.deployment);
		const size = sizeOf(current);
		if (size === replicas) return false;
		return this.scale(current, size > replicas ? replicas : this.#newSize(current));
	}

	/**
	 * Writes another size, and says so; whether it is another one.
	 * @param annotate also where the size stays, but was meant for another size of the Deployment
	 */
	scale(replicaSet: ReplicaSet, replicas: number, annotate = false): boolean {
		const before = sizeOf(replicaSet);
		const isOther = before !== replicas;
		if (!isOther && (!annotate || hasSize(replicaSet, this.deployment))) return false;
		const annotations = { ...replicaSet.metadata.annotations, ...sizeAnnotations(this.deployment) };
		const { spec } = replicaSet;
		this.#write({
			...replicaSet,
			metadata: { ...replicaSet.metadata, annotations },
			...(spec && { spec: { ...spec, replicas } }),
		});
		if (!isOther) return false;
		const direction = before < replicas ? "up" : "down";
		const { name } = replicaSet.metadata;
		this.#tell("ScalingReplicaSet", `Scaled ${direction} replica set ${name} from ${before} to ${replicas}`);
		return true;
	}

	/** Whether the Deployment has another size than its ReplicaSets were scaled for (isScalingEvent). */
	isScaled(): boolean {
		const replicas = replicasOf(this.deployment);
		return allOf(this.sets).some((set) => {
			const desired = sizeOf(set) > 0 ? desiredReplicas(set) : null;
			return desired !== null && desired !== replicas;
		});
	}

	/** Old ReplicaSets without pods go, the oldest revisions first, but for as many as the history keeps (cleanupDeployment). */
	cleanUp(): void {
		const limit = historyLimit(this.deployment);
		if (limit === undefined) return;
		const old = this.sets.old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
		const excess = old.length - limit;
		if (excess <= 0) return;
		for (const set of old.toSorted(byRevision).slice(0, excess)) {
			const { replicas = 0, observedGeneration = 0 } = set.status ?? {};
			if (replicas !== 0 || sizeOf(set) !== 0 || (set.metadata.generation ?? 0) > observedGeneration) continue;
			try {
				this.world.store.delete(REPLICA_SETS, set);
			} catch (error) {
				if (reasonOf(error) !== "NotFound") throw error;
			}
			this.#sets = this.#sets.filter((one) => one !== set);
		}
	}

	#write(replicaSet: ReplicaSet): ReplicaSet {
		const written = this.world.store.update(REPLICA_SETS, replicaSet);
		this.#sets = this.#sets.map((set) => (set.metadata.uid === written.metadata.uid ? written : set));
		return written;
	}

	#tell(reason: string, message: string): void {
		this.world.recorder.event(this.deployment, "Normal", reason, message);
	}
}

function byRevision(a: ReplicaSet, b: ReplicaSet): number {
	const [one, other] = [revisionOf(a), revisionOf(b)];
	return one === null || other === null || one === other ? byAge(a, b) : one - other;
}
