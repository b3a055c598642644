// From a topology to the steps that build it out of Linux network namespaces: links, addresses, routes, sysctls, rules, sets
// and listeners. Pure: the agent carries the steps out. ip(8), bridge(8), iptables-restore(8), ipset(8).
// The layout is that of the recorded scenarios: netns `fabric` (l2 only), `router`, `node:N`, `pod:P`, `host:H`; devices
// `eth0`, `cbr0`, `v-P` and `lo` in a node, `n-N`, `h-H` and `fab` in the router, `n-N` and `router` in the fabric.

import { natRules } from "../net/nat11.ts";
import type { HostSpec, Listener, NodeSpec, PodSpec, RouterSpec, Topology } from "../net/topology.ts";

export type Backend = "legacy" | "nft";

export interface NetnsPlan {
	name: string;
	/** Source address of raw probes from here. */
	address?: string;
	/** Rules are loaded, so it has counters and a conntrack table. */
	filtered?: boolean;
	/** Kernel device name to the name it is told by, where they differ. */
	devices: Record<string, string>;
	/** Kernel names of devices that must run before the first packet: the kernel notices a carrier late on a busy machine. */
	links: string[];
}

export type Step = { netns: string } & (
	| { sysctls: Record<string, string | number> }
	/** `paths`: words `@NETNS` of the input stand for the path of that namespace. */
	| { argv: string[]; stdin: string; paths?: boolean }
	| { listen: Listener; owner: string }
);

export interface Plan {
	netns: NetnsPlan[];
	steps: Step[];
	/** UDP port whose datagrams are told with what they carry. */
	vxlanPort: number | null;
}

/** Kernel defaults where `net.core.devconf_inherit_init_net` could hand down the machine's own. */
const COMMON_SYSCTLS = {
	"net.ipv6.conf.all.disable_ipv6": 1,
	"net.ipv6.conf.default.disable_ipv6": 1,
	"net.ipv4.conf.all.rp_filter": 0,
	"net.ipv4.conf.default.rp_filter": 0,
	"net.ipv4.conf.all.accept_redirects": 1,
	"net.ipv4.conf.default.accept_redirects": 1,
	"net.ipv4.conf.all.send_redirects": 1,
	"net.ipv4.conf.default.send_redirects": 1,
	// A SYN-ACK that nobody answers would come again during a later probe, and count there.
	"net.ipv4.tcp_synack_retries": 0,
};
const NODE_SYSCTLS = {
	"net.ipv4.ip_forward": 1,
	"net.ipv4.conf.all.rp_filter": 2,
	"net.ipv4.conf.default.rp_filter": 2,
	"net.bridge.bridge-nf-call-iptables": 1,
};

/** The steps that build `topology` with one of the two iptables. */
export function planLab(topology: Topology, backend: Backend): Plan {
	const layout = new Layout(topology, backend);
	if (topology.fabric.kind === "l2") layout.addFabric();
	layout.addRouter();
	for (const host of topology.hosts) layout.addHost(host);
	for (const node of topology.nodes) layout.addNode(node);
	for (const pod of topology.pods) layout.addPod(pod);
	layout.addRoutes();
	layout.addRules();
	layout.addListeners();
	return { netns: layout.netns, steps: layout.steps, vxlanPort: topology.fabric.overlay?.port ?? null };
}

/** Device names are at most 15 bytes (IFNAMSIZ), without slash, colon or blank (dev_valid_name). */
const DEVICE_NAME_MAX = 15;
const NOT_IN_DEVICE_NAMES = /[/:\s]/g;

class Layout {
	readonly netns: NetnsPlan[] = [];
	readonly steps: Step[] = [];
	readonly #topology: Topology;
	readonly #backend: Backend;
	readonly #devices = new Map<string, string>();

	constructor(topology: Topology, backend: Backend) {
		this.#topology = topology;
		this.#backend = backend;
	}

