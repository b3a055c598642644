// `podwire iptables`: a node's rules as `iptables-save` prints them, or as kube-proxy wrote them.

import { Command } from "commander";
import type { Context, Run } from "./command.ts";
import { type FlowFlags, flowFlags, flowOptions, stateOptions } from "./flowoptions.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, examples } from "./options.ts";
import { isPartial, replayFiles } from "./replayfiles.ts";
import { openCluster } from "./source.ts";
import { type Status, UNUSABLE, UsageError, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface IptablesOptions {
	cluster: ClusterFlags;
	replay: FlowFlags;
	node: string;
	/** `-c`: with packet and byte counters. */
	counters: boolean;
	asWritten: boolean;
	ipv6: boolean;
}

type Raw = { namespace: string; node: string; counters: boolean; asWritten: boolean; ipv6: boolean };

export function iptablesCommand(context: Context, run: Run<IptablesOptions> = iptables): Command {
	const command = new Command("iptables")
		.description("print a node's rules as iptables-save does")
		.option("-c, --counters", "with packets and bytes of every rule", false)
		.option("--as-written", "as kube-proxy writes them, not as iptables-save prints them after", false)
		.option("-6, --ipv6", "those of ip6tables", false);
	flowOptions(stateOptions(command), false);
	clusterOptions(command);
	examples(command, [
		"podwire iptables -f shop.yaml --node node-1",
		"podwire iptables -f shop.yaml --node node-1 --as-written | sudo iptables-restore --test",
		"podwire iptables -f dump.yaml --node node-2 -c --flows capture.pcapng",
	]);
	return command.action((raw: Raw) =>
		context.perform(() =>
			run(
				{
					cluster: clusterFlags(raw),
					replay: flowFlags(raw),
					node: raw.node,
					counters: raw.counters,
					asWritten: raw.asWritten,
					ipv6: raw.ipv6,
				},
				context.terminal,
			),
		),
	);
}

async function iptables(options: IptablesOptions, terminal: Terminal): Promise<Status> {
	const { cluster: flags, replay, node, counters, asWritten, ipv6 } = options;
	if (ipv6) throw new UsageError("--ipv6: IPv6 rules are not there yet");
	const cluster = await openCluster(flags, terminal);
	let partial = false;
	if (replay.flows.length > 0) {
		const report = await replayFiles(cluster, replay, flags.nodeState, terminal);
		partial = isPartial(report, flags.lenient, terminal);
	} else if (counters) terminal.say("counters are zero: no traffic was replayed (--flows FILE)");
	await terminal.print(cluster.iptables(node, { counters, asWritten }));
	return partial ? UNUSABLE : YES;
}
