// What is set up once on a node before rules are synced: the jumps out of the built-in chains, which kube-proxy inserts
// one by one at the front (so a chain reads in reverse of this list), the canary chains whose disappearance tells that
// somebody flushed the tables, and the chains that the kubelet makes before kube-proxy starts.
// Upstream: pkg/proxy/iptables/proxier.go, pkg/kubelet/kubelet_network_linux.go.

import type { Family } from "../net/ruleset.ts";
import {
	KUBE_EXTERNAL_SERVICES,
	KUBE_FIREWALL,
	KUBE_FORWARD,
	KUBE_IPTABLES_HINT,
	KUBE_KUBELET_CANARY,
	KUBE_NODEPORTS,
	KUBE_POSTROUTING,
	KUBE_PROXY_CANARY,
	KUBE_PROXY_FIREWALL,
	KUBE_SERVICES,
} from "./names.ts";
import { comment } from "./rules.ts";
import { MARTIAN_GUARD } from "./rules-fixed.ts";

/** A rule that is inserted at the front of a chain unless the chain has it. */
export interface Jump {
	table: "filter" | "nat";
	/** The built-in chain. */
	from: "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";
	/** The user chain, made where it is missing. */
	to: string;
	/** The rule's words after `-I CHAIN`. */
	words: string[];
}

const NEW = ["-m", "conntrack", "--ctstate", "NEW"];

function jump(table: Jump["table"], to: string, from: Jump["from"], text: string | null, matches: string[] = []): Jump {
	return { table, from, to, words: [...matches, ...(text === null ? [] : comment(text)), "-j", to] };
}

const EXTERNAL = "kubernetes externally-visible service portals";
const PORTALS = "kubernetes service portals";
const FIREWALL = "kubernetes load balancer firewall";

/** In the order in which kube-proxy makes sure of them, the same for both families. */
export const PROXY_JUMPS: readonly Jump[] = [
	jump("filter", KUBE_EXTERNAL_SERVICES, "INPUT", EXTERNAL, NEW),
	jump("filter", KUBE_EXTERNAL_SERVICES, "FORWARD", EXTERNAL, NEW),
	jump("filter", KUBE_NODEPORTS, "INPUT", "kubernetes health check service ports"),
	jump("filter", KUBE_SERVICES, "FORWARD", PORTALS, NEW),
	jump("filter", KUBE_SERVICES, "OUTPUT", PORTALS, NEW),
	jump("filter", KUBE_FORWARD, "FORWARD", "kubernetes forwarding rules"),
	jump("filter", KUBE_PROXY_FIREWALL, "INPUT", FIREWALL, NEW),
	jump("filter", KUBE_PROXY_FIREWALL, "OUTPUT", FIREWALL, NEW),
	jump("filter", KUBE_PROXY_FIREWALL, "FORWARD", FIREWALL, NEW),
	jump("nat", KUBE_SERVICES, "OUTPUT", PORTALS),
	jump("nat", KUBE_SERVICES, "PREROUTING", PORTALS),
	jump("nat", KUBE_POSTROUTING, "POSTROUTING", "kubernetes postrouting rules"),
	jump("filter", KUBE_FIREWALL, "INPUT", null),
	jump("filter", KUBE_FIREWALL, "OUTPUT", null),
];

/** The kubelet's own, IPv4 only: with these in place kube-proxy inserts no second jump to KUBE-FIREWALL. */
export const KUBELET_JUMPS: readonly Jump[] = [
	jump("filter", KUBE_FIREWALL, "OUTPUT", null),
	jump("filter", KUBE_FIREWALL, "INPUT", null),
];

/** Restore text that declares one chain in each table and holds some more lines. */
function restoreText(canary: string, mangle: string[], filter: string[], nat: string[]): string {
	const table = (name: string, lines: string[]): string[] => [`*${name}`, `:${canary} - [0:0]`, ...lines, "COMMIT"];
	return [...table("mangle", mangle), ...table("nat", nat), ...table("filter", filter), ""].join("\n");
}

function insertLines(jumps: readonly Jump[], table: Jump["table"]): string[] {
	const own = jumps.filter((entry) => entry.table === table);
	const chains = [...new Set(own.map((entry) => entry.to))].map((name) => `:${name} - [0:0]`);
	return [...chains, ...own.map((entry) => `-I ${[entry.from, ...entry.words].join(" ")}`)];
}

/** What the kubelet sets up, as text for `iptables-restore --noflush`. */
export function kubeletRestore(family: Family): string {
	const hint = [`:${KUBE_IPTABLES_HINT} - [0:0]`];
	if (family === "ipv6") return restoreText(KUBE_KUBELET_CANARY, hint, [], []);
	const filter = [...insertLines(KUBELET_JUMPS, "filter"), `-A ${KUBE_FIREWALL} ${MARTIAN_GUARD.join(" ")}`];
	return restoreText(KUBE_KUBELET_CANARY, hint, filter, []);
}

/** What kube-proxy sets up before its first sync on a node where the kubelet ran, for `iptables-restore --noflush`. */
export function proxyRestore(family: Family): string {
	const missing = PROXY_JUMPS.filter((entry) => family === "ipv6" || entry.to !== KUBE_FIREWALL);
	return restoreText(KUBE_PROXY_CANARY, [], insertLines(missing, "filter"), insertLines(missing, "nat"));
}
