// From a topology and rules to the network that the engine is loaded with: machines outside, and real nodes' texts over what
// podwire made.

import { loadTopology } from "../lab.ts";
import type { Netns, Network } from "../net/network.ts";
import type { Ruleset } from "../net/ruleset.ts";
import type { HostSpec, Topology } from "../net/topology.ts";
import { UnknownReferenceError } from "./errors.ts";
import { applyNodeState, type NodeStates, outsideHosts } from "./nodestate.ts";
import type { LabSpec } from "./options.ts";

export interface Plan {
	topology: Topology;
	/** By netns name. */
	rulesets: ReadonlyMap<string, Ruleset>;
	/** Of ip6tables, where the node has an address of IPv6. */
	rulesets6: ReadonlyMap<string, Ruleset>;
}

/** Of a literal network; nobody makes rules for it. */
export function planOfLab({ nodes, pods = [], hosts = [], router = {}, fabric = { kind: "routed" } }: LabSpec): Plan {
	return { topology: { nodes, pods, hosts, router, fabric }, rulesets: new Map(), rulesets6: new Map() };
}

/** The same plan, to which machines outside come on their own. */
export function forkOfPlan({ topology, rulesets, rulesets6 }: Plan): Plan {
	return { topology: { ...topology, pods: topology.pods, hosts: [...topology.hosts] }, rulesets, rulesets6 };
}

/** Adds the machines outside that a router's own routes lead to, and those that are asked for. */
export function addKnownHosts(topology: Topology, states: NodeStates, asked: readonly string[]): void {
	const texts = states.get("router");
	const own = new Set(topology.nodes.map(({ ip }) => ip));
	const routed = texts ? [...outsideHosts(texts, own).values()] : [];
	const known = new Set(topology.hosts.map(({ ip }) => ip));
	for (const ip of new Set([...routed, ...asked])) if (!known.has(ip)) topology.hosts.push({ name: ip, ip });
}

/** Machines outside for those of the addresses that none has; whether there are any. */
export function addHosts(hosts: HostSpec[], addresses: readonly string[]): boolean {
	const missing = [...new Set(addresses)].filter((ip) => !hosts.some((host) => host.ip === ip || host.ip6 === ip));
	hosts.push(...missing.map((ip) => (ip.includes(":") ? { name: ip, ip6: ip } : { name: ip, ip })));
	return missing.length > 0;
}

/** The network of a plan, and what was assumed of real nodes' texts. Throws TextError, TopologyError. */
export function networkOfPlan(
	{ topology, rulesets, rulesets6 }: Plan,
	states: NodeStates,
): { network: Network; assumed: string[] } {
	const network = loadTopology(topology);
	const byName = new Map(network.netns.map((netns) => [netns.name, netns]));
	for (const [name, ruleset] of rulesets) named(byName, name).ruleset = ruleset;
	for (const [name, ruleset] of rulesets6) named(byName, name).ruleset6 = ruleset;
	// What a machine outside listens on is not known; literal ones say it.
	for (const host of topology.hosts) if (host.listen === undefined) named(byName, `host:${host.name}`).listenAny = true;
	const assumed = [...states].flatMap(([name, texts]) => {
		const netns = byName.get(name === "router" ? "router" : `node:${name}`);
		if (netns !== undefined) return applyNodeState(network, netns, texts);
		const names = topology.nodes.map((node) => node.name);
		throw new UnknownReferenceError(
			`node state of ${name}`,
			`there is no such node; there are ${names.join(", ")}`,
			names,
		);
	});
	return { network, assumed };
}

function named(byName: ReadonlyMap<string, Netns>, name: string): Netns {
	const netns = byName.get(name);
	if (netns === undefined) throw new RangeError(`there is no netns ${name}`);
	return netns;
}
