// An address a pod: each node has a network out of the cluster's, each pod an address out of its node's, given out in turn, so that
// what was given back is not given out again at once. Where there is none left a pod waits, and an event says why. A cluster of two
// nodes with five addresses each: `node examples/addresses/addresses.mjs` after `npm run build`.

import { traceText } from "podwire";
import { clusterOf, listener, named, podsOf, say } from "../show.mjs";

const cluster = await clusterOf(import.meta.url, ["web.yaml"], { nodes: 2, podCIDR: "10.244.0.0/24", nodeMask: 29 });
const { api } = cluster;
const told = listener(cluster);

/** Addresses by node. */
async function show() {
	const pods = await podsOf(cluster, "app=web");
	for (const { metadata, spec } of (await api.list("v1", "Node")).items) {
		const own = pods.filter((pod) => pod.spec?.nodeName === metadata.name);
		const addresses = own
			.map(({ status }) => status?.podIP ?? "(waits)")
			.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
		say(`  ${metadata.name} ${spec?.podCIDR}: ${addresses.join(" ")}`);
	}
}
async function scale(/** @type {number} */ replicas) {
	await api.patch("apps/v1", "Deployment", "web", { spec: { replicas } });
	await cluster.settle();
}

say("Each node has a network, each pod an address out of it; the first is the bridge's, the second the client's:");
await show();

say("\nOne pod reaches another one's address, on whichever node it is. Nobody translates it:");
const [first] = await podsOf(cluster, "app=web");
const other = (await podsOf(cluster, "app=web")).find(({ spec }) => spec?.nodeName !== first?.spec?.nodeName);
const path = cluster.trace({ from: "pod/default/client", to: `${other?.status?.podIP}:80` });
say(named(traceText(path)).replace(/^(?=.)/gm, "  "));

say("Scaled to 1 and to 4 again, addresses go on behind the last one that was given out:");
await scale(1);
await scale(4);
await show();

say("\nScaled to 10, where with the client's there are 10 addresses in all:");
await scale(10);
await show();
for (const line of told("Pod default/web", ["FailedCreatePodSandBox"]))
	say(`  ${line.replace(/"[0-9a-f]{64}"/, '"…"')}`);

say("\nThe client goes; within ten seconds the pod that waits has its address, since the range has come round:");
await api.delete("v1", "Pod", "client");
await cluster.advance(11_000);
await show();
cluster.dispose();
