// How far podwire and Linux agree, as people read it: a table by who asked whom, and every difference below it.

import type { Probe } from "../net/probe.ts";
import type { Topology } from "../net/topology.ts";
import { printDifference } from "./difference.ts";
import type { ServiceAddresses } from "./questions.ts";
import type { VerifiedProbe } from "./verify.ts";

export interface AgreementRow {
	/** `pod`, `node`, `host`. */
	from: string;
	/** `pod`, `cluster IP`, `node port`, `external IP`, `machine outside`. */
	to: string;
	probes: number;
	/** Attempts of these probes, all together. */
	attempts: number;
	agree: number;
	differ: number;
}

/** One row for each kind of asker and asked, in the order of the questions. */
export function agreementRows(
	verified: readonly VerifiedProbe[],
	topology: Topology,
	services: readonly ServiceAddresses[],
): AgreementRow[] {
	const rows = new Map<string, AgreementRow>();
	for (const { probe, differences } of verified) {
		const from = probe.from.slice(0, probe.from.indexOf(":"));
		const to = kindOf(probe, topology, services);
		const key = `${from} ${to}`;
		const row = rows.get(key) ?? { from, to, probes: 0, attempts: 0, agree: 0, differ: 0 };
		row.probes++;
		row.attempts += probe.count ?? 1;
		if (differences.length === 0) row.agree++;
		else row.differ++;
		rows.set(key, row);
	}
	return [...rows.values()];
}

function kindOf({ dst }: Probe, { pods, nodes }: Topology, services: readonly ServiceAddresses[]): string {
	if (pods.some(({ ip }) => ip === dst)) return "pod";
	if (services.some(({ clusterIP }) => clusterIP === dst)) return "cluster IP";
	if (services.some(({ externalIPs }) => externalIPs.includes(dst))) return "external IP";
	return nodes.some(({ ip }) => ip === dst) ? "node port" : "machine outside";
}

/** kubectl's columns: three blanks between them, numbers as they are. */
export function agreementTable(rows: readonly AgreementRow[]): string {
	const cells = [
		["FROM", "TO", "PROBES", "ATTEMPTS", "AGREE", "DIFFER"],
		...rows.map(({ from, to, probes, attempts, agree, differ }) =>
			[from, to, probes, attempts, agree, differ].map(String),
		),
	];
	const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
	return cells
		.map(
			(row) =>
				`${row
					.map((text, i) => text.padEnd(widths[i] ?? 0))
					.join("   ")
					.trimEnd()}\n`,
		)
		.join("");
}

/** Each difference on its line: who asked what, where the two part, what Linux did (expected) and what podwire says. */
export function differenceLines({ probe, differences }: VerifiedProbe): string[] {
	const { from, proto, dst, port } = probe;
	const question = `${from} ${proto} ${dst}${port ? `:${port}` : ""}`;
	return differences.map((difference) => `${question}: ${printDifference(difference)}`);
}
