// A network as rows: netns, devices, addresses, routes, listeners, sysctls as flags and numbers. Rules and sets are `encode`.
// Sysctl names and their defaults are the kernel's (Documentation/networking/{ip-sysctl,nf_conntrack-sysctl}.rst).

import * as L from "../assembly/layout.ts";
import type { Device, FibRoute, Netns, Network } from "../js/net/network.ts";
import type { Core } from "./core.ts";
import type { Interner } from "./interner.ts";

/** Where things of a network stand in the tables. */
export interface EncodedNetwork {
	/** Row of a netns by its name, and the names by row. */
	netns: Map<string, number>;
	netnsNames: string[];
	/** `NETNS/DEVICE` by device row. */
	deviceNames: { netns: string; device: string }[];
	/** Row by `NETNS/DEVICE`. */
	devices: Map<string, number>;
}

const KINDS: Readonly<Record<Netns["kind"], number>> = {
	node: L.NS_KIND_NODE,
	pod: L.NS_KIND_POD,
	host: L.NS_KIND_HOST,
	router: L.NS_KIND_ROUTER,
	fabric: L.NS_KIND_FABRIC,
};
const DEVICE_KINDS: Readonly<Record<Device["kind"], number>> = {
	lo: L.DEVICE_KIND_LO,
	veth: L.DEVICE_KIND_VETH,
	bridge: L.DEVICE_KIND_BRIDGE,
	vxlan: L.DEVICE_KIND_VXLAN,
};
const ROUTE_TYPES: Readonly<Record<FibRoute["type"], number>> = {
	unicast: L.RTN_UNICAST,
	blackhole: L.RTN_BLACKHOLE,
	unreachable: L.RTN_UNREACHABLE,
	prohibit: L.RTN_PROHIBIT,
};
const SCOPES = { global: 0, link: 253, host: 254 } as const;
const PROTOS = { tcp: L.PROTO_TCP, udp: L.PROTO_UDP, sctp: L.PROTO_SCTP } as const;

/** Flags by sysctl: the flag, and the kernel's default. */
const FLAGS: readonly [sysctl: string, flag: number, byDefault: number][] = [
	["net.ipv4.ip_forward", L.NS_IP_FORWARD, 0],
	["net.bridge.bridge-nf-call-iptables", L.NS_BRIDGE_NF, 1],
	["net.bridge.bridge-nf-call-ip6tables", L.NS_BRIDGE_NF6, 1],
	["net.netfilter.nf_conntrack_tcp_loose", L.NS_TCP_LOOSE, 1],
	["net.netfilter.nf_conntrack_tcp_be_liberal", L.NS_TCP_BE_LIBERAL, 0],
	["net.ipv4.fib_multipath_hash_policy", L.NS_L4_HASH, 0],
	["net.ipv4.icmp_echo_ignore_all", L.NS_NO_ICMP_ECHO, 0],
	["net.ipv6.conf.all.forwarding", L.NS_IP6_FORWARD, 0],
	["net.ipv6.icmp.echo_ignore_all", L.NS_NO_ICMP6_ECHO, 0],
];

/** Conntrack timeouts: sysctl name after `net.netfilter.nf_conntrack_`, number, default in seconds. */
export const TIMEOUTS: readonly [sysctl: string, timeout: number, seconds: number][] = [
	["tcp_timeout_syn_sent", L.TCP_CT_SYN_SENT, 120],
	["tcp_timeout_syn_recv", L.TCP_CT_SYN_RECV, 60],
	["tcp_timeout_established", L.TCP_CT_ESTABLISHED, 432000],
	["tcp_timeout_fin_wait", L.TCP_CT_FIN_WAIT, 120],
	["tcp_timeout_close_wait", L.TCP_CT_CLOSE_WAIT, 60],
	["tcp_timeout_last_ack", L.TCP_CT_LAST_ACK, 30],
	["tcp_timeout_time_wait", L.TCP_CT_TIME_WAIT, 120],
	["tcp_timeout_close", L.TCP_CT_CLOSE, 10],
	["tcp_timeout_max_retrans", L.TIMEOUT_TCP_MAX_RETRANS, 300],
	["tcp_timeout_unacknowledged", L.TIMEOUT_TCP_UNACK, 300],
	["udp_timeout", L.TIMEOUT_UDP, 30],
	["udp_timeout_stream", L.TIMEOUT_UDP_STREAM, 120],
	["icmp_timeout", L.TIMEOUT_ICMP, 30],
	["generic_timeout", L.TIMEOUT_GENERIC, 600],
	["sctp_timeout_closed", L.TIMEOUT_SCTP + 1, 10],
	["sctp_timeout_cookie_wait", L.TIMEOUT_SCTP + 2, 3],
	["sctp_timeout_cookie_echoed", L.TIMEOUT_SCTP + 3, 3],
	["sctp_timeout_established", L.TIMEOUT_SCTP + 4, 210],
	["sctp_timeout_shutdown_sent", L.TIMEOUT_SCTP + 5, 3],
	["sctp_timeout_shutdown_recd", L.TIMEOUT_SCTP + 6, 3],
	["sctp_timeout_shutdown_ack_sent", L.TIMEOUT_SCTP + 7, 3],
	["sctp_timeout_heartbeat_sent", L.TIMEOUT_SCTP + 8, 30],
];
const CT_MAX_DEFAULT = 262144;
// Destination unreachable, source quench, time exceeded, parameter problem.
const ICMP_RATEMASK_DEFAULT = 0x1818;

