// A node's rules from everyone who writes some: the kubelet and kube-proxy, the portmap plugin where pods have hostPorts,
// ip-masq-agent. Each feeds its text to `iptables-restore --noflush`; their order is that of a node's start.

import type { Node, Service } from "../../api/core.ts";
import type { EndpointSlice } from "../../api/discovery.ts";
import { keyOf } from "../../api/key.ts";
import { DEFAULT_IP_MASQ_CONFIG, type IpMasqConfig } from "../../cni/ipmasq.ts";
import { type KubeProxyConfiguration, type ProxyConfig, readProxyConfig } from "../../kube-proxy/config.ts";
import { type UdpFrontend, udpFrontends } from "../../kube-proxy/conntrack.ts";
import { serviceOfSlice } from "../../kube-proxy/endpointsmap.ts";
import { likeness } from "../../kube-proxy/likeness.ts";
import { type ChangedServices, edited, PartialSyncs, type PartialSyncsState } from "../../kube-proxy/partial.ts";
import type { NodeLook } from "../../kube-proxy/proxier.ts";
import { syncNode } from "../../kube-proxy/saved.ts";
import { buildServicePortMap, type ServicePortInfo, usesLocalEndpoints } from "../../kube-proxy/servicemap.ts";
import type { ProxyNode, SyncInput } from "../../kube-proxy/sync.ts";
import type { Configuration } from "../../manifests/configuration.ts";
import { printPrefix } from "../../net/address.ts";
import { asLoaded } from "../../net/iptables/index.ts";
import type { Family, Ruleset } from "../../net/ruleset.ts";
import { type Foreign, isProxyCanaryGone, masqueraded, othersLook, portmapped, syncOver } from "./foreign.ts";

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

/** Nodes whose rules are the same, from the same syncs. */
export interface RulesGroup {
	/** What their kube-proxies write the same by. */
	readonly like: string;
	/** Their hostPort chains as fed to iptables-restore, null for none. */
	readonly portmap: string | null;
	readonly rules: NodeRules;
	/** Of one node alone, whose rules somebody else has changed; null: they are its agents'. */
	readonly foreign: Foreign | null;
}

/** What kube-proxy feeds in, and what nodes differ by. */
interface World {
	services: Map<string, Service>;
	/** By Service. */
	slices: Map<string, readonly EndpointSlice[]>;
}

interface Started {
	ruleset: Ruleset;
	routeLocalnet: boolean;
}

export interface ClusterRulesState {
	family: Family;
	configuration: Configuration;
	/** As they were when nodes were told apart last. */
	input: Omit<SyncInput, "node">;
	telling: ReadonlySet<string>;
	world: World;
	partials: Map<string, PartialSyncsState>;
	started: Map<string, Started>;
	fresh: Map<string, RulesGroup>;
	groups: Set<RulesGroup>;
}

/** The rules of every node, of one family. Those that nothing tells apart are one value, made once. */
export class ClusterRules {
	readonly #family: Family;
	readonly #configuration: Configuration;
	readonly #world: World;
	readonly #input: Omit<SyncInput, "node">;
	readonly #likeness: (node: ProxyNode) => string;
	/** Services whose endpoints nodes are told apart by. */
	readonly #telling: ReadonlySet<string>;
	/** The syncs that follow, by likeness. */
	readonly #partials = new Map<string, PartialSyncs>();
	/** After a fresh start of kubelet and kube-proxy, by likeness. */
	readonly #started: Map<string, Started>;
	/** Of nodes that started with these rules, by likeness and portmap's text. */
	readonly #fresh: Map<string, RulesGroup>;
	/** All whose rules follow. */
	readonly #groups: Set<RulesGroup>;
	readonly #masquerade: IpMasqConfig | null;

	/** `state`: of rules that these go on from instead. Throws AddressError, ProxyConfigError. */
	constructor(
		services: readonly Service[],
		endpointSlices: readonly EndpointSlice[],
		configuration: Configuration,
		family: Family = "ipv4",
		state: ClusterRulesState | null = null,
	) {
		this.#family = family;
		this.#configuration = configuration;
		this.#masquerade = masqueradeConfig(configuration, family);
		if (state !== null) {
			this.#world = state.world;
			this.#input = state.input;
			this.#likeness = likeness(state.input);
			this.#telling = state.telling;
			for (const [like, partial] of state.partials) this.#partials.set(like, PartialSyncs.of(partial));
			this.#started = state.started;
			this.#fresh = state.fresh;
			this.#groups = state.groups;
			return;
		}
		const slices = new Map<string, EndpointSlice[]>();
		for (const slice of endpointSlices) {
			const name = serviceOfSlice(slice);
			if (name === null) continue;
			const own = slices.get(name);
			if (own === undefined) slices.set(name, [slice]);
			else own.push(slice);
		}
		this.#world = { services: new Map(services.map((service) => [keyOf(service), service])), slices };
		this.#input = { family, services, endpointSlices, config: proxyConfigOf(configuration) };
		this.#likeness = likeness(this.#input);
		this.#telling = tellingServices(this.#input);
		this.#started = new Map();
		this.#fresh = new Map();
		this.#groups = new Set();
	}

