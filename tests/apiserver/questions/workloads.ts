// Workloads: Deployments and their kin, Jobs and CronJobs.

import { changed, create, type Given, merge, one, put, type Scene, tried } from "./question.ts";

const labels = { app: "web" };
const CONTAINERS = [{ name: "web", image: "nginx" }];
const template = (spec: object = {}, metadata: object = { labels }) => ({
	metadata,
	spec: { containers: CONTAINERS, ...spec },
});
const named = (apiVersion: string, kind: string, spec?: object): Given => ({
	apiVersion,
	kind,
	metadata: { name: "web" },
	...(spec ? { spec } : {}),
});
const full = { selector: { matchLabels: labels }, template: template() };

const deployment = (spec: object) => named("apps/v1", "Deployment", { ...full, ...spec });
const replicaSet = (spec: object) => named("apps/v1", "ReplicaSet", { ...full, ...spec });
const statefulSet = (spec: object) => named("apps/v1", "StatefulSet", { ...full, ...spec });
const daemonSet = (spec: object) => named("apps/v1", "DaemonSet", { ...full, ...spec });
const controller = (spec: object) =>
	named("v1", "ReplicationController", { selector: labels, template: template(), ...spec });
const job = (spec: object) => named("batch/v1", "Job", { template: template({ restartPolicy: "Never" }, {}), ...spec });
const cronJob = (spec: object) =>
	named("batch/v1", "CronJob", {
		schedule: "*/5 * * * *",
		jobTemplate: { spec: { template: template({ restartPolicy: "OnFailure" }, {}) } },
		...spec,
	});

const BAD_TEMPLATE = template({ restartPolicy: "Never", activeDeadlineSeconds: 5 });

