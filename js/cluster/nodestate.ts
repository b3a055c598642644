// A real node's own texts in place of what podwire would have made: `iptables-save`, `ipset save`, `ip route`, `ip addr`,
// `sysctl`. Devices keep the names that the node gives them (`veth7b16715d`), found by their addresses, their bridge and
// the netns that they lead to; a text that names a device which nobody can place is an error, not a guess.

import { ipv4FromNumber, ipv4ToNumber } from "../net/address.ts";
import { nearestWord, TextError } from "../net/error.ts";
import { parseIpsetSave } from "../net/ipset.ts";
import { parseIptablesSave } from "../net/iptables/index.ts";
import { type Link, parseLinks } from "../net/link.ts";
import type { Device, FibRoute, Netns, Network } from "../net/network.ts";
import { parseRoutes, type Route } from "../net/route.ts";
import type { Ruleset } from "../net/ruleset.ts";
import { linesOf } from "../net/text.ts";

/** One text; `file` names it in errors. */
export interface StateText {
	file: string;
	text: string;
}

export interface NodeStateTexts {
	iptables?: StateText;
	ip6tables?: StateText;
	ipset?: StateText;
	routes?: StateText;
	addresses?: StateText;
	sysctls?: StateText;
}

/** By node name, and `router` for the fabric's. */
export type NodeStates = ReadonlyMap<string, NodeStateTexts>;

/** Puts a netns's own texts in place. Returns what was assumed on the way. Throws TextError. */
export function applyNodeState(network: Network, netns: Netns, texts: NodeStateTexts): string[] {
	const assumed: string[] = [];
	if (texts.sysctls) applySysctls(netns, texts.sysctls);
	const routes = texts.routes ? parseRoutes(texts.routes.text, { file: texts.routes.file, family: "ipv4" }) : null;
	if (texts.addresses) {
		const links = parseLinks(texts.addresses.text, { file: texts.addresses.file });
		assumed.push(...new Linking(network, netns, links, routes ?? []).apply(texts.addresses.file));
	}
	if (routes && texts.routes) {
		const { file } = texts.routes;
		netns.routes = routes.filter(isMain).map((route) => fibRoute(netns, route, file));
	}
	if (texts.ipset) netns.sets = parseIpsetSave(texts.ipset.text, { file: texts.ipset.file });
	if (texts.iptables) netns.ruleset = rulesetOf(texts, texts.iptables, netns);
	return assumed;
}

interface ReadRules {
	iptables: StateText;
	ipset: string | undefined;
	ruleset: Ruleset;
}

/** A cluster is laid out several times, its nodes' texts stay: rulesets are values, and reading them is most of the work. */
const read = new WeakMap<NodeStateTexts, ReadRules>();

function rulesetOf(texts: NodeStateTexts, { file, text }: StateText, { sets }: Netns): Ruleset {
	const ipset = texts.ipset?.text;
	const known = read.get(texts);
	if (known?.iptables.text === text && known.iptables.file === file && known.ipset === ipset) return known.ruleset;
	const names = ipset === undefined ? {} : { sets: new Set(sets.map(({ name }) => name)) };
	const ruleset = parseIptablesSave(text, { file, family: "ipv4", ...names });
	read.set(texts, { iptables: { file, text }, ipset, ruleset });
	return ruleset;
}

/** Machines outside that a router's routes lead to, on links of their own: address by device. */
export function outsideHosts(texts: NodeStateTexts, nodeAddresses: ReadonlySet<string>): Map<string, string> {
	const hosts = new Map<string, string>();
	if (!texts.routes) return hosts;
	for (const route of parseRoutes(texts.routes.text, { file: texts.routes.file, family: "ipv4" })) {
		const { address, length } = route.destination;
		const onLink = route.type === "unicast" && route.via === null && route.nexthops.length === 0;
		if (!onLink || length !== 32 || route.device === null || nodeAddresses.has(address)) continue;
		hosts.set(route.device, address);
	}
	return hosts;
}

function isMain(route: Route): boolean {
	return route.family === "ipv4" && (route.table === null || route.table === "main" || route.table === "254");
}

const TYPES: readonly string[] = ["unicast", "blackhole", "unreachable", "prohibit"];

