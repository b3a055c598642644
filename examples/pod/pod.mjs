// A pod: several containers, one network namespace. One address for all, each other's ports on localhost, a port that two of them
// want, an address that a restart keeps and a new pod does not: `node examples/pod/pod.mjs` after `npm run build`.

import { readFile } from "node:fs/promises";
import { Cluster, traceText } from "podwire";
import { podsOf, say } from "../show.mjs";

const cluster = await Cluster.create({ nodes: 2 });
const { api } = cluster;
await cluster.settle();
await cluster.apply([{ name: "pod.yaml", text: await readFile(new URL("pod.yaml", import.meta.url), "utf8") }]);
await cluster.settle();

const pod = async () => (await podsOf(cluster, "app=shop"))[0];

/** Its containers, as `kubectl describe pod` has them. @param {import("podwire").KindOf<"v1", "Pod"> | undefined} of */
function containers(of) {
	const { containerStatuses = [], initContainerStatuses = [], podIP } = of?.status ?? {};
	say(`  ${of?.metadata.name}: ${podIP} on ${of?.spec?.nodeName}`);
	for (const { name, state = {}, restartCount, lastState } of [...initContainerStatuses, ...containerStatuses]) {
		const [[word = "", detail] = []] = Object.entries(state);
		const { reason = "" } = /** @type {{ reason?: string }} */ (detail ?? {});
		const { exitCode, message } = lastState?.terminated ?? {};
		const last = exitCode === undefined ? "" : `; the last one ended with ${exitCode}${message ? `: ${message}` : ""}`;
		say(`    ${name}: ${word}${reason && ` (${reason})`}, restarts ${restartCount}${last}`);
	}
}

say("One address, four containers: the first was done before the others began, the second is a sidecar.");
containers(await pod());

say("\nA container reaches another one's port on localhost. The packet never leaves the pod's network namespace:");
say(traceText(cluster.trace({ from: "pod/default/shop", to: "127.0.0.1:9102" })).replace(/^(?=.)/gm, "  "));

say("From outside each port is one of the pod's address:");
for (const port of [8080, 3000, 9102, 5432]) {
	const { verdict, reason } = cluster.trace({ from: "pod/default/client", to: `pod/default/shop:${port}` });
	say(`  port ${port}: ${verdict}${reason === null ? "" : ` (${reason})`}`);
}

say("\nTwo containers that want one port:");
containers((await podsOf(cluster, "app=clash"))[0]);
for (const { object, reason, message } of cluster.events)
	if (object === "Pod default/clash" && reason === "BackOff")
		say(`  ${reason}: ${message.replace(/clash_default\(.*/, "clash_default(…)")}`);

say("\nA container that crashes is started again in its place: the pod keeps its address.");
await api.patch("v1", "Pod", "shop", { metadata: { annotations: { "podwire.dev/crash.web": "1" } } });
await cluster.settle();
containers(await pod());

say("\nA pod that is deleted and made again is another one, with another address.");
const { spec, metadata } = await api.get("v1", "Pod", "shop");
await api.delete("v1", "Pod", "shop");
await cluster.settle();
const { nodeName, ...asked } = spec ?? { containers: [] };
await api.create({
	apiVersion: "v1",
	kind: "Pod",
	metadata: { name: "shop", labels: metadata.labels ?? {} },
	spec: { ...asked },
});
await cluster.settle();
containers(await pod());
say(`  the same node: ${(await pod())?.spec?.nodeName === nodeName}`);
cluster.dispose();
