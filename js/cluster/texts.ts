// A netns's state in the texts of the real tools: `ip route`, `ip addr`, `conntrack -L`. MAC addresses are made from the
// IPv4 address, as locally administered ones; what the engine does not keep (qdisc, lifetimes) has Linux's usual words.

import * as L from "../../assembly/layout.ts";
import type { Addresses } from "../../bindings/addresses.ts";
import { type ConntrackEntry, conntrackEntries, type Tuple } from "../../bindings/conntrack.ts";
import type { Machine } from "../../bindings/machine.ts";
import { ipv4FromNumber } from "../net/address.ts";
import { type ConntrackEntry as ConntrackLine, type ConntrackTuple, printConntrack } from "../net/conntrack.ts";
import { printIptablesSave } from "../net/iptables/index.ts";
import { type Link, type LinkAddress, parseLinks, printLinks } from "../net/link.ts";
import type { Device, FibRoute, Netns } from "../net/network.ts";
import { newRoute, parseRoutes, printRoutes, type Route } from "../net/route.ts";
import type { Family } from "../net/ruleset.ts";
import { hasPorts, isIcmp, protoName, stateName } from "../wire/describe.ts";
import type { StateText } from "./nodestate.ts";

const SECOND_NS = 1_000_000_000n;

export interface IptablesTextOptions {
	counters?: boolean;
	asWritten?: boolean;
	family?: Family;
}

export function iptablesText(machine: Machine, netns: string, options: IptablesTextOptions): string {
	const { counters = false, asWritten = false, family = "ipv4" } = options;
	const ruleset = machine.countedRuleset(netns, family);
	return ruleset === null ? "" : printIptablesSave(ruleset, { counters, written: asWritten });
}

/** `given`: a real node's own, printed as it is. */
export function routesText(netns: Netns, given?: StateText): string {
	if (given) return printRoutes(parseRoutes(given.text, { file: given.file, family: "ipv4" }));
	// The kernel lists by prefix, the default route first, of equal prefixes the lowest metric.
	const sorted = [...netns.routes].sort((a, b) => {
		if (a.length === 0 || b.length === 0) return a.length - b.length;
		return a.prefix - b.prefix || b.length - a.length || a.metric - b.metric;
	});
	return printRoutes(sorted.map((route) => routeLine(netns, route)));
}

function routeLine(netns: Netns, route: FibRoute): Route {
	const connected = isConnected(netns, route);
	const onLink = route.type === "unicast" && route.via === null && route.nexthops.length === 0;
	return {
		...newRoute(route.type, "ipv4"),
		destination: { address: ipv4FromNumber(route.prefix), length: route.length },
		via: route.via === null ? null : ipv4FromNumber(route.via),
		device: route.device,
		proto: connected ? "kernel" : null,
		scope: onLink ? "link" : null,
		src: route.src === null ? null : ipv4FromNumber(route.src),
		metric: route.metric === 0 ? null : route.metric,
		flags: route.via !== null && isOnLinkGateway(netns, route) ? ["onlink"] : [],
		nexthops: route.nexthops.map(({ via, device, weight }) => ({
			via: via === null ? null : ipv4FromNumber(via),
			device,
			weight,
			flags: [],
		})),
	};
}

function isConnected(netns: Netns, route: FibRoute): boolean {
	const device = netns.devices.find(({ name }) => name === route.device);
	return (
		route.via === null &&
		route.src !== null &&
		(device?.addresses.some(({ ip, prefix }) => ip === route.src && prefix === route.length && prefix < 32) ?? false)
	);
}

/** A gateway that no connected or link route leads to: the route must say `onlink`. */
function isOnLinkGateway(netns: Netns, { via, device }: FibRoute): boolean {
	return !netns.routes.some((other) => {
		if (other.via !== null || other.device !== device || other.type !== "unicast") return false;
		const mask = other.length === 0 ? 0 : (0xffffffff << (32 - other.length)) >>> 0;
		return ((via ?? 0) & mask) >>> 0 === other.prefix;
	});
}

export function addressesText(netns: Netns, given?: StateText): string {
	if (given) return printLinks(parseLinks(given.text, { file: given.file }));
	return printLinks(netns.devices.map((device, i) => linkOf(netns, device, i + 1)));
}

