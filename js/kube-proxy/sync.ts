// One sync of kube-proxy's iptables mode on one node, for one family: objects in, the text it feeds to
// `iptables-restore --noflush --counters` out. Deterministic: where upstream walks Go maps in random order, the order
// here is that of names. Upstream: syncProxyRules in pkg/proxy/iptables/proxier.go.

import type { Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { familyOf } from "../net/address.ts";
import type { Family } from "../net/ruleset.ts";
import { readAddress } from "./addresses.ts";
import { localDetector, type ProxyConfig } from "./config.ts";
import { buildEndpointsMap, type EndpointsMap, localReadyEndpoints } from "./endpointsmap.ts";
import { isServiceChain } from "./names.ts";
import { type NodePortAddresses, nodePortAddresses } from "./nodeports.ts";
import { planServicePort, type ServicePortPlan } from "./plan.ts";
import { TableText } from "./rules.ts";
import { writeFilterRules } from "./rules-filter.ts";
import {
	declareFilterChains,
	declareNatChains,
	writeForward,
	writeMartianGuard,
	writeMasquerade,
	writeNodePortsJump,
} from "./rules-fixed.ts";
import { type NatContext, writeNatChains, writeNatEntries } from "./rules-nat.ts";
import { buildServicePortMap, compareText, healthCheckNodePorts, type ServicePortMap } from "./servicemap.ts";

/** Above this many endpoints in the cluster kube-proxy leaves comments out. */
export const LARGE_CLUSTER_ENDPOINTS = 1000;

export interface ProxyNode {
	name: string;
	/** The Node's addresses, primary first; both families. */
	ips: string[];
	podCIDRs: string[];
	labels: Record<string, string>;
	/** Addresses by interface, `address` or `address/length`; absent: loopback and `ips`. */
	interfaces?: Record<string, string[]>;
}

export interface SyncInput {
	family: Family;
	node: ProxyNode;
	services: readonly Service[];
	endpointSlices: readonly EndpointSlice[];
	config: ProxyConfig;
	/** A partial sync: only these Services' (`namespace/name`) own chains are written. Absent: a full sync. */
	updatedServices?: ReadonlySet<string>;
	/** Chains that the nat table has; those of Services that nothing needs any more are deleted. */
	existingNatChains?: readonly string[];
}

export interface SyncResult {
	family: Family;
	/** What is fed to iptables-restore, as written. */
	restore: string;
	/** Rules that each table has after the sync, those a partial sync did not write included. */
	ruleCount: { filter: number; nat: number };
	/** Service ports whose Local policy finds endpoints, but none on this node. */
	noLocalEndpoints: { internal: number; external: number };
	servicePorts: ServicePortMap;
	endpoints: EndpointsMap;
	/** Of each Service port, in the order in which they are written. */
	plans: ServicePortPlan[];
	context: NatContext;
	/** `namespace/name` to port. */
	healthCheckNodePorts: Map<string, number>;
	/** `namespace/name` to the number of distinct local ready addresses. */
	localReadyEndpoints: Map<string, number>;
	/** NodePorts on 127.0.0.1 are on, so this node needs net.ipv4.conf.all.route_localnet=1. */
	routeLocalnet: boolean;
}

/** Every address of the node's interfaces, without prefix lengths. */
export function nodeAddresses(node: ProxyNode): string[] {
	const listed =
		node.interfaces === undefined ? ["127.0.0.1", "::1", ...node.ips] : Object.values(node.interfaces).flat();
	return listed.map((text) => text.split("/")[0] ?? "");
}

export function primaryIP(node: ProxyNode, family: Family): string | null {
	const own = node.ips.map(readAddress);
	return own.find((address) => address !== null && familyOf(address) === family) ?? null;
}

/** The keyword `primary` stands for the Node's primary address of each family. */
export function nodePortsOf(input: Pick<SyncInput, "family" | "config" | "node">): NodePortAddresses {
	const { config, node, family } = input;
	const [first, ...more] = config.nodePortAddresses;
	if (first !== "primary" || more.length > 0) return nodePortAddresses(config.nodePortAddresses, family);
	const primary = primaryIP(node, family);
	return nodePortAddresses(primary === null ? [] : [`${primary}/${family === "ipv4" ? 32 : 128}`], family);
}

/** NodePorts on 127.0.0.1: asked for, IPv4, and not excluded by nodePortAddresses. */
export function takesLocalhostNodePorts(input: Pick<SyncInput, "family" | "config" | "node">): boolean {
	const { family, config } = input;
	return family === "ipv4" && config.localhostNodePorts && nodePortsOf(input).containsIPv4Loopback;
}

function planAll(input: SyncInput, servicePorts: ServicePortMap, endpoints: EndpointsMap): ServicePortPlan[] {
	const { node } = input;
	return [...servicePorts.values()].map((info) =>
		planServicePort(info, endpoints.get(info.key) ?? [], node.name, node.labels),
	);
}

function isLargeCluster(servicePorts: ServicePortMap, endpoints: EndpointsMap): boolean {
	let count = 0;
	for (const key of servicePorts.keys()) count += endpoints.get(key)?.length ?? 0;
	return count > LARGE_CLUSTER_ENDPOINTS;
}

function writeServicePort(
	filter: TableText,
	nat: TableText,
	plan: ServicePortPlan,
	context: NatContext,
	own: boolean,
): void {
	writeFilterRules(filter, plan);
	writeNatEntries(nat, plan, context);
	const chains = new TableText("nat");
	writeNatChains(chains, plan, context);
	nat.take(chains, own);
}

function deleteStaleChains(nat: TableText, existing: readonly string[]): number {
	const stale = existing.filter((name) => isServiceChain(name) && !nat.active.has(name)).sort(compareText);
	for (const name of stale) nat.deleteChain(name);
	return stale.length;
}

function countNoLocal(plans: readonly ServicePortPlan[]): SyncResult["noLocalEndpoints"] {
	const count = (refusal: "internalRefusal" | "externalRefusal"): number =>
		plans.filter((plan) => plan[refusal]?.target === "DROP").length;
	return { internal: count("internalRefusal"), external: count("externalRefusal") };
}

/**
 * The rules of one node and family, as kube-proxy writes them.
 * @throws AddressError where an object holds an address that cannot be read
 */
export function syncProxyRules(input: SyncInput): SyncResult {
	const { family, node, config, updatedServices } = input;
	const servicePorts = buildServicePortMap(input.services, family, config.loadBalancerIPMode);
	const endpoints = buildEndpointsMap(input.endpointSlices, family, node.name);
	const addresses = nodePortsOf(input);
	const localhost = takesLocalhostNodePorts(input);
	const context: NatContext = {
		masqueradeAll: config.masqueradeAll,
		detector: localDetector(config.detectLocal, family, node.podCIDRs),
		largeCluster: isLargeCluster(servicePorts, endpoints),
		nodeIP: primaryIP(node, family),
		countLocalhost: localhost && config.nfacct,
	};
	const filter = new TableText("filter");
	const nat = new TableText("nat");
	declareFilterChains(filter);
	declareNatChains(nat);
	writeMasquerade(nat, config);
	if (localhost) writeMartianGuard(filter);
	const plans = planAll(input, servicePorts, endpoints);
	for (const plan of plans) {
		writeServicePort(filter, nat, plan, context, updatedServices?.has(plan.info.service) ?? true);
	}
	const deleted = deleteStaleChains(nat, input.existingNatChains ?? []);
	writeNodePortsJump(nat, addresses, nodeAddresses(node), family, localhost);
	writeForward(filter, config);
	return {
		family,
		restore: `${filter}${nat}`,
		ruleCount: { filter: filter.ruleCount, nat: nat.ruleCount + nat.skippedRules - deleted },
		noLocalEndpoints: countNoLocal(plans),
		servicePorts,
		endpoints,
		plans,
		context,
		healthCheckNodePorts: healthCheckNodePorts(servicePorts),
		localReadyEndpoints: localReadyEndpoints(endpoints),
		routeLocalnet: localhost,
	};
}
