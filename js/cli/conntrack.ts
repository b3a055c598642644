// `podwire conntrack`: a node's connection table as `conntrack -L` prints it, after a replay.

import { Command } from "commander";
import type { Context, Run } from "./command.ts";
import { type FlowFlags, flowFlags, flowOptions, stateOptions } from "./flowoptions.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, engineOptions, examples } from "./options.ts";
import { isPartial, replayFiles } from "./replayfiles.ts";
import { openCluster } from "./source.ts";
import { type Status, UNUSABLE, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface ConntrackOptions {
	cluster: ClusterFlags;
	replay: FlowFlags;
	node: string;
}

type Raw = { namespace: string; node: string };

export function conntrackCommand(context: Context, run: Run<ConntrackOptions> = conntrack): Command {
	const command = new Command("conntrack").description("print a node's connections as conntrack -L does");
	flowOptions(stateOptions(command), false);
	engineOptions(clusterOptions(command));
	examples(command, [
		"podwire conntrack -f dump.yaml --node node-1 --flows capture.pcapng",
		"podwire conntrack -f dump.yaml --node node-1 --flows capture.pcapng --at 1795353860",
		"podwire conntrack -f shop.yaml --node node-2 --flows monday.csv --replies none",
	]);
	return command.action((raw: Raw) =>
		context.perform(() =>
			run({ cluster: clusterFlags(raw), replay: flowFlags(raw), node: raw.node }, context.terminal),
		),
	);
}

async function conntrack({ cluster: flags, replay, node }: ConntrackOptions, terminal: Terminal): Promise<Status> {
	const cluster = await openCluster(flags, terminal);
	let partial = false;
	if (replay.flows.length > 0) {
		const report = await replayFiles(cluster, replay, flags.nodeState, terminal);
		partial = isPartial(report, flags.lenient, terminal);
	} else terminal.say("the table is empty: no traffic was replayed (--flows FILE)");
	await terminal.print(cluster.conntrack(node));
	return partial ? UNUSABLE : YES;
}
