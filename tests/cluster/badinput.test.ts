// What is wrong with a user's objects without being refused: what upstream's components say of it, as events, conditions and
// answers. A row a mistake, with the place in upstream's source that the words are from. What kubectl makes of a refused eviction:
// `tests/e2e/kubectl/drain.test.ts`; who gets which pods: `overlap.test.ts`.

import { describe, expect, it } from "vitest";
import type { Cluster } from "../../js/index.ts";
import { CONTAINERS, deployment, done, type Mistake, pod, told } from "./mistakes.ts";

interface Row extends Mistake {
	mistake: string;
	/** File and function upstream. */
	source: string;
	/** `TYPE REASON OBJECT: MESSAGE` of all that have these reasons, once each; random parts as `…`. */
	reasons: readonly string[];
	events: readonly string[];
	/** By `KIND NAME`: what its status has, among others. */
	statuses?: Readonly<Record<string, object>>;
}

const HOST_PORT = "containers: [{name: c, image: web, ports: [{containerPort: 80, hostPort: 8080}]}]";
const autoscaler = (name: string, kind: string, target: string) =>
	`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: ${name}, annotations: {podwire.dev/utilization.cpu: "50"}},
	  spec: {maxReplicas: 4, minReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: ${kind}, name: ${target}},
	  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}}`;

const SANDBOX =
	'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "…": plugin type="bridge" failed (add): ';
const NO_PORT = "node(s) didn't have free ports for the requested pod ports";
const AMBIGUOUS = "pods by selector app=web are controlled by multiple HPAs: [default/one default/two]";

