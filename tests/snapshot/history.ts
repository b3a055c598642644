// What happens to a cluster, by a seed: things are applied, scaled, rolled out, deleted and asked for, time passes, packets go, faults
// come. Nothing here is of one runtime: tests run it in Node and in Deno, and compare every byte that can be read off.

import type { Cluster } from "../../js/index.ts";

/** Choices of one seed: each asked once, in order (a linear congruential generator; Knuth's constants). */
export class Chance {
	#state: bigint;

	constructor(seed: number) {
		this.#state = BigInt(seed) * 7919n + 1n;
	}

	below(count: number): number {
		this.#state = BigInt.asUintN(64, this.#state * 6364136223846793005n + 1442695040888963407n);
		return Number(this.#state >> 33n) % count;
	}

	of<T>(all: readonly T[]): T {
		return all[this.below(all.length)] as T;
	}
}

const workload = (kind: string, name: string, replicas: number, image: string, annotations = "{}") => `
apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:
  ${kind === "DaemonSet" ? "" : `replicas: ${replicas}`}
  ${kind === "StatefulSet" ? `serviceName: ${name}` : ""}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}, annotations: ${annotations}}
    spec:
      containers:
        - name: c
          image: ${image}
          ports: [{name: http, containerPort: 80}]
          resources: {requests: {cpu: 50m}}
          readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 3}
---
`;

/** What every cluster has at first. */
export const START = `${workload("Deployment", "web", 2, "i:1")}${workload("StatefulSet", "db", 2, "i:1")}
${workload("Deployment", "bad", 1, "i:1", '{podwire.dev/exits-after: 4s, podwire.dev/exit-code: "1"}')}
${workload("DaemonSet", "log", 0, "i:1")}
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: http, nodePort: 30080}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, sessionAffinity: ClientIP, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
spec: {minAvailable: 1, selector: {matchLabels: {app: db}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec: {podSelector: {matchLabels: {app: db}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        metadata: {annotations: {podwire.dev/exits-after: 5s}}
        spec: {restartPolicy: Never, containers: [{name: c, image: i}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, annotations: {podwire.dev/utilization.cpu: "160"}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
`;

const SERVICE = (name: string, type: string, policy: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {type: ${type}, selector: {app: web}, ${policy}ports: [{port: 8080, targetPort: http}]}
`;

const ACTS = [
	...["scale", "roll", "delete", "delete", "service", "apply", "cordon", "crash", "reboot", "fault", "fault"],
	...["trace", "trace", "trace", "trace", "advance", "advance", "advance", "settle", "settle"],
] as const;
const FAULTS = ["lag", "watch", "conflict", "timeout", "clock", "node", "jump"] as const;
const COMPONENTS = [
	"deployment",
	"replicaset",
	"statefulset",
	"endpoint-slice",
	"kubelet",
	"default-scheduler",
	"kube-proxy",
];

const nodesOf = (cluster: Cluster) =>
	cluster.objects.flatMap(({ kind, metadata }) => (kind === "Node" ? (metadata.name ?? "") : []));
const podsOf = (cluster: Cluster) =>
	cluster.objects.flatMap(({ kind, metadata }) =>
		kind === "Pod" && metadata.name !== "client" ? (metadata.name ?? "") : [],
	);

/** Of what was refused: why. */
async function tried(act: Promise<unknown>): Promise<string> {
	return act.then(
		() => "",
		(error: Error) => `${error.name}: ${error.message}`,
	);
}

async function annotate(
	cluster: Cluster,
	kind: "Node" | "Pod",
	name: string,
	of: string,
	value: string,
): Promise<string> {
	return tried(cluster.api.patch("v1", kind, name, { metadata: { annotations: { [of]: value } } }, { type: "merge" }));
}

function ask(chance: Chance, cluster: Cluster): string {
	const to = chance.of([
		"svc/default/web:80",
		"svc/default/db:80",
		"svc/default/more:8080",
		`node/${nodesOf(cluster)[0]}`,
	]);
	const from = chance.of(["pod/default/client", "pod/default/client", "host/198.51.100.7"]);
	try {
		return JSON.stringify(cluster.trace(to.startsWith("node") ? { from, to, proto: "icmp" } : { from, to }));
	} catch (error) {
		return (error as Error).message;
	}
}

async function fault(chance: Chance, cluster: Cluster): Promise<string> {
	const during = { afterMs: chance.below(4000), forMs: 1000 + chance.below(9000) };
	const component = chance.of(COMPONENTS);
	const what = chance.of(FAULTS);
	if (what === "lag")
		return tried(cluster.api.inject({ fault: what, component, lagMs: 1 + chance.below(3000), ...during }));
	if (what === "node") return tried(cluster.api.inject({ fault: what, node: chance.of(nodesOf(cluster)), ...during }));
	if (what === "jump")
		return tried(cluster.api.inject({ fault: what, afterMs: during.afterMs, byMs: chance.below(20_000) }));
	if (what === "watch" || what === "clock") return tried(cluster.api.inject({ fault: what, component, ...during }));
	return tried(cluster.api.inject({ fault: what, component, share: chance.of([0.3, 0.6]), ...during }));
}

/** One thing that happens; what was answered. */
async function act(chance: Chance, cluster: Cluster): Promise<string> {
	const does = chance.of(ACTS);
	if (does === "advance") return tried(cluster.advance(chance.of([0, 7, 400, 1500, 9000, 45_000])));
	if (does === "settle") return tried(cluster.settle());
	if (does === "trace") return ask(chance, cluster);
	if (does === "fault") return fault(chance, cluster);
	if (does === "apply")
		return tried(cluster.apply(workload("Deployment", "web", chance.below(4), `i:${chance.below(3)}`)));
	const app = chance.of(["web", "db"]);
	const kind = app === "web" ? "Deployment" : "StatefulSet";
	if (does === "scale")
		return tried(cluster.api.patch("apps/v1", kind, app, { spec: { replicas: chance.below(5) } }, { type: "merge" }));
	if (does === "roll") {
		const template = { metadata: { annotations: { turn: String(chance.below(100)) } } };
		return tried(cluster.api.patch("apps/v1", kind, app, { spec: { template } }, { type: "merge" }));
	}
	const pods = podsOf(cluster);
	if (does === "delete" && pods.length > 0)
		return tried(cluster.api.delete("v1", "Pod", chance.of(pods), { gracePeriodSeconds: chance.of([0, 1, 30]) }));
	if (does === "crash" && pods.length > 0)
		return annotate(
			cluster,
			"Pod",
			chance.of(pods),
			chance.of(["podwire.dev/crash", "podwire.dev/hang"]),
			String(chance.below(99)),
		);
	if (does === "reboot")
		return annotate(cluster, "Node", chance.of(nodesOf(cluster)), "podwire.dev/reboot", `${1 + chance.below(50)}s`);
	if (does === "cordon")
		return tried(
			cluster.api.patch(
				"v1",
				"Node",
				chance.of(nodesOf(cluster)),
				{ spec: { unschedulable: chance.below(2) === 0 } },
				{ type: "merge" },
			),
		);
	const policy = chance.of(["", "externalTrafficPolicy: Local, "]);
	if (cluster.objects.some(({ kind: own, metadata }) => own === "Service" && metadata.name === "more"))
		return tried(cluster.api.delete("v1", "Service", "more"));
	return tried(cluster.apply(SERVICE("more", chance.of(["NodePort", "LoadBalancer"]), policy)));
}

/** So many things; what was answered, in order. */
export async function happen(chance: Chance, cluster: Cluster, count: number): Promise<string[]> {
	const said: string[] = [];
	for (let i = 0; i < count; i++) said.push(await act(chance, cluster));
	return said;
}

/** Everything that can be asked of a cluster, settled, as text. */
export async function told(cluster: Cluster): Promise<string> {
	const refused = await tried(cluster.settle());
	const textsOf = (node: string) => [
		...[cluster.iptables(node, { counters: true }), cluster.conntrack(node)],
		...[cluster.routes(node), cluster.addresses(node)],
	];
	// A network that could not follow stays what it was, and answers no more until it can.
	const texts = refused === "" ? nodesOf(cluster).map(textsOf) : [];
	const { objects, events, assumed, notEvaluated, warnings, ignored, now } = cluster;
	const said = await cluster.api.list("v1", "Event");
	return JSON.stringify(
		[refused, objects, said, events, assumed, notEvaluated, warnings, ignored, String(now), texts],
		null,
		1,
	);
}

/** What comes after a moment of a seed: many more things, and what is to be seen at the end. */
export async function later(seed: number, cluster: Cluster, count = 12): Promise<string> {
	const said = await happen(new Chance(seed + 1_000_000), cluster, count);
	return [...said, await told(cluster)].join("\n");
}
