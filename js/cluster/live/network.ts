// The network that objects make, kept up as they change. A pod, an endpoint or a Service is followed node by node; where that
// changes what everything hangs on (nodes, load balancers, routes of the fabric) the whole network is planned anew. Either way
// nodes' agents sync their rules as they do in a cluster, and the answer is what is different.

import type { Node, Pod, Service } from "../../api/core.ts";
import type { EndpointSlice } from "../../api/discovery.ts";
import { keyOf } from "../../api/key.ts";
import type { KubernetesObject } from "../../api/meta.ts";
import { OWN } from "../../apiserver/own.ts";
import { isEligible } from "../../cloud/loadbalancer.ts";
import type { LinkOptions } from "../../cni/links.ts";
import { networkOf, routerAddress } from "../../cni/network.ts";
import { routerAddress6 } from "../../cni/network6.ts";
import type { UdpFrontend } from "../../kube-proxy/conntrack.ts";
import { serviceOfSlice } from "../../kube-proxy/endpointsmap.ts";
import type { ChangedServices } from "../../kube-proxy/partial.ts";
import type { NodeLook } from "../../kube-proxy/proxier.ts";
import type { Configuration } from "../../manifests/configuration.ts";
import { ipv4FromNumber } from "../../net/address.ts";
import { joined, type NetworkChange, networkChange } from "../../net/change.ts";
import { natRules } from "../../net/nat11.ts";
import type { Netns } from "../../net/network.ts";
import type { Family, Ruleset } from "../../net/ruleset.ts";
import type { HostSpec, NodeSpec, PodSpec, RouterSpec, Topology } from "../../net/topology.ts";
import {
	healthPortsOf,
	linkOptionsOf,
	type NetworkOptions,
	ofKind,
	type RealisedNetwork,
	withPortmap,
} from "../../realise/network.ts";
import type { Plan } from "../build.ts";
import type { ObjectChange } from "./change.ts";
import { LiveNodes, type LiveNodesState, type TouchedNode } from "./nodes.ts";
import { ClusterRules, proxyNode } from "./rules.ts";
import { type Member, NodeSyncs, type NodeSyncsState, type RulesChange } from "./syncs.ts";

/** A netns as the engine has it. */
export type NetnsOf = (name: string) => Netns;

export interface Followed {
	/** Of IPv4 and IPv6. */
	rules: RulesChange[];
	/** null: to be found by comparing the whole network. */
	netns: NetworkChange | null;
	/** What connections of UDP may lead to, of Services that were synced. */
	frontends: readonly UdpFrontend[];
	/** Nodes that refused what their kube-proxies fed in. */
	failed: readonly string[];
}

/** What kube-proxies did since the network was followed last. */
export interface Synced {
	services: ChangedServices;
	looks: readonly NodeLook[];
}

/** Rules of a node, by family; absent: they are as they were. */
export type EditedRules = Readonly<Partial<Record<Family, Ruleset>>>;

type Objects = readonly KubernetesObject[];
type Realised = Pick<RealisedNetwork, "topology" | "portmap" | "assumed">;

const OWN_SERVICE = `${OWN.namespace}/${OWN.name}`;

interface Laid {
	nodes: LiveNodes;
	/** Services whose endpoints decide where packets go before they meet a node. */
	routing: ReadonlySet<string>;
	/** Some pod has an address that is not of its node's network. */
	hasStrays: boolean;
	specs: NodeSpec[];
	/** Of nodes, in `specs`. */
	places: ReadonlyMap<string, number>;
	pods: Map<string, PodSpec>;
	fabric: Pick<Topology, "fabric" | "router" | "hosts">;
	assumed: readonly string[];
}

export interface LiveNetworkState {
	options: LinkOptions;
	syncs: Readonly<Record<Family, NodeSyncsState>>;
	nodes: LiveNodesState;
	laid: Omit<Laid, "nodes">;
}

export class LiveNetwork implements Plan {
	readonly #options: LinkOptions;
	readonly #syncs: Readonly<Record<Family, NodeSyncs>>;
	#laid: Laid;
	#podList: PodSpec[] | null = null;
	#gatewaysOf: Pick<RouterSpec, "ip" | "ip6"> | null = null;

