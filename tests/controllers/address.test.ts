// Addresses of nodes and pods: networks, host-local order, exhaustion, clashes.

import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../js/api/core.ts";
import { join, node, of, up, workload } from "../controllers/up.ts";

describe("addresses", () => {
	it("gives nodes their networks in order, round what is taken", () => {
		const nodes = [node("a"), node("b", "spec: {podCIDR: 10.244.1.0/24}"), node("c")];
		expect(of<Node>(up(join(...nodes)), "Node").map((entry) => entry.spec?.podCIDR)).toEqual([
			"10.244.0.0/24",
			"10.244.1.0/24",
			"10.244.2.0/24",
		]);
	});

	it.each([
		["10.244.1.0/24", "deploy.yaml:9:17: spec.podCIDR: 10.244.1.0/24 is already the pod network of node a"],
		["10.244.0.0/16", "deploy.yaml:9:17: spec.podCIDR: 10.244.0.0/16 overlaps 10.244.1.0/24 of node a"],
	])("names a pod network that clashes: %s", (cidr, message) => {
		const [error] = up(join(node("a", "spec: {podCIDR: 10.244.1.0/24}"), node("b", `spec: {podCIDR: ${cidr}}`))).errors;
		expect(error?.message).toBe(message);
	});

	it("says when the cluster CIDR is used up", () => {
		const errors = up(join(node("a"), node("b"), node("c")), { flags: { podCIDR: "10.1.0.0/23" } }).errors;
		expect(errors.map((error) => error.detail)).toEqual([
			"no remaining CIDRs in the cluster CIDR 10.1.0.0/23 (--pod-cidr)",
		]);
	});

	it("gives pods addresses as host-local does and says when there is none left", () => {
		const realised = up(join(node("a", "spec: {podCIDR: 10.9.0.0/29}"), workload("Deployment", "a", "replicas: 7")));
		const ips = of<Pod>(realised, "Pod").map((pod) => pod.status?.podIP);
		expect(ips).toEqual(["10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6", undefined, undefined]);
		expect(realised.events[0]).toMatchObject({
			reason: "FailedCreatePodSandBox",
			message: "failed to allocate for range 0: no IP addresses available in range set: 10.9.0.1-10.9.0.6",
		});
		expect(realised.errors).toHaveLength(2);
		expect(realised.errors[0]?.path).toBe("spec.podCIDR");
	});

	it("routes an observed pod outside every pod network by a /32, and says so", () => {
		const pod =
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p, uid: u}\nspec: {nodeName: a, containers: [{name: c}]}\nstatus: {phase: Running, podIP: 172.20.0.9, hostIP: 192.0.2.11}\n";
		const { topology, assumed } = up(join(node("a"), node("b"), pod));
		expect(topology.router.routes).toEqual(["172.20.0.9/32 via 192.0.2.11"]);
		expect(topology.nodes[0]?.routes).toEqual(["172.20.0.9 dev cbr0 scope link"]);
		expect(assumed).toContainEqual(
			"route: 172.20.0.9 of pod default/p is outside the pod network 10.244.0.0/24 of a, so it gets a /32 route",
		);
		const l2 = up(join(node("a"), node("b"), pod), { flags: { fabric: "l2" } }).topology;
		expect(l2.nodes[1]?.routes).toEqual(["10.244.0.0/24 via 192.0.2.11", "172.20.0.9 via 192.0.2.11"]);
	});

	it("knows nodes by their observed pods where the dump has no Node", () => {
		const pod = (name: string, host: number) =>
			`apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, uid: ${name}}\nspec: {nodeName: w${host}, containers: [{name: c}]}\nstatus: {phase: Running, podIP: 10.42.${host}.7, hostIP: 10.0.0.${host}}\n`;
		const { topology, configuration } = up(join(pod("a", 1), pod("b", 2)));
		expect(topology.nodes.map((entry) => [entry.name, entry.ip, entry.podCIDR])).toEqual([
			["w1", "10.0.0.1", "10.42.1.0/24"],
			["w2", "10.0.0.2", "10.42.2.0/24"],
		]);
		expect(configuration.podCIDRs.source).toBe("smallest prefix that holds every Node's podCIDR");
	});

	it("refuses two nodes or two pods with one address", () => {
		const address = "status: {addresses: [{type: InternalIP, address: 192.0.2.50}]}";
		expect(up(join(node("a", address), node("b", address))).errors[0]?.detail).toBe(
			"192.0.2.50 is already the address of node a",
		);
		const pod = (name: string) =>
			`apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, uid: ${name}}\nspec: {nodeName: a, containers: [{name: c}]}\nstatus: {phase: Running, podIP: 10.244.0.9}\n`;
		expect(up(join(node("a"), pod("p"), pod("q"))).errors[0]?.detail).toBe(
			"10.244.0.9 is already the address of pod default/p",
		);
	});

	it("names a node that is not there", () => {
		const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {nodeName: node-9, containers: [{name: c}]}\n";
		expect(up(join(node("node-1"), pod)).errors[0]?.detail).toBe("no node is named node-9; did you mean node-1?");
	});
});
