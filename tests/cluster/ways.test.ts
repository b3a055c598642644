// The same manifests at a standing start, which makes objects as they end up, and applied to a cluster whose controllers act: where the
// two differ is written down here, field by field, and nowhere else. Names, addresses and orders are chance's, and are replaced.

import { describe, expect, it } from "vitest";
import type { Pod } from "../../js/api/core.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { Cluster } from "../../js/index.ts";

const template = (app: string, container: string, spec = "") =>
	`{metadata: {labels: {app: ${app}}}, spec: {${spec}containers: [{name: c, image: i, ${container}}]}}`;

const MANIFESTS = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: ${template("web", "ports: [{name: http, containerPort: 80, hostPort: 8080}], readinessProbe: {httpGet: {path: /, port: 80}}")}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: ${template("db", "ports: [{containerPort: 5432}], resources: {requests: {cpu: 100m}}")}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log}
spec:
  selector: {matchLabels: {app: log}}
  template: ${template("log", "ports: [{containerPort: 9000}]", "hostNetwork: true, ")}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: NodePort, clusterIP: 10.96.0.50, selector: {app: web}, ports: [{port: 80, targetPort: http, nodePort: 30080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {clusterIP: 10.96.0.52, sessionAffinity: ClientIP, selector: {app: db}, ports: [{port: 5432}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: log}, spec: {clusterIP: None, selector: {app: log}, ports: [{port: 9000}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: lb}, spec: {type: LoadBalancer, clusterIP: 10.96.0.51, selector: {app: web}, externalTrafficPolicy: Local, healthCheckNodePort: 30090, ports: [{port: 80, targetPort: http, nodePort: 30081}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: c, image: i}]}}
`;

/** What a standing start does not have, or has otherwise, by kind and path. */
const DIFFERENT: readonly [kind: string, path: RegExp][] = [
	// Pods of a standing start pass no admission: no account with its token, no priority. docs/fidelity.md says so.
	["Pod", /^spec\.(serviceAccount|serviceAccountName|volumes|priority|preemptionPolicy)\b/],
	["Pod", /^spec\.containers\.\d+\.volumeMounts\b/],
	// Nothing has happened in time.
	["Pod", /^status\.(qosClass|containerStatuses\.\d+\.(state\.running|lastState))\b/],
	["Deployment", /^status\.(conditions|unavailableReplicas|terminatingReplicas)\b/],
	["ReplicaSet", /^status\.terminatingReplicas$/],
	["DaemonSet", /^status\.numberUnavailable$/],
	["StatefulSet", /^status\.collisionCount$/],
];
/** Of all kinds: who made it when, and hashes of templates, which have their defaults by then where controllers act. */
const CHANCE =
	/(^|\.)(uid|resourceVersion|generation|observedGeneration|managedFields|creationTimestamp|startTime|startedAt|last\w+Time|pod-template-hash|controller-revision-hash|controller\.kubernetes\.io\/hash|currentRevision|updateRevision|endpoints\.kubernetes\.io\/last-change-trigger-time)\b/;

const KINDS: readonly [string, string][] = [
	...["Pod", "Service", "Endpoints", "Node", "Namespace", "ServiceAccount"].map((kind): [string, string] => [
		"v1",
		kind,
	]),
	...["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision"].map((kind): [string, string] => {
		return ["apps/v1", kind];
	}),
	["discovery.k8s.io/v1", "EndpointSlice"],
];

interface Came {
	cluster: Cluster;
	objects: KubernetesObject[];
	/** What stands for names and addresses of pods. */
	named: (text: string) => string;
}

async function came(standing: boolean): Promise<Came> {
	const cluster = await Cluster.create({ nodes: 3 });
	if (!standing) {
		await cluster.settle();
		await cluster.api.list("v1", "Pod");
	}
	await cluster.apply(MANIFESTS);
	await cluster.settle();
	const lists = await Promise.all(KINDS.map(([version, kind]) => cluster.api.list(version, kind)));
	const objects = lists.flatMap(({ items }, i) => items.map((item) => ({ ...item, kind: KINDS[i]?.[1] ?? "" })));
	const words = new Map<string, string>();
	for (const pod of objects.filter(({ kind }) => kind === "Pod") as Pod[]) {
		const { name = "", labels } = pod.metadata;
		const { nodeName = "", hostNetwork } = pod.spec ?? {};
		// One of each Deployment's and DaemonSet's to a node; those of StatefulSets have names of their own.
		const id = /^(db-\d|client)$/.test(name) ? name : `${labels?.["app"]}@${nodeName}`;
		words.set(name, id);
		if (hostNetwork !== true && pod.status?.podIP) words.set(pod.status.podIP, `ip:${id}`);
	}
	for (const { kind, metadata } of objects) {
		const owner = metadata.ownerReferences?.[0]?.name ?? metadata.labels?.["app"];
		if (/^(ReplicaSet|ControllerRevision|EndpointSlice)$/.test(kind))
			words.set(metadata.name ?? "", `${kind} of ${owner}`);
	}
	const pattern = [...words.keys()].sort((a, b) => b.length - a.length).map((word) => word.replaceAll(".", "\\."));
	const any = new RegExp(`(?<![\\w.-])(${pattern.join("|")})(?![\\w.]|-\\w)`, "g");
	return { cluster, objects, named: (text) => text.replaceAll(any, (word) => words.get(word) as string) };
}

/** A line for each field; lists of endpoints and addresses in an order of their own. */
function fieldsOf({ objects, named }: Came): string[] {
	const lines: string[] = [];
	const walk = (kind: string, title: string, path: string, value: unknown): void => {
		if (CHANCE.test(path) || DIFFERENT.some(([of, where]) => of === kind && where.test(path))) return;
		if (typeof value !== "object" || value === null) lines.push(named(`${title} ${path}: ${value}`));
		else if (Array.isArray(value) && /(^|\.)(endpoints|addresses)$/.test(path) && typeof value[0] === "object")
			for (const one of value)
				walk(kind, `${title} ${JSON.stringify(one.addresses ?? one.ip ?? one.address)}`, `${path}.each`, one);
		else
			for (const [key, member] of Object.entries(value))
				walk(kind, title, path === "" ? key : `${path}.${key}`, member);
	};
	for (const object of objects) walk(object.kind, `${object.kind} ${object.metadata.name}`, "", object);
	return lines.sort();
}

/** Rules without counters and probabilities; chains of endpoints and hostPorts by what they lead to. */
function rulesOf({ cluster, named }: Came, node: string): string[] {
	const text = cluster.iptables(node);
	const leads = new Map<string, string>();
	for (const [, chain, to] of text.matchAll(/^-A (KUBE-SEP-\S+|CNI-DN-\S+) .*-j DNAT --to-destination (\S+)$/gm))
		leads.set(chain as string, `to ${to}`);
	return text
		.split("\n")
		.filter((line) => /^[-:]/.test(line))
		.map((line) => line.replace(/ \[\d+:\d+\]$/, "").replace(/ -m statistic --mode random --probability \S+/, ""))
		.map((line) => named(line.replaceAll(/KUBE-SEP-\w+|CNI-DN-\w+/g, (chain) => leads.get(chain) ?? chain)))
		.sort();
}

describe("a standing start and controllers that act come to the same", async () => {
	const [standing, acting] = await Promise.all([came(true), came(false)]);

	it("objects", () => {
		expect(fieldsOf(standing)).toEqual(fieldsOf(acting));
	});

	it("but for what is written down, each of which does differ", () => {
		const each = ({ objects, named }: Came, [kind, where]: (typeof DIFFERENT)[number]) => {
			const lines: string[] = [];
			const walk = (title: string, path: string, value: unknown): void => {
				if (typeof value === "object" && value !== null)
					for (const [key, member] of Object.entries(value)) walk(title, path === "" ? key : `${path}.${key}`, member);
				else if (where.test(path)) lines.push(named(`${title} ${path}: ${value}`));
			};
			for (const object of objects) if (object.kind === kind) walk(object.metadata.name ?? "", "", object);
			return lines.sort();
		};
		for (const entry of DIFFERENT) expect(each(standing, entry), String(entry)).not.toEqual(each(acting, entry));
	});

	it("rules of every node", () => {
		for (const node of ["node-1", "node-2", "node-3"]) expect(rulesOf(standing, node)).toEqual(rulesOf(acting, node));
	});

	it("traces", () => {
		const asked = (from: string, to: string) => {
			const answers = [standing, acting].map(({ cluster, named }) => {
				const traces = Array.from({ length: 40 }, (_, i) => cluster.trace({ from, to, sport: 20_000 + i }));
				const seen = traces.map(({ verdict, delivered }) => named(`${verdict} ${JSON.stringify(delivered)}`));
				return [...new Set(seen)].sort();
			});
			expect(answers[0]).toEqual(answers[1]);
			expect(answers[0]?.[0]).toMatch(/^delivered/);
		};
		for (const to of ["svc/default/web:80", "svc/default/lb:80", "pod/default/db-1:5432", "node/node-2:30080"])
			for (const from of ["pod/default/client", "host/198.51.100.7"])
				if (from !== "host/198.51.100.7" || to.startsWith("node")) asked(from, to);
	});
});
