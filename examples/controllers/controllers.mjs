// Reality follows intent: a Deployment's pods come back and grow in number, a Service's endpoints and the nodes' rules follow, a
// StatefulSet's pods have names that last, a CronJob makes Jobs, an autoscaler another size, and what a lost node ran comes up
// elsewhere: `node examples/controllers/controllers.mjs` after `npm run build`.

import { readFile } from "node:fs/promises";
import { Cluster } from "podwire";

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
const MINUTE = 60_000;

const cluster = await Cluster.create({ nodes: 2 });
const { api } = cluster;
const text = await readFile(new URL("cluster.yaml", import.meta.url), "utf8");
await cluster.apply([{ name: "cluster.yaml", text }]);
await cluster.settle();

/** Objects of a kind, in order of name. */
async function list(/** @type {string} */ apiVersion, /** @type {string} */ kind) {
	return (await api.list(apiVersion, kind)).items;
}
async function pods(/** @type {string} */ app) {
	const all = await list("v1", "Pod");
	return all.filter(({ metadata }) => metadata.labels?.app === app);
}
/** Names of a Deployment's pods end in a hash and in five letters. */
const show = (/** @type {any} */ { metadata, spec, status }) =>
	`${metadata.name.replace(/-[^-]+-[^-]+$/, "-…")} on ${spec.nodeName}, ${status.podIP}, ${status.phase}`;
/** Of a Service: the ready endpoints that its slices have, and that a node's kube-proxy sends to. */
async function endpoints(/** @type {string} */ service) {
	const slices = await list("discovery.k8s.io/v1", "EndpointSlice");
	const own = slices.filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === service);
	return own.flatMap((slice) => /** @type {any} */ (slice).endpoints ?? []);
}
const destinations = () => cluster.iptables("node-1").match(/--to-destination \S+:8080/g) ?? [];

say("A Deployment has its pods:");
const before = await pods("web");
for (const pod of before) say(`  ${show(pod)}`);

say("\nOne is deleted, another one comes:");
await api.delete("v1", "Pod", String(before[0]?.metadata.name));
await cluster.settle();
const names = before.map(({ metadata }) => metadata.name);
for (const pod of await pods("web")) say(`  ${show(pod)}${names.includes(pod.metadata.name) ? "" : ", new"}`);

say("\nScaled to 4, the Service's endpoints and a node's rules follow:");
await api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 4 } });
await cluster.settle();
say(`  ${(await endpoints("web")).length} endpoints, ${destinations().length} in the rules of node-1`);
const path = cluster.trace({ from: "pod/default/client", to: "svc/default/web:80" });
say(`  a client asks the Service: ${path.verdict}`);

say("\nPods of a StatefulSet have names that last, and are their headless Service's endpoints:");
await api.delete("v1", "Pod", "db-0");
await cluster.settle();
for (const line of (await endpoints("db")).map(({ hostname, addresses }) => `  ${hostname}.db: ${addresses[0]}`).sort())
	say(line);

say("\nA CronJob every two minutes, five minutes later:");
await cluster.advance(5 * MINUTE);
for (const { metadata, status } of await list("batch/v1", "Job"))
	say(`  ${metadata.name}: ${/** @type {any} */ (status).succeeded ?? 0} succeeded`);

say("\nAn autoscaler, as pods use 100 % of what they ask for and 50 % are wanted:");
await api.create({
	apiVersion: "autoscaling/v2",
	kind: "HorizontalPodAutoscaler",
	metadata: { name: "web", annotations: { "podwire.dev/utilization.cpu": "100" } },
	spec: {
		scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
		minReplicas: 2,
		maxReplicas: 6,
		metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }],
	},
});
await cluster.advance(MINUTE);
for (const { object, reason, message } of cluster.events)
	if (object.startsWith("HorizontalPodAutoscaler")) say(`  ${reason}: ${message}`);

say("\nA node goes for good; its pods are failed after 40 s, and come up elsewhere:");
await api.delete("v1", "Node", "node-2");
await cluster.advance(2 * MINUTE);
const nodes = new Set((await pods("web")).map(({ spec }) => /** @type {any} */ (spec).nodeName));
say(`  ${(await pods("web")).length} pods on ${[...nodes].join(", ")}`);
say(`  a client asks the Service: ${cluster.trace({ from: "pod/default/client", to: "svc/default/web:80" }).verdict}`);
cluster.dispose();
