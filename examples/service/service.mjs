// A Service: an address that stays, over pods that come and go. What each change of them does to the endpoints, to a node's
// iptables rules and to the next packets: a pod that is killed, a crash, scaling, a rolling update, a node that reboots:
// `node examples/service/service.mjs` after `npm run build`.

import { traceText } from "podwire";
import { clusterOf, endpointLine, endpointsOf, named, packetsTo, podsOf, rulesTo, say } from "../show.mjs";

const SECOND = 1000;
const cluster = await clusterOf(import.meta.url, ["web.yaml"], { nodes: 3 });
const { api } = cluster;
const node = (await podsOf(cluster, "app=client"))[0]?.spec?.nodeName ?? "";

async function show(/** @type {string} */ when) {
	say(`  ${when}`);
	say(`    endpoints        ${(await endpointsOf(cluster, "web")).map(endpointLine).join(", ") || "none"}`);
	say(`    rules of ${node}  ${rulesTo(cluster, node, 8080).join(", ") || "none"}`);
	say(`    next packets     ${packetsTo(cluster, "pod/default/client", "svc/default/web:80").join(", ")}`);
}
/** The pod that has been there longest. */
const oldest = async () => (await podsOf(cluster, "app=web"))[0]?.metadata.name ?? "";

const { spec } = await api.get("v1", "Service", "web");
say(
	`The Service has the address ${spec?.clusterIP}; its pods are chosen by their labels, and kube-proxy leads to them:`,
);
await show("at first");

say("\nOne packet of it, with the rule that chose the pod:");
const { hops, delivered, seen, reply } = cluster.trace({ from: "pod/default/client", to: "svc/default/web:80" });
const dnat = hops.find(({ rule }) => rule?.includes("-j DNAT"));
say(`  ${dnat?.netns}: ${dnat?.rule}`);
say(
	`  ${named(`${delivered?.namespace}/${delivered?.name}`)} sees ${seen?.source}, the client an answer from ${reply?.seen?.source}`,
);

say("\nA pod is killed (kubectl delete pod):");
await api.delete("v1", "Pod", await oldest());
await cluster.advance(0.1 * SECOND);
await show("at once: it ends, nobody is led to it any more, and another one is started");
await cluster.settle();
await show("when that is ready");

say("\nA pod crashes, and is started again where it is:");
await api.patch("v1", "Pod", await oldest(), { metadata: { annotations: { "podwire.dev/crash": "1" } } });
await cluster.advance(0.1 * SECOND);
await show("at once: the node's rules are up to a second behind (iptables.minSyncPeriod)");
await cluster.settle();
await show("when its readiness probe passes");

say("\nkubectl scale deployment web --replicas=5, and then 2:");
for (const replicas of [5, 2]) {
	await api.patch("apps/v1", "Deployment", "web", { spec: { replicas } });
	await cluster.settle();
	await show(`${replicas} pods`);
}

say("\nkubectl set image deployment/web web=nginx:1.28, which replaces one pod after the other:");
const image = { spec: { template: { spec: { containers: [{ name: "web", image: "nginx:1.28" }] } } } };
await api.patch("apps/v1", "Deployment", "web", image);
await cluster.advance(1.5 * SECOND);
await show("1.5 s later, the rules a sync behind: where a pod has gone, packets find nobody");
await cluster.settle();
await show("when it is done");

say("\nA node reboots: its pods are not ready after 40 s, and come up again with other addresses:");
const other = (await podsOf(cluster, "app=web")).find(({ spec }) => spec?.nodeName !== node)?.spec?.nodeName ?? "";
await api.patch("v1", "Node", other, { metadata: { annotations: { "podwire.dev/reboot": "1" } } });
await cluster.advance(45 * SECOND);
await show("45 s later");
await cluster.settle();
await show("when it is back");

say("\nNo pod at all: a rule refuses, and the client hears so at once:");
await api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 0 } });
await cluster.settle();
await show("0 pods");
say(
	named(traceText(cluster.trace({ from: "pod/default/client", to: "svc/default/web:80" })))
		.replace(/^(?=.)/gm, "  ")
		.trimEnd(),
);
cluster.dispose();
