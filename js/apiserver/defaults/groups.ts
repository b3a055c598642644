// Defaults of the other API groups, by type; each row names upstream's file.

import type { Json, JsonObject } from "../patch/json.ts";
import { CORE_DEFAULTS } from "./core.ts";
import { chain, type Defaulting, type DefaultTable, fill, inside } from "./walk.ts";

const struct = (value: Json | undefined) => (value ?? {}) as JsonObject;
const orNull = (list: Json | undefined): Json => (Array.isArray(list) && list.length > 0 ? list : null);
const RBAC = "rbac.authorization.k8s.io";

// pkg/apis/apps/v1/defaults.go
const APPS: DefaultTable = {
	"apps.v1.Deployment": fill({ spec: {}, status: {} }),
	"apps.v1.DeploymentSpec": fill({
		replicas: 1,
		strategy: {},
		revisionHistoryLimit: 10,
		progressDeadlineSeconds: 600,
		template: {},
	}),
	"apps.v1.DeploymentStrategy": fill({
		type: "RollingUpdate",
		rollingUpdate: ({ type }) => (type === "RollingUpdate" ? {} : undefined),
	}),
	"apps.v1.RollingUpdateDeployment": fill({ maxUnavailable: "25%", maxSurge: "25%" }),
	"apps.v1.ReplicaSet": fill({ spec: {}, status: {} }),
	"apps.v1.ReplicaSetSpec": fill({ replicas: 1, template: {} }),
	"apps.v1.ReplicaSetStatus": fill({ replicas: 0 }),
	"apps.v1.DaemonSet": fill({ spec: {}, status: {} }),
	"apps.v1.DaemonSetSpec": fill({ updateStrategy: {}, revisionHistoryLimit: 10, template: {} }),
	"apps.v1.DaemonSetStatus": fill({
		currentNumberScheduled: 0,
		numberMisscheduled: 0,
		desiredNumberScheduled: 0,
		numberReady: 0,
	}),
	"apps.v1.DaemonSetUpdateStrategy": fill({
		type: "RollingUpdate",
		rollingUpdate: ({ type }) => (type === "RollingUpdate" ? {} : undefined),
	}),
	"apps.v1.RollingUpdateDaemonSet": fill({ maxUnavailable: 1, maxSurge: 0 }),
	"apps.v1.StatefulSet": fill({ spec: {}, status: {} }),
	"apps.v1.StatefulSetSpec": chain(
		fill({
			podManagementPolicy: "OrderedReady",
			updateStrategy: {},
			persistentVolumeClaimRetentionPolicy: {},
			replicas: 1,
			revisionHistoryLimit: 10,
			serviceName: "",
			template: {},
		}),
		// conversion.go: what a claim template is, is known.
		inside("volumeClaimTemplates", (claims) =>
			(claims as readonly Json[]).map((claim) =>
				fill({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: {}, spec: {}, status: {} })(struct(claim)),
			),
		),
	),
	"apps.v1.StatefulSetStatus": fill({ replicas: 0, availableReplicas: 0 }),
	"apps.v1.StatefulSetUpdateStrategy": fill({
		type: "RollingUpdate",
		rollingUpdate: ({ type }) => (type === "RollingUpdate" ? {} : undefined),
	}),
	"apps.v1.RollingUpdateStatefulSetStrategy": fill({ partition: 0 }),
	"apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": fill({ whenDeleted: "Retain", whenScaled: "Retain" }),
};

// pkg/apis/batch/v1/defaults.go
const jobSpec: Defaulting = (spec) => {
	const one = spec.completions === undefined && spec.parallelism === undefined;
	return fill({
		completions: one ? 1 : undefined,
		parallelism: 1,
		backoffLimit: ({ backoffLimitPerIndex }) => (backoffLimitPerIndex === undefined ? 6 : 2147483647),
		completionMode: "NonIndexed",
		suspend: false,
		manualSelector: false,
		podReplacementPolicy: ({ podFailurePolicy }) => (podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed"),
	})(spec);
};

const BATCH: DefaultTable = {
	// SetDefaults_Job: of a Job alone; what a CronJob's template leaves out stays out.
	"batch.v1.Job": chain(
		fill({ spec: {}, status: {} }),
		inside("spec", (spec) => jobSpec(struct(spec))),
	),
	"batch.v1.JobSpec": fill({ template: {} }),
	"batch.v1.PodFailurePolicyOnPodConditionsPattern": fill({ status: "True" }),
	"batch.v1.CronJob": fill({ spec: {}, status: {} }),
	"batch.v1.JobTemplateSpec": fill({ metadata: {}, spec: {} }),
	"batch.v1.CronJobSpec": fill({
		concurrencyPolicy: "Allow",
		suspend: false,
		successfulJobsHistoryLimit: 3,
		failedJobsHistoryLimit: 1,
		jobTemplate: {},
	}),
};

// pkg/apis/autoscaling/v1/defaults.go, v2/defaults.go
const SCALE_UP = {
	stabilizationWindowSeconds: 0,
	selectPolicy: "Max",
	policies: [
		{ type: "Pods", value: 4, periodSeconds: 15 },
		{ type: "Percent", value: 100, periodSeconds: 15 },
	],
};
const SCALE_DOWN = { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] };
const CPU = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } };

