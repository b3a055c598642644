// The large cluster's network, made without its controllers, is the one that the library makes of its API objects.

import { expect, it } from "vitest";
import { largeCluster, largeNetwork, POD_CIDR, SERVICE_CIDR } from "../../bench/scenes/large.ts";
import { Cluster } from "../../js/cluster.ts";
import { printIptablesSave } from "../../js/net/iptables/index.ts";

it("has the nodes, pods and rules of the cluster", async () => {
	const cluster = await Cluster.create({ podCIDR: POD_CIDR, serviceCIDR: SERVICE_CIDR, apiServer: "none" });
	await cluster.apply(largeCluster(3));
	await cluster.settle();
	const { network, rules, moved } = largeNetwork(3);
	const made = cluster.machine.network;
	expect(network.netns.map(({ name }) => name).sort()).toEqual(made.netns.map(({ name }) => name).sort());
	const ruleset = network.netns.find(({ name }) => name === "node:node-1")?.ruleset;
	if (!ruleset) throw new Error("a node has no rules");
	expect(printIptablesSave(ruleset)).toBe(cluster.iptables("node-1"));
	const [now] = rules.update(moved(2, 1)).values();
	if (!now) throw new Error("no node has rules");
	const changed = printIptablesSave(now)
		.split("\n")
		.filter((line) => !cluster.iptables("node-1").split("\n").includes(line));
	expect(changed.length).toBeGreaterThan(0);
	expect(changed.every((line) => /KUBE-SEP-|KUBE-SVC-/.test(line))).toBe(true);
});
