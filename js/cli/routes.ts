// `podwire routes`: a node's routing tables as `ip route` prints them.

import { Command } from "commander";
import type { Context, Run } from "./command.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, examples } from "./options.ts";
import { openCluster } from "./source.ts";
import { type Status, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface RoutesOptions {
	cluster: ClusterFlags;
	/** A node's name, or `router`. */
	node: string;
}

type Raw = { namespace: string; node: string };

export function routesCommand(context: Context, run: Run<RoutesOptions> = routes): Command {
	const command = new Command("routes")
		.description("print a node's routes as ip route does")
		.requiredOption("--node <name>", "whose routes; router is the fabric's");
	clusterOptions(command);
	examples(command, [
		"podwire routes -f shop.yaml --node node-1",
		"podwire routes -f shop.yaml --fabric l2 --node node-2",
		"podwire routes -f dump.yaml --node-state nodes/ --node router",
	]);
	return command.action((raw: Raw) =>
		context.perform(() => run({ cluster: clusterFlags(raw), node: raw.node }, context.terminal)),
	);
}

async function routes({ cluster: flags, node }: RoutesOptions, terminal: Terminal): Promise<Status> {
	const cluster = await openCluster(flags, terminal);
	await terminal.print(cluster.routes(node));
	return YES;
}
