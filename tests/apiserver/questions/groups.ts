// RBAC, disruption budgets, autoscalers, leases, classes, revisions.

import { changed, type Given, one, put, type Scene } from "./question.ts";

const named = (apiVersion: string, kind: string, rest: object = {}, name = "web"): Given => ({
	apiVersion,
	kind,
	metadata: { name },
	...rest,
});
const configMap = (rest: object) => named("v1", "ConfigMap", rest);
const RBAC = "rbac.authorization.k8s.io";
const role = (rules: unknown) => named(`${RBAC}/v1`, "Role", { rules });
const binding = (rest: object) =>
	named(`${RBAC}/v1`, "RoleBinding", { roleRef: { apiGroup: RBAC, kind: "Role", name: "r" }, ...rest });
const budget = (spec: object) => named("policy/v1", "PodDisruptionBudget", { spec });
const scaler = (spec: object, version = "v2") =>
	named(`autoscaling/${version}`, "HorizontalPodAutoscaler", {
		spec: { maxReplicas: 5, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, ...spec },
	});

export const GROUPS: Scene[] = [
	one("a Role", role([{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }])),
	one("a Role of nothing", named(`${RBAC}/v1`, "Role")),
	one(
		"a bad Role",
		role([{}, { verbs: ["get"], nonResourceURLs: ["/x"], resources: ["a"] }, { verbs: ["get"], apiGroups: [""] }]),
	),
	one(
		"a ClusterRole",
		named(
			`${RBAC}/v1`,
			"ClusterRole",
			{ rules: [{ verbs: ["get"], nonResourceURLs: ["/healthz"] }, { verbs: [] }] },
			"question-role",
		),
	),
	one(
		"a RoleBinding",
		binding({
			subjects: [
				{ kind: "ServiceAccount", name: "default", namespace: "{ns}" },
				{ kind: "User", name: "u" },
			],
		}),
	),
	one(
		"a bad RoleBinding",
		binding({
			roleRef: { apiGroup: "x", kind: "Pod", name: "" },
			subjects: [
				{ kind: "Robot", name: "" },
				{ kind: "ServiceAccount", name: "A_B", apiGroup: "x" },
				{ kind: "User", name: "u", apiGroup: "x" },
			],
		}),
	),
	changed(
		"a RoleBinding's role stays",
		binding({}),
		{ roleRef: { name: "other" } },
		{ subjects: [{ kind: "Group", name: "g" }] },
	),
	one(
		"a ClusterRoleBinding",
		named(
			`${RBAC}/v1`,
			"ClusterRoleBinding",
			{ roleRef: { apiGroup: RBAC, kind: "Role", name: "a:b" }, subjects: [{ kind: "ServiceAccount", name: "x" }] },
			"question:binding",
		),
	),
	{
		title: "a PUT makes a Role and a Lease, and no ConfigMap",
		steps: [
			put(role([])),
			put(named("coordination.k8s.io/v1", "Lease", { spec: { holderIdentity: "a" } })),
			put(configMap({})),
		],
	},
	one("a PodDisruptionBudget", budget({ minAvailable: 1, selector: { matchLabels: { a: "b" } } })),
	one(
		"a bad PodDisruptionBudget",
		budget({
			minAvailable: "120%",
			maxUnavailable: -1,
			selector: { matchLabels: { "a b": "" } },
			unhealthyPodEvictionPolicy: "Odd",
		}),
	),
	one("a PodDisruptionBudget of nothing", budget({})),
	one("a HorizontalPodAutoscaler", scaler({})),
	one("a HorizontalPodAutoscaler of v1", scaler({ targetCPUUtilizationPercentage: 50 }, "v1")),
	one(
		"a bad HorizontalPodAutoscaler",
		scaler({
			minReplicas: 0,
			maxReplicas: 0,
			scaleTargetRef: { kind: "", name: "a/b" },
			metrics: [
				{ type: "" },
				{ type: "Odd" },
				{ type: "Resource" },
				{ type: "Resource", resource: { name: "", target: { type: "Some" } } },
				{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 0 } } },
			],
		}),
	),
	one("fewer most than least", scaler({ minReplicas: 6 })),
	one(
		"a HorizontalPodAutoscaler with behaviour",
		scaler({ behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } }),
	),
	one("a Lease", named("coordination.k8s.io/v1", "Lease", { spec: { leaseDurationSeconds: 40 } })),
	one(
		"a bad Lease",
		named("coordination.k8s.io/v1", "Lease", { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } }),
	),
	one("a PriorityClass", named("scheduling.k8s.io/v1", "PriorityClass", { value: 7 }, "question-class")),
	one(
		"a PriorityClass too high",
		named("scheduling.k8s.io/v1", "PriorityClass", { value: 1_000_000_001, preemptionPolicy: "Odd" }, "question-class"),
	),
	one("a PriorityClass of the system", named("scheduling.k8s.io/v1", "PriorityClass", { value: 1 }, "system-question")),
	changed(
		"a PriorityClass's value stays",
		named("scheduling.k8s.io/v1", "PriorityClass", { value: 7 }, "question-class"),
		{ value: 8 },
		{ description: "d" },
	),
	one("a StorageClass", named("storage.k8s.io/v1", "StorageClass", { provisioner: "example.com/x" }, "question-class")),
	one(
		"a bad StorageClass",
		named(
			"storage.k8s.io/v1",
			"StorageClass",
			{ provisioner: "", reclaimPolicy: "Burn", volumeBindingMode: "Never" },
			"question-class",
		),
	),
	changed(
		"a StorageClass stays",
		named("storage.k8s.io/v1", "StorageClass", { provisioner: "example.com/x" }, "question-class"),
		{ provisioner: "example.com/y", parameters: { a: "b" }, reclaimPolicy: "Retain" },
		{ volumeBindingMode: "WaitForFirstConsumer" },
	),
	one("a ControllerRevision", named("apps/v1", "ControllerRevision", { revision: 1, data: { a: "b" } })),
	one("a bad ControllerRevision", named("apps/v1", "ControllerRevision", { revision: -1 })),
];