	get #router(): RouterSpec {
		return this.#topology.router ?? {};
	}

	get #routerAddress(): string {
		const prefixLen = this.#topology.fabric.prefixLen ?? 24;
		return this.#router.ip ?? nth(this.#topology.nodes[0]?.ip ?? "192.0.2.11", prefixLen, 1);
	}

	#add(name: string, address?: string, filtered = false): void {
		this.netns.push({ name, filtered, devices: {}, links: [], ...(address === undefined ? {} : { address }) });
		this.steps.push({ netns: name, sysctls: COMMON_SYSCTLS });
		this.#ip(name, ["link set lo up"]);
	}

	#ip(netns: string, lines: string[]): void {
		this.steps.push({ netns, argv: ["ip", "-batch", "-"], stdin: `${lines.join(" \n")} \n`, paths: true });
	}

	/** The kernel name of a device told as `name`; one that cannot be is changed and numbered. */
	#device(netns: string, name: string): string {
		const key = `${netns}/${name}`;
		let short = this.#devices.get(key);
		if (short === undefined) {
			const number = `.${this.#devices.size}`;
			const valid = name.replace(NOT_IN_DEVICE_NAMES, "-");
			const fits = valid === name && name.length <= DEVICE_NAME_MAX;
			short = fits ? name : valid.slice(0, DEVICE_NAME_MAX - number.length) + number;
			this.#devices.set(key, short);
			const plan = this.netns.find((candidate) => candidate.name === netns);
			if (plan && short !== name) plan.devices[short] = name;
		}
		return short;
	}

	/** A veth pair: `device` here, `peer` in the netns `peerNetns`, both up. */
	#link(netns: string, device: string, peerNetns: string, peer: string): void {
		const [here, there] = [this.#device(netns, device), this.#device(peerNetns, peer)];
		this.#ip(netns, [`link add ${here} type veth peer name ${there} netns @${peerNetns}`, `link set ${here} up`]);
		this.#ip(peerNetns, [`link set ${there} up`]);
		this.#await(netns, here);
		this.#await(peerNetns, there);
	}

	#await(netns: string, device: string): void {
		const plan = this.netns.find((candidate) => candidate.name === netns);
		if (plan && !plan.links.includes(device)) plan.links.push(device);
	}

	addFabric(): void {
		this.#add("fabric");
		this.steps.push({ netns: "fabric", sysctls: { "net.bridge.bridge-nf-call-iptables": 0 } });
		this.#ip("fabric", ["link add br0 type bridge mcast_snooping 0", "link set br0 up"]);
		this.#await("fabric", "br0");
	}

	addRouter(): void {
		const { nat11, natOnly, iptables } = this.#router;
		this.#add("router", this.#routerAddress, Boolean(nat11 || natOnly || iptables));
		this.steps.push({
			netns: "router",
			sysctls: { "net.ipv4.ip_forward": 1, "net.ipv4.fib_multipath_hash_policy": 1 },
		});
		if (this.#topology.fabric.kind === "l2") {
			this.#link("router", "fab", "fabric", "router");
			this.#ip("fabric", ["link set router master br0"]);
			this.#ip("router", [`address add ${this.#routerAddress}/${this.#topology.fabric.prefixLen ?? 24} dev fab`]);
		} else {
			this.#ip("router", [`address add ${this.#routerAddress}/32 dev lo`]);
		}
	}

	addHost(host: HostSpec): void {
		const netns = `host:${host.name}`;
		this.#add(netns, host.ip);
		this.#link("router", `h-${host.name}`, netns, "eth0");
		this.#ip("router", [`route add ${host.ip}/32 dev ${this.#device("router", `h-${host.name}`)}`]);
		this.#ip(netns, [
			`address add ${host.ip}/32 dev eth0`,
			`route add ${this.#routerAddress}/32 dev eth0 scope link`,
			`route add default via ${this.#routerAddress} dev eth0`,
		]);
	}

	addNode(node: NodeSpec): void {
		const netns = `node:${node.name}`;
		const { fabric } = this.#topology;
		this.#add(netns, node.ip, typeof node.iptables === "string");
		this.steps.push({ netns, sysctls: NODE_SYSCTLS });
		if (fabric.kind === "l2") {
			this.#link(netns, "eth0", "fabric", `n-${node.name}`);
			this.#ip("fabric", [`link set ${this.#device("fabric", `n-${node.name}`)} master br0`]);
			this.#ip(netns, [
				`address add ${node.ip}/${fabric.prefixLen ?? 24} dev eth0`,
				`route add default via ${this.#routerAddress}`,
			]);
		} else {
			this.#link(netns, "eth0", "router", `n-${node.name}`);
			this.#ip(netns, [
				`address add ${node.ip}/32 dev eth0`,
				`route add ${this.#routerAddress}/32 dev eth0 scope link`,
				`route add default via ${this.#routerAddress} dev eth0`,
			]);
			const link = this.#device("router", `n-${node.name}`);
			this.#ip("router", [
				`route add ${node.ip}/32 dev ${link}`,
				`route add ${node.podCIDR} via ${node.ip} dev ${link} onlink`,
			]);
		}
		const bridge = node.bridge ?? "cbr0";
		const [base, length] = splitPrefix(node.podCIDR);
		this.#ip(netns, [
			`link add ${bridge} address ${macOf(base, 1)} type bridge mcast_snooping 0`,
			`link set ${bridge} up`,
			...(node.promisc ? [`link set ${bridge} promisc on`] : []),
			`address add ${nth(base, length, 1)}/${length} dev ${bridge}`,
		]);
	}

	addPod(pod: PodSpec): void {
		const node = this.#nodeOf(pod);
		const netns = `pod:${pod.name}`;
		const nodeNetns = `node:${node.name}`;
		this.#add(netns, pod.ip);
		this.#link(nodeNetns, `v-${pod.name}`, netns, "eth0");
		const port = this.#device(nodeNetns, `v-${pod.name}`);
		const hairpin = pod.hairpin ?? node.hairpin ?? false;
		this.#ip(nodeNetns, [
			`link set ${port} master ${node.bridge ?? "cbr0"}`,
			...(hairpin ? [`link set ${port} type bridge_slave hairpin on`] : []),
		]);
		this.#await(nodeNetns, node.bridge ?? "cbr0");
		const [base, length] = splitPrefix(node.podCIDR);
		const gateway = nth(base, length, 1);
		if (nth(pod.ip, length, 0) === base) {
			this.#ip(netns, [`address add ${pod.ip}/${length} dev eth0`, `route add default via ${gateway}`]);
			return;
		}
		// A pod address outside its node's podCIDR is reached by a route of its own.
		this.#ip(nodeNetns, [`route add ${pod.ip}/32 dev ${node.bridge ?? "cbr0"}`]);
		this.#ip(netns, [
			`address add ${pod.ip}/32 dev eth0`,
			`route add ${gateway}/32 dev eth0 scope link`,
			`route add default via ${gateway} dev eth0`,
		]);
	}

	#nodeOf(pod: PodSpec): NodeSpec {
		const node = this.#topology.nodes.find((candidate) => candidate.name === pod.node);
		if (node === undefined)
			throw new Error(
				`pod ${pod.name}: no node is named ${pod.node}; there are ${this.#topology.nodes.map((n) => n.name).join(", ")}`,
			);
		return node;
	}

	/** Pod networks through the other nodes, the router's own routes, extra addresses. */
	addRoutes(): void {
		const { nodes, fabric } = this.#topology;
		for (const node of nodes) {
			const netns = `node:${node.name}`;
			if (fabric.overlay) this.#addOverlay(node);
			for (const { dev, addr } of node.addresses ?? []) this.#ip(netns, [`address add ${addr} dev ${dev}`]);
			if (node.routes)
				this.#ip(
					netns,
					node.routes.map((route) => `route replace ${route}`),
				);
			else if (fabric.kind === "l2" && !fabric.overlay) {
				const others = nodes.filter((other) => other !== node);
				this.#ip(
					netns,
					others.map((other) => `route add ${other.podCIDR} via ${other.ip}`),
				);
			}
		}
		this.#ip("router", [
			...this.#loadBalancerRoutes(),
			...(this.#router.routes ?? []).map((route) => `route replace ${this.#onlink(route)}`),
		]);
	}

	/** flannel's vxlan backend: a /32 on the tunnel device, one route, neighbour and FDB entry a remote node. */
	#addOverlay(node: NodeSpec): void {
		const overlay = this.#topology.fabric.overlay;
		if (!overlay) return;
		const netns = `node:${node.name}`;
		const device = `flannel.${overlay.vni}`;
		const [base] = splitPrefix(node.podCIDR);
		const mac = (other: NodeSpec) => macOf(splitPrefix(other.podCIDR)[0], 2);
		this.#ip(netns, [
			`link add ${device} address ${mac(node)} mtu 1450 type vxlan id ${overlay.vni} local ${node.ip} dev eth0 dstport ${overlay.port} nolearning`,
			`link set ${device} up`,
			`address add ${base}/32 dev ${device}`,
		]);
		const others = this.#topology.nodes.filter((other) => other !== node);
		this.#ip(
			netns,
			others.flatMap((other) => {
				const via = splitPrefix(other.podCIDR)[0];
				return [
					`neigh add ${via} lladdr ${mac(other)} dev ${device} nud permanent`,
					`route add ${other.podCIDR} via ${via} dev ${device} onlink`,
				];
			}),
		);
		this.steps.push({
			netns,
			argv: ["bridge", "-batch", "-"],
			stdin: others.map((other) => `fdb append ${mac(other)} dev ${device} dst ${other.ip}\n`).join(""),
		});
	}

	#loadBalancerRoutes(): string[] {
		return Object.entries(this.#router.lb ?? {}).map(([vip, names]) => {
			const hops = names.map((name) => this.#onlink(`via ${this.#nodeNamed(name).ip}`));
			return `route add ${vip}/32 ${hops.length === 1 ? hops[0] : hops.map((hop) => `nexthop ${hop}`).join(" ")}`;
		});
	}

	#nodeNamed(name: string): NodeSpec {
		const node = this.#topology.nodes.find((candidate) => candidate.name === name);
		if (node === undefined)
			throw new Error(
				`router.lb: no node is named ${name}; there are ${this.#topology.nodes.map((n) => n.name).join(", ")}`,
			);
		return node;
	}

	/** In a routed fabric a node is reached on its own link, which no prefix covers. */
	#onlink(route: string): string {
		if (this.#topology.fabric.kind === "l2") return route;
		const via = /\bvia (\S+)/.exec(route)?.[1];
		const node = this.#topology.nodes.find((candidate) => candidate.ip === via);
		return node && !/\bdev\b/.test(route) ? `${route} dev ${this.#device("router", `n-${node.name}`)} onlink` : route;
	}

	addRules(): void {
		for (const node of this.#topology.nodes) {
			const netns = `node:${node.name}`;
			if (node.ipset) this.steps.push({ netns, argv: ["ipset", "restore"], stdin: node.ipset });
			if (typeof node.iptables === "string") this.#restore(netns, node.iptables);
			this.#sysctls(netns, node.sysctls);
		}
		const routerRules = this.#router.iptables ?? natRules(this.#router, this.#topology.hosts.length > 0);
		if (routerRules !== null) this.#restore("router", routerRules);
		this.#sysctls("router", this.#router.sysctls);
		for (const pod of this.#topology.pods) {
			this.#sysctls(`pod:${pod.name}`, pod.sysctls);
			if (pod.silent) this.#restore(`pod:${pod.name}`, "*raw\n:PREROUTING DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n");
		}
		for (const host of this.#topology.hosts) this.#sysctls(`host:${host.name}`, host.sysctls);
	}

	#restore(netns: string, text: string): void {
		this.steps.push({ netns, argv: restoreCommand(this.#backend), stdin: text.endsWith("\n") ? text : `${text}\n` });
	}

	/** Names as written; set last, so that they win over every default. */
	#sysctls(netns: string, sysctls: Record<string, string | number> | undefined): void {
		if (sysctls && Object.keys(sysctls).length > 0) this.steps.push({ netns, sysctls });
	}

	addListeners(): void {
		const { nodes, pods, hosts } = this.#topology;
		for (const [kind, specs] of [
			["node", nodes],
			["pod", pods],
			["host", hosts],
		] as const) {
			for (const { name, listen } of specs) {
				for (const one of listen ?? [])
					this.steps.push({ netns: `${kind}:${name}`, listen: one, owner: `${kind} ${name}` });
			}
		}
	}
}

export function restoreCommand(backend: Backend): string[] {
	return [`iptables-${backend}-restore`];
}

export function saveCommand(backend: Backend): string[] {
	return [`iptables-${backend}-save`, "-c"];
}

/** `10.244.1.0/24` → its base address and length. */
function splitPrefix(prefix: string): [base: string, length: number] {
	const [address = "", length = "32"] = prefix.split("/");
	return [nth(address, Number(length), 0), Number(length)];
}

/** The `n`th address of the network that holds `address`. */
function nth(address: string, length: number, n: number): string {
	const value = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
	const size = 2 ** (32 - length);
	const result = Math.floor(value / size) * size + n;
	return [24, 16, 8, 0].map((shift) => Math.floor(result / 2 ** shift) % 256).join(".");
}

/** A locally administered MAC address made of an IPv4 address; `kind` keeps devices of one address apart. */
function macOf(address: string, kind: number): string {
	const octets = [2, kind, ...address.split(".").map(Number)];
	return octets.map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}
