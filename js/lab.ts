// A literal topology with its rule, set and sysctl texts, loaded into the engine. Part of the composition root:
// `Cluster.fromNodes` and whatever a realised cluster comes to pass through here.

import type { EngineModule } from "../bindings/core.ts";
import type { MachineOptions, Machine as MachineType } from "../bindings/machine.ts";
import { Machine } from "../bindings/machine.ts";
import { networkOf } from "./cni/network.ts";
import { parseIpsetSave } from "./net/ipset.ts";
import { parseIptablesSave } from "./net/iptables/index.ts";
import { natRules } from "./net/nat11.ts";
import type { Network } from "./net/network.ts";
import type { Topology } from "./net/topology.ts";

/** Links, routes, sysctls and parsed rules of every netns. Throws TextError, TopologyError. */
export function loadTopology(topology: Topology): Network {
	const network = networkOf(topology);
	const byName = new Map(network.netns.map((netns) => [netns.name, netns]));
	for (const node of topology.nodes) {
		const netns = byName.get(`node:${node.name}`);
		if (netns === undefined) continue;
		if (typeof node.iptables === "string") {
			netns.ruleset = parseIptablesSave(node.iptables, { file: `${node.name}/iptables`, family: "ipv4" });
		}
		if (typeof node.ip6tables === "string") {
			netns.ruleset6 = parseIptablesSave(node.ip6tables, { file: `${node.name}/ip6tables`, family: "ipv6" });
		}
		if (node.ipset) netns.sets = parseIpsetSave(node.ipset, { file: `${node.name}/ipset` });
	}
	const rules = topology.router.iptables ?? natRules(topology.router, topology.hosts.length > 0);
	const router = byName.get("router");
	if (router && rules !== null) router.ruleset = parseIptablesSave(rules, { file: "router/iptables", family: "ipv4" });
	const rules6 = topology.router.ip6tables ?? null;
	if (router && rules6 !== null)
		router.ruleset6 = parseIptablesSave(rules6, { file: "router/ip6tables", family: "ipv6" });
	return network;
}

/** The engine with a topology in it. */
export function openMachine(module: EngineModule, topology: Topology, options: MachineOptions = {}): MachineType {
	return new Machine(module, loadTopology(topology), options);
}