export const WORKLOADS: Scene[] = [
	one("a Deployment", deployment({})),
	one("a Deployment that recreates", deployment({ strategy: { type: "Recreate" } })),
	one("a Deployment without spec", named("apps/v1", "Deployment")),
	one("a Deployment with an empty spec", named("apps/v1", "Deployment", {})),
	one("a Deployment whose selector misses its template", deployment({ selector: { matchLabels: { app: "other" } } })),
	one("a Deployment with an empty selector", deployment({ selector: {} })),
	one(
		"a Deployment with a bad selector",
		deployment({
			selector: {
				matchLabels: { "a b": "c" },
				matchExpressions: [
					{ key: "x", operator: "Near" },
					{ key: "y", operator: "In" },
					{ key: "z", operator: "Exists", values: ["1"] },
				],
			},
		}),
	),
	one(
		"a Deployment with negative numbers",
		deployment({ replicas: -1, minReadySeconds: -2, revisionHistoryLimit: -3, progressDeadlineSeconds: -4 }),
	),
	one("a Deployment with a short deadline", deployment({ minReadySeconds: 10, progressDeadlineSeconds: 10 })),
	one(
		"a Deployment that recreates and rolls",
		deployment({ strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } }),
	),
	one("a Deployment with another strategy", deployment({ strategy: { type: "BlueGreen" } })),
	one(
		"a Deployment that cannot move",
		deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } }),
	),
	one(
		"a Deployment with bad percentages",
		deployment({ strategy: { rollingUpdate: { maxSurge: "a lot", maxUnavailable: "150%" } } }),
	),
	one(
		"a Deployment with negative counts",
		deployment({ strategy: { rollingUpdate: { maxSurge: -1, maxUnavailable: -1 } } }),
	),
	one("a Deployment of pods that end", deployment({ template: BAD_TEMPLATE })),
	one(
		"a Deployment of a bad pod",
		deployment({ template: template({ containers: [{ name: "Web" }] }, { labels, annotations: { "a b": "" } }) }),
	),
	{
		title: "a Deployment changes",
		steps: [
			create(deployment({})),
			merge(deployment({}), { spec: { replicas: 3 } }),
			merge(deployment({}), {
				spec: { selector: { matchLabels: { tier: "front" } }, template: { metadata: { labels: { tier: "front" } } } },
			}),
			merge(deployment({}), { spec: { template: { spec: { containers: [{ name: "web", image: "nginx:1.2" }] } } } }),
			merge(deployment({}), { metadata: { labels: { a: "b" } } }),
			merge(deployment({}), { spec: { replicas: 9 }, status: { replicas: 3, observedGeneration: 3 } }, "/status"),
			put(deployment({ replicas: 2 })),
			merge(deployment({}), { spec: { replicas: 5 } }, "/scale"),
			merge(deployment({}), { spec: { replicas: -5 } }, "/scale"),
		],
	},
	one("a ReplicaSet", replicaSet({})),
	one(
		"a ReplicaSet whose selector misses its template",
		replicaSet({ selector: { matchLabels: { app: "other" } }, replicas: -1 }),
	),
	one("a ReplicaSet with an empty spec", named("apps/v1", "ReplicaSet", {})),
	changed("a ReplicaSet's selector does not change", replicaSet({}), {
		spec: { selector: { matchLabels: { app: "other" } }, template: { metadata: { labels: { app: "other" } } } },
	}),
	one(
		"a StatefulSet",
		statefulSet({
			serviceName: "web",
			volumeClaimTemplates: [
				{
					metadata: { name: "data" },
					spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
				},
			],
		}),
	),
	one("a StatefulSet without serviceName", statefulSet({})),
	one("a StatefulSet with an empty spec", named("apps/v1", "StatefulSet", {})),
	one(
		"a bad StatefulSet",
		statefulSet({
			replicas: -1,
			minReadySeconds: -1,
			podManagementPolicy: "Random",
			updateStrategy: { type: "Rolling" },
			selector: { matchLabels: { app: "other" } },
			template: BAD_TEMPLATE,
		}),
	),
	one(
		"a StatefulSet on delete that rolls",
		statefulSet({ updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } }),
	),
	one(
		"a StatefulSet with a negative partition",
		statefulSet({
			updateStrategy: { rollingUpdate: { partition: -1 } },
			persistentVolumeClaimRetentionPolicy: { whenDeleted: "Keep" },
		}),
	),
	{
		title: "a StatefulSet changes",
		steps: [
			create(statefulSet({ serviceName: "web" })),
			merge(statefulSet({}), { spec: { replicas: 2, updateStrategy: { rollingUpdate: { partition: 1 } } } }),
			merge(statefulSet({}), { spec: { serviceName: "other" } }),
			merge(statefulSet({}), { spec: { podManagementPolicy: "Parallel" } }),
		],
	},
	one("a DaemonSet", daemonSet({})),
	one("a DaemonSet with an empty spec", named("apps/v1", "DaemonSet", {})),
	one(
		"a bad DaemonSet",
		daemonSet({
			selector: { matchLabels: { app: "other" } },
			minReadySeconds: -1,
			template: BAD_TEMPLATE,
			updateStrategy: { type: "Recreate" },
		}),
	),
	one(
		"a DaemonSet that surges and takes away",
		daemonSet({ updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }),
	),
	one(
		"a DaemonSet that cannot move",
		daemonSet({ updateStrategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
	),
	one("a DaemonSet on delete", daemonSet({ updateStrategy: { type: "OnDelete" } })),
	changed(
		"a DaemonSet changes",
		daemonSet({}),
		{ spec: { selector: { matchLabels: { app: "other" } } } },
		{ spec: { template: { metadata: { annotations: { a: "b" } } } } },
	),
	one("a ReplicationController", controller({})),
	one("a ReplicationController by its template", named("v1", "ReplicationController", { template: template() })),
	one("a bad ReplicationController", controller({ replicas: -1, selector: { app: "other" }, template: BAD_TEMPLATE })),
	one("a ReplicationController with an empty spec", named("v1", "ReplicationController", {})),
	one("a Job", job({})),
	one("a Job without spec", named("batch/v1", "Job")),
	one("a Job that always restarts", job({ template: template({}, {}) })),
	one(
		"a Job with negative numbers",
		job({ completions: -1, parallelism: -1, backoffLimit: -1, activeDeadlineSeconds: -1, ttlSecondsAfterFinished: -1 }),
	),
	one("an indexed Job without completions", job({ completionMode: "Indexed", parallelism: 2 })),
	one("a Job of another mode", job({ completionMode: "Some", completions: 3 })),
	one("a Job with a selector of its own", job({ selector: { matchLabels: labels } })),
	one(
		"a Job with a manual selector",
		job({ manualSelector: true, selector: { matchLabels: labels }, template: template({ restartPolicy: "Never" }) }),
	),
	one(
		"a Job with a manual selector that misses",
		job({
			manualSelector: true,
			selector: { matchLabels: { app: "x" } },
			template: template({ restartPolicy: "Never" }),
		}),
	),
	changed(
		"a Job changes",
		job({}),
		{ spec: { parallelism: 3, suspend: true } },
		{ spec: { completions: 5 } },
		{ spec: { template: { spec: { containers: [{ name: "web", image: "other" }] } } } },
	),
	one("a CronJob", cronJob({})),
	one("a CronJob without spec", named("batch/v1", "CronJob")),
	...[
		"61 * * * *",
		"* * * *",
		"@daily",
		"@often",
		"@every 1h30m",
		"*/0 * * * *",
		"5-1 * * * *",
		"a * * * *",
		"1,2,3-4/2 0 1 jan mon",
		"* * * * 7",
		"TZ=UTC * * * * *",
		"0 0 30 2 *",
		"1/2/3 * * * *",
		"1-2-3 * * * *",
	].map((schedule) => one(`a CronJob at ${schedule}`, cronJob({ schedule }))),
	one(
		"a CronJob of another policy",
		cronJob({
			concurrencyPolicy: "Maybe",
			successfulJobsHistoryLimit: -1,
			failedJobsHistoryLimit: -1,
			startingDeadlineSeconds: -1,
		}),
	),
	one("a CronJob in no time zone", cronJob({ timeZone: "Nowhere/City" })),
	one("a CronJob of a bad job", cronJob({ jobTemplate: { spec: { parallelism: -1, template: template({}, {}) } } })),
	{ title: "two names of a kind", steps: [create(deployment({})), create(deployment({})), tried(deployment({}))] },
];
