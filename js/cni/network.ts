// From a topology to the links, addresses and routes of every netns: bridge and veth pairs on the nodes (the CNI bridge
// plugin), the fabric between them (one segment, one link a node, or a VXLAN overlay as flannel lays it), the router.
// IPv4 here, IPv6 over it in `network6`.
// Device names: `eth0 cbr0 v-POD lo flannel.VNI` in a node, `n-NODE h-HOST fab` in the router, `n-NODE router` in the fabric.

import { ipv4ToNumber, parseIpv4, parsePrefix } from "../net/address.ts";
import type { Device, DeviceAddress, FibRoute, Netns, NetnsKind, Network } from "../net/network.ts";
import type { HostSpec, NodeSpec, PodSpec, RouterSpec, Topology } from "../net/topology.ts";
import { addIpv6, isRoute6 } from "./network6.ts";
import { TopologyError } from "./topologyerror.ts";

export { TopologyError } from "./topologyerror.ts";

const NODE_SYSCTLS = {
	"net.ipv4.ip_forward": 1,
	"net.ipv4.conf.all.rp_filter": 2,
	"net.bridge.bridge-nf-call-iptables": 1,
};
const ROUTER_SYSCTLS = { "net.ipv4.ip_forward": 1, "net.ipv4.fib_multipath_hash_policy": 1 };
const VXLAN_MTU = 1450;
const MTU = 1500;

/** Every netns of a topology, without rules and sets: those are texts, and their parsers' business. */
export function networkOf(topology: Topology): Network {
	const layout = new Layout(topology);
	layout.addRouter();
	for (const node of topology.nodes) layout.addNode(node);
	for (const pod of topology.pods) layout.addPod(pod);
	for (const host of topology.hosts) layout.addHost(host);
	layout.addNodeRoutes();
	addIpv6(topology, layout.netns);
	return { netns: [...layout.netns.values()] };
}

/** The router's own address: given, or the first of the node segment. */
export function routerAddress(topology: Topology): number {
	const given = topology.router.ip;
	if (given !== undefined) return address(given, "router.ip");
	const first = topology.nodes[0]?.ip ?? "192.0.2.11";
	return (network(address(first, "nodes[0].ip"), prefixLength(topology)) + 1) >>> 0;
}

class Layout {
	readonly netns = new Map<string, Netns>();
	readonly #topology: Topology;
	readonly #gateway: number;
	readonly #nodes: Map<string, NodeSpec>;
	/** All pods have the same one. */
	readonly #podLo = loopback();
	readonly #noSysctls = new Map<string, number>();

	constructor(topology: Topology) {
		this.#topology = topology;
		this.#gateway = routerAddress(topology);
		this.#nodes = new Map(topology.nodes.map((node) => [node.name, node]));
	}

