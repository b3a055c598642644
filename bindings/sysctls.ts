// A netns's sysctls as flags and numbers of its row and of its devices' rows. Names and defaults are the kernel's
// (Documentation/networking/{ip-sysctl,nf_conntrack-sysctl}.rst).

import * as L from "../assembly/layout.ts";
import type { Device, Netns } from "../js/net/network.ts";
import { ALL_HOOKS } from "./hooks.ts";
import type { Rows } from "./views.ts";

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
const TIMEOUTS: readonly [sysctl: string, timeout: number, seconds: number][] = [
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
	// A simultaneous open waits as a plain one does.
	["tcp_timeout_syn_sent", L.TCP_CT_SYN_SENT2, 120],
];

const CT_MAX_DEFAULT = 262144;
// Destination unreachable, source quench, time exceeded, parameter problem.
const ICMP_RATEMASK_DEFAULT = 0x1818;

/** Numbers by sysctl: the field, and the kernel's default. */
const NUMBERS: readonly [sysctl: string, field: number, byDefault: number][] = [
	["net.netfilter.nf_conntrack_max", L.NETNS_CT_MAX, CT_MAX_DEFAULT],
	["net.ipv4.ip_default_ttl", L.NETNS_TTL, 64],
	["net.ipv4.icmp_ratelimit", L.NETNS_ICMP_RATELIMIT, 1000],
	["net.ipv4.icmp_ratemask", L.NETNS_ICMP_RATEMASK, ICMP_RATEMASK_DEFAULT],
	["net.ipv6.conf.all.hop_limit", L.NETNS_HOP_LIMIT, 64],
	["net.ipv6.icmp.ratelimit", L.NETNS_ICMP6_RATELIMIT, 1000],
	["net.netfilter.nf_conntrack_icmpv6_timeout", L.NETNS_TIMEOUT_ICMPV6, 30],
	...TIMEOUTS.map(([name, timeout, seconds]): [string, number, number] => {
		return [`net.netfilter.nf_conntrack_${name}`, L.NETNS_TIMEOUTS + timeout * 4, seconds];
	}),
];

/** Flags that are not the sysctls', but of the rules that are loaded, or of the run. */
const OTHERS = ALL_HOOKS.ipv4 | ALL_HOOKS.ipv6 | L.NS_TCP_WINDOWS;

/** Writes what a netns's sysctls say, and whether it is silent or listens on any port, into its row at `at`. */
export function writeSysctls(rows: Rows, netns: Netns, at: number): void {
	const { view } = rows;
	const { sysctls } = netns;
	const value = (name: string, byDefault: number) =>
		sysctls.size === 0 ? byDefault : (sysctls.get(name) ?? byDefault);
	let flags = view.getUint32(at + L.NETNS_FLAGS, true) & OTHERS;
	for (const [name, flag, byDefault] of FLAGS) if (value(name, byDefault) !== 0) flags |= flag;
	if (netns.silent) flags |= L.NS_SILENT;
	if (netns.listenAny) flags |= L.NS_ANY_PORT;
	view.setUint32(at + L.NETNS_FLAGS, flags, true);
	view.setUint32(at + L.NETNS_RECENT_MAX, 100, true);
	for (const [name, field, byDefault] of NUMBERS) view.setUint32(at + field, value(name, byDefault), true);
}

/** DEVICE_FLAGS of a device. */
export function deviceFlags(netns: Netns, device: Device): number {
	let flags = L.DEV_UP;
	if (device.hairpin) flags |= L.DEV_HAIRPIN;
	if (device.promisc) flags |= L.DEV_PROMISC;
	if (effective(netns, device.name, "route_localnet") !== 0) flags |= L.DEV_ROUTE_LOCALNET;
	return flags;
}

/** `conf.all` and `conf.DEV` of a per-device sysctl: the larger counts (IN_DEV_MAXCONF, IN_DEV_ORCONF). */
export function effective(netns: Netns, device: string, name: string): number {
	if (netns.sysctls.size === 0) return 0;
	const all = netns.sysctls.get(`net.ipv4.conf.all.${name}`) ?? 0;
	const own =
		netns.sysctls.get(`net.ipv4.conf.${device}.${name}`) ?? netns.sysctls.get(`net.ipv4.conf.default.${name}`) ?? 0;
	return Math.max(all, own);
}
