// `podwire replay`: captures and flow records offered again to this cluster, and a report of what became of them.

import { closeSync, openSync, writeSync } from "node:fs";
import { Command } from "commander";
import { stringify } from "yaml";
import type { FlowReport } from "../replay/flow.ts";
import type { ReplayReport } from "../replay/report.ts";
import { reportText } from "../replay/text.ts";
import type { Context, Run } from "./command.ts";
import { type FlowFlags, flowFlags, flowOptions } from "./flowoptions.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, engineOptions, examples, outputOption } from "./options.ts";
import { isPartial, replayFiles } from "./replayfiles.ts";
import { openCluster } from "./source.ts";
import { NO, type Status, UNUSABLE, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface ReplayOptions {
	cluster: ClusterFlags;
	replay: FlowFlags;
	/** Where to write a JSON object for each flow; `-` is stdout. */
	perFlow: string | null;
	output: "text" | "json" | "yaml";
}

type Raw = { namespace: string; perFlow?: string; output: ReplayOptions["output"] };

export function replayCommand(context: Context, run: Run<ReplayOptions> = replay): Command {
	const command = new Command("replay").description(
		"offer recorded traffic to the cluster: verdicts, load per pod and node, double hops, SNAT ports, conntrack",
	);
	flowOptions(command, true).option("--per-flow <file>", "write one JSON object a flow, in time order");
	outputOption(command, "text", "json", "yaml");
	engineOptions(clusterOptions(command));
	examples(command, [
		"podwire replay -f dump.yaml --flows capture.pcapng",
		"podwire replay -f shop.yaml --flows monday.csv tuesday.csv --per-flow flows.ndjson -o json",
		"podwire replay -f dump.yaml --node-state nodes/ --events events.csv --flows capture.pcapng --seed 7",
	]);
	return command.action((raw: Raw) =>
		context.perform(() =>
			run(
				{ cluster: clusterFlags(raw), replay: flowFlags(raw), perFlow: raw.perFlow ?? null, output: raw.output },
				context.terminal,
			),
		),
	);
}

async function replay(options: ReplayOptions, terminal: Terminal): Promise<Status> {
	const { cluster: flags, replay: flows, perFlow, output } = options;
	const cluster = await openCluster(flags, terminal);
	const lines = perFlow === null ? null : new FlowLines(perFlow);
	let report: ReplayReport;
	try {
		report = await replayFiles(
			cluster,
			flows,
			flags.nodeState,
			terminal,
			lines === null ? undefined : (flow) => lines.add(flow),
		);
	} finally {
		lines?.close();
	}
	// A report that is asked for as text beside flows on stdout would be in their way.
	if (perFlow === "-") terminal.say(shown(report, output));
	else await terminal.print(shown(report, output));
	const partial = isPartial(report, flags.lenient, terminal);
	const status = statusOf(report, cluster.notEvaluated, flags.lenient, terminal);
	return partial ? UNUSABLE : status;
}

function shown(report: ReplayReport, output: ReplayOptions["output"]): string {
	if (output === "json") return `${JSON.stringify(report, null, 2)}\n`;
	return output === "yaml" ? stringify(report, { lineWidth: 0 }) : reportText(report);
}

/** 0: done, whatever the verdicts are. 1: nobody offered anything. 2: some flow met a rule that is not evaluated, or an object that could change verdicts. */
function statusOf(report: ReplayReport, notEvaluated: readonly string[], lenient: boolean, terminal: Terminal): Status {
	if (report.flows === 0) {
		terminal.say("nothing was replayed: no packet of these files comes from anyone here");
		return NO;
	}
	if (notEvaluated.length > 0 && !lenient) {
		for (const text of notEvaluated) terminal.say(`not-evaluated: ${text}`);
		terminal.say("the report does not take these into account (--lenient accepts it)");
		return UNUSABLE;
	}
	return report.verdicts.unknown > 0 ? UNUSABLE : YES;
}

const CHUNK = 1 << 16;

/** Lines of JSON into a file, a chunk at a time. */
class FlowLines {
	readonly #fd: number;
	#text = "";

	constructor(path: string) {
		this.#fd = path === "-" ? 1 : openSync(path, "w");
	}

	add(flow: FlowReport): void {
		this.#text += `${JSON.stringify(flow)}\n`;
		if (this.#text.length >= CHUNK) this.#flush();
	}

	close(): void {
		this.#flush();
		if (this.#fd !== 1) closeSync(this.#fd);
	}

	#flush(): void {
		const bytes = Buffer.from(this.#text);
		for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
		this.#text = "";
	}
}
