// Manifests to a running cluster: real files come up whole, a dump stays what it was.

import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Pod, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { loadManifests } from "../../js/manifests/load.ts";
import { named, of, SHARED, shared, up } from "../controllers/up.ts";

describe.skipIf(!existsSync(SHARED))("real manifests", () => {
	const files = existsSync(SHARED) ? readdirSync(`${SHARED}manifests`).filter((name) => name.endsWith(".yaml")) : [];
	it.each(files)("%s comes up whole", (name) => {
		const realised = up(shared(`manifests/${name}`));
		expect(realised.errors).toEqual([]);
		for (const pod of of<Pod>(realised, "Pod"))
			expect([pod.metadata.name, pod.status?.phase]).toEqual([pod.metadata.name, "Running"]);
		for (const { spec } of of<Service>(realised, "Service")) {
			if (spec?.type !== "ExternalName")
				expect(spec?.clusterIP).toMatch(/^None$|^10\.(9[6-9]|1[01][0-9])\.|^fd00:10:96::/);
		}
		expect(realised.topology.nodes.map((entry) => entry.name)).toEqual(["node-1", "node-2", "node-3"]);
	});

	it("brings Online Boutique up as a cluster would", () => {
		const realised = up(shared("manifests/online-boutique.yaml"));
		const pods = of<Pod>(realised, "Pod");
		expect(pods).toHaveLength(12);
		const cart = pods.find((pod) => pod.metadata.labels?.app === "cartservice");
		expect(cart?.metadata.name).toMatch(
			/^cartservice-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$/,
		);
		const slices = of<EndpointSlice>(realised, "EndpointSlice").filter(
			(slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === "cartservice",
		);
		expect(slices).toHaveLength(1);
		expect(slices[0]?.endpoints?.[0]).toMatchObject({
			addresses: [cart?.status?.podIP],
			conditions: { ready: true, serving: true, terminating: false },
			nodeName: cart?.spec?.nodeName,
			targetRef: { kind: "Pod", name: cart?.metadata.name, namespace: "default", uid: cart?.metadata.uid },
		});
		expect(slices[0]?.ports).toEqual([{ name: "grpc", port: 7070, protocol: "TCP" }]);
		const external = named<Service>(realised, "Service", "frontend-external");
		expect(external.status?.loadBalancer?.ingress).toEqual([{ ip: "203.0.113.1", ipMode: "VIP" }]);
		expect(realised.topology.router.lb).toEqual({ "203.0.113.1": ["node-1", "node-2", "node-3"] });
		expect(external.spec?.ports?.[0]?.nodePort).toBeGreaterThanOrEqual(30086);
		const spread = ["node-1", "node-2", "node-3"].map(
			(name) => pods.filter((pod) => pod.spec?.nodeName === name).length,
		);
		expect(spread).toEqual([4, 4, 4]);
		expect(new Set(pods.map((pod) => pod.status?.podIP)).size).toBe(12);
	});

	it("leaves a dump as it was: nothing invented, nothing changed", () => {
		const realised = up(shared("shop/cluster.yaml"));
		const loaded = loadManifests([{ name: "cluster.yaml", text: shared("shop/cluster.yaml") }]);
		expect(realised.errors).toEqual([]);
		expect(realised.events).toEqual([]);
		const added = realised.objects.filter(
			(object) => !loaded.objects.some((manifest) => manifest.object.metadata.uid === object.metadata.uid),
		);
		expect(added).toEqual([]);
		expect(realised.objects).toEqual(loaded.objects.map((manifest) => manifest.object));
	});

	it("gives a dump the network that its nodes really had", () => {
		const { topology, assumed } = up(shared("shop/cluster.yaml"));
		expect(topology.fabric).toEqual({ kind: "routed" });
		for (const spec of topology.nodes) {
			const addr = shared(`shop/node-state/${spec.name}/ip-addr.txt`);
			const route = shared(`shop/node-state/${spec.name}/ip-route.txt`);
			expect(addr).toContain(`inet ${spec.ip}/32 scope global eth0`);
			expect(addr).toContain(`inet ${spec.podCIDR.replace("0/24", "1/24")} scope global ${spec.bridge}`);
			expect(route).toContain(`${spec.podCIDR} dev ${spec.bridge}`);
			expect(spec.routes).toBeUndefined();
			const veths = [...addr.matchAll(/netns ks[0-9]+-pod-(\S+)/g)].map((match) => match[1]).sort();
			const pods = topology.pods
				.filter((pod) => pod.node === spec.name)
				.map((pod) => pod.name.replace(/^.*\//, ""))
				.sort();
			expect(pods).toEqual(veths);
		}
		const router = shared("shop/node-state/router/ip-route.txt");
		expect(topology.router.lb).toEqual({ "203.0.113.80": ["node-1", "node-2", "node-3"] });
		for (const { ip, podCIDR } of topology.nodes) expect(router).toContain(`${podCIDR} via ${ip}`);
		expect(topology.router.nat11).toEqual({
			"192.0.2.11": "203.0.113.11",
			"192.0.2.12": "203.0.113.12",
			"192.0.2.13": "203.0.113.13",
		});
		for (const [inside, outside] of Object.entries(topology.router.nat11 ?? {})) {
			expect(shared("shop/node-state/router/iptables-save.txt")).toContain(
				`-d ${outside}/32 -j DNAT --to-destination ${inside}`,
			);
		}
		expect(topology.nodes[0]?.listen).toContainEqual({ proto: "tcp", port: 6443 });
		expect(assumed.filter((line) => !line.startsWith("listens:"))).toEqual([]);
	});
});
