// What is wrong with a user's objects without being refused: what upstream's components say of it, as events, conditions and
// answers. A row a mistake, with the place in upstream's source that the words are from. What kubectl makes of a refused eviction:
// `tests/e2e/kubectl/drain.test.ts`.

import { describe, expect, it } from "vitest";
import { Cluster, type ClusterOptions } from "../../js/index.ts";

interface Row {
	mistake: string;
	/** File and function upstream. */
	source: string;
	/** Applied to a cluster that is settled, one after the other. */
	manifests: readonly string[];
	options?: ClusterOptions;
	/** Lets time pass; default until it is settled. */
	advanceMs?: number;
	/** `TYPE REASON OBJECT: MESSAGE` of all that have these reasons, once each; random parts as `…`. */
	reasons: readonly string[];
	events: readonly string[];
	/** By `KIND NAME`: what its status has, among others. */
	statuses?: Readonly<Record<string, object>>;
}

const pod = (name: string, spec: string, metadata = "") =>
	`{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {app: web}${metadata}}, spec: {${spec}}}`;
const CONTAINERS =
	"containers: [{name: c, image: web, ports: [{containerPort: 80}], resources: {requests: {cpu: 100m}}}]";
const HOST_PORT = "containers: [{name: c, image: web, ports: [{containerPort: 80, hostPort: 8080}]}]";
const template = (labels: string) => `template: {metadata: {labels: {${labels}}}, spec: {${CONTAINERS}}}`;
const deployment = (name: string, selector: string, labels = selector) =>
	`{apiVersion: apps/v1, kind: Deployment, metadata: {name: ${name}}, spec: {replicas: 2, selector: {matchLabels: {${selector}}}, ${template(labels)}}}`;
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

/** A cluster to which a row has been done. */
async function done({ manifests, options, advanceMs }: Pick<Row, "manifests" | "options" | "advanceMs">) {
	const cluster = await Cluster.create(options);
	await cluster.settle();
	for (const text of manifests) {
		await cluster.apply(text);
		await cluster.settle();
	}
	if (advanceMs !== undefined) await cluster.advance(advanceMs);
	return cluster;
}

/** Of events that have one of the reasons, once each. */
function told({ events }: Cluster, reasons: readonly string[]): string[] {
	const lines = events
		.filter(({ reason }) => reasons.includes(reason))
		.map(({ type, reason, object, message }) => `${type} ${reason} ${object}: ${message}`)
		.map((line) => line.replace(/sandbox "[0-9a-f]{64}"/, 'sandbox "…"'))
		// What a controller draws and hashes.
		.map((line) => line.replace(/\bweb-[0-9a-f]{8,10}(-[a-z0-9]{5})?\b/g, "web-…"));
	return [...new Set(lines)];
}

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

/** Names of pods by their controller, `KIND/NAME`. */
async function owned({ api }: Cluster): Promise<Record<string, string[]>> {
	const owners: Record<string, string[]> = {};
	for (const { metadata } of (await api.list("v1", "Pod")).items) {
		const { kind, name } = metadata.ownerReferences?.find(({ controller }) => controller) ?? { kind: "none", name: "" };
		owners[`${kind}/${name}`] = [...(owners[`${kind}/${name}`] ?? []), metadata.name ?? ""];
	}
	return owners;
}