const ROWS: readonly Row[] = [
	{
		mistake: "a pod asks for an address out of its node's range",
		source: "containernetworking/plugins plugins/ipam/host-local/main.go cmdAdd; kubelet kuberuntime_sandbox.go",
		options: { nodes: 1 },
		manifests: [pod("web", CONTAINERS, ', annotations: {podwire.dev/ips: "10.9.9.9"}')],
		reasons: ["FailedCreatePodSandBox"],
		events: [
			`Warning FailedCreatePodSandBox Pod default/web: ${SANDBOX}failed to allocate all requested IPs: 10.9.9.9`,
		],
		statuses: {
			"Pod web": {
				phase: "Pending",
				containerStatuses: [{ ready: false, state: { waiting: { reason: "ContainerCreating" } } }],
			},
		},
	},
	{
		mistake: "a node's addresses are all given out",
		source: "containernetworking/plugins plugins/ipam/host-local/backend/allocator/allocator.go Get",
		options: { nodes: 1, nodeMask: 30, podCIDR: "10.244.0.0/24" },
		manifests: [pod("a", CONTAINERS), pod("b", CONTAINERS)],
		reasons: ["FailedCreatePodSandBox"],
		events: [
			`Warning FailedCreatePodSandBox Pod default/b: ${SANDBOX}failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.2`,
		],
		statuses: { "Pod a": { phase: "Running", podIP: "10.244.0.2" }, "Pod b": { phase: "Pending" } },
	},
	{
		mistake: "two pods ask for one host port, of one node",
		source: "pkg/scheduler/framework/plugins/nodeports/node_ports.go ErrReason; framework/types.go FitError",
		options: { nodes: 1 },
		manifests: [pod("a", HOST_PORT), pod("b", HOST_PORT)],
		reasons: ["FailedScheduling"],
		events: [
			`Warning FailedScheduling Pod default/b: 0/1 nodes are available: 1 ${NO_PORT}. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.`,
		],
		statuses: {
			"Pod b": { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }] },
		},
	},
	{
		mistake: "two pods ask for one host port, and the second is bound by hand",
		source: "pkg/kubelet/lifecycle/predicate.go Admit, PredicateFailureError; kubelet.go rejectPod",
		options: { nodes: 1 },
		manifests: [pod("a", HOST_PORT), pod("b", `nodeName: node-1, ${HOST_PORT}`)],
		reasons: ["NodePorts", "FailedScheduling"],
		events: [`Warning NodePorts Pod default/b: Predicate NodePorts failed: ${NO_PORT}`],
		statuses: {
			"Pod b": {
				phase: "Failed",
				reason: "NodePorts",
				message: `Pod was rejected: Predicate NodePorts failed: ${NO_PORT}`,
			},
		},
	},
	{
		mistake: "a quota has no room for a Deployment's pods",
		source:
			"pkg/controller/controller_utils.go createPods; replicaset/replica_set_utils.go; plugin resourcequota admission.go",
		manifests: [
			"{apiVersion: v1, kind: ResourceQuota, metadata: {name: small}, spec: {hard: {pods: 1}}}",
			deployment("web", "app: web").replace("replicas: 2", "replicas: 3"),
		],
		reasons: ["FailedCreate"],
		events: [
			'Warning FailedCreate ReplicaSet default/web-…: Error creating: pods "web-…" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1',
		],
		statuses: {
			"Deployment web": {
				readyReplicas: 1,
				unavailableReplicas: 2,
				conditions: [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate" }],
			},
		},
	},
	{
		mistake: "an autoscaler's target is not there",
		source: "pkg/controller/podautoscaler/horizontal.go reconcileAutoscaler, scaleForResourceMappings",
		manifests: [autoscaler("one", "Deployment", "web")],
		reasons: ["FailedGetScale"],
		events: ['Warning FailedGetScale HorizontalPodAutoscaler default/one: deployments/scale.apps "web" not found'],
		statuses: {
			"HorizontalPodAutoscaler one": {
				conditions: [
					{
						type: "AbleToScale",
						status: "False",
						reason: "FailedGetScale",
						message:
							'the HPA controller was unable to get the target\'s current scale: deployments/scale.apps "web" not found',
					},
				],
			},
		},
	},
	{
		mistake: "an autoscaler's target is of a kind that nobody knows",
		source:
			"pkg/controller/podautoscaler/horizontal.go reconcileAutoscaler; apimachinery api/meta/errors.go NoKindMatchError",
		manifests: [autoscaler("one", "Deploiment", "web")],
		reasons: ["FailedGetScale"],
		events: [
			'Warning FailedGetScale HorizontalPodAutoscaler default/one: no matches for kind "Deploiment" in group "apps"',
		],
	},
	{
		mistake: "two autoscalers are over the same pods",
		source: "pkg/controller/podautoscaler/horizontal.go validateAndParseSelector",
		manifests: [
			deployment("web", "app: web"),
			autoscaler("one", "Deployment", "web"),
			autoscaler("two", "Deployment", "web"),
		],
		advanceMs: 16_000,
		reasons: ["AmbiguousSelector", "FailedComputeMetricsReplicas"],
		events: ["two", "one"].flatMap((name) => [
			`Warning AmbiguousSelector HorizontalPodAutoscaler default/${name}: ${AMBIGUOUS}`,
			`Warning FailedComputeMetricsReplicas HorizontalPodAutoscaler default/${name}: ${AMBIGUOUS}`,
		]),
		statuses: {
			"HorizontalPodAutoscaler two": {
				conditions: [
					{ type: "AbleToScale", status: "True", reason: "SucceededGetScale" },
					{ type: "ScalingActive", status: "False", reason: "AmbiguousSelector", message: AMBIGUOUS },
				],
			},
		},
	},
	{
		mistake: "a readiness probe asks a port on which nobody listens, by HTTP",
		source: "pkg/kubelet/prober/prober.go probe; pkg/probe/http/http.go; Go's net.OpError, url.Error",
		options: { nodes: 1 },
		manifests: [
			pod("web", CONTAINERS.replace("image: web", "image: web, readinessProbe: {httpGet: {path: /, port: 81}}")),
		],
		advanceMs: 20_000,
		reasons: ["Unhealthy"],
		events: [
			'Warning Unhealthy Pod default/web: Readiness probe failed: Get "http://10.244.0.2:81/": dial tcp 10.244.0.2:81: connect: connection refused',
		],
		statuses: {
			"Pod web": {
				phase: "Running",
				conditions: [
					{
						type: "Ready",
						status: "False",
						reason: "ContainersNotReady",
						message: "containers with unready status: [c]",
					},
				],
			},
		},
	},
	{
		mistake: "a liveness probe asks a port on which nobody listens, by TCP",
		source: "pkg/probe/tcp/tcp.go DoTCPProbe; pkg/kubelet/kuberuntime/kuberuntime_manager.go (containersToKill)",
		options: { nodes: 1 },
		manifests: [
			pod(
				"web",
				CONTAINERS.replace("image: web", "image: web, livenessProbe: {tcpSocket: {port: 81}, periodSeconds: 1}"),
			),
		],
		advanceMs: 5000,
		reasons: ["Unhealthy", "Killing"],
		events: [
			"Warning Unhealthy Pod default/web: Liveness probe failed: dial tcp 10.244.0.2:81: connect: connection refused",
			"Normal Killing Pod default/web: Container c failed liveness probe, will be restarted",
		],
	},
];