function fibRoute(netns: Netns, route: Route, file: string): FibRoute {
	const fail = (word: string | null, expected: string, nearest: string | null = null): never => {
		throw new TextError({ file, line: route.line, word, expected, nearest });
	};
	if (!TYPES.includes(route.type)) fail(route.type, "a unicast, blackhole, unreachable or prohibit route");
	const named = (name: string | null): string => {
		const names = netns.devices.map((device) => device.name);
		if (name !== null && names.includes(name)) return name;
		return fail(name, `a device of ${netns.name}: ${names.join(", ")}`, name && nearestWord(name, names));
	};
	const gateway = (via: string | null): number | null => {
		if (via?.includes(":")) fail(via, "an IPv4 gateway");
		return via === null ? null : ipv4ToNumber(via);
	};
	const unicast = route.type === "unicast";
	return {
		prefix: ipv4ToNumber(route.destination.address),
		length: route.destination.length,
		type: route.type as FibRoute["type"],
		via: gateway(route.via),
		device: unicast && route.nexthops.length === 0 ? named(route.device) : null,
		src: route.src === null ? null : ipv4ToNumber(route.src),
		metric: route.metric ?? 0,
		nexthops: route.nexthops.map(({ via, device, weight }) => ({
			via: gateway(via),
			device: named(device),
			weight,
		})),
	};
}

