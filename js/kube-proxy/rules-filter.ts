// The filter rules of one Service port: what refuses traffic that no endpoint may take, what lets health checks in,
// and what drops traffic that loadBalancerSourceRanges did not accept. Upstream: pkg/proxy/iptables/proxier.go.

import { KUBE_EXTERNAL_SERVICES, KUBE_NODEPORTS, KUBE_PROXY_FIREWALL, KUBE_SERVICES } from "./names.ts";
import type { ServicePortPlan } from "./plan.ts";
import { comment, matchProtocol, type TableText } from "./rules.ts";

function destination(plan: ServicePortPlan, address: string): string[] {
	return [...matchProtocol(plan.protocol), "-d", address, "--dport", String(plan.info.port)];
}

function refuseInternal(filter: TableText, plan: ServicePortPlan): void {
	if (plan.internalRefusal === null) return;
	const { target, comment: text } = plan.internalRefusal;
	filter.append(KUBE_SERVICES, ...comment(text), ...destination(plan, plan.info.clusterIP), "-j", target);
}

/** Under policy Local without local endpoints, pods and the node itself were already translated and pass by here. */
function refuseExternal(filter: TableText, plan: ServicePortPlan, addresses: readonly string[]): void {
	if (plan.externalRefusal === null) return;
	const { target, comment: text } = plan.externalRefusal;
	for (const address of addresses) {
		filter.append(KUBE_EXTERNAL_SERVICES, ...comment(text), ...destination(plan, address), "-j", target);
	}
}

function refuseNodePort(filter: TableText, plan: ServicePortPlan): void {
	if (plan.externalRefusal === null || plan.info.nodePort === 0) return;
	const { target, comment: text } = plan.externalRefusal;
	const words = ["-m", "addrtype", "--dst-type", "LOCAL", ...matchProtocol(plan.protocol)];
	const port = ["--dport", String(plan.info.nodePort)];
	filter.append(KUBE_EXTERNAL_SERVICES, ...comment(text), ...words, ...port, "-j", target);
}

/** A packet that the firewall chain accepted was translated; whatever still has the load balancer's address was not. */
function dropOutsideSourceRanges(filter: TableText, plan: ServicePortPlan): void {
	if (!plan.usesFirewallChain) return;
	const text = `${plan.info.name} traffic not accepted by ${plan.firewallChain}`;
	for (const address of plan.info.loadBalancerVIPs) {
		filter.append(KUBE_PROXY_FIREWALL, ...comment(text), ...destination(plan, address), "-j", "DROP");
	}
}

/** The health check must get through whether or not this node has endpoints. */
function acceptHealthCheck(filter: TableText, plan: ServicePortPlan): void {
	const { name, healthCheckNodePort } = plan.info;
	if (healthCheckNodePort === 0) return;
	const words = [...matchProtocol("tcp"), "--dport", String(healthCheckNodePort)];
	filter.append(KUBE_NODEPORTS, ...comment(`${name} health check node port`), ...words, "-j", "ACCEPT");
}

export function writeFilterRules(filter: TableText, plan: ServicePortPlan): void {
	refuseInternal(filter, plan);
	refuseExternal(filter, plan, plan.info.externalIPs);
	dropOutsideSourceRanges(filter, plan);
	refuseExternal(filter, plan, plan.info.loadBalancerVIPs);
	refuseNodePort(filter, plan);
	acceptHealthCheck(filter, plan);
}
