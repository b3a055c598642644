// The nat rules of one Service port: the entries in KUBE-SERVICES and KUBE-NODEPORTS, and its own chains
// (KUBE-SVC, KUBE-SVL, KUBE-EXT, KUBE-FW, KUBE-SEP). Upstream: pkg/proxy/iptables/proxier.go.

import { prefixContains, printPrefix } from "../net/address.ts";
import type { LocalDetector } from "./config.ts";
import { KUBE_MARK_MASQ, KUBE_NODEPORTS, KUBE_SERVICES } from "./names.ts";
import type { EndpointPlan, ServicePortPlan } from "./plan.ts";
import { formatProbability } from "./probability.ts";
import { comment, matchProtocol, plainComment, type TableText } from "./rules.ts";

const LOCALHOST_COUNTER = "localhost_nps_accepted_pkts";

/** What holds for all Service ports of one sync. */
export interface NatContext {
	masqueradeAll: boolean;
	detector: LocalDetector | null;
	/** More than 1000 endpoints in the cluster: no comments where there are many rules. */
	largeCluster: boolean;
	/** The node's primary address of this family; null where it has none. */
	nodeIP: string | null;
	/** Count accepted localhost NodePorts with nfacct. */
	countLocalhost: boolean;
}

const LOCAL_SOURCE = ["-m", "addrtype", "--src-type", "LOCAL"];

function destination(plan: ServicePortPlan, address: string): string[] {
	return [...matchProtocol(plan.protocol), "-d", address, "--dport", String(plan.info.port)];
}

/** The jumps to the Service port's chains, which every sync writes. */
export function writeNatEntries(nat: TableText, plan: ServicePortPlan, context: NatContext): void {
	const { info } = plan;
	const enter = (kind: string, address: string, chain: string): void => {
		nat.append(KUBE_SERVICES, ...comment(`${info.name} ${kind}`), ...destination(plan, address), "-j", chain);
	};
	if (plan.internalRefusal === null) enter("cluster IP", info.clusterIP, plan.internalChain);
	if (!plan.hasEndpoints) return;
	for (const address of info.externalIPs) enter("external IP", address, plan.externalChain);
	const loadBalancerChain = plan.usesFirewallChain ? plan.firewallChain : plan.externalChain;
	for (const address of info.loadBalancerVIPs) enter("loadbalancer IP", address, loadBalancerChain);
	if (info.nodePort !== 0) writeNodePortEntries(nat, plan, context);
}

/** NodePorts are not subject to loadBalancerSourceRanges. */
function writeNodePortEntries(nat: TableText, plan: ServicePortPlan, context: NatContext): void {
	const words = [...plainComment(plan.info.name), ...matchProtocol(plan.protocol)];
	const port = ["--dport", String(plan.info.nodePort)];
	if (context.countLocalhost) {
		const counter = ["-m", "nfacct", "--nfacct-name", LOCALHOST_COUNTER];
		nat.append(KUBE_NODEPORTS, ...words, "-d", "127.0.0.0/8", ...port, ...counter, "-j", plan.externalChain);
	}
	nat.append(KUBE_NODEPORTS, ...words, ...port, "-j", plan.externalChain);
}

/** The Service port's own chains, which a partial sync writes only where something changed. */
export function writeNatChains(nat: TableText, plan: ServicePortPlan, context: NatContext): void {
	if (plan.internalRefusal === null) writeInternalMasquerade(nat, plan, context);
	if (plan.usesExternalChain) writeExternalChain(nat, plan, context);
	if (plan.usesFirewallChain) writeFirewallChain(nat, plan, context);
	if (plan.clusterEndpoints !== null) writePolicyChain(nat, plan, plan.clusterChain, plan.clusterEndpoints, context);
	if (plan.localEndpoints !== null) writePolicyChain(nat, plan, plan.localChain, plan.localEndpoints, context);
	for (const endpoint of plan.endpoints) writeEndpointChain(nat, plan, endpoint, context);
}

/** Who comes to the cluster IP from outside the cluster may be bounced to another node, so the answer must come back here. */
function writeInternalMasquerade(nat: TableText, plan: ServicePortPlan, context: NatContext): void {
	const words = [...comment(`${plan.info.name} cluster IP`), ...destination(plan, plan.info.clusterIP)];
	if (context.masqueradeAll) {
		nat.append(plan.internalChain, ...words, "-j", KUBE_MARK_MASQ);
	} else if (context.detector !== null) {
		nat.append(plan.internalChain, ...words, ...context.detector.ifNotLocal, "-j", KUBE_MARK_MASQ);
	}
}

