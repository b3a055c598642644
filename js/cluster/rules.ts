// A node's rules from everyone who writes some: the kubelet and kube-proxy, the portmap plugin where pods have hostPorts,
// ip-masq-agent. Each feeds its text to `iptables-restore --noflush`; their order is that of a node's start.

import type { Node, Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { DEFAULT_IP_MASQ_CONFIG, type IpMasqConfig, ipMasqJump, ipMasqRestore } from "../cni/ipmasq.ts";
import { PORTMAP_JUMPS } from "../cni/portmap.ts";
import { type KubeProxyConfiguration, type ProxyConfig, readProxyConfig } from "../kube-proxy/config.ts";
import { serviceOfSlice } from "../kube-proxy/endpointsmap.ts";
import { likeness } from "../kube-proxy/likeness.ts";
import { type ChangedSlices, edited, PartialSyncs } from "../kube-proxy/partial.ts";
import { syncNode } from "../kube-proxy/saved.ts";
import { buildServicePortMap, usesLocalEndpoints } from "../kube-proxy/servicemap.ts";
import type { ProxyNode, SyncInput } from "../kube-proxy/sync.ts";
import type { Configuration } from "../manifests/configuration.ts";
import { printPrefix } from "../net/address.ts";
import { applyRestore, asLoaded } from "../net/iptables/index.ts";
import type { Family, Ruleset } from "../net/ruleset.ts";

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

interface Synced {
	ruleset: Ruleset;
	routeLocalnet: boolean;
	/** The syncs that follow. */
	partial: PartialSyncs;
}

/** The rules of every node, of one family. Those that nothing tells apart are one value, made once. */
export class ClusterRules {
	readonly #family: Family;
	readonly #input: Omit<SyncInput, "node">;
	readonly #likeness: (node: ProxyNode) => string;
	/** After kubelet and kube-proxy, by likeness. */
	readonly #synced = new Map<string, Synced>();
	/** With everything, by likeness and portmap's text. */
	readonly #rules = new Map<string, { like: string; rules: NodeRules }>();
	/** Services whose endpoints nodes are told apart by. */
	readonly #telling: ReadonlySet<string>;
	readonly #masquerade: IpMasqConfig | null;

	/** Throws AddressError, ProxyConfigError. */
	constructor(
		services: readonly Service[],
		endpointSlices: readonly EndpointSlice[],
		configuration: Configuration,
		family: Family = "ipv4",
	) {
		this.#family = family;
		this.#input = { family, services, endpointSlices, config: proxyConfigOf(configuration) };
		this.#likeness = likeness(this.#input);
		this.#telling = tellingServices(this.#input);
		this.#masquerade = masqueradeConfig(configuration, family);
	}

	/** `portmap`: the node's hostPort chains as fed to iptables-restore, null for none. */
	of(node: Node, portmap: string | null): NodeRules {
		const own = proxyNode(node);
		const like = this.#likeness(own);
		const key = portmap === null ? like : `${like}\n${portmap}`;
		let known = this.#rules.get(key);
		if (known === undefined) {
			known = { like, rules: this.#make(own, like, portmap) };
			this.#rules.set(key, known);
		}
		return known.rules;
	}

	/**
	 * Whether nodes may not be alike any more that were, or be so now, when these slices change: then all rules are to be
	 * made anew.
	 */
	tells(changed: ChangedSlices): boolean {
		return [...changed].some(([service, slices]) => this.#telling.has(service) || slices.some(hasHints));
	}

	/**
	 * kube-proxy of every node syncs Services whose slices changed, none of which tells nodes apart: rules as they were, and
	 * what they are now. Throws AddressError.
	 */
	update(changed: ChangedSlices): ReadonlyMap<Ruleset, Ruleset> {
		if (changed.size === 0) return new Map();
		const edits = new Map([...this.#synced].map(([like, { partial }]) => [like, partial.sync(changed)]));
		const updated = new Map<Ruleset, Ruleset>();
		for (const { like, rules } of this.#rules.values()) {
			const now = edited(rules.ruleset, edits.get(like) ?? []);
			updated.set(rules.ruleset, now);
			rules.ruleset = now;
		}
		return updated;
	}

	#sync(node: ProxyNode, like: string): Synced {
		let synced = this.#synced.get(like);
		if (synced === undefined) {
			const input = { ...this.#input, node };
			const { ruleset, sync } = syncNode(input);
			const partial = new PartialSyncs(input, sync, ruleset);
			synced = { ruleset, routeLocalnet: sync.routeLocalnet, partial };
			this.#synced.set(like, synced);
		}
		return synced;
	}

	#make(node: ProxyNode, like: string, portmap: string | null): NodeRules {
		const { ruleset: before, routeLocalnet } = this.#sync(node, like);
		let ruleset = before;
		const feed = (text: string): void => {
			ruleset = applyRestore(ruleset, text, { noflush: true });
		};
		if (portmap !== null) {
			feed(portmap);
			const jumps = PORTMAP_JUMPS.map(({ chain, rule, prepend }) => `${prepend ? "-I" : "-A"} ${chain} ${rule}`);
			feed(natText(jumps));
		}
		if (this.#masquerade !== null) {
			feed(ipMasqRestore(this.#masquerade, this.#family));
			feed(natText([`-A POSTROUTING ${ipMasqJump(this.#masquerade)}`]));
		}
		const localnet: Record<string, number> = routeLocalnet ? { "net.ipv4.conf.all.route_localnet": 1 } : {};
		// Tables in the one order that iptables-nft prints whatever was loaded first.
		return { ruleset: asLoaded(ruleset, { backend: "nft" }), sysctls: { ...PROXY_SYSCTLS, ...localnet } };
	}
}

/** Services of policy Local, whose endpoints a node's name decides about, and those whose endpoints carry hints. */
function tellingServices({ services, family, config, endpointSlices }: Omit<SyncInput, "node">): Set<string> {
	const ports = buildServicePortMap(services, family, config.loadBalancerIPMode);
	const local = [...ports.values()].filter(usesLocalEndpoints).map(({ service }) => service);
	return new Set([...local, ...endpointSlices.filter(hasHints).map((slice) => serviceOfSlice(slice) ?? "")]);
}

function hasHints({ endpoints }: EndpointSlice): boolean {
	return endpoints?.some(({ hints }) => hints !== undefined) ?? false;
}

/** A Node as its kube-proxy sees it. */
export function proxyNode({ metadata, status, spec }: Node): ProxyNode {
	return {
		name: metadata.name ?? "",
		ips: (status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address),
		podCIDRs: spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []),
		labels: metadata.labels ?? {},
	};
}

function natText(lines: readonly string[]): string {
	return ["*nat", ...lines, "COMMIT", ""].join("\n");
}

/** The agent leaves ip6tables alone (`--enable-ipv6` off) unless networks of IPv6 are among those that it spares. */
function masqueradeConfig({ nonMasquerade, ipMasq }: Configuration, family: Family): IpMasqConfig | null {
	if (nonMasquerade.value === null) return null;
	if (family === "ipv6" && !nonMasquerade.value.some((cidr) => String(cidr).includes(":"))) return null;
	return { ...DEFAULT_IP_MASQ_CONFIG, ...ipMasq.value, nonMasqueradeCIDRs: nonMasquerade.value };
}
