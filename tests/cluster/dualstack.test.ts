// A dual-stack cluster from manifests: nodes, pods and Services get addresses of both families, kube-proxy writes rules of
// both, and packets of IPv6 go the way that those of IPv4 go.

import { beforeAll, describe, expect, it } from "vitest";
import { Cluster, type TracePath } from "../../js/index.ts";
import { DUAL_STACK } from "./manifests.ts";

/** A tunnel's own packets are of IPv4, and ip-masq-agent has them masqueraded. */
const translations = ({ hops }: TracePath) =>
	hops.filter(({ event, packet }) => event === "nat" && packet.dst.includes(":"));

describe.each(["routed", "l2", "vxlan"] as const)("a dual-stack cluster, %s", (fabric) => {
	let cluster: Cluster;
	const addressOf = (kind: string, name: string, family: 4 | 6): string => {
		const object = cluster.objects.find((one) => one.kind === kind && one.metadata.name === name);
		const { addresses = [], podIPs = [] } = (object as { status?: Record<string, { address: string; ip: string }[]> })
			.status as Record<string, { address: string; ip: string }[]>;
		const all = [...addresses.map(({ address }) => address), ...podIPs.map(({ ip }) => ip)];
		return all.find((ip) => ip.includes(":") === (family === 6)) ?? "";
	};

	beforeAll(async () => {
		cluster = await Cluster.create({
			fabric,
			nodes: 2,
			podCIDR: "10.244.0.0/16,fd00:10:244::/56",
			serviceCIDR: "10.96.0.0/12,fd00:10:96::/112",
		});
		await cluster.apply(DUAL_STACK);
		await cluster.settle();
	});

	it("gives nodes and pods an address of each family", () => {
		expect(addressOf("Node", "node-1", 6)).toBe("2001:db8::b");
		expect(addressOf("Pod", "client", 6)).toMatch(/^fd00:10:244:[01]?:/);
		expect(addressOf("Pod", "client", 4)).toMatch(/^10\.244\./);
	});

	it("carries an IPv6 connection through the Service's address, there and back", () => {
		const path = cluster.trace({ from: "pod/shop/client", to: "[fd00:10:96::10]:80" });
		expect(path.verdict).toBe("delivered");
		expect(path.seen?.source).toBe(addressOf("Pod", "client", 6));
		expect(path.delivered).toMatchObject({ kind: "Pod", port: 8080 });
		expect(path.delivered?.address).toContain("fd00:10:244:");
		expect(translations(path).map(({ packet }) => packet.dst)).toEqual([path.delivered?.address]);
		expect(path.reply?.verdict).toBe("delivered");
		expect(path.reply?.seen).toEqual({ source: "fd00:10:96::10", sourcePort: 80 });
	});

	it("carries the IPv4 one as before", () => {
		const path = cluster.trace({ from: "pod/shop/client", to: "10.96.0.10:80" });
		expect(path.verdict).toBe("delivered");
		expect(path.seen?.source).toBe(addressOf("Pod", "client", 4));
	});

	it("echoes between pods and nodes", () => {
		const node = addressOf("Node", "node-2", 6);
		const path = cluster.trace({ from: "pod/shop/client", to: node, proto: "icmp" });
		expect(path.verdict).toBe("delivered");
		expect(path.hops[0]?.packet).toMatchObject({ proto: "icmpv6", icmp: "echo-request" });
		expect(path.reply?.verdict).toBe("delivered");
	});

	it("answers a Service without endpoints with port unreachable", () => {
		const path = cluster.trace({ from: "pod/shop/client", to: "[fd00:10:96::11]:80" });
		expect(path.verdict).toBe("rejected");
		expect(path.reason).toBe("no-endpoints");
		expect(path.reply?.hops.at(-1)?.packet).toMatchObject({ proto: "icmpv6", icmp: "port-unreachable" });
	});

	it("lets a machine outside in by NodePort, masqueraded where a node passes it on", () => {
		const node = addressOf("Node", "node-1", 6);
		for (const sport of [40001, 40002, 40003, 40004, 40005, 40006]) {
			const path = cluster.trace({ from: "host/2001:db8:f::7", to: `[${node}]:30080`, sport });
			expect(path.verdict).toBe("delivered");
			expect(path.seen?.source).not.toBe("2001:db8:f::7");
			expect(path.reply?.seen).toEqual({ source: node, sourcePort: 30080 });
		}
	});

	it("prints the rules that ip6tables has", () => {
		const rules = cluster.iptables("node-1", { family: "ipv6" });
		expect(rules).toContain("-d fd00:10:96::10/128");
		expect(rules).not.toContain("10.96.0.10");
		expect(cluster.iptables("node-1")).not.toContain("fd00:");
		expect(cluster.conntrack("node-1")).toMatch(/tcp .* src=2001:db8:f::7 dst=2001:db8::b /);
	});
});
