// The fabric router's 1:1 NAT as iptables text: a cloud translates a node's own address to its public one, both ways, and
// nothing else (`natOnly`: sources that it does not translate may not leave). Interfaces to hosts outside are `h-…`.

import type { RouterSpec } from "./topology.ts";

const EMPTY_NAT = [
	":PREROUTING ACCEPT [0:0]",
	":INPUT ACCEPT [0:0]",
	":OUTPUT ACCEPT [0:0]",
	":POSTROUTING ACCEPT [0:0]",
];
const EMPTY_FILTER = [":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"];

/** The router's rules; null where it translates nothing. Only towards hosts is a source translated. */
export function natRules(router: RouterSpec, hasHosts: boolean): string | null {
	if (router.nat11 === undefined && !router.natOnly) return null;
	const pairs = Object.entries(router.nat11 ?? {});
	const inside = (router.inside ?? []).filter((ip) => !ip.includes(":"));
	const towardsHosts = hasHosts ? "-o h-+ " : "";
	const lines = [
		"*nat",
		...EMPTY_NAT,
		...pairs.map(([node, outside]) => `-A PREROUTING -d ${outside}/32 -j DNAT --to-destination ${node}`),
		...inside.map((ip) => `-A POSTROUTING -d ${ip}/32 -j ACCEPT`),
		...pairs.map(([node, outside]) => `-A POSTROUTING -s ${node}/32 ${towardsHosts}-j SNAT --to-source ${outside}`),
		"COMMIT",
	];
	if (router.natOnly) {
		lines.push(
			"*filter",
			...EMPTY_FILTER,
			...inside.map((ip) => `-A FORWARD -d ${ip}/32 -j ACCEPT`),
			...pairs.map(([node]) => `-A FORWARD -s ${node}/32 ${towardsHosts}-j ACCEPT`),
			`-A FORWARD ${towardsHosts}-m conntrack --ctstate NEW ! -i h-+ -j DROP`,
			"COMMIT",
		);
	}
	return `${lines.join("\n")}\n`;
}
