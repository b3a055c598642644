// The decisions for one Service port on one node, before any rule is written: which chains it has, where internal and
// external traffic goes, and what the filter table says where nobody may answer. Upstream: syncProxyRules in
// pkg/proxy/iptables/proxier.go.

import type { EndpointInfo } from "./endpointsmap.ts";
import { endpointChain, portChains } from "./names.ts";
import {
	isExternallyAccessible,
	type ServicePortInfo,
	usesClusterEndpoints,
	usesLocalEndpoints,
} from "./servicemap.ts";
import { categorizeEndpoints } from "./topology.ts";

/** What the filter table does to traffic that has no endpoint. */
export interface Refusal {
	target: "REJECT" | "DROP";
	comment: string;
}

/** An endpoint and its chain. */
export interface EndpointPlan {
	info: EndpointInfo;
	chain: string;
}

export interface ServicePortPlan {
	info: ServicePortInfo;
	/** Lowercase, as in rules. */
	protocol: "tcp" | "udp" | "sctp";
	clusterChain: string;
	localChain: string;
	externalChain: string;
	firewallChain: string;
	/** The chain of traffic to the cluster IP. */
	internalChain: string;
	/** The chain in which the external chain ends. */
	externalPolicyChain: string;
	/** Every endpoint that there is, whether one may use it or not. */
	all: readonly EndpointInfo[];
	/** Some endpoint exists anywhere. */
	hasEndpoints: boolean;
	usesExternalChain: boolean;
	usesFirewallChain: boolean;
	/** Null where the chain is not written. */
	clusterEndpoints: EndpointPlan[] | null;
	localEndpoints: EndpointPlan[] | null;
	/** Endpoints whose own chain is written. */
	endpoints: EndpointPlan[];
	/** Null: traffic to the cluster IP has endpoints. */
	internalRefusal: Refusal | null;
	/** Null: traffic from outside has endpoints. */
	externalRefusal: Refusal | null;
}

function refusalOf(name: string, hasAny: boolean, policyLocal: boolean, localCount: number): Refusal | null {
	if (!hasAny) return { target: "REJECT", comment: `${name} has no endpoints` };
	if (policyLocal && localCount === 0) return { target: "DROP", comment: `${name} has no local endpoints` };
	return null;
}

function unlessEmpty(endpoints: EndpointPlan[]): EndpointPlan[] | null {
	return endpoints.length === 0 ? null : endpoints;
}

/** @param endpoints all of the Service port, in the order of `ip:port` */
export function planServicePort(
	info: ServicePortInfo,
	endpoints: readonly EndpointInfo[],
	nodeName: string,
	nodeLabels: Readonly<Record<string, string>>,
): ServicePortPlan {
	const protocol = info.protocol.toLowerCase() as ServicePortPlan["protocol"];
	const { cluster, local, reachable, hasAny } = categorizeEndpoints(endpoints, info, nodeName, nodeLabels);
	const plans = new Map(
		reachable.map((endpoint) => [
			endpoint.endpoint,
			{ info: endpoint, chain: endpointChain(info.name, protocol, endpoint.endpoint) },
		]),
	);
	const plansOf = (list: readonly EndpointInfo[] | null): EndpointPlan[] =>
		(list ?? []).flatMap((endpoint) => plans.get(endpoint.endpoint) ?? []);
	const { clusterChain, localChain, externalChain, firewallChain } = portChains(info.name, protocol);
	const localCount = local?.length ?? 0;
	const hasFirewall = info.loadBalancerVIPs.length > 0 && info.loadBalancerSourceRanges.length > 0;
	return {
		info,
		protocol,
		clusterChain,
		localChain,
		externalChain,
		firewallChain,
		internalChain: info.internalPolicyLocal ? localChain : clusterChain,
		externalPolicyChain: info.externalPolicyLocal ? localChain : clusterChain,
		all: endpoints,
		hasEndpoints: hasAny,
		usesExternalChain: hasAny && isExternallyAccessible(info),
		usesFirewallChain: hasAny && hasFirewall,
		clusterEndpoints: usesClusterEndpoints(info) ? unlessEmpty(plansOf(cluster)) : null,
		localEndpoints: usesLocalEndpoints(info) ? unlessEmpty(plansOf(local)) : null,
		endpoints: [...plans.values()],
		internalRefusal: refusalOf(info.name, hasAny, info.internalPolicyLocal, localCount),
		externalRefusal: refusalOf(info.name, hasAny, info.externalPolicyLocal, localCount),
	};
}
