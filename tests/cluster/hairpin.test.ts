// A pod that asks its own Service, and what else its bridge does by `hairpinMode`: in traces and replays, by the flag and by the
// network configuration that the cluster carries; what cannot be is refused at its place. The same beside Linux: tests/kernel/cni.test.ts.

import { describe, expect, it } from "vitest";
import { Cluster, type ClusterOptions, InputErrors } from "../../js/index.ts";

const MANIFESTS = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web, image: web, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: client, image: client}]}
`;

/** As flannel's own manifest has it. */
const flannel = (delegate: object) => `
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: kube-flannel-cfg
  namespace: kube-flannel
data:
  cni-conf.json: |
    {
      "name": "cbr0",
      "cniVersion": "0.3.1",
      "plugins": [
        { "type": "flannel", "delegate": ${JSON.stringify(delegate)} },
        { "type": "portmap", "capabilities": { "portMappings": true } }
      ]
    }
`;
const kubelet = (hairpinMode: string) => `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kubelet-config, namespace: kube-system}
data:
  kubelet: |
    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    hairpinMode: ${hairpinMode}
`;

async function clusterOf(options: ClusterOptions = {}, more = ""): Promise<Cluster> {
	const cluster = await Cluster.create({ nodes: 1, ...options });
	await cluster.apply([{ name: "dump.yaml", text: MANIFESTS + more }]);
	await cluster.settle();
	return cluster;
}

/** Of one connection each of the pod itself and of the client. */
async function replayed(cluster: Cluster): Promise<unknown[]> {
	const { pods } = cluster.topology;
	const address = (name: string) => pods.find((pod) => pod.name === name)?.ip;
	const at = Number(cluster.now / 1_000_000_000n) + 10;
	const rows = ["default/web", "default/client"].map(
		(name, i) => `${at + i},${address(name)},4000${i},10.96.0.10,80,tcp,4,400,27`,
	);
	const bytes = new TextEncoder().encode(
		["time,src,sport,dst,dport,proto,packets,bytes,flags", ...rows, ""].join("\n"),
	);
	const flows: unknown[] = [];
	await cluster.replay(
		{
			name: "flows.csv",
			async *open() {
				yield bytes;
			},
		},
		{ perFlow: ({ verdict, reason }) => flows.push(reason === null ? verdict : `${verdict} ${reason}`) },
	);
	return flows;
}

describe("a pod that asks its own Service", () => {
	it.each([
		["hairpin-veth", "delivered"],
		// br_netfilter of Linux 6.9 and later lets the copy that the bridge's stack gets be INVALID.
		["promiscuous-bridge", "dropped conntrack-invalid"],
		["none", "dropped hairpin"],
	])("by %s: %s", async (hairpinMode, expected) => {
		const cluster = await clusterOf({ hairpinMode });
		const ask = (from: string) => {
			const { verdict, reason } = cluster.trace({ from, to: "svc/default/web:80" });
			return reason === null ? verdict : `${verdict} ${reason}`;
		};
		expect([ask("pod/default/web"), ask("pod/default/client")]).toEqual([expected, "delivered"]);
		expect(await replayed(cluster)).toEqual([expected, "delivered"]);
	});
});

const setting = (cluster: Cluster) => {
	const { value, source } = cluster.configuration?.hairpinMode ?? {};
	return `${value}: ${source}`;
};

describe("the hairpin mode", () => {
	it.each([
		["no word on it", {}, "", "hairpin-veth: default"],
		["the flag, whatever else says", { hairpinMode: "none" }, kubelet("promiscuous-bridge"), "none: --hairpin-mode"],
		[
			"the bridge that flannel delegates to",
			{},
			flannel({ hairpinMode: true, isDefaultGateway: true }),
			"hairpin-veth: dump.yaml:24:18 (ConfigMap kube-flannel/kube-flannel-cfg)",
		],
		[
			"one that is promiscuous, before the kubelet's",
			{},
			kubelet("none") + flannel({ promiscMode: true }),
			"promiscuous-bridge: dump.yaml:34:18 (ConfigMap kube-flannel/kube-flannel-cfg)",
		],
		[
			"one that says neither",
			{},
			flannel({ isDefaultGateway: true }),
			"none: dump.yaml:24:18 (ConfigMap kube-flannel/kube-flannel-cfg)",
		],
		[
			"a KubeletConfiguration",
			{},
			kubelet("promiscuous-bridge"),
			"promiscuous-bridge: dump.yaml:22:12 (ConfigMap kube-system/kubelet-config)",
		],
		["a delegate that makes no bridge", {}, flannel({ type: "ptp", hairpinMode: true }), "hairpin-veth: default"],
	])("comes from %s", async (_, options, more, expected) => {
		expect(setting(await clusterOf(options, more))).toBe(expected);
	});

	it("is kept by forks and when the network is planned anew", async () => {
		const cluster = await clusterOf({ hairpinMode: "none" });
		const fork = cluster.fork();
		for (const each of [cluster, fork]) {
			await each.apply(
				"{apiVersion: v1, kind: Service, metadata: {name: lb}, spec: {type: LoadBalancer, ports: [{port: 81}]}}",
			);
			await each.settle();
			expect(each.topology.nodes.map(({ hairpin, promisc }) => [hairpin, promisc])).toEqual([[false, undefined]]);
			expect(each.trace({ from: "pod/default/web", to: "svc/default/web:80" }).reason).toBe("hairpin");
		}
	});

	it.each([
		[
			"both at once",
			flannel({ hairpinMode: true, promiscMode: true }),
			"plugins[0].delegate: cannot set hairpin mode and promiscuous mode at the same time: expected one of hairpinMode and promiscMode to be true",
		],
		[
			"what is no switch",
			flannel({ hairpinMode: "yes" }),
			'plugins[0].delegate.hairpinMode: expected true or false, got "yes"',
		],
		[
			"an unknown word",
			kubelet("hairpin"),
			'hairpinMode: expected hairpin-veth, promiscuous-bridge, none, got "hairpin"',
		],
	])("that says %s is refused at its place", async (_, more, message) => {
		const refused = await clusterOf({}, more).catch((error: unknown) => error);
		expect(refused).toBeInstanceOf(InputErrors);
		const { errors } = refused as InputErrors;
		expect(errors.map((error) => error.message)).toEqual([expect.stringContaining(message)]);
		expect(String(errors[0])).toMatch(/dump\.yaml:\d+:\d+/);
	});

	it("of a flag is one of three words", async () => {
		await expect(clusterOf({ hairpinMode: "hairpin" })).rejects.toThrow(
			'--hairpin-mode: expected hairpin-veth, promiscuous-bridge, none, got "hairpin"',
		);
	});

	it("of a literal network is one of the two: the node or the pod is named", async () => {
		const node = { name: "n1", ip: "192.0.2.11", podCIDR: "10.244.1.0/24", promisc: true };
		const said = "cannot set hairpin mode and promiscuous mode at the same time; expected one of them";
		await expect(Cluster.fromNodes({ nodes: [{ ...node, hairpin: true }] })).rejects.toThrow(
			`node n1: hairpin and promisc: ${said}`,
		);
		const pods = [{ name: "a", node: "n1", ip: "10.244.1.2", hairpin: true }];
		await expect(Cluster.fromNodes({ nodes: [node], pods })).rejects.toThrow(
			`pod a: hairpin, and promisc of node n1: ${said}`,
		);
	});
});