	private constructor(options: LinkOptions, syncs: Readonly<Record<Family, NodeSyncs>>, laid: Laid) {
		this.#options = options;
		this.#syncs = syncs;
		this.#laid = laid;
	}

	/** `realised`: of the same objects. Throws AddressError, ProxyConfigError. */
	static of(objects: Objects, configuration: Configuration, realised: Realised, options: NetworkOptions): LiveNetwork {
		const [services, slices] = [ofKind<Service>(objects, "Service"), ofKind<EndpointSlice>(objects, "EndpointSlice")];
		const rules = (family: Family) => new NodeSyncs(new ClusterRules(services, slices, configuration, family));
		const syncs = { ipv4: rules("ipv4"), ipv6: rules("ipv6") };
		syncAll(syncs, objects, realised, { services: new Map(), looks: [] });
		const links = linkOptionsOf(configuration, options);
		return new LiveNetwork(links, syncs, layOut(objects, realised, syncs, links, []));
	}

	/** Copied. */
	get state(): LiveNetworkState {
		const { nodes, specs, pods, fabric, ...rest } = this.#laid;
		const laid = {
			...rest,
			specs: [...specs],
			pods: new Map(pods),
			fabric: { ...fabric, hosts: [...fabric.hosts] },
		};
		const syncs = { ipv4: this.#syncs.ipv4.state, ipv6: this.#syncs.ipv6.state };
		return { options: this.#options, syncs, nodes: nodes.state, laid };
	}

	/** Goes on where another one was, whose state it takes. */
	static from({ options, syncs, nodes, laid }: LiveNetworkState): LiveNetwork {
		const both = { ipv4: NodeSyncs.of(syncs.ipv4), ipv6: NodeSyncs.of(syncs.ipv6) };
		return new LiveNetwork(options, both, { ...laid, nodes: LiveNodes.of(nodes) });
	}

	/** The same network, with a future of its own. */
	fork(): LiveNetwork {
		return LiveNetwork.from(this.state);
	}

	get topology(): Topology {
		const pods = () => {
			this.#podList ??= [...this.#laid.pods.values()];
			return this.#podList;
		};
		return {
			...this.#laid.fabric,
			nodes: this.#laid.specs,
			get pods() {
				return pods();
			},
		};
	}

	get rulesets(): ReadonlyMap<string, Ruleset> {
		return rulesetsOf(this.#syncs.ipv4);
	}

	get rulesets6(): ReadonlyMap<string, Ruleset> {
		return rulesetsOf(this.#syncs.ipv6);
	}

	/** What was taken to be so of the network without being said. */
	get assumed(): readonly string[] {
		return this.#laid.assumed;
	}

	/**
	 * Follows changes of objects, and what kube-proxies have synced; null: the whole network is to be planned anew,
	 * see `replan`. `netnsOf`: as the engine has it.
	 * Throws AddressError; then this is not to be used any more.
	 */
	follow(changes: readonly ObjectChange[], synced: Synced, netnsOf: NetnsOf): Followed | null {
		if (this.#laid.hasStrays || changes.some((change) => this.#isCentral(change))) return null;
		const touched = this.#laid.nodes.follow(changes);
		if (touched === null || touched.some(({ now }) => now.strays.length > 0)) return null;
		const portmaps = new Map(touched.map(({ name, now }) => [name, now.portmap]));
		const nothing = { nodes: [], gone: [] };
		const rules = [
			this.#syncs.ipv4.follow({ ...nothing, ...synced, portmaps }),
			this.#syncs.ipv6.follow({ ...nothing, ...synced, portmaps: new Map() }),
		];
		const parts = touched.map((node) => this.#graft(node, netnsOf));
		return this.#followed(rules, joined(parts), synced);
	}

	/** The whole network of the objects as they are now. Throws as `follow` does. */
	replan(objects: Objects, synced: Synced, realised: Realised): Followed {
		const rules = syncAll(this.#syncs, objects, realised, synced);
		this.#laid = layOut(objects, realised, this.#syncs, this.#options, this.#laid.fabric.hosts);
		this.#podList = null;
		this.#gatewaysOf = null;
		return this.#followed(rules, null, synced);
	}

	/** Somebody else than its agents has changed a node's rules. */
	edit(node: string, { ipv4, ipv6 }: EditedRules): void {
		if (ipv4 !== undefined) this.#syncs.ipv4.edit(node, ipv4);
		if (ipv6 !== undefined) this.#syncs.ipv6.edit(node, ipv6);
	}

	#followed(rules: RulesChange[], netns: NetworkChange | null, { services }: Synced): Followed {
		const failed = [...new Set(rules.flatMap((change) => change.failed))];
		return { rules, netns, frontends: this.#frontendsOf(services), failed };
	}

	#frontendsOf(services: ChangedServices): UdpFrontend[] {
		return [...this.#syncs.ipv4.frontendsOf(services), ...this.#syncs.ipv6.frontendsOf(services)];
	}

	/** What changes with it is not one node's links or rules alone. */
	#isCentral({ before, now }: ObjectChange): boolean {
		const object = (now ?? before) as KubernetesObject;
		if (object.kind === "Node") return standing(before as Node | null) !== standing(now as Node | null);
		if (object.kind === "Service") return [before, now].some((one) => one !== null && isBalanced(one as Service));
		if (object.kind !== "EndpointSlice") return false;
		const services = [before, now].map((slice) => slice && serviceOfSlice(slice as EndpointSlice));
		return services.some((name) => name !== null && this.#laid.routing.has(name));
	}

	/** A node with its pods, in place of what the engine has of them. */
	#graft({ name, before, now }: TouchedNode, netnsOf: NetnsOf): NetworkChange {
		const place = this.#laid.places.get(name) as number;
		const bare = withPortmap(now.nodes[0] as NodeSpec, now.portmap !== null);
		const spec = withSysctls(bare, this.#syncs.ipv4);
		this.#laid.specs[place] = spec;
		for (const pod of before.pods) this.#laid.pods.delete(pod.name);
		for (const pod of now.pods) this.#laid.pods.set(pod.name, pod);
		this.#podList = null;
		this.#assume(before.assumed, now.assumed);
		const { fabric } = this.#laid.fabric;
		const router = { ...this.#laid.fabric.router, lb: {}, routes: [], ...this.#gateways };
		const around = { fabric, nodes: [spec], pods: now.pods, hosts: [], router };
		const old = netnsOf(`node:${name}`);
		const made = networkOf(around).netns.filter(({ kind }) => kind === "node" || kind === "pod");
		// Routes to the others are none of what pods make, nor are rules.
		const { routes, routes6, sets } = old;
		const rules = { ruleset: rulesetOf(this.#syncs.ipv4, name), ruleset6: rulesetOf(this.#syncs.ipv6, name) };
		const netns = made.map((one) => (one.kind === "node" ? { ...one, routes, routes6, ...rules, sets } : one));
		const known = before.pods.map((pod) => netnsOf(`pod:${pod.name}`));
		return networkChange({ netns: [{ ...old, ...rules }, ...known] }, { netns });
	}

	#assume(before: readonly string[], now: readonly string[]): void {
		if (before.length === now.length && before.every((text, i) => text === now[i])) return;
		const gone = new Set(before);
		this.#laid.assumed = [...this.#laid.assumed.filter((text) => !gone.has(text)), ...now];
	}

	/** The router's addresses among all nodes: until the whole network is planned anew they stay. */
	get #gateways(): Pick<RouterSpec, "ip" | "ip6"> {
		this.#gatewaysOf ??= gatewaysOf(this.topology);
		return this.#gatewaysOf;
	}
}

function gatewaysOf(topology: Topology): Pick<RouterSpec, "ip" | "ip6"> {
	const ip6 = routerAddress6(topology);
	return { ip: ipv4FromNumber(routerAddress(topology)), ...(ip6 ? { ip6 } : {}) };
}

/** Nodes' agents of both families sync: what they have now. */
function syncAll(
	syncs: Readonly<Record<Family, NodeSyncs>>,
	objects: Objects,
	{ topology, portmap }: Realised,
	synced: Synced,
): RulesChange[] {
	const all = nodesOf(objects);
	const portmaps = new Map(topology.nodes.map(({ name }) => [name, portmap.get(name) ?? null]));
	const named = (specs: readonly NodeSpec[]) => specs.map(({ name }) => all.get(name) as Node);
	const dual = topology.nodes.filter(({ ip6 }) => ip6 !== undefined);
	return [sync(syncs.ipv4, synced, named(topology.nodes), portmaps), sync(syncs.ipv6, synced, named(dual), new Map())];
}

/** `met`: machines outside that there were, which stay. */
function layOut(
	objects: Objects,
	{ topology, assumed }: Realised,
	{ ipv4 }: Readonly<Record<Family, NodeSyncs>>,
	options: LinkOptions,
	met: readonly HostSpec[],
): Laid {
	const all = nodesOf(objects);
	const nodes = topology.nodes.map(({ name }) => all.get(name) as Node);
	const services = ofKind<Service>(objects, "Service");
	const slices = ofKind<EndpointSlice>(objects, "EndpointSlice");
	const router = { ...topology.router, iptables: topology.router.iptables ?? natRules(topology.router, true) };
	const stays = met.filter(({ name }) => !topology.hosts.some((host) => host.name === name));
	return {
		nodes: new LiveNodes(nodes, ofKind<Pod>(objects, "Pod"), slices, healthPortsOf(services), options),
		routing: new Set([OWN_SERVICE, ...services.filter(isBalanced).map(keyOf)]),
		hasStrays: topology.nodes.some(({ routes }) => routes != null) || topology.router.routes !== undefined,
		specs: topology.nodes.map((spec) => withSysctls(spec, ipv4)),
		places: new Map(topology.nodes.map(({ name }, place) => [name, place])),
		pods: new Map(topology.pods.map((pod) => [pod.name, pod])),
		fabric: { fabric: topology.fabric, router, hosts: [...topology.hosts, ...stays] },
		assumed,
	};
}

function nodesOf(objects: Objects): Map<string, Node> {
	return new Map(ofKind<Node>(objects, "Node").map((node) => [node.metadata.name ?? "", node]));
}

/** With what its agents set. */
function withSysctls(spec: NodeSpec, syncs: NodeSyncs): NodeSpec {
	const { sysctls } = (syncs.members.get(spec.name) as Member).group.rules;
	return { ...spec, sysctls: { ...sysctls, ...spec.sysctls } };
}

/** Nodes as they are now, their agents started where they are new, and what they had and have no more. */
function sync(
	syncs: NodeSyncs,
	synced: Synced,
	nodes: readonly Node[],
	portmaps: ReadonlyMap<string, string | null>,
): RulesChange {
	const names = new Set(nodes.map(({ metadata }) => metadata.name ?? ""));
	const gone = [...syncs.members.keys()].filter((name) => !names.has(name));
	const changed = nodes.filter((node) => {
		const known = syncs.members.get(node.metadata.name ?? "")?.node;
		return known === undefined || JSON.stringify(proxyNode(known)) !== JSON.stringify(proxyNode(node));
	});
	return syncs.follow({ ...synced, nodes: changed, gone, portmaps });
}

function rulesetsOf(syncs: NodeSyncs): Map<string, Ruleset> {
	return new Map(Array.from(syncs.members, ([name, { group }]) => [`node:${name}`, group.rules.ruleset]));
}

function rulesetOf(syncs: NodeSyncs, name: string): Ruleset | null {
	return syncs.members.get(name)?.group.rules.ruleset ?? null;
}

/** What links, routes and rules take of a Node. */
function standing(node: Node | null): string | null {
	if (node === null) return null;
	const { spec, status, metadata } = node;
	return JSON.stringify([status?.addresses, spec?.podCIDR, spec?.podCIDRs, metadata.labels, isEligible(node)]);
}

function isBalanced({ spec, status }: Service): boolean {
	return spec?.type === "LoadBalancer" || (status?.loadBalancer?.ingress ?? []).length > 0;
}