// pkg/controller/controller_ref_manager.go ClaimObject: what another one controls is left alone, and nobody is told.
describe("a selector that matches pods of another controller", () => {
	it("takes none of them, and has pods of its own; the Service over both has all", async () => {
		const service =
			"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}";
		const cluster = await done({
			manifests: [deployment("one", "app: web"), deployment("two", "app: web"), service],
		});
		const before = await owned(cluster);
		expect(Object.keys(before).map((owner) => owner.replace(/-[^-]+$/, ""))).toEqual([
			"ReplicaSet/one",
			"ReplicaSet/two",
		]);
		expect(Object.values(before).map((names) => names.length)).toEqual([2, 2]);
		// Both have the same hash in their selectors: only who controls a pod tells them apart.
		await cluster.api.patch("apps/v1", "Deployment", "one", { spec: { replicas: 1 } });
		await cluster.settle();
		expect(Object.values(await owned(cluster)).map((names) => names.length)).toEqual([1, 2]);
		const rules = cluster.iptables("node-1").match(/--to-destination \S+:80$/gm);
		expect(rules).toHaveLength(3);
		expect(cluster.events.filter(({ type }) => type === "Warning")).toEqual([]);
		cluster.dispose();
	});

	it("of a pod that nobody controls takes it, and lets it go when it is labelled otherwise", async () => {
		const replicaSet = `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: set}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, ${template("app: web")}}}`;
		const cluster = await done({ manifests: [pod("alone", CONTAINERS), replicaSet] });
		const before = (await owned(cluster))["ReplicaSet/set"];
		expect(before).toContain("alone");
		expect(before).toHaveLength(2);
		await cluster.api.patch("v1", "Pod", "alone", { metadata: { labels: { app: "other" } } });
		await cluster.settle();
		const after = await owned(cluster);
		expect(after["none/"]).toEqual(["alone"]);
		expect(after["ReplicaSet/set"]).toHaveLength(2);
		expect(told(cluster, ["SuccessfulDelete"])).toEqual([]);
		cluster.dispose();
	});
});

// pkg/controller/replicaset/replica_set.go manageReplicas: pods that are not ready, or came last, go first.
describe("a pod that is made by hand, with the labels of a ReplicaSet that has all of its own", () => {
	it("is taken, and deleted as one too many", async () => {
		const replicaSet = `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: set}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, ${template("app: web")}}}`;
		const cluster = await done({ manifests: [replicaSet, pod("alone", CONTAINERS)] });
		expect(told(cluster, ["SuccessfulDelete"])).toEqual([
			"Normal SuccessfulDelete ReplicaSet default/set: Deleted pod: alone",
		]);
		const { "none/": nobodys, "ReplicaSet/set": own } = await owned(cluster);
		expect([nobodys, own?.length]).toEqual([undefined, 2]);
		cluster.dispose();
	});
});

// pkg/controller/statefulset/stateful_pod_control.go CreateStatefulPod: that a name is taken is no event; it is tried again.
describe("a StatefulSet whose first pod's name another pod has", () => {
	it("has no pod at all, until the name is free", async () => {
		const set = `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 2, selector: {matchLabels: {app: db}}, ${template("app: db")}}}`;
		const cluster = await done({ manifests: [pod("db-0", CONTAINERS), set], advanceMs: 10_000 });
		expect(await owned(cluster)).toEqual({ "none/": ["db-0"] });
		expect(cluster.events.filter(({ object }) => object === "StatefulSet default/db")).toEqual([]);
		await cluster.api.delete("v1", "Pod", "db-0");
		// Nobody waits for an orphan: the next try is client-go's, which comes after 1000 s at most.
		await cluster.advance(1_010_000);
		expect(await owned(cluster)).toEqual({ "StatefulSet/db": ["db-0", "db-1"] });
		cluster.dispose();
	});
});

// pkg/controller/statefulset has no look at Services: `serviceName` is a name for the pods' subdomain, whether it is there or not.
describe("a StatefulSet without its headless Service", () => {
	it("has its pods, by name, and nothing that leads to them; nobody is told", async () => {
		const set = `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 2, selector: {matchLabels: {app: db}}, ${template("app: db")}}}`;
		const cluster = await done({ manifests: [set] });
		const { items } = await cluster.api.list("v1", "Pod");
		expect(
			items.map(({ metadata, spec, status }) => [metadata.name, spec?.hostname, spec?.subdomain, status?.phase]),
		).toEqual([
			["db-0", "db-0", "db", "Running"],
			["db-1", "db-1", "db", "Running"],
		]);
		expect(cluster.events.filter(({ type }) => type === "Warning")).toEqual([]);
		const slices = await cluster.api.list("discovery.k8s.io/v1", "EndpointSlice", { namespace: "default" });
		expect(slices.items.filter(({ metadata }) => metadata.name?.startsWith("db"))).toEqual([]);
		expect(() => cluster.trace({ from: "pod/default/db-0", to: "svc/default/db:80" })).toThrow(/svc\/default\/db/);
		expect(cluster.trace({ from: "pod/default/db-0", to: "pod/default/db-1:80" }).verdict).toBe("delivered");
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
