// Addresses of pods that had theirs before anybody asked.

import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../js/api/core.ts";
import { PodAddresses } from "../../js/cni/addresses.ts";

const node: Node = {
	apiVersion: "v1",
	kind: "Node",
	metadata: { name: "n" },
	spec: { podCIDR: "10.244.1.0/24", podCIDRs: ["10.244.1.0/24"] },
	status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
};
const pod = (name: string, podIP?: string): Pod => ({
	apiVersion: "v1",
	kind: "Pod",
	metadata: { namespace: "d", name, uid: name },
	spec: { nodeName: "n", containers: [] },
	...(podIP === undefined ? {} : { status: { podIP, podIPs: [{ ip: podIP }] } }),
});

describe("addresses of pods", () => {
	it("go on after the highest that was found, though its pod be gone by then", () => {
		const addresses = new PodAddresses();
		addresses.reserve(pod("a", "10.244.1.5"), node);
		addresses.reserve(pod("b", "10.244.1.9"), node);
		addresses.remove("b");
		const copy = addresses.of(addresses.state);
		for (const one of [addresses, copy]) {
			expect(one.add(pod("c"), node)).toEqual(["10.244.1.10"]);
			expect(one.add(pod("a"), node)).toEqual(["10.244.1.5"]);
		}
	});

	it("are given again when the range has wrapped, but for those that are held", () => {
		const addresses = new PodAddresses();
		addresses.reserve(pod("a", "10.244.1.2"), node);
		addresses.reserve(pod("b", "10.244.1.254"), node);
		addresses.remove("b");
		expect(addresses.add(pod("c"), node)).toEqual(["10.244.1.3"]);
	});
});