/** Writes every netns of a network. Peers and masters are found by name; an unknown one is a RangeError. */
export function encodeNetwork(core: Core, network: Network, names: Interner): EncodedNetwork {
	for (const netns of network.netns) for (const { name } of netns.devices) names.intern(name);
	const encoded: EncodedNetwork = { netns: new Map(), netnsNames: [], deviceNames: [], devices: new Map() };
	for (const netns of network.netns) addDevices(core, netns, names, encoded);
	const vteps: number[] = [];
	for (const netns of network.netns) linkDevices(core, netns, encoded, vteps);
	// Tunnel ends form a ring, so that each finds the others.
	for (const [i, row] of vteps.entries()) {
		core.rows.setI32(core.rows.at(L.TABLE_DEVICE, row) + L.DEVICE_NEXT_VTEP, vteps[(i + 1) % vteps.length] ?? -1);
	}
	for (const netns of network.netns) {
		encodeRoutes(core, netns, encoded);
		encodeListeners(core, netns, encoded);
	}
	return encoded;
}

function addDevices(core: Core, netns: Netns, names: Interner, encoded: EncodedNetwork): void {
	const { rows } = core;
	const index = rows.append(L.TABLE_NETNS);
	const at = rows.at(L.TABLE_NETNS, index);
	encoded.netns.set(netns.name, index);
	encoded.netnsNames.push(netns.name);
	rows.setU32(at + L.NETNS_KIND, KINDS[netns.kind]);
	rows.setU32(at + L.NETNS_DEVICE_FIRST, rows.count(L.TABLE_DEVICE));
	rows.setU32(at + L.NETNS_DEVICE_COUNT, netns.devices.length);
	for (const chains of [L.NETNS_CHAINS, L.NETNS_CHAINS6]) {
		for (let chain = 0; chain < L.HOOK_COUNT * L.XT_COUNT; chain++) rows.setI32(at + chains + chain * 4, -1);
	}
	encodeSysctls(core, netns, at);
	for (const device of netns.devices) {
		const row = rows.append(L.TABLE_DEVICE);
		encoded.devices.set(`${netns.name}/${device.name}`, row);
		encoded.deviceNames.push({ netns: netns.name, device: device.name });
		const d = rows.at(L.TABLE_DEVICE, row);
		rows.setI32(d + L.DEVICE_NETNS, index);
		rows.setU32(d + L.DEVICE_KIND, DEVICE_KINDS[device.kind]);
		rows.setI32(d + L.DEVICE_PEER, -1);
		rows.setI32(d + L.DEVICE_MASTER, -1);
		rows.setI32(d + L.DEVICE_NEXT_VTEP, -1);
		rows.setI32(d + L.DEVICE_NAME, names.intern(device.name));
		rows.setU32(d + L.DEVICE_MTU, device.mtu);
		rows.setU32(d + L.DEVICE_FLAGS, deviceFlags(netns, device));
		rows.setU32(d + L.DEVICE_RP_FILTER, effective(netns, device.name, "rp_filter"));
		rows.setU32(d + L.DEVICE_ADDRESS, device.addresses[0]?.ip ?? 0);
		rows.setU32(d + L.DEVICE_PREFIX, device.addresses[0]?.prefix ?? 0);
	}
	encodeAddresses(core, netns, at + L.NETNS_ADDRESS_FIRST, "addresses", encoded);
	encodeAddresses(core, netns, at + L.NETNS_ADDRESS6_FIRST, "addresses6", encoded);
}

