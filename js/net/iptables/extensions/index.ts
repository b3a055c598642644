// The list of option tables, looked up by kind, name and family; and the names of extensions that exist elsewhere
// (xtables-addons, vendors), which are carried.

import type { Family } from "../../ruleset.ts";
import type { ExtensionTable } from "../extension.ts";
import { conntrackMatches } from "./conntrack.ts";
import { hashlimitMatches } from "./hashlimit.ts";
import { headerMatches } from "./headers.ts";
import { icmpMatches } from "./icmp.ts";
import { ipv6Matches } from "./ipv6.ts";
import { mangleTargets } from "./mangle.ts";
import { markTargets } from "./marks.ts";
import { natTargets } from "./nat.ts";
import { packetMatches } from "./packet.ts";
import { payloadMatches } from "./payload.ts";
import { portMatches } from "./ports.ts";
import { rateestMatches, rateestTargets } from "./rateest.ts";
import { rateMatches } from "./rates.ts";
import { recentMatches } from "./recent.ts";
import { reportTargets } from "./reports.ts";
import { routingMatches } from "./routing.ts";
import { timeMatches } from "./time.ts";
import { verdictTargets } from "./verdicts.ts";

export const EXTENSIONS: readonly ExtensionTable[] = [
	...portMatches,
	...icmpMatches,
	...conntrackMatches,
	...packetMatches,
	...recentMatches,
	...rateMatches,
	...hashlimitMatches,
	...headerMatches,
	...ipv6Matches,
	...routingMatches,
	...payloadMatches,
	...timeMatches,
	...rateestMatches,
	...natTargets,
	...markTargets,
	...mangleTargets,
	...reportTargets,
	...rateestTargets,
	...verdictTargets,
];

export function findExtension(kind: "match" | "target", name: string, family: Family): ExtensionTable | null {
	return BY_NAME[kind][family].get(name) ?? null;
}

function byName(kind: ExtensionTable["kind"], family: Family): ReadonlyMap<string, ExtensionTable> {
	const tables = EXTENSIONS.filter((table) => table.kind === kind && (table.families ?? [family]).includes(family));
	return new Map(
		tables.flatMap((table) => [table.name, ...(table.aliases ?? [])].map((name) => [name, table] as const)),
	);
}

const BY_NAME = {
	match: { ipv4: byName("match", "ipv4"), ipv6: byName("match", "ipv6") },
	target: { ipv4: byName("target", "ipv4"), ipv6: byName("target", "ipv6") },
} as const;

export function extensionNames(kind: "match" | "target", family: Family): string[] {
	return EXTENSIONS.filter((e) => e.kind === kind && (e.families === undefined || e.families.includes(family))).map(
		(e) => e.name,
	);
}

/** Match loaded by `-p` when one of its options is used without `-m`. */
export function protocolMatch(protocol: number, family: Family): ExtensionTable | null {
	const name = PROTOCOL_MATCHES[protocol];
	return name === undefined ? null : findExtension("match", name, family);
}

const PROTOCOL_MATCHES: Readonly<Record<number, string>> = {
	1: "icmp",
	6: "tcp",
	17: "udp",
	33: "dccp",
	50: "esp",
	51: "ah",
	58: "icmp6",
	108: "ipcomp",
	132: "sctp",
	135: "mh",
};

/** Matches of xtables-addons and of common vendors' kernels. */
export const FOREIGN_MATCHES: ReadonlySet<string> = new Set([
	"condition",
	"fuzzy",
	"geoip",
	"gradm",
	"iface",
	"ipp2p",
	"ipv4options",
	"layer7",
	"length2",
	"lscan",
	"ndpi",
	"pknock",
	"psd",
	"qtaguid",
	"quota2",
	"asn",
	"dnetmap",
	"lua",
	"tls",
]);

/** Targets of xtables-addons and of common vendors' kernels. */
export const FOREIGN_TARGETS: ReadonlySet<string> = new Set([
	"ACCOUNT",
	"CHAOS",
	"CLUSTERIP",
	"DELUDE",
	"DHCPMAC",
	"DNETMAP",
	"ECHO",
	"FLOWOFFLOAD",
	"FULLCONENAT",
	"IMQ",
	"IPMARK",
	"LOGMARK",
	"NDPI",
	"PROTO",
	"SYSRQ",
	"TARPIT",
	"ULOG",
	"NATFLOW",
]);
