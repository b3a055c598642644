// Nodes that are said to be alike get the same rules, whatever the Services and their endpoints; and in a cluster where
// nothing names a node, all of them are alike.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { likeness } from "../../js/kube-proxy/likeness.ts";
import { syncNode } from "../../js/kube-proxy/saved.ts";
import type { ProxyNode } from "../../js/kube-proxy/sync.ts";
import { runs } from "../runs.ts";
import { inputs } from "./clusters.ts";

const nodes: ProxyNode[] = ["node-1", "node-2", "node-3", "node-4", "node-5"].map((name, i) => ({
	name,
	ips: [`192.0.2.${11 + i}`, `2001:db8::${11 + i}`],
	podCIDRs: [`10.244.${i}.0/24`, `fd00:244:${i}::/64`],
	labels: { "topology.kubernetes.io/zone": i < 3 ? "a" : "b" },
}));

describe("likeness", () => {
	it("tells nodes apart wherever their rules differ", () => {
		let alike = 0;
		fc.assert(
			fc.property(inputs, fc.boolean(), (input, byNode) => {
				const config = byNode ? { ...input.config, detectLocal: { mode: "NodeCIDR" as const } } : input.config;
				const own = { ...input, config };
				const like = likeness(own);
				const texts = new Map<string, string[]>();
				for (const node of nodes) {
					const restores = syncNode({ ...own, node }).restores;
					const before = texts.get(like(node));
					if (before !== undefined) {
						alike++;
						expect(restores).toEqual(before);
					} else texts.set(like(node), restores);
				}
			}),
			runs(60),
		);
		expect(alike).toBeGreaterThan(20);
	});

	it("finds nodes alike where nothing names them", () => {
		const [input] = fc.sample(
			inputs.filter(({ config }) => config.nodePortAddresses.length === 0),
			runs(1),
		);
		if (input === undefined) throw new Error("no input");
		const like = likeness({ ...input, services: [], endpointSlices: [] });
		expect(new Set(nodes.map(like)).size).toBe(1);
	});

	it("tells apart a node that an endpoint of policy Local is on", () => {
		const service = {
			apiVersion: "v1" as const,
			kind: "Service" as const,
			metadata: { namespace: "d", name: "s" },
			spec: { clusterIP: "10.96.0.9", internalTrafficPolicy: "Local" as const, ports: [{ name: "p", port: 80 }] },
		};
		const slice = {
			apiVersion: "discovery.k8s.io/v1" as const,
			kind: "EndpointSlice" as const,
			metadata: { namespace: "d", name: "s-1", labels: { "kubernetes.io/service-name": "s" } },
			addressType: "IPv4" as const,
			endpoints: [{ addresses: ["10.244.1.5"], nodeName: "node-2" }],
			ports: [{ name: "p", port: 8080 }],
		};
		const [input] = fc.sample(
			inputs.filter(({ config, family }) => family === "ipv4" && config.nodePortAddresses.length === 0),
			runs(1),
		);
		if (input === undefined) throw new Error("no input");
		const like = likeness({ ...input, services: [service], endpointSlices: [slice] });
		const [first, second, third] = nodes.map(like);
		expect(second).not.toBe(first);
		expect(third).toBe(first);
	});
});
