// A node's rules from everyone who writes some: the kubelet and kube-proxy, the portmap plugin where pods have hostPorts,
// ip-masq-agent. Each feeds its text to `iptables-restore --noflush`; their order is that of a node's start.

import type { Node, Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { DEFAULT_IP_MASQ_CONFIG, ipMasqJump, ipMasqRestore } from "../cni/ipmasq.ts";
import { PORTMAP_JUMPS } from "../cni/portmap.ts";
import { type KubeProxyConfiguration, type ProxyConfig, readProxyConfig } from "../kube-proxy/config.ts";
import { syncNode } from "../kube-proxy/saved.ts";
import type { Configuration } from "../manifests/configuration.ts";
import { printPrefix } from "../net/address.ts";
import { applyRestore, asLoaded } from "../net/iptables/index.ts";
import type { Ruleset } from "../net/ruleset.ts";

export interface NodeRules {
	ruleset: Ruleset;
	/** What these rules need of the node: net.ipv4.conf.all.route_localnet and the like. */
	sysctls: Record<string, number>;
}

/** Conntrack timeouts that kube-proxy sets where it runs (KubeProxyConntrackConfiguration's defaults), seconds. */
const PROXY_SYSCTLS = {
	"net.netfilter.nf_conntrack_tcp_timeout_established": 86400,
	"net.netfilter.nf_conntrack_tcp_timeout_close_wait": 3600,
};

/** kube-proxy's configuration: the cluster's own; where it has none, kubeadm's, which knows the cluster CIDR. */
export function proxyConfigOf(configuration: Configuration): ProxyConfig {
	const given = configuration.kubeProxy.value as KubeProxyConfiguration;
	const clusterCIDR = configuration.podCIDRs.value.map(printPrefix).join(",");
	return readProxyConfig(given.clusterCIDR ? given : { ...given, clusterCIDR });
}

/** The rules of one node. `portmap`: its hostPort chains as fed to iptables-restore, null for none. */
export function nodeRules(
	node: Node,
	services: readonly Service[],
	endpointSlices: readonly EndpointSlice[],
	configuration: Configuration,
	portmap: string | null,
): NodeRules {
	const state = syncNode({
		family: "ipv4",
		node: {
			name: node.metadata.name ?? "",
			ips: (node.status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address),
			podCIDRs: node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []),
			labels: node.metadata.labels ?? {},
		},
		services,
		endpointSlices,
		config: proxyConfigOf(configuration),
	});
	let { ruleset } = state;
	const feed = (text: string): void => {
		ruleset = applyRestore(ruleset, text, { noflush: true });
	};
	if (portmap !== null) {
		feed(portmap);
		const jumps = PORTMAP_JUMPS.map(({ chain, rule, prepend }) => `${prepend ? "-I" : "-A"} ${chain} ${rule}`);
		feed(natText(jumps));
	}
	const masquerade = masqueradeConfig(configuration);
	if (masquerade !== null) {
		feed(ipMasqRestore(masquerade, "ipv4"));
		feed(natText([`-A POSTROUTING ${ipMasqJump(masquerade)}`]));
	}
	const localnet: Record<string, number> = state.sync.routeLocalnet ? { "net.ipv4.conf.all.route_localnet": 1 } : {};
	// Tables in the one order that iptables-nft prints whatever was loaded first.
	return { ruleset: asLoaded(ruleset, { backend: "nft" }), sysctls: { ...PROXY_SYSCTLS, ...localnet } };
}

function natText(lines: readonly string[]): string {
	return ["*nat", ...lines, "COMMIT", ""].join("\n");
}

function masqueradeConfig({ nonMasquerade, ipMasq }: Configuration) {
	if (nonMasquerade.value === null) return null;
	return { ...DEFAULT_IP_MASQ_CONFIG, ...ipMasq.value, nonMasqueradeCIDRs: nonMasquerade.value };
}
