// The IPv6 addresses and routes of a topology, laid over its links: what `network` does for IPv4, family by family as
// dual-stack CNI plugins and operators do it. Of link-local addresses none is kept: gateways are global ones.

import {
	type AddressPrefix,
	addressFromBigInt,
	addressToBigInt,
	canonicalAddress,
	familyOf,
	maskPrefix,
	parsePrefix,
	prefixContains,
} from "../net/address.ts";
import type { FibRoute, Netns } from "../net/network.ts";
import type { HostSpec, NodeSpec, PodSpec, Topology } from "../net/topology.ts";
import { TopologyError } from "./topologyerror.ts";

const FORWARDING = "net.ipv6.conf.all.forwarding";
const ALL: AddressPrefix = { family: "ipv6", address: "::", length: 0 };

/** The router's IPv6 address: given, or the first of the node segment; null where there is none. */
export function routerAddress6({ router, nodes, fabric }: Topology): string | null {
	if (router.ip6 !== undefined) return address(router.ip6, "router.ip6");
	const first = nodes.find(({ ip6 }) => ip6 !== undefined)?.ip6;
	return first === undefined ? null : nth(prefixOf(first, fabric.prefixLen6 ?? 64, "ip6"), 1);
}

/** Lays what the topology says of IPv6 over its netns. ::1 needs no saying. Throws TopologyError. */
export function addIpv6(topology: Topology, netns: ReadonlyMap<string, Netns>): void {
	const gateway = routerAddress6(topology);
	if (gateway === null) return;
	const layout = new Layout6(topology, netns, gateway);
	layout.addRouter();
	for (const node of topology.nodes) layout.addNode(node);
	for (const pod of topology.pods) layout.addPod(pod);
	for (const host of topology.hosts) layout.addHost(host);
	layout.addRoutes();
}

class Layout6 {
	readonly #topology: Topology;
	readonly #netns: ReadonlyMap<string, Netns>;
	readonly #gateway: string;
	readonly #nodes: ReadonlyMap<string, NodeSpec>;

	constructor(topology: Topology, netns: ReadonlyMap<string, Netns>, gateway: string) {
		this.#topology = topology;
		this.#netns = netns;
		this.#gateway = gateway;
		this.#nodes = new Map(topology.nodes.map((node) => [node.name, node]));
	}

