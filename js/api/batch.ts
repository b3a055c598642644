// batch/v1: Job, CronJob.
// Field names are upstream's (OpenAPI document of Kubernetes 1.36); types only. What is not evaluated is left out.

import type { ObjectReference, PodTemplateSpec } from "./core.ts";
import type { Condition, KubernetesObject, LabelSelector, ObjectMeta } from "./meta.ts";

export interface Job extends KubernetesObject {
	apiVersion: "batch/v1";
	kind: "Job";
	metadata: ObjectMeta;
	spec?: JobSpec;
	status?: JobStatus;
}

export interface JobSpec {
	parallelism?: number;
	completions?: number;
	completionMode?: "NonIndexed" | "Indexed";
	backoffLimit?: number;
	backoffLimitPerIndex?: number;
	/** Indexes that may fail, at most. */
	maxFailedIndexes?: number;
	/** `succeededIndexes`: `0-2,5`. */
	successPolicy?: { rules: { succeededIndexes?: string; succeededCount?: number }[] };
	activeDeadlineSeconds?: number;
	ttlSecondsAfterFinished?: number;
	suspend?: boolean;
	selector?: LabelSelector;
	template: PodTemplateSpec;
	podFailurePolicy?: { rules: PodFailurePolicyRule[] };
	podReplacementPolicy?: "TerminatingOrFailed" | "Failed";
	/** Who runs it; absent: the Job controller. */
	managedBy?: string;
}

export interface PodFailurePolicyRule {
	action: "Ignore" | "Count" | "FailJob" | "FailIndex";
	onExitCodes?: { containerName?: string; operator: "In" | "NotIn"; values: number[] };
	onPodConditions?: { type: string; status?: string }[];
}

export interface JobCondition extends Condition {
	lastProbeTime?: string;
}

export interface JobStatus {
	active?: number;
	ready?: number;
	terminating?: number;
	succeeded?: number;
	failed?: number;
	/** `0-2,5`. */
	completedIndexes?: string;
	/** Of a Job with backoffLimitPerIndex. */
	failedIndexes?: string;
	/** uids of pods that have ended and are not in the counts yet. */
	uncountedTerminatedPods?: { succeeded?: string[]; failed?: string[] };
	startTime?: string;
	completionTime?: string;
	conditions?: JobCondition[];
}

export interface CronJob extends KubernetesObject {
	apiVersion: "batch/v1";
	kind: "CronJob";
	metadata: ObjectMeta;
	spec?: {
		schedule: string;
		timeZone?: string;
		concurrencyPolicy?: "Allow" | "Forbid" | "Replace";
		startingDeadlineSeconds?: number;
		successfulJobsHistoryLimit?: number;
		failedJobsHistoryLimit?: number;
		suspend?: boolean;
		jobTemplate: { metadata?: ObjectMeta; spec?: JobSpec };
	};
	status?: { active?: ObjectReference[]; lastScheduleTime?: string; lastSuccessfulTime?: string };
}
