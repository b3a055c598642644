// The chains that are the same for every cluster: masquerading, forwarding, the guard against martian packets, and the
// last rule of KUBE-SERVICES that leads to NodePorts. Upstream: pkg/proxy/iptables/proxier.go,
// pkg/kubelet/kubelet_network_linux.go.

import { isLoopback } from "../net/address.ts";
import type { Family } from "../net/ruleset.ts";
import type { ProxyConfig } from "./config.ts";
import {
	KUBE_EXTERNAL_SERVICES,
	KUBE_FIREWALL,
	KUBE_FORWARD,
	KUBE_MARK_MASQ,
	KUBE_NODEPORTS,
	KUBE_POSTROUTING,
	KUBE_PROXY_FIREWALL,
	KUBE_SERVICES,
} from "./names.ts";
import { matchingAddresses, type NodePortAddresses } from "./nodeports.ts";
import { comment, formatMark, type TableText } from "./rules.ts";

const INVALID_COUNTER = "ct_state_invalid_dropped_pkts";
const NODEPORTS_COMMENT = "kubernetes service nodeports; NOTE: this must be the last rule in this chain";

/** The words of the one rule in KUBE-FIREWALL; the kubelet writes the same. */
export const MARTIAN_GUARD: readonly string[] = [
	...comment("block incoming localnet connections"),
	...["-d", "127.0.0.0/8", "!", "-s", "127.0.0.0/8"],
	...["-m", "conntrack", "!", "--ctstate", "RELATED,ESTABLISHED,DNAT", "-j", "DROP"],
];

export function declareFilterChains(filter: TableText): void {
	for (const chain of [KUBE_SERVICES, KUBE_EXTERNAL_SERVICES, KUBE_FORWARD, KUBE_NODEPORTS, KUBE_PROXY_FIREWALL]) {
		filter.chain(chain);
	}
}

export function declareNatChains(nat: TableText): void {
	for (const chain of [KUBE_SERVICES, KUBE_NODEPORTS, KUBE_POSTROUTING, KUBE_MARK_MASQ]) nat.chain(chain);
}

/** KUBE-POSTROUTING and KUBE-MARK-MASQ. The mark is cleared so that a packet that comes round again is left alone. */
export function writeMasquerade(nat: TableText, config: ProxyConfig): void {
	const mark = formatMark(config.masqueradeBit);
	nat.append(KUBE_POSTROUTING, "-m", "mark", "!", "--mark", `${mark}/${mark}`, "-j", "RETURN");
	nat.append(KUBE_POSTROUTING, "-j", "MARK", "--xor-mark", mark);
	const target = config.randomFully ? ["-j", "MASQUERADE", "--random-fully"] : ["-j", "MASQUERADE"];
	nat.append(KUBE_POSTROUTING, ...comment("kubernetes service traffic requiring SNAT"), ...target);
	nat.append(KUBE_MARK_MASQ, "-j", "MARK", "--or-mark", mark);
}

/** route_localnet, which localhost NodePorts need, would let neighbours talk to 127.0.0.1: drop that. */
export function writeMartianGuard(filter: TableText): void {
	filter.chain(KUBE_FIREWALL);
	filter.append(KUBE_FIREWALL, ...MARTIAN_GUARD);
}

/** KUBE-FORWARD: INVALID packets would reach the other end untranslated, which answers with a reset. */
export function writeForward(filter: TableText, config: ProxyConfig): void {
	if (!config.conntrackTCPBeLiberal) {
		const counter = config.nfacct ? ["-m", "nfacct", "--nfacct-name", INVALID_COUNTER] : [];
		filter.append(KUBE_FORWARD, "-m", "conntrack", "--ctstate", "INVALID", ...counter, "-j", "DROP");
	}
	const mark = formatMark(config.masqueradeBit);
	const marked = ["-m", "mark", "--mark", `${mark}/${mark}`];
	filter.append(KUBE_FORWARD, ...comment("kubernetes forwarding rules"), ...marked, "-j", "ACCEPT");
	const known = ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"];
	filter.append(KUBE_FORWARD, ...comment("kubernetes forwarding conntrack rule"), ...known, "-j", "ACCEPT");
}

/** The jump to KUBE-NODEPORTS, last in nat KUBE-SERVICES: one for all local addresses, or one for each that matches. */
export function writeNodePortsJump(
	nat: TableText,
	addresses: NodePortAddresses,
	nodeAddresses: readonly string[],
	family: Family,
	localhost: boolean,
): void {
	const jump = (words: string[]): void => {
		nat.append(KUBE_SERVICES, ...comment(NODEPORTS_COMMENT), ...words, "-j", KUBE_NODEPORTS);
	};
	if (!addresses.matchAll) {
		for (const address of matchingAddresses(addresses, nodeAddresses, family)) {
			if (!isLoopback(address) || localhost) jump(["-d", address]);
		}
		return;
	}
	const local = ["-m", "addrtype", "--dst-type", "LOCAL"];
	if (family === "ipv6") jump([...local, "!", "-d", "::1/128"]);
	else jump(localhost ? local : [...local, "!", "-d", "127.0.0.0/8"]);
}