	get #segment(): boolean {
		return this.#topology.fabric.kind === "l2";
	}

	addRouter(): void {
		const router = this.#add("router", "router", { ...ROUTER_SYSCTLS, ...this.#topology.router.sysctls });
		if (!this.#segment) {
			lo(router).addresses.push({ ip: this.#gateway, prefix: 32, scope: "global" });
			return;
		}
		const fabric = this.#add("fabric", "fabric", { "net.bridge.bridge-nf-call-iptables": 0 });
		fabric.devices.push(device("br0", "bridge"));
		this.#join(router, "fab", fabric, "router", "br0");
		assign(router, "fab", this.#gateway, prefixLength(this.#topology));
	}

	addHost(host: HostSpec): void {
		const netns = this.#add(`host:${host.name}`, "host", { ...host.sysctls });
		netns.listen = host.listen ?? [];
		netns.listenAny = host.listenAny ?? false;
		const router = this.#named("router");
		this.#join(router, `h-${host.name}`, netns, "eth0", null);
		if (host.ip === undefined) return;
		const ip = address(host.ip, `host ${host.name}: ip`);
		router.routes.push(onLink(ip, 32, `h-${host.name}`));
		assign(netns, "eth0", ip, 32);
		netns.routes.push(onLink(this.#gateway, 32, "eth0"), through(0, 0, this.#gateway, "eth0"));
	}

	addNode(node: NodeSpec): void {
		const netns = this.#add(`node:${node.name}`, "node", { ...NODE_SYSCTLS, ...node.sysctls });
		netns.listen = node.listen ?? [];
		const ip = address(node.ip, `node ${node.name}: ip`);
		const pods = prefix(node.podCIDR, `node ${node.name}: podCIDR`);
		if (this.#segment) {
			this.#join(netns, "eth0", this.#named("fabric"), `n-${node.name}`, "br0");
			assign(netns, "eth0", ip, prefixLength(this.#topology));
			netns.routes.push(through(0, 0, this.#gateway, "eth0"));
		} else {
			const router = this.#named("router");
			this.#join(router, `n-${node.name}`, netns, "eth0", null);
			assign(netns, "eth0", ip, 32);
			netns.routes.push(onLink(this.#gateway, 32, "eth0"), through(0, 0, this.#gateway, "eth0"));
			router.routes.push(onLink(ip, 32, `n-${node.name}`), through(pods.base, pods.length, ip, `n-${node.name}`));
		}
		if (node.promisc === true && node.hairpin === true) throw exclusive(`node ${node.name}: hairpin and promisc`);
		const bridge = { ...device(node.bridge ?? "cbr0", "bridge"), promisc: node.promisc ?? false };
		netns.devices.push(bridge);
		assign(netns, bridge.name, (pods.base + 1) >>> 0, pods.length);
	}

	addPod(pod: PodSpec): void {
		const node = this.#nodes.get(pod.node);
		if (node === undefined) throw new TopologyError(`pod ${pod.name}: there is no node ${pod.node}`);
		const netns = this.#add(`pod:${pod.name}`, "pod", { ...pod.sysctls });
		netns.listen = pod.listen ?? [];
		netns.listenAny = pod.listenAny ?? false;
		netns.silent = pod.silent ?? false;
		const ip = address(pod.ip, `pod ${pod.name}: ip`);
		const pods = prefix(node.podCIDR, `node ${node.name}: podCIDR`);
		const host = this.#named(`node:${pod.node}`);
		this.#join(netns, "eth0", host, `v-${pod.name}`, node.bridge ?? "cbr0");
		const port = host.devices.at(-1);
		const hairpin = pod.hairpin ?? node.hairpin ?? false;
		if (hairpin && node.promisc === true) throw exclusive(`pod ${pod.name}: hairpin, and promisc of node ${node.name}`);
		if (port) port.hairpin = hairpin;
		const gateway = (pods.base + 1) >>> 0;
		const inside = network(ip, pods.length) === pods.base;
		assign(netns, "eth0", ip, inside ? pods.length : 32);
		if (!inside) {
			// A pod address outside its node's podCIDR is reached by a route of its own.
			netns.routes.push(onLink(gateway, 32, "eth0"));
			host.routes.push(onLink(ip, 32, node.bridge ?? "cbr0"));
		}
		netns.routes.push(through(0, 0, gateway, "eth0"));
		// Pods are many: their lists have no room to spare.
		netns.routes = netns.routes.slice();
		netns.devices = netns.devices.slice();
	}

	/** Routes to the other nodes' pods, extra addresses, the router's own routes. */
	addNodeRoutes(): void {
		for (const node of this.#topology.nodes) {
			const netns = this.#named(`node:${node.name}`);
			if (this.#topology.fabric.overlay) this.#addOverlay(node, netns);
			for (const { dev, addr } of node.addresses ?? []) this.#addAddress(netns, dev, addr);
			if (node.routes) netns.routes.push(...node.routes.flatMap((line) => this.#route(netns, line)));
			else if (this.#segment && !this.#topology.fabric.overlay) netns.routes.push(...this.#podRoutes(node));
		}
		const router = this.#named("router");
		router.routes.push(...this.#loadBalancers(this.#topology.router));
		router.routes.push(...(this.#topology.router.routes ?? []).flatMap((line) => this.#route(router, line)));
	}

	#podRoutes(node: NodeSpec): FibRoute[] {
		return this.#topology.nodes
			.filter((other) => other !== node)
			.map((other) => {
				const pods = prefix(other.podCIDR, `node ${other.name}: podCIDR`);
				return through(pods.base, pods.length, address(other.ip, `node ${other.name}: ip`), "eth0");
			});
	}

	#addOverlay(node: NodeSpec, netns: Netns): void {
		const overlay = this.#topology.fabric.overlay;
		if (!overlay) return;
		const name = `flannel.${overlay.vni}`;
		const local = address(node.ip, `node ${node.name}: ip`);
		netns.devices.push({
			...device(name, "vxlan"),
			mtu: VXLAN_MTU,
			vxlan: { vni: overlay.vni, local, port: overlay.port },
		});
		assign(netns, name, prefix(node.podCIDR, `node ${node.name}: podCIDR`).base, 32);
		for (const other of this.#topology.nodes) {
			if (other === node) continue;
			const pods = prefix(other.podCIDR, `node ${other.name}: podCIDR`);
			netns.routes.push(through(pods.base, pods.length, pods.base, name));
		}
	}

	#loadBalancers(router: RouterSpec): FibRoute[] {
		return Object.entries(router.lb ?? {}).flatMap(([vip, names]) => {
			if (vip.includes(":")) return [];
			const hops = names.map((name) => {
				const node = this.#nodes.get(name);
				if (node === undefined) throw new TopologyError(`router.lb: there is no node ${name}`);
				return { via: address(node.ip, `node ${name}: ip`), device: this.#segment ? "fab" : `n-${name}`, weight: 1 };
			});
			const [only] = hops;
			const ip = address(vip, "router.lb");
			if (hops.length === 1 && only) return through(ip, 32, only.via, only.device);
			return { ...through(ip, 32, 0, ""), via: null, device: null, nexthops: hops };
		});
	}

	#addAddress(netns: Netns, dev: string, text: string): void {
		if (text.includes(":")) return;
		const given = prefix(text.includes("/") ? text : `${text}/32`, `${netns.name}: address ${text}`);
		assign(netns, dev, address(text.split("/")[0] ?? "", `${netns.name}: address ${text}`), given.length);
	}

	/** An `ip route` line: `PREFIX via IP [dev DEV]`, `PREFIX dev DEV`, `blackhole PREFIX`; [] for one of IPv6. */
	#route(netns: Netns, line: string): FibRoute | [] {
		if (isRoute6(line)) return [];
		const words = line.trim().split(/\s+/);
		const types: readonly string[] = ["blackhole", "unreachable", "prohibit"];
		const type = types.includes(words[0] ?? "") ? (words.shift() as FibRoute["type"]) : "unicast";
		const to = words.shift() ?? "";
		const dst =
			to === "default"
				? { base: 0, length: 0 }
				: prefix(to.includes("/") ? to : `${to}/32`, `${netns.name}: route ${line}`);
		const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
		if (type !== "unicast") return { ...onLink(dst.base, dst.length, ""), type, device: null };
		const via = after("via");
		const gateway = via === undefined ? null : address(via, `${netns.name}: route ${line}`);
		const dev = after("dev") ?? (gateway === null ? undefined : deviceTowards(netns, gateway));
		if (dev === undefined) throw new TopologyError(`${netns.name}: route ${line}: no device leads there`);
		const src = after("src");
		const metric = after("metric");
		return {
			...onLink(dst.base, dst.length, dev),
			via: gateway,
			src: src === undefined ? null : address(src, `${netns.name}: route ${line}`),
			metric: metric === undefined ? 0 : Number(metric),
		};
	}

	#add(name: string, kind: NetnsKind, sysctls: Record<string, string | number>): Netns {
		if (this.netns.has(name)) throw new TopologyError(`${name}: there are two of this name`);
		const netns: Netns = {
			name,
			kind,
			devices: [kind === "pod" ? this.#podLo : loopback()],
			routes: [],
			routes6: [],
			sysctls: kind === "pod" && Object.keys(sysctls).length === 0 ? this.#noSysctls : numbers(sysctls),
			ruleset: null,
			ruleset6: null,
			sets: [],
			listen: [],
			silent: false,
			listenAny: false,
		};
		this.netns.set(name, netns);
		return netns;
	}

	#named(name: string): Netns {
		const netns = this.netns.get(name);
		if (netns === undefined) throw new TopologyError(`there is no netns ${name}`);
		return netns;
	}

	/** A veth pair; the far end becomes a port of `master` where one is given. */
	#join(near: Netns, nearName: string, far: Netns, farName: string, master: string | null): void {
		near.devices.push({ ...device(nearName, "veth"), peer: { netns: far.name, device: farName } });
		far.devices.push({ ...device(farName, "veth"), peer: { netns: near.name, device: nearName }, master });
	}
}

/** As the bridge plugin says it (plugins/main/bridge/bridge.go cmdAdd). */
const exclusive = (where: string) =>
	new TopologyError(`${where}: cannot set hairpin mode and promiscuous mode at the same time; expected one of them`);

function device(name: string, kind: Device["kind"]): Device {
	return {
		name,
		kind,
		peer: null,
		master: null,
		addresses: [],
		addresses6: [],
		mtu: MTU,
		hairpin: false,
		promisc: false,
		vxlan: null,
	};
}

function loopback(): Device {
	return { ...device("lo", "lo"), mtu: 65536, addresses: [{ ip: 0x7f000001, prefix: 8, scope: "host" }] };
}

function numbers(sysctls: Record<string, string | number>): Map<string, number> {
	return new Map(Object.entries(sysctls).map(([key, value]) => [key, Number(value)]));
}

function lo(netns: Netns): Device {
	return netns.devices[0] as Device;
}

/** Gives a device an address, and the netns its connected route. */
function assign(netns: Netns, name: string, ip: number, length: number): void {
	const to = netns.devices.find((candidate) => candidate.name === name);
	if (to === undefined) throw new TopologyError(`${netns.name}: there is no device ${name}`);
	const scope: DeviceAddress["scope"] = ip >>> 24 === 127 ? "host" : "global";
	const own: DeviceAddress = { ip, prefix: length, scope };
	if (to.addresses.length === 0) to.addresses = [own];
	else to.addresses.push(own);
	if (length < 32 && name !== "lo") netns.routes.push({ ...onLink(network(ip, length), length, name), src: ip });
}

function onLink(base: number, length: number, dev: string): FibRoute {
	return { prefix: base, length, type: "unicast", via: null, device: dev, src: null, metric: 0, nexthops: [] };
}

function through(base: number, length: number, via: number, dev: string): FibRoute {
	return { ...onLink(base, length, dev), via };
}

function deviceTowards(netns: Netns, ip: number): string | undefined {
	let best: FibRoute | undefined;
	for (const route of netns.routes) {
		if (route.via !== null || route.device === null || network(ip, route.length) !== route.prefix) continue;
		if (best === undefined || route.length > best.length) best = route;
	}
	return best?.device ?? undefined;
}

function prefixLength(topology: Topology): number {
	return topology.fabric.prefixLen ?? 24;
}

function network(ip: number, length: number): number {
	return length === 0 ? 0 : (ip & (0xffffffff << (32 - length))) >>> 0;
}

function address(text: string, what: string): number {
	const ip = parseIpv4(text);
	if (ip === null) throw new TopologyError(`${what}: ${JSON.stringify(text)} is not an IPv4 address`);
	return ip;
}

function prefix(text: string, what: string): { base: number; length: number } {
	const parsed = parsePrefix(text);
	if (parsed === null || parsed.family !== "ipv4")
		throw new TopologyError(`${what}: ${JSON.stringify(text)} is not an IPv4 prefix`);
	return { base: network(ipv4ToNumber(parsed.address), parsed.length), length: parsed.length };
}
