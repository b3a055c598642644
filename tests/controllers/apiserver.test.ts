// Where `default/kubernetes` leads: to a control plane node, to what the input says, else to a machine beside the nodes; and
// that packets get there and back over every fabric.

import { describe, expect, it } from "vitest";
import type { Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { Cluster } from "../../js/index.ts";
import type { Flags } from "../../js/manifests/configuration.ts";
import { join, named, node, up, workload } from "./up.ts";

const address = (name: string, labels = "", ip = "192.0.2.50") =>
	node(name, `status: {addresses: [{type: InternalIP, address: ${ip}}]}`, labels);
const CONTROL_PLANE = ", node-role.kubernetes.io/control-plane: ''";

/** What the Service leads to in a cluster of these manifests. */
function leadsTo(text: string, flags: Flags = {}) {
	const realised = up(text, { flags: { apiServer: undefined, ...flags } as Flags });
	expect(realised.errors).toEqual([]);
	const slice = named<EndpointSlice>(realised, "EndpointSlice", "kubernetes");
	return {
		clusterIP: named<Service>(realised, "Service", "kubernetes").spec?.clusterIP,
		address: slice.endpoints?.[0]?.addresses[0],
		port: slice.ports?.[0]?.port,
		hosts: realised.topology.hosts,
		assumed: realised.assumed.filter((line) => line.startsWith("endpoint: ")),
	};
}

describe("default/kubernetes", () => {
	it("leads to a machine beside the nodes", () => {
		const ip = "198.19.255.2";
		expect(leadsTo(workload("Deployment", "a"))).toEqual({
			clusterIP: "10.96.0.1",
			address: ip,
			port: 6443,
			hosts: [{ name: ip, ip, listen: [{ proto: "tcp", port: 6443 }] }],
			assumed: [`endpoint: Service default/kubernetes leads to ${ip}, a machine beside the nodes`],
		});
	});

	it("leads to a control plane node, where there is one", () => {
		expect(leadsTo(join(address("one", "", "192.0.2.40"), address("two", CONTROL_PLANE)))).toMatchObject({
			address: "192.0.2.50",
			hosts: [],
			assumed: [],
		});
	});

	it("leads where it is told to", () => {
		expect(leadsTo(address("one"), { apiServer: "172.20.0.9:443" })).toMatchObject({
			address: "172.20.0.9",
			port: 443,
			hosts: [{ ip: "172.20.0.9", listen: [{ proto: "tcp", port: 443 }] }],
		});
		const pod =
			"apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\nspec: {containers: [{name: kube-apiserver, command: [kube-apiserver, --advertise-address=192.0.2.50, --secure-port=8443]}]}\n";
		expect(leadsTo(join(address("one"), pod))).toMatchObject({ address: "192.0.2.50", port: 8443, hosts: [] });
	});

	it("leads where the input's own objects say", () => {
		const own =
			"apiVersion: v1\nkind: Endpoints\nmetadata: {name: kubernetes, namespace: default, uid: u}\nsubsets: [{addresses: [{ip: 192.0.2.77}], ports: [{name: https, port: 6444}]}]\n";
		const service =
			"apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, namespace: default, uid: v}\nspec: {clusterIP: 10.43.0.1, clusterIPs: [10.43.0.1], type: ClusterIP, ports: [{name: https, port: 443, targetPort: 6444, protocol: TCP}]}\nstatus: {loadBalancer: {}}\n";
		const realised = up(join(address("one"), service, own), { flags: { apiServer: undefined } as unknown as Flags });
		const slices = realised.objects.filter(({ kind }) => kind === "EndpointSlice") as EndpointSlice[];
		expect(slices.map(({ endpoints }) => endpoints?.[0]?.addresses)).toEqual([["192.0.2.77"]]);
		expect(realised.topology.hosts).toMatchObject([{ ip: "192.0.2.77", listen: [{ proto: "tcp", port: 6444 }] }]);
	});

	it("has an address of the primary family", () => {
		const flags = { podCIDR: "fd00:10:244::/56,10.244.0.0/16", serviceCIDR: "fd00:10:96::/112,10.96.0.0/16" };
		expect(leadsTo(workload("Deployment", "a"), flags)).toMatchObject({
			clusterIP: "fd00:10:96::1",
			address: "2001:db8:0:ffff::2",
			hosts: [{ ip6: "2001:db8:0:ffff::2" }],
		});
	});

	it("is not there where nobody wants it", () => {
		const realised = up(workload("Deployment", "a"));
		expect(realised.objects.filter(({ metadata }) => metadata.name === "kubernetes")).toEqual([]);
		expect(realised.topology.hosts).toEqual([]);
	});

	it("takes no address of the cluster's networks", () => {
		expect(leadsTo(address("one", "", "198.19.4.1")).address).toBe("198.51.100.254");
		const flags = { loadBalancerPool: "198.51.100.0/24", podCIDR: "198.19.0.0/16" };
		expect(leadsTo(address("one"), flags).address).toBe("203.0.113.254");
	});
});

describe.each(["routed", "l2", "vxlan"] as const)("a pod of a %s cluster", (fabric) => {
	const EXTERNAL = "{type: ExternalIP, address: 203.0.113.70}";

	it.each([
		["of invented nodes", workload("Deployment", "a")],
		[
			"whose nodes have public addresses, but for one",
			join(
				node("one", `status: {addresses: [{type: InternalIP, address: 192.0.2.40}, ${EXTERNAL}]}`),
				address("two"),
				workload("Deployment", "a", "", "nodeName: two"),
			),
		],
		[
			"with a control plane node",
			join(
				address("one", CONTROL_PLANE),
				address("two", "", "192.0.2.60"),
				workload("Deployment", "a", "", "nodeName: two"),
			),
		],
	])("reaches the API server, %s", async (_, text) => {
		const cluster = await Cluster.create({ fabric });
		await cluster.apply(text);
		await cluster.settle();
		const path = cluster.trace({ from: "deploy/default/a", to: "svc/default/kubernetes:443" });
		expect(path).toMatchObject({ verdict: "delivered", delivered: { port: 6443 } });
		expect(path.reply?.verdict).toBe("delivered");
		expect(cluster.iptables(cluster.topology.nodes[0]?.name ?? "")).toContain("KUBE-SVC-NPX46M4PTMTKRN6Y");
		cluster.dispose();
	});
});
