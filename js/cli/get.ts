// `podwire get KIND`: what the cluster is made of. KIND is `config` now: each value and where it comes from; API objects
// are an error until the API server's issue.

import { Argument, Command } from "commander";
import type { Context, Run } from "./command.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, examples, outputOption, word } from "./options.ts";

export interface GetOptions {
	cluster: ClusterFlags;
	kind: "config";
	output: "text" | "json" | "yaml";
}

type Raw = { namespace: string; output: GetOptions["output"] };

export function getCommand(context: Context, run: Run<GetOptions>): Command {
	const command = new Command("get")
		.description("show the cluster's configuration, each value with its source")
		.addArgument(new Argument("<kind>", "config").argParser(word("config")));
	outputOption(command, "text", "json", "yaml");
	clusterOptions(command);
	examples(command, [
		"podwire get config -f shop.yaml",
		"podwire get config -f dump.yaml -o json",
		"podwire get config -f shop.yaml --pod-cidr 10.200.0.0/16 --fabric l2",
	]);
	return command.action((kind: GetOptions["kind"], raw: Raw) =>
		context.perform(() => run({ cluster: clusterFlags(raw), kind, output: raw.output }, context.terminal)),
	);
}