const AUTOSCALING: DefaultTable = {
	"autoscaling.v1.HorizontalPodAutoscaler": fill({ spec: {}, status: {} }),
	"autoscaling.v1.HorizontalPodAutoscalerSpec": fill({ minReplicas: 1 }),
	"autoscaling.v1.HorizontalPodAutoscalerStatus": fill({ currentReplicas: 0, desiredReplicas: 0 }),
	"autoscaling.v2.HorizontalPodAutoscaler": fill({ spec: {}, status: {} }),
	"autoscaling.v2.HorizontalPodAutoscalerSpec": fill({
		minReplicas: 1,
		metrics: [CPU],
	}),
	"autoscaling.v2.HorizontalPodAutoscalerStatus": fill({ desiredReplicas: 0, currentMetrics: null }),
	"autoscaling.v2.HorizontalPodAutoscalerCondition": fill({ lastTransitionTime: null }),
	"autoscaling.v2.HorizontalPodAutoscalerBehavior": chain(
		fill({ scaleUp: {}, scaleDown: {} }),
		inside("scaleUp", (rules) => fill(SCALE_UP)(struct(rules))),
		inside("scaleDown", (rules) => fill(SCALE_DOWN)(struct(rules))),
	),
};

// pkg/apis/networking/v1/defaults.go
const NETWORKING: DefaultTable = {
	"networking.v1.Ingress": fill({ spec: {}, status: {} }),
	"networking.v1.IngressStatus": fill({ loadBalancer: {} }),
	"networking.v1.IngressClass": fill({ spec: {} }),
	"networking.v1.IngressClassParametersReference": fill({ scope: "Cluster" }),
	"networking.v1.NetworkPolicy": fill({ spec: {} }),
	"networking.v1.NetworkPolicySpec": fill({
		podSelector: {},
		policyTypes: ({ egress }) => (Array.isArray(egress) && egress.length > 0 ? ["Ingress", "Egress"] : ["Ingress"]),
	}),
	"networking.v1.NetworkPolicyPort": fill({ protocol: "TCP" }),
	"networking.v1.ServiceCIDR": fill({ spec: {}, status: {} }),
	"networking.v1.IPAddress": fill({ spec: {} }),
};

const OTHERS: DefaultTable = {
	// pkg/apis/discovery/v1/defaults.go
	"discovery.v1.EndpointPort": fill({ name: "", protocol: "TCP" }),
	// The storage's protobuf knows no empty lists.
	"discovery.v1.EndpointSlice": (slice) => ({
		...slice,
		endpoints: orNull(slice.endpoints),
		ports: orNull(slice.ports),
	}),
	"discovery.v1.Endpoint": fill({ conditions: {} }),
	"policy.v1.PodDisruptionBudget": fill({ spec: {}, status: {} }),
	"policy.v1.PodDisruptionBudgetStatus": fill({
		disruptionsAllowed: 0,
		currentHealthy: 0,
		desiredHealthy: 0,
		expectedPods: 0,
	}),
	// pkg/apis/rbac/v1/defaults.go
	"rbac.v1.RoleRef": fill({ apiGroup: RBAC }),
	"rbac.v1.Subject": fill({ apiGroup: ({ kind }) => (kind === "User" || kind === "Group" ? RBAC : undefined) }),
	"rbac.v1.Role": (role) => ({ ...role, rules: orNull(role.rules) }),
	"rbac.v1.ClusterRole": (role) => ({ ...role, rules: orNull(role.rules) }),
	// pkg/apis/scheduling/v1/defaults.go
	"scheduling.v1.PriorityClass": fill({ value: 0, preemptionPolicy: "PreemptLowerPriority" }),
	// pkg/apis/storage/v1/defaults.go
	"storage.v1.StorageClass": fill({ reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
	"coordination.v1.Lease": fill({ spec: {} }),
	// apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go
	"apiextensions.v1.CustomResourceDefinitionSpec": fill({ conversion: { strategy: "None" } }),
	"apiextensions.v1.CustomResourceDefinitionNames": fill({
		singular: ({ kind }) => String(kind ?? "").toLowerCase(),
		listKind: ({ kind }) => `${String(kind ?? "")}List`,
	}),
};

export const DEFAULTS: DefaultTable = {
	...CORE_DEFAULTS,
	...APPS,
	...BATCH,
	...AUTOSCALING,
	...NETWORKING,
	...OTHERS,
};