/** Where the first of a row's two fields FIRST and COUNT is: `at`. */
function encodeAddresses(
	core: Core,
	netns: Netns,
	at: number,
	of: "addresses" | "addresses6",
	encoded: EncodedNetwork,
): void {
	const { rows } = core;
	rows.setU32(at, rows.count(L.TABLE_ADDRESS));
	let count = 0;
	for (const device of netns.devices) {
		for (const { ip, prefix, scope } of device[of]) {
			const a = rows.at(L.TABLE_ADDRESS, rows.append(L.TABLE_ADDRESS));
			rows.setU32(a + L.ADDRESS_IP, numberOf(core, ip));
			rows.setU32(a + L.ADDRESS_PREFIX, prefix);
			rows.setI32(a + L.ADDRESS_DEVICE, deviceRow(encoded, netns.name, device.name));
			rows.setU32(a + L.ADDRESS_SCOPE, SCOPES[scope]);
			count++;
		}
	}
	rows.setU32(at + COUNT, count);
}

/** Distance of a field …_COUNT from its …_FIRST. */
const COUNT = 4;

function numberOf(core: Core, address: number | string): number {
	return typeof address === "number" ? address : core.rows.addresses.number(address);
}

function linkDevices(core: Core, netns: Netns, encoded: EncodedNetwork, vteps: number[]): void {
	const { rows } = core;
	for (const device of netns.devices) {
		const row = deviceRow(encoded, netns.name, device.name);
		const d = rows.at(L.TABLE_DEVICE, row);
		if (device.peer) rows.setI32(d + L.DEVICE_PEER, deviceRow(encoded, device.peer.netns, device.peer.device));
		if (device.master !== null) rows.setI32(d + L.DEVICE_MASTER, deviceRow(encoded, netns.name, device.master));
		if (device.vxlan) {
			rows.setU32(d + L.DEVICE_VNI, device.vxlan.vni);
			rows.setU32(d + L.DEVICE_LOCAL, device.vxlan.local);
			rows.setU32(d + L.DEVICE_VPORT, device.vxlan.port);
			vteps.push(row);
		}
	}
}

/** Writes the routes of a netns anew; used again when they change. */
export function encodeRoutes(core: Core, netns: Netns, encoded: EncodedNetwork): void {
	const at = core.rows.at(L.TABLE_NETNS, netnsRow(encoded, netns.name));
	encodeTable(core, netns, netns.routes, at + L.NETNS_ROUTE_FIRST, encoded);
	encodeTable(core, netns, netns.routes6, at + L.NETNS_ROUTE6_FIRST, encoded);
}

function encodeTable(
	core: Core,
	netns: Netns,
	routes: readonly FibRoute<number | string>[],
	at: number,
	encoded: EncodedNetwork,
): void {
	const { rows } = core;
	const number = (address: number | string | null) => (address === null ? 0 : numberOf(core, address));
	rows.setU32(at, rows.count(L.TABLE_ROUTE));
	rows.setU32(at + COUNT, routes.length);
	// Of equal prefixes the engine takes the later row: the best metric last; of equal metrics the first listed.
	const order = routes.map((route, i) => ({ route, i })).sort((a, b) => b.route.metric - a.route.metric || b.i - a.i);
	for (const { route } of order) {
		const r = rows.at(L.TABLE_ROUTE, rows.append(L.TABLE_ROUTE));
		rows.setU32(r + L.ROUTE_PREFIX, number(route.prefix));
		rows.setU32(r + L.ROUTE_LENGTH, route.length);
		rows.setU32(r + L.ROUTE_TYPE, ROUTE_TYPES[route.type]);
		rows.setU32(r + L.ROUTE_TABLE, 254);
		rows.setU32(r + L.ROUTE_VIA, number(route.via));
		rows.setI32(r + L.ROUTE_DEVICE, route.device === null ? -1 : deviceRow(encoded, netns.name, route.device));
		rows.setU32(r + L.ROUTE_PREFSRC, number(route.src));
		rows.setU32(r + L.ROUTE_METRIC, route.metric);
		rows.setU32(r + L.ROUTE_NEXTHOP_FIRST, rows.count(L.TABLE_NEXTHOP));
		rows.setU32(r + L.ROUTE_NEXTHOP_COUNT, route.nexthops.length);
		for (const hop of route.nexthops) {
			const h = rows.at(L.TABLE_NEXTHOP, rows.append(L.TABLE_NEXTHOP));
			rows.setU32(h + L.NEXTHOP_VIA, number(hop.via));
			rows.setI32(h + L.NEXTHOP_DEVICE, deviceRow(encoded, netns.name, hop.device));
			rows.setU32(h + L.NEXTHOP_WEIGHT, hop.weight);
		}
	}
}

