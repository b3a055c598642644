// Scene of the rule walk: a node whose FORWARD chain is a long list of addresses to drop, none of which is the packet's.
// Every rule is read to its first condition that fails, the destination address; the policy accepts.
// With a /31 each instead of an address no hash can tell the rules apart.

import type { Topology } from "../../js/net/topology.ts";
import { dotted } from "../inputs.ts";

/** 198.18.0.0 onwards (RFC 2544). */
export const FIRST_BLOCKED = 0xc6120000;

export function blocklist(count: number, length: 31 | 32): Topology {
	const rules = Array.from(
		{ length: count },
		(_, i) => `-A FORWARD -d ${dotted(FIRST_BLOCKED + i * 2)}/${length} -p tcp -m tcp --dport 443 -j DROP`,
	);
	const iptables = [
		"*filter",
		":INPUT ACCEPT [0:0]",
		":FORWARD ACCEPT [0:0]",
		":OUTPUT ACCEPT [0:0]",
		...rules,
		"COMMIT",
		"",
	];
	return {
		fabric: { kind: "routed" },
		nodes: [{ name: "a", ip: "192.0.2.11", podCIDR: "10.244.1.0/24", iptables: iptables.join("\n") }],
		pods: [],
		hosts: [],
		router: { ip: "192.0.2.1" },
	};
}
