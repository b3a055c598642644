// How a pod ends, second by second: endpoints and rules let go of it at once, its preStop hook waits, SIGTERM comes, it answers what is
// under way, and is gone. Where all pods of a Service end, those that still serve are sent to; who does not hear SIGTERM is killed when
// the grace period is over: `node examples/termination/termination.mjs` after `npm run build`.
// What a rolling update loses without this, as a number: examples/rollout.

import { clusterOf, endpointLine, endpointsOf, listener, named, packetsTo, podsOf, rulesTo, say } from "../show.mjs";

const SECOND = 1000;
const cluster = await clusterOf(import.meta.url, ["web.yaml"], { nodes: 2 });
const { api } = cluster;
const told = listener(cluster);

async function show(/** @type {string} */ when) {
	say(`  ${when}`);
	for (const { metadata, status } of await podsOf(cluster, "app=web")) {
		const going = metadata.deletionTimestamp === undefined ? "" : ", Terminating";
		say(`    ${named(metadata.name ?? "")}   ${status?.podIP ?? "(no address yet)"} ${status?.phase}${going}`);
	}
	for (const line of told("Pod default/web", ["Killing"])) say(`      ${line}`);
	say(`    endpoints    ${(await endpointsOf(cluster, "web")).map(endpointLine).join(", ") || "none"}`);
	say(`    rules        ${rulesTo(cluster, "node-1", 8080).join(", ") || "none"}`);
	say(`    next packets ${packetsTo(cluster, "pod/default/client", "svc/default/web:80", 6).join(", ")}`);
}

say("A pod of two is deleted:");
const [first] = await podsOf(cluster, "app=web");
await show("before");
await api.delete("v1", "Pod", first?.metadata.name ?? "");
await cluster.advance(0.1 * SECOND);
await show("at once: its preStop hook runs, no new connection comes to it");
const { verdict } = cluster.trace({ from: "pod/default/client", to: `${first?.status?.podIP}:8080` });
say(`    who has its address is still answered: ${verdict}`);
await cluster.advance(4 * SECOND);
await show("4 s later: another one is ready in its place, it still waits");
await cluster.advance(3 * SECOND);
await show("3 s later: it has had SIGTERM after 5 s, and ended 2 s after that");

say("\nAll pods are deleted at once, and nothing takes their place:");
await api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 0 } });
await cluster.advance(2 * SECOND);
await show("2 s later: where nobody is ready, those that end and still serve are sent to");
await cluster.advance(6 * SECOND);
await show("6 s later");

say("\nA pod that does not hear SIGTERM, with 10 s of grace:");
await api.delete("v1", "Pod", "stubborn");
for (const seconds of [1, 8, 2]) {
	await cluster.advance(seconds * SECOND);
	const [pod] = await podsOf(cluster, "app=stubborn");
	say(`  ${seconds} s later: ${pod === undefined ? "killed, and gone" : `${pod.status?.phase}, Terminating`}`);
}
cluster.dispose();