function writeExternalChain(nat: TableText, plan: ServicePortPlan, context: NatContext): void {
	const { info, externalChain } = plan;
	nat.chain(externalChain);
	if (info.externalPolicyLocal) {
		writeShortCircuit(nat, plan, context);
	} else {
		const text = `masquerade traffic for ${info.name} external destinations`;
		nat.append(externalChain, ...comment(text), "-j", KUBE_MARK_MASQ);
	}
	if (plan.externalRefusal === null) nat.append(externalChain, "-j", plan.externalPolicyChain);
}

/** Policy Local binds only who comes from outside: local pods and the node itself go to any endpoint. */
function writeShortCircuit(nat: TableText, plan: ServicePortPlan, context: NatContext): void {
	const { info, externalChain, clusterChain } = plan;
	if (context.detector !== null) {
		const text = `pod traffic for ${info.name} external destinations`;
		nat.append(externalChain, ...comment(text), ...context.detector.ifLocal, "-j", clusterChain);
	}
	const masquerade = comment(`masquerade LOCAL traffic for ${info.name} external destinations`);
	nat.append(externalChain, ...masquerade, ...LOCAL_SOURCE, "-j", KUBE_MARK_MASQ);
	const route = comment(`route LOCAL traffic for ${info.name} external destinations`);
	nat.append(externalChain, ...route, ...LOCAL_SOURCE, "-j", clusterChain);
}

/** loadBalancerSourceRanges. Who is not let through leaves the chain untranslated and meets KUBE-PROXY-FIREWALL. */
function writeFirewallChain(nat: TableText, plan: ServicePortPlan, context: NatContext): void {
	const { info, firewallChain, externalChain } = plan;
	const { nodeIP } = context;
	nat.chain(firewallChain);
	const allow = (source: string): void => {
		nat.append(firewallChain, ...comment(`${info.name} loadbalancer IP`), "-s", source, "-j", externalChain);
	};
	for (const range of info.loadBalancerSourceRanges) allow(printPrefix(range));
	// A load balancer's address may be local on the node: then the node's own packets to it have it as their source.
	const holdsNode = nodeIP !== null && info.loadBalancerSourceRanges.some((range) => prefixContains(range, nodeIP));
	if (holdsNode) for (const address of info.loadBalancerVIPs) allow(address);
	nat.append(firewallChain, ...comment(`other traffic to ${info.name} will be dropped by KUBE-PROXY-FIREWALL`));
}

/** Affinity first, then one endpoint by lot: 1/n, 1/(n-1), …, the last without a condition. */
function writePolicyChain(
	nat: TableText,
	plan: ServicePortPlan,
	chain: string,
	endpoints: readonly EndpointPlan[],
	context: NatContext,
): void {
	const { info } = plan;
	const describe = (endpoint: EndpointPlan): string[] =>
		context.largeCluster ? [] : comment(`${info.name} -> ${endpoint.info.endpoint}`);
	nat.chain(chain);
	if (info.sessionAffinity === "ClientIP") {
		for (const endpoint of endpoints) {
			const check = ["--rcheck", "--seconds", String(info.stickyMaxAgeSeconds), "--reap"];
			const recent = ["-m", "recent", "--name", endpoint.chain, ...check];
			nat.append(chain, ...describe(endpoint), ...recent, "-j", endpoint.chain);
		}
	}
	for (const [index, endpoint] of endpoints.entries()) {
		const left = endpoints.length - index;
		const lot = ["-m", "statistic", "--mode", "random", "--probability", formatProbability(left)];
		nat.append(chain, ...describe(endpoint), ...(left > 1 ? lot : []), "-j", endpoint.chain);
	}
}

/** A pod that reaches itself is masqueraded, else its answer would never leave it. */
function writeEndpointChain(nat: TableText, plan: ServicePortPlan, endpoint: EndpointPlan, context: NatContext): void {
	const { chain, info } = endpoint;
	const words = context.largeCluster ? [] : plainComment(plan.info.name);
	nat.chain(chain);
	nat.append(chain, ...words, "-s", info.ip, "-j", KUBE_MARK_MASQ);
	const remember = plan.info.sessionAffinity === "ClientIP" ? ["-m", "recent", "--name", chain, "--set"] : [];
	const translate = [...matchProtocol(plan.protocol), "-j", "DNAT", "--to-destination", info.endpoint];
	nat.append(chain, ...words, ...remember, ...translate);
}
