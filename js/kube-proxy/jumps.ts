// What is set up once on a node before rules are synced: the jumps out of the built-in chains, which kube-proxy inserts
// one by one at the front (so a chain reads in reverse of this list), the canary chains whose disappearance tells that
// somebody flushed the tables, and the chains that the kubelet makes before kube-proxy starts.
// Upstream: pkg/proxy/iptables/proxier.go, pkg/kubelet/kubelet_network_linux.go.

import { parseRule, printRule } from "../net/iptables/index.ts";
import type { Chain, Ruleset, TableName } from "../net/ruleset.ts";
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
	/** The chain that it stands in, a built-in one. */
	from: string;
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

type TableLines = Record<"mangle" | "nat" | "filter", string[]>;

function restoreText(tables: TableLines): string {
	const filled = Object.entries(tables).filter(([, lines]) => lines.length > 0);
	return filled.map(([name, lines]) => [`*${name}`, ...lines, "COMMIT", ""].join("\n")).join("");
}

function chainsIn(ruleset: Ruleset, table: TableName): ReadonlyMap<string, Chain> {
	const chains = ruleset.tables.find(({ name }) => name === table)?.chains ?? [];
	return new Map(chains.map((chain) => [chain.name, chain]));
}

/** Declaring a chain would empty it, so only missing ones are. */
function declareMissing(ruleset: Ruleset, table: TableName, names: readonly string[]): string[] {
	const present = chainsIn(ruleset, table);
	return [...new Set(names)].filter((name) => !present.has(name)).map((name) => `:${name} - [0:0]`);
}

/** Whether the chain has the rule, in whatever words. */
export function hasRule(ruleset: Ruleset, { table, from, words }: Pick<Jump, "table" | "from" | "words">): boolean {
	const chains = ruleset.tables.find(({ name }) => name === table)?.chains ?? [];
	const rules = chains.find(({ name }) => name === from)?.rules ?? [];
	if (rules.length === 0) return false;
	const wanted = printRule(parseRule(words.join(" "), table, ruleset.family));
	return rules.some((rule) => printRule(rule) === wanted);
}

function insertMissing(ruleset: Ruleset, jumps: readonly Jump[], table: Jump["table"]): string[] {
	const missing = jumps.filter((entry) => entry.table === table && !hasRule(ruleset, entry));
	return missing.map((entry) => `-I ${[entry.from, ...entry.words].join(" ")}`);
}

function targetsIn(jumps: readonly Jump[], table: Jump["table"]): string[] {
	return jumps.filter((entry) => entry.table === table).map((entry) => entry.to);
}

/**
 * What the kubelet adds to a node's rules when it starts, as text for `iptables-restore --noflush`; "" where nothing
 * is missing.
 * @param martianGuard drop packets from outside to 127.0.0.0/8 (IPv4)
 */
export function kubeletRestore(ruleset: Ruleset, martianGuard = true): string {
	const withGuard = martianGuard && ruleset.family === "ipv4";
	const jumps = withGuard ? KUBELET_JUMPS : [];
	const guard: Jump = { table: "filter", from: KUBE_FIREWALL, to: "DROP", words: [...MARTIAN_GUARD] };
	const appended = withGuard && !hasRule(ruleset, guard) ? [`-A ${[KUBE_FIREWALL, ...MARTIAN_GUARD].join(" ")}`] : [];
	return restoreText({
		mangle: declareMissing(ruleset, "mangle", [KUBE_IPTABLES_HINT, KUBE_KUBELET_CANARY]),
		nat: declareMissing(ruleset, "nat", [KUBE_KUBELET_CANARY]),
		filter: [
			...declareMissing(ruleset, "filter", [KUBE_KUBELET_CANARY, ...targetsIn(jumps, "filter")]),
			...insertMissing(ruleset, jumps, "filter"),
			...appended,
		],
	});
}

/**
 * What kube-proxy adds to a node's rules before a full sync, as text for `iptables-restore --noflush`; "" where nothing
 * is missing.
 * @param martianGuard jump to KUBE-FIREWALL
 */
export function proxyRestore(ruleset: Ruleset, martianGuard = true): string {
	const jumps = PROXY_JUMPS.filter(({ to }) => martianGuard || to !== KUBE_FIREWALL);
	const ensured = (table: Jump["table"]): string[] => [
		...declareMissing(ruleset, table, [KUBE_PROXY_CANARY, ...targetsIn(PROXY_JUMPS, table)]),
		...insertMissing(ruleset, jumps, table),
	];
	return restoreText({
		mangle: declareMissing(ruleset, "mangle", [KUBE_PROXY_CANARY]),
		nat: ensured("nat"),
		filter: ensured("filter"),
	});
}