function linkOf(netns: Netns, device: Device, index: number): Link {
	const loopback = device.kind === "lo";
	const own = device.addresses.find(({ ip }) => ip >>> 24 !== 127)?.ip ?? (netns.name.length << 8) | index;
	return {
		index,
		name: device.name,
		parent: device.peer === null ? null : device.peer.device,
		flags: loopback ? ["LOOPBACK", "UP", "LOWER_UP"] : ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
		attributes: [
			{ name: "mtu", value: String(device.mtu) },
			{ name: "qdisc", value: "noqueue" },
			...(device.master === null ? [] : [{ name: "master", value: device.master }]),
			{ name: "state", value: loopback || device.kind === "vxlan" ? "UNKNOWN" : "UP" },
			{ name: "group", value: "default" },
			...(loopback || device.kind === "veth" ? [{ name: "qlen", value: "1000" }] : []),
		],
		hardware: {
			type: loopback ? "loopback" : "ether",
			address: loopback ? "00:00:00:00:00:00" : macOf(own),
			broadcast: { kind: "brd", address: loopback ? "00:00:00:00:00:00" : "ff:ff:ff:ff:ff:ff" },
			attributes: device.peer === null ? [] : [{ name: "link-netns", value: device.peer.netns.replace(/[:/]/g, "-") }],
		},
		detail: [],
		addresses: [
			...device.addresses.map((address) => linkAddress(device, address)),
			...device.addresses6.map((address) => linkAddress6(address)),
		],
		line: null,
	};
}

function linkAddress(device: Device, { ip, prefix, scope }: Device["addresses"][number]): LinkAddress {
	return {
		family: "ipv4",
		address: ipv4FromNumber(ip),
		length: prefix,
		peer: null,
		metric: null,
		broadcast: null,
		anycast: null,
		scope,
		proto: null,
		flags: [],
		label: device.name,
		valid: "forever",
		preferred: "forever",
	};
}

function linkAddress6({ ip, prefix, scope }: Device["addresses6"][number]): LinkAddress {
	return {
		family: "ipv6",
		address: ip,
		length: prefix,
		peer: null,
		metric: null,
		broadcast: null,
		anycast: null,
		scope,
		proto: null,
		flags: [],
		label: null,
		valid: "forever",
		preferred: "forever",
	};
}

function macOf(ip: number): string {
	const bytes = [0x02, 0x00, ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255];
	return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The first IPv4 address of its veths; none where it has none. */
export function firstAddress({ devices }: Netns): string[] {
	const addresses = devices.filter(({ kind }) => kind === "veth").flatMap((device) => device.addresses);
	return addresses.map(({ ip }) => ipv4FromNumber(ip)).slice(0, 1);
}

/** The entries of a netns that live at `now`. */
export function conntrackText(machine: Machine, netns: string, now: bigint): string {
	const entries = conntrackEntries(machine.core, now, machine.netnsRow(netns));
	return printConntrack(entries.map((entry) => conntrackLine(machine.core.rows.addresses, entry, now)));
}

function conntrackLine(addresses: Addresses, entry: ConntrackEntry, now: bigint): ConntrackLine {
	return {
		network: null,
		proto: protoName(entry.proto),
		protonum: entry.proto,
		timeout: Number((entry.deadlineNs - now) / SECOND_NS),
		state: stateName(entry.proto, entry.state),
		unreplied: (entry.status & L.IPS_SEEN_REPLY) === 0,
		status: entry.status & L.IPS_ASSURED ? ["ASSURED"] : [],
		original: tupleOf(addresses, entry.proto, entry.orig),
		reply: tupleOf(addresses, entry.proto, entry.reply),
		mark: entry.mark,
		zone: entry.zone === 0 ? null : entry.zone,
		use: 1,
		attributes: [],
		line: null,
	};
}

function tupleOf(addresses: Addresses, proto: number, { src, dst, sport, dport }: Tuple): ConntrackTuple {
	const icmp = isIcmp(proto);
	const ports = hasPorts(proto);
	return {
		src: addresses.text(src),
		dst: addresses.text(dst),
		sport: ports ? sport : null,
		dport: ports ? dport : null,
		icmp: icmp ? { type: dport >>> 8, code: dport & 255, id: sport } : null,
		keys: null,
		zone: null,
		packets: null,
		bytes: null,
	};
}
