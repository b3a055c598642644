// What the network plugins make of a node, in Linux and in podwire: a pod that asks its own Service with each hairpin mode, host
// ports, pods on the host's network, over each fabric. The clusters come from manifests; their rules are kube-proxy's and portmap's.

import { describe, expect, it } from "vitest";
import { Cluster } from "../../js/cluster.ts";
import type { Probe, ProbeResult } from "../../js/net/probe.ts";
import type { Topology } from "../../js/net/topology.ts";
import { printDifference } from "../../js/verify/difference.ts";
import { openLab } from "../../js/verify/lab.ts";
import { subjectOf } from "../../js/verify/subject.ts";
import { verifyInLab } from "../../js/verify/verify.ts";
import { openPodwire } from "./podwire.ts";
import { canLab } from "./skip.ts";

const FABRICS = ["routed", "l2", "vxlan"] as const;
const MODES = ["hairpin-veth", "promiscuous-bridge", "none"] as const;

const MANIFESTS = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {nodeName: node-1, containers: [{name: web, image: web, ports: [{containerPort: 8080, hostPort: 8888}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, labels: {app: agent}}
spec: {nodeName: node-1, hostNetwork: true, containers: [{name: agent, image: agent, ports: [{containerPort: 9100, hostPort: 9100}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: agent}
spec: {clusterIP: 10.96.0.11, selector: {app: agent}, ports: [{port: 80, targetPort: 9100}]}
---
apiVersion: v1
kind: Pod
metadata: {name: near}
spec: {nodeName: node-1, containers: [{name: near, image: near, ports: [{containerPort: 7000}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far}
spec: {nodeName: node-2, containers: [{name: far, image: far, ports: [{containerPort: 7000}]}]}
`;
const LIMITS = { pods: 10, nodes: 5 };

/** kube-proxy writes no rule that drops what conntrack calls INVALID. */
const LIBERAL = `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data:
  config.conf: |
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    kind: KubeProxyConfiguration
    conntrack: {tcpBeLiberal: true}
`;

async function topologyOf(
	fabric: (typeof FABRICS)[number],
	hairpinMode: (typeof MODES)[number],
	more = "",
): Promise<Topology> {
	const cluster = await Cluster.create({ nodes: 2, fabric, hairpinMode, apiServer: "none" });
	await cluster.apply(MANIFESTS + more);
	await cluster.settle();
	return subjectOf(cluster, LIMITS).topology;
}

interface Asked extends Probe {
	sees: Partial<NonNullable<ProbeResult["result"]>>;
}

const NODE = "192.0.2.11";
const tcp = (from: string, dst: string, port: number, sees: Asked["sees"]): Asked => ({
	from,
	proto: "tcp",
	dst,
	port,
	sees,
});
const web = (serverSawSrc: string) => ({ outcome: "delivered", server: "pod default/web", serverSawSrc }) as const;
const agent = (serverSawSrc: string) => ({ outcome: "delivered", server: "node node-1", serverSawSrc }) as const;
const lost = { outcome: "timeout" } as const;

/** Beside the pod's own Service: its host port as it asks that itself, which comes back to it the same way. */
function probes(mode: (typeof MODES)[number]): Asked[] {
	const itself = mode === "hairpin-veth" ? web("10.244.0.1") : lost;
	return [
		tcp("pod:default/web", "10.96.0.10", 80, itself),
		tcp("pod:default/web", NODE, 8888, itself),
		tcp("pod:default/near", "10.96.0.10", 80, web("10.244.0.3")),
		tcp("pod:default/near", NODE, 8888, web("10.244.0.1")),
		tcp("host:outside", NODE, 8888, web("198.51.100.7")),
		tcp("pod:default/far", NODE, 8888, web("192.0.2.12")),
		tcp("node:node-1", "127.0.0.1", 8888, web("10.244.0.1")),
		tcp("host:outside", NODE, 9100, agent("198.51.100.7")),
		tcp("pod:default/near", "10.96.0.11", 80, agent("10.244.0.3")),
		tcp("pod:default/far", "10.96.0.11", 80, agent("192.0.2.12")),
	];
}

const seen = ({ result, summary }: ProbeResult, sees: Asked["sees"]) => {
	const all = { ...result, ...summary } as Record<string, unknown>;
	return Object.fromEntries(Object.keys(sees).map((field) => [field, all[field]]));
};
const title = ({ from, dst, port }: Probe) => `${from} ${dst}:${port}`;
const EACH = FABRICS.flatMap((fabric) => MODES.map((mode) => ({ fabric, mode })));

describe.each(EACH)("fabric $fabric, $mode:", ({ fabric, mode }) => {
	it("pods reach what they should, themselves too where the bridge lets them", async () => {
		const podwire = await openPodwire(await topologyOf(fabric, mode));
		for (const probe of probes(mode))
			expect(seen(await podwire.probe(probe), probe.sees), title(probe)).toEqual(probe.sees);
	});

	it.skipIf(!canLab)("Linux does the same, to the hop", async () => {
		const topology = await topologyOf(fabric, mode);
		const podwire = await openPodwire(topology);
		await using lab = await openLab(topology);
		const verified = await verifyInLab(lab, topology, probes(mode), podwire);
		const lines = verified.flatMap(({ probe, differences }) =>
			differences.map((difference) => `${title(probe)}: ${printDifference(difference)}`),
		);
		expect(lines).toEqual([]);
	});
});

// A promiscuous bridge's copy is not translated either: what comes back to the pod is from its own address, which it drops.
describe("a promiscuous bridge where nothing drops what is INVALID", () => {
	it.skipIf(!canLab)("lets no pod reach itself, as in Linux", async () => {
		const topology = await topologyOf("routed", "promiscuous-bridge", LIBERAL);
		expect(topology.nodes[0]?.iptables).not.toContain("INVALID");
		const podwire = await openPodwire(topology);
		await using lab = await openLab(topology);
		const asked = probes("promiscuous-bridge").slice(0, 2);
		const verified = await verifyInLab(lab, topology, asked, podwire);
		expect(verified.flatMap(({ differences }) => differences.map(printDifference))).toEqual([]);
		expect(verified.map(({ lab: { result } }) => result?.outcome)).toEqual(["timeout", "timeout"]);
	});
});