	get #segment(): boolean {
		return this.#topology.fabric.kind === "l2";
	}

	get #length(): number {
		return this.#topology.fabric.prefixLen6 ?? 64;
	}

	addRouter(): void {
		const router = this.#named("router");
		setDefault(router, FORWARDING, 1);
		if (this.#segment) {
			assign(router, "fab", this.#gateway, this.#length);
			setDefault(this.#named("fabric"), "net.bridge.bridge-nf-call-ip6tables", 0);
		}
	}

	addHost(host: HostSpec): void {
		if (host.ip6 === undefined) return;
		const ip = address(host.ip6, `host ${host.name}: ip6`);
		this.#serve(`h-${host.name}`, ip);
		const netns = this.#named(`host:${host.name}`);
		assign(netns, "eth0", ip, 128);
		netns.routes6.push(onLink(single(this.#gateway), "eth0"), through(ALL, this.#gateway, "eth0"));
	}

	addNode(node: NodeSpec): void {
		if (node.ip6 === undefined) return;
		const netns = this.#named(`node:${node.name}`);
		setDefault(netns, FORWARDING, 1);
		const ip = address(node.ip6, `node ${node.name}: ip6`);
		assign(netns, "eth0", ip, this.#segment ? this.#length : 128);
		if (!this.#segment) {
			netns.routes6.push(onLink(single(this.#gateway), "eth0"));
			this.#serve(`n-${node.name}`, ip);
		}
		netns.routes6.push(through(ALL, this.#gateway, "eth0"));
		const pods = podsOf(node);
		if (pods === null) return;
		if (!this.#segment) this.#named("router").routes6.push(through(pods, ip, `n-${node.name}`));
		assign(netns, node.bridge ?? "cbr0", nth(pods, 1), pods.length);
	}

	addPod(pod: PodSpec): void {
		const node = this.#nodes.get(pod.node);
		const pods = node === undefined ? null : podsOf(node);
		if (pod.ip6 === undefined || node === undefined) return;
		if (pods === null) throw new TopologyError(`pod ${pod.name}: ip6, but node ${node.name} has no podCIDR6`);
		const netns = this.#named(`pod:${pod.name}`);
		const ip = address(pod.ip6, `pod ${pod.name}: ip6`);
		const gateway = nth(pods, 1);
		const inside = prefixContains(pods, ip);
		assign(netns, "eth0", ip, inside ? pods.length : 128);
		if (!inside) {
			netns.routes6.push(onLink(single(gateway), "eth0"));
			this.#named(`node:${node.name}`).routes6.push(onLink(single(ip), node.bridge ?? "cbr0"));
		}
		netns.routes6.push(through(ALL, gateway, "eth0"));
	}

	/** A link of the router to one machine has the router's address too: a device answers solicitations for its own alone. */
	#serve(link: string, ip: string): void {
		const router = this.#named("router");
		assign(router, link, this.#gateway, 128);
		router.routes6.push(onLink(single(ip), link));
	}

	/** Routes to the other nodes' pods, extra addresses, the router's own routes. */
	addRoutes(): void {
		const { nodes, fabric, router } = this.#topology;
		for (const node of nodes) {
			const netns = this.#named(`node:${node.name}`);
			for (const { dev, addr } of node.addresses ?? []) this.#addAddress(netns, dev, addr);
			const lines = (node.routes ?? []).filter(isRoute6);
			if (fabric.overlay) this.#addOverlay(node, netns, fabric.overlay.vni);
			if (lines.length > 0) netns.routes6.push(...lines.map((line) => this.#route(netns, line)));
			else if (this.#segment && !fabric.overlay && node.routes == null) netns.routes6.push(...this.#podRoutes(node));
		}
		const own = this.#named("router");
		own.routes6.push(...this.#loadBalancers());
		own.routes6.push(...(router.routes ?? []).filter(isRoute6).map((line) => this.#route(own, line)));
	}

	#podRoutes(node: NodeSpec): FibRoute<string>[] {
		return this.#topology.nodes.flatMap((other) => {
			const pods = podsOf(other);
			return other === node || pods === null || other.ip6 === undefined ? [] : [through(pods, other.ip6, "eth0")];
		});
	}

	/** The tunnel's IPv4 packets carry IPv6 frames too; its own address is the node's pod network's first. */
	#addOverlay(node: NodeSpec, netns: Netns, vni: number): void {
		const own = podsOf(node);
		if (own === null) return;
		assign(netns, `flannel.${vni}`, own.address, 128);
		for (const other of this.#topology.nodes) {
			const pods = podsOf(other);
			if (other !== node && pods !== null) netns.routes6.push(through(pods, pods.address, `flannel.${vni}`));
		}
	}

	#loadBalancers(): FibRoute<string>[] {
		return Object.entries(this.#topology.router.lb ?? {}).flatMap(([vip, names]) => {
			if (familyOf(vip) !== "ipv6") return [];
			const hops = names.map((name) => {
				const node = this.#topology.nodes.find((candidate) => candidate.name === name);
				if (node?.ip6 === undefined) throw new TopologyError(`router.lb: there is no node ${name} with an ip6`);
				return { via: node.ip6, device: this.#segment ? "fab" : `n-${name}`, weight: 1 };
			});
			const to = single(address(vip, "router.lb"));
			const [only] = hops;
			if (hops.length === 1 && only) return [through(to, only.via, only.device)];
			return [{ ...onLink(to, ""), device: null, nexthops: hops }];
		});
	}

	#addAddress(netns: Netns, dev: string, text: string): void {
		const [ip = "", length = "128"] = text.split("/");
		if (ip.includes(":")) assign(netns, dev, address(ip, `${netns.name}: address ${text}`), Number(length));
	}

	/** An `ip -6 route` line, in the forms that those of IPv4 have. */
	#route(netns: Netns, line: string): FibRoute<string> {
		const words = line.trim().split(/\s+/);
		const types: readonly string[] = ["blackhole", "unreachable", "prohibit"];
		const type = types.includes(words[0] ?? "") ? (words.shift() as FibRoute["type"]) : "unicast";
		const to = words.shift() ?? "";
		const what = `${netns.name}: route ${line}`;
		const dst = to === "default" ? ALL : maskPrefix(prefix(to, what));
		if (type !== "unicast") return { ...onLink(dst, ""), type, device: null };
		const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
		const via = after("via");
		const gateway = via === undefined ? null : address(via, what);
		const dev = after("dev") ?? (gateway === null ? undefined : deviceTowards(netns, gateway));
		if (dev === undefined) throw new TopologyError(`${what}: no device leads there`);
		const src = after("src");
		return {
			...onLink(dst, dev),
			via: gateway,
			src: src === undefined ? null : address(src, what),
			metric: Number(after("metric") ?? 0),
		};
	}

	#named(name: string): Netns {
		const netns = this.#netns.get(name);
		if (netns === undefined) throw new TopologyError(`there is no netns ${name}`);
		return netns;
	}
}

/** Is this `ip route` line one of IPv6? */
export function isRoute6(line: string): boolean {
	const words = line.trim().split(/\s+/);
	const via = words.indexOf("via");
	const to = words[/^(blackhole|unreachable|prohibit)$/.test(words[0] ?? "") ? 1 : 0] ?? "";
	return to.includes(":") || (via >= 0 && (words[via + 1] ?? "").includes(":"));
}

function podsOf(node: NodeSpec): AddressPrefix | null {
	if (node.podCIDR6 === undefined) return null;
	return maskPrefix(prefix(node.podCIDR6, `node ${node.name}: podCIDR6`));
}

/** What the topology sets itself stays. */
function setDefault({ sysctls }: Netns, name: string, value: number): void {
	if (!sysctls.has(name)) sysctls.set(name, value);
}

/** Gives a device an address, and the netns its connected route. */
function assign(netns: Netns, name: string, ip: string, length: number): void {
	const to = netns.devices.find((candidate) => candidate.name === name);
	if (to === undefined) throw new TopologyError(`${netns.name}: there is no device ${name}`);
	to.addresses6.push({ ip, prefix: length, scope: "global" });
	if (length < 128 && name !== "lo") netns.routes6.push(onLink(prefixOf(ip, length, name), name));
}

function onLink({ address: base, length }: AddressPrefix, dev: string): FibRoute<string> {
	return { prefix: base, length, type: "unicast", via: null, device: dev, src: null, metric: 0, nexthops: [] };
}

function through(to: AddressPrefix, via: string, dev: string): FibRoute<string> {
	return { ...onLink(to, dev), via };
}

function single(ip: string): AddressPrefix {
	return { family: "ipv6", address: ip, length: 128 };
}

function deviceTowards(netns: Netns, ip: string): string | undefined {
	const direct = netns.routes6.filter(
		({ via, device, prefix: base, length }) =>
			via === null && device !== null && prefixContains({ family: "ipv6", address: base, length }, ip),
	);
	return direct.sort((a, b) => b.length - a.length)[0]?.device ?? undefined;
}

function prefixOf(ip: string, length: number, what: string): AddressPrefix {
	return maskPrefix(prefix(`${ip}/${length}`, what));
}

/** The `n`th address of a prefix. */
function nth({ address: base }: AddressPrefix, n: number): string {
	return addressFromBigInt(addressToBigInt(base) + BigInt(n), "ipv6");
}

function address(text: string, what: string): string {
	const ip = familyOf(text) === "ipv6" ? canonicalAddress(text) : null;
	if (ip === null) throw new TopologyError(`${what}: ${JSON.stringify(text)} is not an IPv6 address`);
	return ip;
}

function prefix(text: string, what: string): AddressPrefix {
	const parsed = parsePrefix(text);
	if (parsed === null || parsed.family !== "ipv6")
		throw new TopologyError(`${what}: ${JSON.stringify(text)} is not an IPv6 prefix`);
	return parsed;
}