const VERSIONS: Readonly<Record<string, string>> = {
	Pod: "v1",
	Deployment: "apps/v1",
	HorizontalPodAutoscaler: "autoscaling/v2",
};

/** With conditions of the types that are expected alone. */
async function statusOf({ api }: Cluster, of: string, expected: { conditions?: { type: string }[] }): Promise<object> {
	const [kind = "", name = ""] = of.split(" ");
	const { status = {} } = (await api.get(VERSIONS[kind] ?? "", kind, name)) as { status?: object };
	const types = expected.conditions?.map(({ type }) => type);
	if (types === undefined) return status;
	const { conditions = [] } = status as { conditions?: { type: string }[] };
	return { ...status, conditions: types.map((type) => conditions.find((one) => one.type === type)) };
}

describe("what is told of a mistake:", () => {
	it.each(ROWS)("$mistake ($source)", async (row) => {
		const cluster = await done(row);
		expect(told(cluster, row.reasons)).toEqual(row.events);
		for (const [of, status] of Object.entries(row.statuses ?? {}))
			expect(await statusOf(cluster, of, status), of).toMatchObject(status);
		cluster.dispose();
	});
});

// pkg/registry/core/pod/storage/eviction.go checkAndDecrement; policy/v1 DisruptionBudgetCause.
describe("a disruption budget that lets nobody go", () => {
	it("refuses an eviction with 429 and the reason, until there is one to spare", async () => {
		const budget =
			"{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}}";
		const cluster = await done({ manifests: [deployment("web", "app: web"), budget] });
		const [name = ""] = (await cluster.api.list("v1", "Pod")).items.map(({ metadata }) => metadata.name);
		const evict = async () => {
			const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: "default" } };
			const { code, headers, body } = await cluster.api.respond({
				method: "POST",
				url: `/api/v1/namespaces/default/pods/${name}/eviction`,
				headers: { "content-type": "application/json" },
				body: new TextEncoder().encode(JSON.stringify(eviction)),
			});
			return { code, retry: headers["retry-after"], body: JSON.parse(new TextDecoder().decode(body as Uint8Array)) };
		};
		expect(await evict()).toEqual({
			code: 429,
			retry: undefined,
			body: {
				kind: "Status",
				apiVersion: "v1",
				metadata: {},
				status: "Failure",
				message: "Cannot evict pod as it would violate the pod's disruption budget.",
				reason: "TooManyRequests",
				details: {
					causes: [
						{
							reason: "DisruptionBudget",
							message: "The disruption budget web needs 2 healthy pods and has 2 currently",
						},
					],
				},
				code: 429,
			},
		});
		await cluster.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 3 } });
		await cluster.settle();
		expect(await evict()).toMatchObject({ code: 201, body: { status: "Success" } });
		cluster.dispose();
	});
});
