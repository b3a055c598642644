// Startup, readiness and liveness probes: what they find, what becomes of the pod, of the Service's endpoints and of the next
// packets. A probe is a connection from the node to the pod, so a rule on the node can break it as well:
// `node examples/probes/probes.mjs` after `npm run build`.

import { clusterOf, endpointLine, endpointsOf, listener, named, packetsTo, podsOf, say } from "../show.mjs";

const SECOND = 1000;
const cluster = await clusterOf(import.meta.url, ["probes.yaml"], { nodes: 2 });
const { api } = cluster;
const told = listener(cluster);
const REASONS = ["Unhealthy", "Killing"];

async function show(/** @type {string} */ when) {
	say(`  ${when}`);
	for (const { metadata, status } of await podsOf(cluster, "app=web")) {
		const [{ started = false, ready = false, restartCount = 0 } = {}] = status?.containerStatuses ?? [];
		const is = [started ? "started" : "not started", ready ? "ready" : "not ready", `${restartCount} restarts`];
		say(`    ${named(metadata.name ?? "")}   ${status?.podIP} ${is.join(", ")}`);
	}
	for (const line of told("Pod default/web", REASONS)) say(`      ${line}`);
	say(`    endpoints    ${(await endpointsOf(cluster, "web")).map(endpointLine).join(", ") || "none"}`);
	say(`    next packets ${packetsTo(cluster, "pod/default/client", "svc/default/web:80", 6).join(", ")}`);
}
/** The pod whose turn it is to fare badly. */
const first = async () => (await podsOf(cluster, "app=web"))[0]?.metadata.name ?? "";
const annotate = async (/** @type {Record<string, string | null>} */ annotations) =>
	api.patch("v1", "Pod", await first(), { metadata: { annotations } });

say("Both pods run and are ready:");
await show("at first");

say("\nStartup. A pod is deleted; the one in its place is not asked anything else until its startup probe has passed:");
await api.delete("v1", "Pod", await first());
await cluster.advance(10 * SECOND);
await show("10 s later");
await cluster.settle();
await show("when it has passed");

say("\nReadiness. A pod answers that it is not ready: it runs on, nobody is sent to it:");
await annotate({ "podwire.dev/fails": "readiness" });
await cluster.advance(12 * SECOND);
await show("12 s later");
await annotate({ "podwire.dev/fails": null });
await cluster.advance(6 * SECOND);
await show("and 6 s after it has come to itself");

say(
	"\nLiveness. A pod hangs: it is out of the endpoints, then killed, and started in its place, with the same address:",
);
await annotate({ "podwire.dev/hang": "1" });
await cluster.advance(12 * SECOND);
await show("12 s later");
await cluster.advance(15 * SECOND);
await show("15 s later");
await cluster.advance(15 * SECOND);
await show("and 15 s after that");

say("\nA probe crosses the network. A port that nobody listens on refuses it, whatever the app does:");
const probe = { tcpSocket: { port: 8081 }, periodSeconds: 5, failureThreshold: 2 };
const containers = [
	{ name: "web", startupProbe: null, livenessProbe: null, readinessProbe: { ...probe, httpGet: null } },
];
await api.patch("apps/v1", "Deployment", "web", { spec: { template: { spec: { containers } } } });
await cluster.advance(30 * SECOND);
await show("30 s into a rollout that goes no further, as the pods that are there are kept");
cluster.dispose();
