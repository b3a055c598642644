// `podwire iptables`: a node's rules as `iptables-save` prints them, or as kube-proxy wrote them.

import { Command } from "commander";
import type { Context, Run } from "./command.ts";
import { type FlowFlags, flowFlags, flowOptions, stateOptions } from "./flowoptions.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, examples } from "./options.ts";

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

export function iptablesCommand(context: Context, run: Run<IptablesOptions>): Command {
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
