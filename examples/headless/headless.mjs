// A headless Service: its endpoints are the pods, each with its hostname; no ClusterIP, so no rule of kube-proxy's. The StatefulSet's
// pods have names that last, while addresses do not: `node examples/headless/headless.mjs` after `npm run build`.
// DNS is not modelled yet, so that names do not resolve: what it would be made from is here.

import { clusterOf, endpointsOf, podsOf, say } from "../show.mjs";

const SECOND = 1000;
const cluster = await clusterOf(import.meta.url, ["db.yaml"], { nodes: 3 });
const { api } = cluster;

async function show() {
	for (const { metadata, spec, status } of await podsOf(cluster, "app=db"))
		say(
			`  pod ${metadata.name}: ${status?.podIP} on ${spec?.nodeName}, hostname ${spec?.hostname}, subdomain ${spec?.subdomain}`,
		);
	for (const { hostname, address, conditions } of await endpointsOf(cluster, "db"))
		say(`  endpoint ${hostname}.db: ${address}${conditions?.ready ? "" : ", not ready"}`);
}

const { spec } = await api.get("v1", "Service", "db");
const slices = await api.list("discovery.k8s.io/v1", "EndpointSlice", {
	labelSelector: "kubernetes.io/service-name=db",
});
say(
	`The Service's address is ${spec?.clusterIP}; its EndpointSlice is labelled as headless: ${slices.items.every(({ metadata }) => "service.kubernetes.io/headless" in (metadata.labels ?? {}))}`,
);
await show();
const rules = cluster
	.iptables("node-1")
	.split("\n")
	.filter((line) => line.includes("default/db"));
say(`  rules of node-1 that name it: ${rules.length}`);

say("\nA client asks a pod by its address, and nobody translates the packet:");
const ask = (/** @type {string} */ name) => {
	const { verdict, delivered, hops } = cluster.trace({ from: "pod/default/client", to: `pod/default/${name}:5432` });
	const translated = hops.some(({ event }) => event === "nat");
	say(`  ${name}: ${verdict}, ${delivered?.address}:${delivered?.port}${translated ? ", translated" : ""}`);
};
for (const name of ["db-0", "db-1", "db-2"]) ask(name);

say("\nA pod is killed: another one of its name comes, at another address, and is in the endpoints when it is ready:");
await api.delete("v1", "Pod", "db-1");
await cluster.advance(0.7 * SECOND);
say("  0.7 s later");
await show();
await cluster.settle();
say("  settled");
await show();
ask("db-1");

say(
	"\nThe Service's name would resolve to all ready addresses. Without DNS a trace takes the first that a client could get:",
);
const { delivered, assumed } = cluster.trace({ from: "pod/default/client", to: "svc/default/db:5432" });
say(`  svc/default/db:5432: ${delivered?.name}, ${delivered?.address}:${delivered?.port}`);
for (const text of assumed) say(`  assumed: ${text}`);

say("\nWith no pod there is no address at all, so nothing to send a packet to:");
await api.patch("apps/v1", "StatefulSet", "db", { spec: { replicas: 0 } });
await cluster.settle();
try {
	cluster.trace({ from: "pod/default/client", to: "svc/default/db:5432" });
} catch (error) {
	say(`  ${/** @type {Error} */ (error).message}`);
}
cluster.dispose();