	/** A node whose agents start. `portmap`: its hostPort chains as fed to iptables-restore, null for none. */
	of(node: Node, portmap: string | null): RulesGroup {
		const own = proxyNode(node);
		const like = this.#likeness(own);
		const key = portmap === null ? like : `${like}\n${portmap}`;
		let known = this.#fresh.get(key);
		if (known === undefined) {
			known = { like, portmap, rules: this.#make(own, like, portmap), foreign: null };
			this.#fresh.set(key, known);
		}
		this.#groups.add(known);
		return known;
	}

	/** Whether nodes may be told apart otherwise when these Services change: then `after` has the rules, else `update`. */
	tells(changed: ChangedServices): boolean {
		const { family, config } = this.#input;
		return [...changed].some(([name, { service, slices }]) => {
			if (this.#telling.has(name) || slices.some(hasHints)) return true;
			const ports = service === null ? new Map() : buildServicePortMap([service], family, config.loadBalancerIPMode);
			return [...ports.values()].some(isTelling);
		});
	}

	/**
	 * kube-proxy of every node syncs these Services, none of which tells nodes apart: rules as they were, and what they are
	 * now, but for those that somebody else has changed (`resync`). Throws AddressError.
	 */
	update(changed: ChangedServices): ReadonlyMap<Ruleset, Ruleset> {
		if (changed.size === 0) return new Map();
		const edits = new Map([...this.#partials].map(([like, partial]) => [like, partial.sync(changed)]));
		for (const [name, { service, slices }] of changed) {
			if (service === null) this.#world.services.delete(name);
			else this.#world.services.set(name, service);
			this.#world.slices.set(name, slices);
		}
		for (const [like, started] of this.#started) started.ruleset = edited(started.ruleset, edits.get(like) ?? []);
		const updated = new Map<Ruleset, Ruleset>();
		for (const { like, rules, foreign } of this.#groups) {
			if (foreign !== null) continue;
			const now = edited(rules.ruleset, edits.get(like) ?? []);
			updated.set(rules.ruleset, now);
			rules.ruleset = now;
		}
		return updated;
	}

	/** The rules after Services have changed, for nodes to be taken over by `resync`. Throws AddressError. */
	after(changed: ChangedServices): ClusterRules {
		const services = new Map(this.#world.services);
		const slices = new Map(this.#world.slices);
		for (const [name, now] of changed) {
			if (now.service === null) services.delete(name);
			else services.set(name, now.service);
			slices.set(name, now.slices);
		}
		return new ClusterRules([...services.values()], [...slices.values()].flat(), this.#configuration, this.#family);
	}

	/**
	 * A node of a group, of these rules or those before: its kube-proxy syncs Services, all of them where none are named, and
	 * portmap writes what it has now. Throws AddressError.
	 */
	resync(node: Node, group: RulesGroup, portmap: string | null, updated?: ReadonlySet<string>): RulesGroup {
		const own = proxyNode(node);
		const like = this.#likeness(own);
		let { rules, foreign } = group;
		if (updated === undefined || updated.size > 0) {
			const partial = updated === undefined || foreign?.needsFull ? {} : { updatedServices: updated };
			const input = { ...this.#current, node: own, ...partial };
			const { ruleset, sync } = foreign === null ? syncNode(input, rules) : syncOver(input, rules.ruleset);
			rules = { ruleset, sysctls: sync === null ? rules.sysctls : sysctlsOf(sync.routeLocalnet) };
			if (foreign !== null) foreign = { needsFull: sync === null };
			else if (sync !== null && !this.#partials.has(like))
				this.#partials.set(like, PartialSyncs.after(input, sync, ruleset));
		}
		const ruleset = asLoaded(portmapped(rules.ruleset, group.portmap, portmap), { backend: "nft" });
		return this.#grouped({ like, portmap, foreign, rules: { ...rules, ruleset } });
	}

	/** A node of a group whose rules somebody else has changed to these. */
	edited(group: RulesGroup, ruleset: Ruleset): RulesGroup {
		const foreign = { needsFull: group.foreign?.needsFull ?? false };
		return this.#grouped({ ...group, foreign, rules: { ...group.rules, ruleset } });
	}

	/** Agents of a node look at rules that somebody else has changed. Throws AddressError. */
	look(node: Node, group: RulesGroup, { full, retry, kubelet }: NodeLook): RulesGroup {
		const { foreign, rules, portmap } = group;
		if (foreign === null) return group;
		const others = kubelet ? othersLook(rules.ruleset, this.#masquerade) : rules.ruleset;
		const isNews = others !== rules.ruleset;
		const looked = isNews ? this.#grouped({ ...group, rules: { ...rules, ruleset: others } }) : group;
		if (!full && !(retry && foreign.needsFull) && !isProxyCanaryGone(others)) return looked;
		const synced = this.resync(node, looked, portmap);
		if (isNews) this.leave(looked);
		return synced;
	}

	#grouped(group: RulesGroup): RulesGroup {
		this.#groups.add(group);
		return group;
	}

	/** Nobody has a group's rules any more. */
	leave(group: RulesGroup): void {
		this.#groups.delete(group);
		for (const [key, fresh] of this.#fresh) if (fresh === group) this.#fresh.delete(key);
	}

	/** Copied, and what is in the copy in the place of each group. */
	copied(): { state: ClusterRulesState; groups: ReadonlyMap<RulesGroup, RulesGroup> } {
		const groups = new Map(
			Array.from(this.#groups, (group) => [group, { ...group, rules: { ...group.rules } }] as const),
		);
		const state: ClusterRulesState = {
			...{ family: this.#family, configuration: this.#configuration, input: this.#input, telling: this.#telling },
			world: { services: new Map(this.#world.services), slices: new Map(this.#world.slices) },
			partials: new Map(Array.from(this.#partials, ([like, partial]) => [like, partial.state])),
			started: new Map(Array.from(this.#started, ([like, started]) => [like, { ...started }])),
			fresh: new Map(),
			groups: new Set(groups.values()),
		};
		for (const [key, fresh] of this.#fresh) {
			const group = groups.get(fresh);
			if (group !== undefined) state.fresh.set(key, group);
		}
		return { state, groups };
	}

	/** Go on where others were, whose state they take. */
	static of(state: ClusterRulesState): ClusterRules {
		return new ClusterRules([], [], state.configuration, state.family, state);
	}

	/** See `udpFrontends`. */
	frontendsOf(changed: ChangedServices): UdpFrontend[] {
		return udpFrontends(changed, this.#family, this.#input.config.loadBalancerIPMode);
	}

	/** What a node's kube-proxy would write the same by. */
	likenessOf(node: Node): string {
		return this.#likeness(proxyNode(node));
	}

	get #current(): Omit<SyncInput, "node"> {
		const { services, slices } = this.#world;
		return { ...this.#input, services: [...services.values()], endpointSlices: [...slices.values()].flat() };
	}

	#start(node: ProxyNode, like: string): Started {
		let started = this.#started.get(like);
		if (started === undefined) {
			const input = { ...this.#current, node };
			const { ruleset, sync } = syncNode(input);
			if (!this.#partials.has(like)) this.#partials.set(like, PartialSyncs.after(input, sync, ruleset));
			started = { ruleset, routeLocalnet: sync.routeLocalnet };
			this.#started.set(like, started);
		}
		return started;
	}

	#make(node: ProxyNode, like: string, portmap: string | null): NodeRules {
		const { ruleset: before, routeLocalnet } = this.#start(node, like);
		let ruleset = portmapped(before, null, portmap);
		if (this.#masquerade !== null) ruleset = masqueraded(ruleset, this.#masquerade);
		// Tables in the one order that iptables-nft prints whatever was loaded first.
		return { ruleset: asLoaded(ruleset, { backend: "nft" }), sysctls: sysctlsOf(routeLocalnet) };
	}
}

function sysctlsOf(routeLocalnet: boolean): Record<string, number> {
	return { ...PROXY_SYSCTLS, ...(routeLocalnet ? { "net.ipv4.conf.all.route_localnet": 1 } : {}) };
}

/** Its endpoints are told apart by nodes' names, or its rules by their addresses. */
function isTelling(port: ServicePortInfo): boolean {
	return usesLocalEndpoints(port) || port.loadBalancerSourceRanges.length > 0;
}

/** Services that tell nodes apart themselves, and those whose endpoints carry hints. */
function tellingServices({ services, family, config, endpointSlices }: Omit<SyncInput, "node">): Set<string> {
	const ports = buildServicePortMap(services, family, config.loadBalancerIPMode);
	const telling = [...ports.values()].filter(isTelling).map(({ service }) => service);
	return new Set([...telling, ...endpointSlices.filter(hasHints).map((slice) => serviceOfSlice(slice) ?? "")]);
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

/** The agent leaves ip6tables alone (`--enable-ipv6` off) unless networks of IPv6 are among those that it spares. */
function masqueradeConfig({ nonMasquerade, ipMasq }: Configuration, family: Family): IpMasqConfig | null {
	if (nonMasquerade.value === null) return null;
	if (family === "ipv6" && !nonMasquerade.value.some((cidr) => String(cidr).includes(":"))) return null;
	return { ...DEFAULT_IP_MASQ_CONFIG, ...ipMasq.value, nonMasqueradeCIDRs: nonMasquerade.value };
}
