// A replay's report for reading: kubectl-like columns, most important first, long lists cut to what decides.

import { type EndpointLoad, type ReplayReport, VERDICT_WORDS } from "./report.ts";

const GAP = "   ";
const RULES_SHOWN = 10;
/** Targets that decide or rewrite; jumps through chains are in the way of a reader. */
const DECISIVE = new Set(["ACCEPT", "DROP", "REJECT", "DNAT", "SNAT", "MASQUERADE", "REDIRECT"]);
const SNAT_SHOWN = 10;
/** Longest rule text that is shown whole. */
const RULE_WIDTH = 140;

/** Rows as columns: three spaces apart, numbers to the right where `right` says so. No trailing spaces. */
export function columns(
	header: readonly string[],
	rows: readonly (readonly (string | number)[])[],
	right: readonly number[] = [],
): string {
	const texts = [header, ...rows.map((row) => row.map(String))];
	const widths = header.map((_, i) => Math.max(...texts.map((row) => (row[i] ?? "").length)));
	return texts
		.map((row) =>
			row
				.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
				.join(GAP)
				.trimEnd(),
		)
		.join("\n");
}

export function reportText(report: ReplayReport): string {
	const sections = [
		summary(report),
		verdicts(report),
		report.perEndpoint.length > 0 ? endpoints(report.perEndpoint) : null,
		nodes(report),
		report.snatPorts.length > 0 ? snat(report) : null,
		conntrack(report),
		report.rules.length > 0 ? rules(report) : null,
		recording(report),
		report.assumed.length > 0 ? ["assumed:", ...report.assumed.map((text) => `  ${text}`)].join("\n") : null,
	];
	return `${sections.filter((section) => section !== null).join("\n\n")}\n`;
}

function summary({ flows, packets, span, seconds, packetsPerSecond, tcpWindows, seed }: ReplayReport): string {
	const speed = seconds > 0 ? ` in ${seconds.toFixed(2)} s (${grouped(packetsPerSecond)} packets/s)` : "";
	return `${plural(flows, "flow")}, ${plural(packets, "packet")} over ${span.toFixed(1)} s, replayed${speed}, TCP windows ${tcpWindows ? "on" : "off"}, seed ${seed}`;
}

function verdicts({ verdicts, reasons, broken, flows }: ReplayReport): string {
	const seen = VERDICT_WORDS.filter((word) => verdicts[word] > 0);
	const table = columns(
		["VERDICT", "FLOWS", "SHARE"],
		seen.map((word) => [word, grouped(verdicts[word]), percent(verdicts[word] / flows)]),
		[1, 2],
	);
	const causes = (title: string, by: Record<string, number>) => {
		const why = Object.entries(by).map(([word, count]) => [word, grouped(count)]);
		return why.length === 0 ? [] : [columns([title, "FLOWS"], why, [1])];
	};
	return [table, ...causes("REASON", reasons), ...causes("BROKEN BY", broken.reasons)].join("\n\n");
}

function endpoints(loads: readonly EndpointLoad[]): string {
	let service = "";
	const rows = loads.map((load) => {
		const first = load.service === service ? "" : load.service;
		service = load.service;
		return [
			first,
			load.endpoint,
			`${load.address}:${load.port}`,
			load.node ?? "-",
			load.zone ?? "-",
			grouped(load.flows),
			percent(load.share),
		];
	});
	return columns(["SERVICE", "ENDPOINT", "ADDRESS", "NODE", "ZONE", "FLOWS", "SHARE"], rows, [5, 6]);
}

function nodes({ perNode, perZone, doubleHops }: ReplayReport): string {
	const table = columns(
		["NODE", "ZONE", "DELIVERED", "ENTERED", "DOUBLE-HOPS"],
		perNode.map(({ name, zone, flows, entered, doubleHops: twice }) => [
			name,
			zone ?? "-",
			grouped(flows),
			grouped(entered),
			grouped(twice),
		]),
		[2, 3, 4],
	);
	const entered = perNode.reduce((sum, node) => sum + node.entered, 0);
	const share = entered === 0 ? "" : ` (${percent(doubleHops / entered)} of those that entered by a node)`;
	const zones = perZone.map(({ zone, flows, crossing }) => `${zone} ${percent(flows === 0 ? 0 : crossing / flows)}`);
	const across = zones.length > 1 ? `\nfrom another zone: ${zones.join(", ")}` : "";
	return `${table}\n\ndouble hops: ${grouped(doubleHops)}${share}${across}`;
}

function snat({ snatPorts }: ReplayReport): string {
	const shown = snatPorts.slice(0, SNAT_SHOWN);
	const rows = shown.map((one) => [
		one.node,
		one.source,
		one.proto,
		one.destination,
		grouped(one.flows),
		grouped(one.ports),
	]);
	const table = columns(["SNAT NODE", "SOURCE", "PROTO", "DESTINATION", "FLOWS", "PORTS"], rows, [4, 5]);
	return table + more(snatPorts.length - shown.length, "destination");
}

function conntrack({ perNode, conntrack: others }: ReplayReport): string {
	const all = [
		...perNode.map(({ name, conntrack: counts }) => ({ name, counts })),
		...Object.entries(others).map(([name, counts]) => ({ name, counts })),
	];
	return columns(
		["CONNTRACK", "PEAK", "END", "MAX", "EARLY-DROPS", "INSERT-FAILED", "DROPPED"],
		all.map(({ name, counts }) => [
			name,
			grouped(counts.peak),
			grouped(counts.entries),
			counts.max === 0 ? "-" : grouped(counts.max),
			grouped(counts.earlyDrops),
			grouped(counts.insertFailed),
			grouped(counts.dropped),
		]),
		[1, 2, 3, 4, 5, 6],
	);
}

function rules({ rules: hits }: ReplayReport): string {
	const decisive = hits.filter(({ target }) => target !== null && DECISIVE.has(target));
	const shown = decisive.slice(0, RULES_SHOWN);
	const rows = shown.map(({ node, table, rule, packets }) => [grouped(packets), node, table, cut(rule)]);
	return columns(["PACKETS", "NODE", "TABLE", "RULE"], rows, [0]) + more(decisive.length - shown.length, "rule");
}

function recording({ recording: counts }: ReplayReport): string {
	const named: [string, number][] = [
		["offered", counts.offered],
		["recorded replies", counts.replies],
		["duplicates", counts.duplicates],
		["ICMP errors", counts.icmpErrors],
		["orphans", counts.orphans],
		["later fragments", counts.laterFragments],
		["cut", counts.cut],
		["link-local", counts.linkLocal],
		["IPv6 where there is none", counts.ipv6],
		["sources that cannot send", counts.unowned],
		["replies that nobody gives here", counts.unanswerable],
		...Object.entries(counts.skipped),
	];
	const said = named.filter(([, count]) => count > 0).map(([name, count]) => `${grouped(count)} ${name}`);
	const ends = counts.truncated.map((where) => `\ntruncated: ${where}`);
	return `recording: ${grouped(counts.records)} records: ${said.join(", ")}${ends.join("")}`;
}

function more(count: number, what: string): string {
	return count > 0 ? `\n… and ${plural(count, `more ${what}`)}` : "";
}

function cut(rule: string): string {
	return rule.length > RULE_WIDTH ? `${rule.slice(0, RULE_WIDTH - 1)}…` : rule;
}

function plural(count: number, what: string): string {
	return `${grouped(count)} ${what}${count === 1 ? "" : "s"}`;
}

function percent(share: number): string {
	return `${(share * 100).toFixed(1)}%`;
}

/** 51319 → `51,319`. */
function grouped(count: number): string {
	return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