function encodeListeners(core: Core, netns: Netns, encoded: EncodedNetwork): void {
	const index = netnsRow(encoded, netns.name);
	for (const { proto, port, bind } of netns.listen) {
		const laddr = bind === undefined ? 0 : core.rows.addresses.number(bind);
		// A wildcard of IPv6, which is the default, takes IPv4 too (IPV6_V6ONLY off).
		const family = bind === undefined || bind === "::" ? 0 : bind.includes(":") ? 6 : 4;
		if (core.engine.listen(index, PROTOS[proto], laddr, port, 0, 0, family) < 0) {
			throw new RangeError("TABLE_SOCKET is full");
		}
	}
}

function encodeSysctls(core: Core, netns: Netns, at: number): void {
	const { rows } = core;
	const value = (name: string, byDefault: number) => netns.sysctls.get(name) ?? byDefault;
	let flags = 0;
	for (const [name, flag, byDefault] of FLAGS) if (value(name, byDefault) !== 0) flags |= flag;
	if (netns.silent) flags |= L.NS_SILENT;
	if (netns.listenAny) flags |= L.NS_ANY_PORT;
	rows.setU32(at + L.NETNS_FLAGS, flags);
	rows.setU32(at + L.NETNS_CT_MAX, value("net.netfilter.nf_conntrack_max", CT_MAX_DEFAULT));
	rows.setU32(at + L.NETNS_TTL, value("net.ipv4.ip_default_ttl", 64));
	rows.setU32(at + L.NETNS_ICMP_RATELIMIT, value("net.ipv4.icmp_ratelimit", 1000));
	rows.setU32(at + L.NETNS_ICMP_RATEMASK, value("net.ipv4.icmp_ratemask", ICMP_RATEMASK_DEFAULT));
	rows.setU32(at + L.NETNS_RECENT_MAX, 100);
	rows.setU32(at + L.NETNS_HOP_LIMIT, value("net.ipv6.conf.all.hop_limit", 64));
	rows.setU32(at + L.NETNS_ICMP6_RATELIMIT, value("net.ipv6.icmp.ratelimit", 1000));
	rows.setU32(at + L.NETNS_TIMEOUT_ICMPV6, value("net.netfilter.nf_conntrack_icmpv6_timeout", 30));
	for (const [name, timeout, seconds] of TIMEOUTS) {
		rows.setU32(at + L.NETNS_TIMEOUTS + timeout * 4, value(`net.netfilter.nf_conntrack_${name}`, seconds));
	}
	// A simultaneous open waits as a plain one does.
	rows.setU32(
		at + L.NETNS_TIMEOUTS + L.TCP_CT_SYN_SENT2 * 4,
		value("net.netfilter.nf_conntrack_tcp_timeout_syn_sent", 120),
	);
}

function deviceFlags(netns: Netns, device: Device): number {
	let flags = L.DEV_UP;
	if (device.hairpin) flags |= L.DEV_HAIRPIN;
	if (device.promisc) flags |= L.DEV_PROMISC;
	if (effective(netns, device.name, "route_localnet") !== 0) flags |= L.DEV_ROUTE_LOCALNET;
	return flags;
}

/** `conf.all` and `conf.DEV` of a per-device sysctl: the larger counts (IN_DEV_MAXCONF, IN_DEV_ORCONF). */
function effective(netns: Netns, device: string, name: string): number {
	const all = netns.sysctls.get(`net.ipv4.conf.all.${name}`) ?? 0;
	const own =
		netns.sysctls.get(`net.ipv4.conf.${device}.${name}`) ?? netns.sysctls.get(`net.ipv4.conf.default.${name}`) ?? 0;
	return Math.max(all, own);
}

function deviceRow(encoded: EncodedNetwork, netns: string, device: string): number {
	const row = encoded.devices.get(`${netns}/${device}`);
	if (row === undefined) throw new RangeError(`there is no device ${netns}/${device}`);
	return row;
}

function netnsRow(encoded: EncodedNetwork, name: string): number {
	const row = encoded.netns.get(name);
	if (row === undefined) throw new RangeError(`there is no netns ${name}`);
	return row;
}
