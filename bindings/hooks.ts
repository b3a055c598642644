// Which netfilter hooks a ruleset registers in its netns, as flags: any table at all, nat, connection tracking.

import * as L from "../assembly/layout.ts";
import type { Family, Rule, TableName } from "../js/net/ruleset.ts";

// Extensions whose checkentry asks for connection tracking (nf_ct_netns_get). A nat table alone does not, nor does
// CT --notrack: without such a rule conntrack's hooks are not registered, and the nat hooks see no entries.
const TRACKING_MATCHES = new Set([
	"conntrack",
	"state",
	"connmark",
	"connbytes",
	"connlabel",
	"connlimit",
	"helper",
	"cluster",
]);
const TRACKING_TARGETS = new Set([
	"DNAT",
	"SNAT",
	"MASQUERADE",
	"REDIRECT",
	"NETMAP",
	"CONNMARK",
	"CONNSECMARK",
	"SYNPROXY",
	"CLUSTERIP",
]);

/** Every flag of a family. */
export const ALL_HOOKS: Readonly<Record<Family, number>> = {
	ipv4: L.NS_IPTABLES | L.NS_NAT | L.NS_CONNTRACK,
	ipv6: L.NS_IPTABLES6 | L.NS_NAT6 | L.NS_CONNTRACK6,
};

/** NS_IPTABLES, NS_NAT, NS_CONNTRACK as tables need them that are loaded, or those of IPv6. */
export function netnsFlags(family: Family, tables: readonly { name: TableName; tracks: boolean }[]): number {
	const six = family === "ipv6";
	return (
		(tables.length > 0 ? (six ? L.NS_IPTABLES6 : L.NS_IPTABLES) : 0) |
		(tables.some(({ name }) => name === "nat") ? (six ? L.NS_NAT6 : L.NS_NAT) : 0) |
		(tables.some((table) => table.tracks) ? (six ? L.NS_CONNTRACK6 : L.NS_CONNTRACK) : 0)
	);
}

/** Does the rule ask for connection tracking? */
export function tracks({ matches, target }: Rule): boolean {
	if (matches.some(({ name }) => TRACKING_MATCHES.has(name))) return true;
	if (target === null || target.kind !== "extension") return false;
	if (target.name === "CT") return !target.options.some(({ name }) => name === "notrack");
	return TRACKING_TARGETS.has(target.name);
}
