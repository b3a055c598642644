// apps/v1: Deployment, ReplicaSet, StatefulSet, DaemonSet, ControllerRevision.
// Field names are upstream's (OpenAPI document of Kubernetes 1.36); types only. Of volume claims the metadata is typed.

import type { PodTemplateSpec } from "./core.ts";
import type { Condition, IntOrString, KubernetesObject, LabelSelector, ObjectMeta } from "./meta.ts";

export interface Deployment extends KubernetesObject {
	apiVersion: "apps/v1";
	kind: "Deployment";
	metadata: ObjectMeta;
	spec?: DeploymentSpec;
	status?: DeploymentStatus;
}

export interface DeploymentSpec {
	replicas?: number;
	selector: LabelSelector;
	template: PodTemplateSpec;
	strategy?: {
		type?: "RollingUpdate" | "Recreate";
		rollingUpdate?: { maxSurge?: IntOrString; maxUnavailable?: IntOrString };
	};
	minReadySeconds?: number;
	revisionHistoryLimit?: number;
	progressDeadlineSeconds?: number;
	paused?: boolean;
}

export interface DeploymentStatus {
	observedGeneration?: number;
	replicas?: number;
	updatedReplicas?: number;
	readyReplicas?: number;
	availableReplicas?: number;
	unavailableReplicas?: number;
	/** Pods of its ReplicaSets that are being deleted. */
	terminatingReplicas?: number;
	collisionCount?: number;
	conditions?: DeploymentCondition[];
}

export interface DeploymentCondition extends Condition {
	lastUpdateTime?: string;
}

export interface ReplicaSet extends KubernetesObject {
	apiVersion: "apps/v1";
	kind: "ReplicaSet";
	metadata: ObjectMeta;
	spec?: {
		replicas?: number;
		minReadySeconds?: number;
		selector: LabelSelector;
		template?: PodTemplateSpec;
	};
	status?: {
		replicas?: number;
		fullyLabeledReplicas?: number;
		readyReplicas?: number;
		availableReplicas?: number;
		/** Of its pods those that are being deleted. */
		terminatingReplicas?: number;
		observedGeneration?: number;
		conditions?: Condition[];
	};
}

export interface StatefulSet extends KubernetesObject {
	apiVersion: "apps/v1";
	kind: "StatefulSet";
	metadata: ObjectMeta;
	spec?: {
		replicas?: number;
		selector: LabelSelector;
		serviceName?: string;
		template: PodTemplateSpec;
		podManagementPolicy?: "OrderedReady" | "Parallel";
		ordinals?: { start?: number };
		updateStrategy?: { type?: string; rollingUpdate?: { partition?: number; maxUnavailable?: IntOrString } };
		minReadySeconds?: number;
		revisionHistoryLimit?: number;
		volumeClaimTemplates?: { metadata?: ObjectMeta; [field: string]: unknown }[];
		persistentVolumeClaimRetentionPolicy?: { whenDeleted?: "Retain" | "Delete"; whenScaled?: "Retain" | "Delete" };
	};
	status?: {
		replicas?: number;
		readyReplicas?: number;
		currentReplicas?: number;
		updatedReplicas?: number;
		availableReplicas?: number;
		currentRevision?: string;
		updateRevision?: string;
		observedGeneration?: number;
		collisionCount?: number;
		conditions?: Condition[];
	};
}

export interface DaemonSet extends KubernetesObject {
	apiVersion: "apps/v1";
	kind: "DaemonSet";
	metadata: ObjectMeta;
	spec?: {
		selector: LabelSelector;
		template: PodTemplateSpec;
		minReadySeconds?: number;
		revisionHistoryLimit?: number;
		updateStrategy?: { type?: string; rollingUpdate?: { maxSurge?: IntOrString; maxUnavailable?: IntOrString } };
	};
	status?: {
		currentNumberScheduled?: number;
		desiredNumberScheduled?: number;
		numberMisscheduled?: number;
		numberReady?: number;
		numberAvailable?: number;
		numberUnavailable?: number;
		updatedNumberScheduled?: number;
		observedGeneration?: number;
		collisionCount?: number;
		conditions?: Condition[];
	};
}

/** A template that a StatefulSet or a DaemonSet had; `data` is a patch that brings it back. */
export interface ControllerRevision extends KubernetesObject {
	apiVersion: "apps/v1";
	kind: "ControllerRevision";
	metadata: ObjectMeta;
	data?: { spec?: { template?: PodTemplateSpec & { $patch?: "replace" } } };
	revision: number;
}
