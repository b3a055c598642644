// `podwire replay`: captures and flow records offered again to this cluster, and a report of what became of them.

import { Command } from "commander";
import type { Context, Run } from "./command.ts";
import { type FlowFlags, flowFlags, flowOptions } from "./flowoptions.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, examples, outputOption } from "./options.ts";

export interface ReplayOptions {
	cluster: ClusterFlags;
	replay: FlowFlags;
	/** Where to write a JSON object for each flow; `-` is stdout. */
	perFlow: string | null;
	output: "text" | "json" | "yaml";
}

type Raw = { namespace: string; perFlow?: string; output: ReplayOptions["output"] };

export function replayCommand(context: Context, run: Run<ReplayOptions>): Command {
	const command = new Command("replay").description(
		"offer recorded traffic to the cluster: verdicts, load per pod and node, double hops, SNAT ports, conntrack",
	);
	flowOptions(command, true).option("--per-flow <file>", "write one JSON object a flow, in time order");
	outputOption(command, "text", "json", "yaml");
	clusterOptions(command);
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