/** Lines of `sysctl -a`: `name = value`, or `name=value`. Names that are no numbers are not evaluated anywhere. */
function applySysctls(netns: Netns, { file, text }: StateText): void {
	for (const [index, line] of linesOf(text).entries()) {
		if (/^\s*([#;]|$)/.test(line)) continue;
		const parts = /^\s*([A-Za-z0-9_.*@/-]+)\s*=\s*(.*)$/.exec(line);
		if (parts === null) throw new TextError({ file, line: index + 1, word: line.trim(), expected: "name = value" });
		const [, name = "", value = ""] = parts;
		if (/^-?\d+$/.test(value.trim())) netns.sysctls.set(name.replaceAll("/", "."), Number(value));
	}
}

/** Finds which of a netns's devices a real node's links are, and gives them the real names and addresses. */
class Linking {
	readonly #network: Network;
	readonly #netns: Netns;
	readonly #links: readonly Link[];
	readonly #routes: readonly Route[];
	readonly #placed = new Map<Device, Link>();

	constructor(network: Network, netns: Netns, links: readonly Link[], routes: readonly Route[]) {
		this.#network = network;
		this.#netns = netns;
		this.#links = links;
		this.#routes = routes;
	}

	apply(file: string): string[] {
		const assumed: string[] = [];
		for (const link of this.#links) {
			const device = this.#deviceOf(link);
			if (device !== null) this.#placed.set(device, link);
		}
		this.#checkPlaced(file);
		this.#checkAddresses(file);
		this.#adopt();
		for (const link of this.#links) {
			if ([...this.#placed.values()].includes(link) || !this.#matters(link)) continue;
			this.#netns.devices.push(stump(link));
			assumed.push(`device: ${link.name} of ${this.#netns.name.replace(":", "/")} leads nowhere that is known`);
		}
		return assumed;
	}

	#deviceOf(link: Link): Device | null {
		const free = this.#netns.devices.filter((device) => !this.#placed.has(device));
		const byAddress = free.find(({ addresses, kind }) => kind !== "lo" && addresses.some(({ ip }) => has(link, ip)));
		if (byAddress !== undefined) return byAddress;
		const same = free.find(({ name }) => name === link.name);
		return same ?? free.find((device) => this.#leadsTo(link, device)) ?? null;
	}

	/** A link's own words for the other end: the netns that it leads to, or an on-link route to the peer's address. */
	#leadsTo(link: Link, device: Device): boolean {
		if (device.peer === null) return false;
		const { peer } = device;
		const far = this.#network.netns.find(({ name }) => name === peer.netns);
		const label = link.hardware?.attributes.find(({ name }) => name === "link-netns")?.value;
		const own = peer.netns.slice(peer.netns.lastIndexOf("/") + 1).replace(/^(pod|node|host):/, "");
		if (label?.endsWith(`-${own}`) || label === own) return true;
		const ips = far?.devices.find(({ name }) => name === peer.device)?.addresses ?? [];
		return this.#routes.some(
			({ device: dev, via, destination }) =>
				dev === link.name &&
				via === null &&
				destination.length === 32 &&
				ips.some(({ ip }) => ip === ipv4ToNumber(destination.address)),
		);
	}

	/** The uplink and the bridge must be found: without them the node's routes would lead nowhere. */
	#checkPlaced(file: string): void {
		const missing = this.#netns.devices.find(
			(device) =>
				!this.#placed.has(device) && device.kind !== "lo" && device.master === null && device.addresses.length > 0,
		);
		if (missing === undefined) return;
		throw new TextError({
			file,
			line: 1,
			expected: `a link with ${dotted(missing)}, the ${missing.kind} ${missing.name} of ${this.#netns.name.replace(":", "/")}`,
		});
	}

	/** A link of the right name without the address that the cluster knows is another machine's. */
	#checkAddresses(file: string): void {
		for (const [device, link] of this.#placed) {
			if (device.kind === "lo" || device.addresses.length === 0) continue;
			if (device.addresses.some(({ ip }) => has(link, ip))) continue;
			throw new TextError({
				file,
				line: link.line,
				word: link.name,
				expected: `${dotted(device)} on it, as the cluster's objects say of ${this.#netns.name.replace(":", "/")}`,
			});
		}
	}

	/** Gives devices the names, addresses and MTUs of their links; what refers to them by name follows. */
	#adopt(): void {
		const names = new Map([...this.#placed].map(([device, link]) => [device.name, link.name]));
		const all = this.#network.netns.flatMap(({ devices }) => devices);
		const peers = all.filter(({ peer }) => peer?.netns === this.#netns.name);
		for (const other of peers) {
			const { device, netns } = other.peer as NonNullable<Device["peer"]>;
			other.peer = { netns, device: names.get(device) ?? device };
		}
		for (const device of this.#netns.devices) {
			if (device.master !== null) device.master = names.get(device.master) ?? device.master;
		}
		for (const route of this.#netns.routes) renameRoute(route, names);
		for (const [device, link] of this.#placed) {
			device.name = link.name;
			device.addresses = addressesOf(link);
			device.addresses6 = addresses6Of(link);
			const mtu = Number(link.attributes.find(({ name }) => name === "mtu")?.value);
			if (mtu >= 68) device.mtu = mtu;
		}
	}

	/** Whether a link that is none of ours could carry or take a packet. */
	#matters(link: Link): boolean {
		return addressesOf(link).length > 0 || this.#routes.some((route) => usesDevice(route, link.name));
	}
}

function dotted({ addresses }: Device): string {
	return addresses.map(({ ip }) => ipv4FromNumber(ip)).join(", ");
}

function renameRoute(route: FibRoute, names: ReadonlyMap<string, string>): void {
	if (route.device !== null) route.device = names.get(route.device) ?? route.device;
	for (const hop of route.nexthops) hop.device = names.get(hop.device) ?? hop.device;
}

function usesDevice(route: Route, name: string): boolean {
	return route.device === name || route.nexthops.some(({ device }) => device === name);
}

function has(link: Link, ip: number): boolean {
	return link.addresses.some(({ family, address }) => family === "ipv4" && ipv4ToNumber(address) === ip);
}

function addressesOf(link: Link): Device["addresses"] {
	return link.addresses.flatMap(({ family, address, length, scope }) =>
		family !== "ipv4"
			? []
			: [
					{
						ip: ipv4ToNumber(address),
						prefix: length,
						scope: scope === "host" || scope === "link" ? scope : ("global" as const),
					},
				],
	);
}

function addresses6Of(link: Link): Device["addresses6"] {
	return link.addresses.flatMap(({ family, address, length, scope }) =>
		family !== "ipv6" || scope !== "global" ? [] : [{ ip: address, prefix: length, scope: "global" as const }],
	);
}

/** A device without another end: what is sent there finds no neighbour. */
function stump(link: Link): Device {
	return {
		name: link.name,
		kind: "bridge",
		peer: null,
		master: null,
		addresses: addressesOf(link),
		addresses6: addresses6Of(link),
		mtu: 1500,
		hairpin: false,
		promisc: false,
		vxlan: null,
	};
}
